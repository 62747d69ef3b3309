//! Random transactions against a model that is a few maps: every store has the model's content, after every
//! step and, where it has a file, after it was opened again.

use std::collections::BTreeMap;

use kvs::{Error, From, Store};
use proptest::{prelude::*, test_runner::TestRunner};

use crate::common::{Note, note, urls};

#[derive(Clone, Debug)]
enum Op {
    Put(usize, u64),
    PutNew(usize, u64),
    Delete(usize),
    DeleteRange(usize),
    Append(usize, u64),
    Update(usize, u64, u64),
    Remove(usize, u64),
    Cut(usize, u64),
    Seq,
    Get(usize),
    Range(usize, usize, usize),
    Feed(usize, u8, u64, usize),
    Count,
}

#[derive(Clone, Debug)]
struct Step {
    ops: Vec<Op>,
    commit: bool,
    /// Another transaction writes this record before the commit.
    rival: Option<usize>,
    reopen: bool,
}

/// Ids and paths that are prefixes of each other, with what could confuse an encoding.
const NAMES: [&str; 7] = ["", "a", "a\0", "a\0\u{1}", "a/", "ab", "\u{fffd}\u{10ffff}"];

fn op() -> impl Strategy<Value = Op> {
    let name = 0..NAMES.len();
    prop_oneof![
        3 => (name.clone(), any::<u64>()).prop_map(|(id, number)| Op::Put(id, number)),
        1 => (name.clone(), any::<u64>()).prop_map(|(id, number)| Op::PutNew(id, number)),
        1 => name.clone().prop_map(Op::Delete),
        1 => name.clone().prop_map(Op::DeleteRange),
        4 => (name.clone(), any::<u64>()).prop_map(|(feed, number)| Op::Append(feed, number)),
        1 => (name.clone(), 0..12u64, any::<u64>()).prop_map(|(feed, at, number)| Op::Update(feed, at, number)),
        2 => (name.clone(), 0..12u64).prop_map(|(feed, at)| Op::Remove(feed, at)),
        1 => (name.clone(), prop_oneof![0..12u64, Just(u64::MAX)]).prop_map(|(feed, at)| Op::Cut(feed, at)),
        1 => Just(Op::Seq),
        2 => name.clone().prop_map(Op::Get),
        2 => (name.clone(), name.clone(), 0..9usize).prop_map(|(prefix, after, n)| Op::Range(prefix, after, n)),
        3 => (name, 0..4u8, 0..14u64, 0..9usize).prop_map(|(feed, from, at, n)| Op::Feed(feed, from, at, n)),
        1 => Just(Op::Count),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let rival = prop::option::weighted(0.2, 0..NAMES.len());
    let ops = prop::collection::vec(op(), 1..8);
    (ops, prop::bool::weighted(0.8), rival, prop::bool::weighted(0.1))
        .prop_map(|(ops, commit, rival, reopen)| Step { ops, commit, rival, reopen })
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Feed {
    entries: BTreeMap<u64, u64>,
    last: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    notes: BTreeMap<String, u64>,
    feeds: BTreeMap<usize, Feed>,
    seq: u64,
}

impl Model {
    fn range(&self, prefix: &str, after: &str, limit: usize) -> Vec<Note> {
        let within = self.notes.iter().filter(|(id, _)| id.starts_with(prefix) && id.as_str() > after);
        within.take(limit).map(|(id, number)| note(id, *number)).collect()
    }

    fn feed(&self, feed: usize, from: From, limit: usize) -> Vec<(u64, u64)> {
        let Some(feed) = self.feeds.get(&feed) else { return Vec::new() };
        let mut entries: Vec<_> = feed.entries.iter().map(|(at, entry)| (*at, *entry)).collect();
        match from {
            From::Start => {}
            From::After(at) => entries.retain(|(position, _)| *position > at),
            From::End => entries.reverse(),
            From::Before(at) => {
                entries.retain(|(position, _)| *position < at);
                entries.reverse();
            }
        }
        entries.truncate(limit);
        entries
    }
}

/// Runs one transaction on the store and the model, and compares all it reads.
async fn run(store: &Store, model: &mut Model, step: &Step) -> Result<(), TestCaseError> {
    let mut txn = store.txn();
    let mut now = model.clone();
    // What was committed before: only such entries can be updated, removed and cut.
    let base = model.clone();
    let (mut refused, mut read) = (false, Vec::new());
    let mut appended = false;
    // What this transaction wrote: whether it is there.
    let mut own: BTreeMap<String, bool> = BTreeMap::new();
    for op in &step.ops {
        match *op {
            Op::Put(id, number) => {
                txn.put(&note(NAMES[id], number)).unwrap();
                own.insert(NAMES[id].to_owned(), true);
                now.notes.insert(NAMES[id].to_owned(), number);
            }
            Op::PutNew(id, number) => {
                let put = txn.put_new(&note(NAMES[id], number));
                match own.get(NAMES[id]) {
                    Some(true) => {
                        let exists = matches!(put, Err(Error::Exists { .. }));
                        prop_assert!(exists, "it was put by this transaction");
                        continue;
                    }
                    // Deleted by this transaction, which is allowed whatever was there.
                    Some(false) => put.unwrap(),
                    None => {
                        put.unwrap();
                        refused |= base.notes.contains_key(NAMES[id]);
                    }
                }
                own.insert(NAMES[id].to_owned(), true);
                now.notes.insert(NAMES[id].to_owned(), number);
            }
            Op::Delete(id) => {
                txn.delete::<Note>(NAMES[id]);
                own.insert(NAMES[id].to_owned(), false);
                now.notes.remove(NAMES[id]);
            }
            Op::DeleteRange(prefix) => {
                let all: Vec<_> =
                    now.notes.keys().filter(|id| id.starts_with(NAMES[prefix])).cloned().collect();
                prop_assert_eq!(txn.delete_range::<Note>(NAMES[prefix]).await.unwrap(), all.len());
                own.extend(all.into_iter().map(|id| (id, false)));
                now.notes.retain(|id, _| !id.starts_with(NAMES[prefix]));
                read.push(usize::MAX);
            }
            Op::Append(feed, number) => {
                txn.append(NAMES[feed], &number).unwrap();
                let feed = now.feeds.entry(feed).or_default();
                feed.last += 1;
                feed.entries.insert(feed.last, number);
                appended = true;
            }
            Op::Update(feed, at, number) => {
                let there = base.feeds.get(&feed).is_some_and(|f| f.entries.contains_key(&at))
                    && now.feeds[&feed].entries.contains_key(&at);
                let updated = txn.update(NAMES[feed], at, &number).await;
                prop_assert_eq!(updated.is_ok(), there, "{:?}", op);
                if there {
                    now.feeds.get_mut(&feed).unwrap().entries.insert(at, number);
                }
            }
            Op::Remove(feed, at) => {
                let there = base.feeds.get(&feed).is_some_and(|f| f.entries.contains_key(&at))
                    && now.feeds[&feed].entries.contains_key(&at);
                prop_assert_eq!(txn.remove(NAMES[feed], at).await.is_ok(), there, "{:?}", op);
                if there {
                    now.feeds.get_mut(&feed).unwrap().entries.remove(&at);
                }
            }
            Op::Cut(feed, before) => {
                // A cut is before the appends; one that would reach into them is tried alone.
                if appended {
                    continue;
                }
                txn.cut(NAMES[feed], before).unwrap();
                if let Some(feed) = now.feeds.get_mut(&feed) {
                    feed.entries.retain(|at, _| *at >= before);
                }
            }
            Op::Seq => {
                now.seq += 1;
                prop_assert_eq!(txn.seq("seq").await.unwrap(), now.seq);
            }
            Op::Get(id) => {
                let expected = now.notes.get(NAMES[id]).map(|number| note(NAMES[id], *number));
                prop_assert_eq!(txn.get::<Note>(NAMES[id]).await.unwrap(), expected);
                // Its own write is not read from the store.
                if !own.contains_key(NAMES[id]) {
                    read.push(id);
                }
            }
            Op::Range(prefix, after, limit) => {
                let found = txn.range::<Note>(NAMES[prefix], Some(NAMES[after]), limit).await.unwrap();
                prop_assert_eq!(found, now.range(NAMES[prefix], NAMES[after], limit), "{:?}", op);
                read.push(usize::MAX);
            }
            Op::Feed(feed, from, at, limit) => {
                let from = [From::Start, From::After(at), From::End, From::Before(at)][usize::from(from)];
                let found: Vec<(u64, u64)> = txn.feed(NAMES[feed], from, limit).await.unwrap();
                prop_assert_eq!(found, now.feed(feed, from, limit), "{:?} {:?}", op, from);
            }
            Op::Count => {
                for (feed, path) in NAMES.iter().enumerate() {
                    let expected = now.feeds.get(&feed).map_or(0, |feed| feed.entries.len() as u64);
                    prop_assert_eq!(txn.count(path).await.unwrap(), expected);
                }
                prop_assert_eq!(txn.count_of::<Note>().await.unwrap(), now.notes.len() as u64);
            }
        }
    }
    if let Some(id) = step.rival {
        let mut rival = store.txn();
        rival.put(&note(NAMES[id], 42)).unwrap();
        rival.commit().await.unwrap();
        model.notes.insert(NAMES[id].to_owned(), 42);
        // Whether it conflicts depends on what was read: the model only knows when it surely does.
        let surely = step.commit && txn.wrote() && read.contains(&id);
        let outcome = if step.commit { txn.commit().await.map(drop) } else { Ok(()) };
        prop_assert!(!surely || outcome.is_err(), "a change of what was read went unnoticed");
        if step.commit && outcome.is_ok() {
            let rivals =
                if own.contains_key(NAMES[id]) { now.notes.get(NAMES[id]).copied() } else { Some(42) };
            *model = now;
            match rivals {
                Some(number) => model.notes.insert(NAMES[id].to_owned(), number),
                None => model.notes.remove(NAMES[id]),
            };
        }
        return Ok(());
    }
    if step.commit {
        match txn.commit().await {
            Ok(_) => {
                prop_assert!(!refused);
                *model = now;
            }
            Err(Error::Exists { .. }) => prop_assert!(refused),
            Err(error) => return Err(TestCaseError::fail(format!("{error}"))),
        }
    }
    Ok(())
}

async fn compare(store: &Store, model: &Model) -> Result<(), TestCaseError> {
    let mut txn = store.txn();
    let notes: BTreeMap<_, _> = txn
        .range::<Note>("", None, 99)
        .await
        .unwrap()
        .into_iter()
        .map(|note| (note.id, note.number))
        .collect();
    prop_assert_eq!(&notes, &model.notes);
    prop_assert_eq!(txn.count_of::<Note>().await.unwrap(), notes.len() as u64);
    for (feed, path) in NAMES.iter().enumerate() {
        let found: Vec<(u64, u64)> = txn.feed(path, From::Start, 999).await.unwrap();
        prop_assert_eq!(&found, &model.feed(feed, From::Start, 999));
        prop_assert_eq!(txn.count(path).await.unwrap(), found.len() as u64);
    }
    Ok(())
}

#[test]
fn random_transactions_leave_every_store_as_the_model_says() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (number, _) in urls(folder.path()).into_iter().enumerate() {
        // A database for each case would take long: the server sees fewer of them.
        let cases = if number == 2 { 12 } else { 96 };
        let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
        let steps = prop::collection::vec(step(), 1..25);
        let outcome = TestRunner::new(config).run(&steps, |steps| {
            let folder = tempfile::tempdir().unwrap();
            let url = urls(folder.path()).swap_remove(number);
            runtime.block_on(async {
                let mut store = Store::open(&url).await.unwrap();
                let mut model = Model::default();
                for step in &steps {
                    run(&store, &mut model, step).await?;
                    if step.reopen && number > 0 {
                        drop(store);
                        store = Store::open(&url).await.unwrap();
                    }
                    compare(&store, &model).await?;
                }
                let report = store.check(|_| ()).await.unwrap();
                prop_assert_eq!(report.wrong, 0, "{:?}", report.problems);
                Ok(())
            })
        });
        outcome.unwrap_or_else(|error| panic!("store {number}: {error}"));
    }
}
