//! What is left of a damaged redb file, read without opening the store and without changing the file.
//!
//! 1. Every page of the file is looked through for rows, whether or not anything leads to it: rows prove
//!    themselves by their check sum. A file also has old pages, with rows that were changed or deleted since.
//! 2. The change log, made of such rows, says which commit last changed a key, and whether it deleted it. A
//!    row of that very commit is the present one.
//! 3. For what is older than the log, the tree is asked, as far as it can be read; where it cannot, the
//!    newest row that was found is taken.
//! 4. What the log, the counts of tables and feeds, or a damaged row name, and nothing proves, is damaged.

mod leaf;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
    sync::Arc,
};

use ::redb::StorageBackend;

use crate::{
    backend::{Backend, Snapshot, aside::Aside, disk, guard::guarded, redb::Redb, tree as layout},
    dump::{self, Lines},
    error::{Error, Result},
    key,
    meta::{FeedMeta, TableMeta},
    options::Options,
    store::Store,
    value::Value,
};

/// How many damaged rows are named; after that they are only counted.
const NAMED: usize = 1_000;

/// How many commits in a row may be missing in the log by damage: more than one page has. Behind a longer gap
/// are old pages, with rows that were trimmed.
const GAP: u64 = 256;

/// What [`Store::salvage`] saved, and what it could not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Salvaged {
    /// Lines written, and rows that are damaged.
    pub lines: Lines,
    /// The first thousand of the damaged rows.
    pub places: Vec<String>,
    /// Whether the file is shorter than its header says. Rows may be missing then of which nothing tells.
    pub cut: bool,
}

impl Salvaged {
    fn damage(&mut self, rows: u64, place: impl FnOnce() -> String) {
        self.lines.damaged += rows;
        if self.places.len() < NAMED {
            self.places.push(place());
        }
    }
}

/// A row that was found: the commit that wrote it, and where its value is.
#[derive(Clone, Copy)]
struct Found {
    version: u64,
    offset: u64,
    length: usize,
}

/// All that the pages told.
#[derive(Default)]
struct Pages {
    rows: BTreeMap<Vec<u8>, Found>,
    /// The last commit that changed a key, and whether it deleted it.
    changed: BTreeMap<Vec<u8>, (u64, bool)>,
    /// The commits whose rows of the log are whole.
    logged: BTreeSet<u64>,
    /// Keys whose value is damaged somewhere, and the newest commit that such a value says it is of.
    broken: BTreeMap<Vec<u8>, u64>,
}

impl Pages {
    fn note(&mut self, row: &leaf::Row<'_>) {
        let Some(value) = &row.value else {
            if leaf::plausible(row.key) {
                let claimed = row.stored.get(4..).and_then(|rest| rest.first_chunk::<8>());
                let claimed = claimed.map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes));
                let newest = self.broken.entry(row.key.to_vec()).or_insert(claimed);
                *newest = claimed.max(*newest);
            }
            return;
        };
        if row.key.first() == Some(&key::LOG) {
            self.logged.insert(key::position(row.key));
            for (key, gone) in leaf::changes(value) {
                let last = self.changed.entry(key.to_vec()).or_insert((0, false));
                if value.version >= last.0 {
                    *last = (value.version, gone);
                }
            }
            return;
        }
        let found = Found { version: value.version, offset: row.offset, length: row.stored.len() };
        let newest = self.rows.entry(row.key.to_vec()).or_insert(found);
        if found.version > newest.version {
            *newest = found;
        }
    }
}

impl Pages {
    /// Looks how far back the log tells, gaps that damage may have made in it left aside.
    fn log(&self) -> Log {
        let mut log = Log { begins: u64::MAX, whole: None };
        for at in self.logged.iter().rev() {
            let gap = log.begins.saturating_sub(*at);
            if log.begins != u64::MAX && gap > 1 {
                if gap > GAP {
                    break;
                }
                log.whole.get_or_insert(log.begins);
            }
            log.begins = *at;
        }
        log
    }
}

/// How far back the log tells.
#[derive(Clone, Copy)]
struct Log {
    /// Its first commit.
    begins: u64,
    /// The first commit behind its last gap, if it has one.
    whole: Option<u64>,
}

impl Log {
    /// Whether every commit behind this one tells what it changed.
    fn tells_after(&self, at: u64) -> bool {
        at + 1 >= self.whole.unwrap_or(self.begins)
    }
}

/// What is to be done about a key.
#[derive(Clone, Copy)]
enum Fate {
    /// It is not there any more.
    Gone,
    Whole(Found),
    /// The tree has it, and it is whole.
    Tree,
    Damaged,
    /// It was there, and what would tell of its deletion is damaged.
    Doubtful(Found),
}

impl Store {
    /// Writes what is whole of a damaged redb file as lines of JSON, as [`dump`](Self::dump) does, in one
    /// reading of the file and with its keys in memory. The file is not changed, and must not be in use. A
    /// deleted row may come back when what tells of its deletion, the log and the tree, is damaged. `progress` is told how many rows were written.
    pub async fn salvage(path: &Path, mut to: impl Write, mut progress: impl FnMut(u64)) -> Result<Salvaged> {
        if !path.exists() {
            return Err(Error::NoStore { path: path.to_owned() });
        }
        let place = path.display().to_string();
        let disk: Arc<dyn StorageBackend> = disk::look(path)?;
        let mut pages = Pages::default();
        leaf::rows(&*disk, |row| pages.note(row), |_| ()).map_err(|error| Error::io(&place, error))?;
        let (tree, log) = (Tree::open(&disk, &place).await, pages.log());
        let mut done = Salvaged::default();
        let header = layout::read(&*disk).map_err(|error| Error::io(&place, error))?;
        let length = disk.len().map_err(|error| Error::io(&place, error))?;
        done.cut = layout::length(&header).map_or(length == 0, |expected| length < expected);
        let counted = counted(&pages, &*disk);
        let fail = |error| Error::io("the dump", error);
        for tag in dump::ORDER {
            let mut fates = BTreeMap::new();
            let mut counts = BTreeMap::<String, u64>::new();
            let mut newest = BTreeMap::<String, u64>::new();
            for key in keys(&pages, tag) {
                let name = key::parse(&key).map(|(_, name, _)| name).unwrap_or_default();
                if tag == key::ENTRY && key::position(&key) < first(&pages, &*disk, &name).max(1) {
                    continue;
                }
                let fate = fate(&pages, log, tree.as_ref(), &key).await;
                let seen = pages.rows.get(&key).map_or(0, |found| found.version);
                let seen = seen.max(pages.changed.get(&key).map_or(0, |(at, _)| *at));
                let last = newest.entry(name.clone()).or_default();
                *last = seen.max(*last);
                if !matches!(fate, Fate::Gone | Fate::Doubtful(_)) {
                    *counts.entry(name).or_default() += 1;
                }
                fates.insert(key, fate);
            }
            // A count that is older than what it counts says nothing.
            let expected = |name: &str| {
                let (at, count) = counted.get(&(tag, name.to_owned()))?;
                (*at >= newest.get(name).copied().unwrap_or_default()).then_some(*count)
            };
            for (key, fate) in fates {
                let name = key::parse(&key).map(|(_, name, _)| name).unwrap_or_default();
                let stored = match fate {
                    Fate::Gone => continue,
                    Fate::Whole(found) => read(&*disk, &found),
                    Fate::Tree => match &tree {
                        Some(tree) => tree.get(&key).await.ok().flatten(),
                        None => None,
                    },
                    Fate::Damaged => None,
                    Fate::Doubtful(found) => {
                        // Where the count says that none is missing, it was deleted.
                        let seen = counts.get(&name).copied().unwrap_or_default();
                        if expected(&name).is_some_and(|expected| seen >= expected) {
                            continue;
                        }
                        *counts.entry(name).or_default() += 1;
                        read(&*disk, &found)
                    }
                };
                match stored.as_deref().and_then(|stored| dump::line(&key, stored)) {
                    Some(Some(line)) => {
                        writeln!(to, "{line}").map_err(fail)?;
                        done.lines.lines += 1;
                        progress(done.lines.lines);
                    }
                    Some(None) => {}
                    None => done.damage(1, || key::describe(&key)),
                }
            }
            for name in counted.keys().filter(|(of, _)| *of == tag).map(|(_, name)| name) {
                let seen = counts.get(name).copied().unwrap_or_default();
                let expected = expected(name).unwrap_or_default();
                if let Some(missing) = expected.checked_sub(seen).filter(|missing| *missing > 0) {
                    let what = if tag == key::RECORD { "records of table" } else { "entries of feed" };
                    done.damage(missing, || format!("{missing} more {what} {name:?}"));
                }
            }
        }
        if let Some(tree) = tree {
            let_go(&place, tree);
        }
        to.flush().map_err(fail)?;
        Ok(done)
    }
}

/// Every key of this kind that anything tells of.
fn keys(pages: &Pages, tag: u8) -> BTreeSet<Vec<u8>> {
    let (from, to) = (vec![tag], vec![tag + 1]);
    let rows = pages.rows.range(from.clone()..to.clone()).map(|(key, _)| key);
    let changed = pages.changed.range(from.clone()..to.clone()).map(|(key, _)| key);
    // A feed's own row is written with every entry, and the log tells only of its cuts.
    let changed = changed.filter(|_| matches!(tag, key::RECORD | key::ENTRY));
    rows.chain(changed).chain(pages.broken.range(from..to).map(|(key, _)| key)).cloned().collect()
}

async fn fate(pages: &Pages, log: Log, tree: Option<&Tree>, key: &[u8]) -> Fate {
    let found = pages.rows.get(key).copied();
    let logged = matches!(key.first(), Some(&(key::RECORD | key::ENTRY)));
    let changed = pages.changed.get(key).filter(|_| logged);
    match (changed, found) {
        (Some((at, gone)), Some(found)) if found.version >= *at && !(*gone && found.version == *at) => {
            return Fate::Whole(found);
        }
        (Some((_, true)), _) => return Fate::Gone,
        (Some((at, false)), _) if log.tells_after(*at) => return Fate::Damaged,
        // It may have been deleted by a commit whose row in the log is damaged.
        (Some((_, false)), _) => {}
        // Written by a commit whose row in the log is damaged, and never changed again.
        (None, Some(found)) if logged && log.tells_after(found.version) => return Fate::Whole(found),
        (None, _) => {}
    }
    let asked = match tree {
        Some(tree) => tree.get(key).await.ok(),
        None => None,
    };
    match (asked, found) {
        (Some(Some(stored)), _) if Value::open(key, &stored).is_ok() => Fate::Tree,
        // The tree knows of the key, and not of a whole value.
        (Some(Some(_)), _) => Fate::Damaged,
        // It is of an older commit than the log knows of: at best the value before the last.
        (_, Some(_)) if changed.is_some() => Fate::Gone,
        (_, Some(found)) if logged && found.version >= log.begins => Fate::Doubtful(found),
        (Some(None), Some(_)) => Fate::Gone,
        // An older number of a sequence would be given out again.
        (None, Some(found)) if pages.broken.get(key).is_some_and(|at| *at > found.version) => Fate::Damaged,
        (None, Some(found)) => Fate::Whole(found),
        // Few rows are of such a kind, and nothing counts them.
        (_, None) if matches!(key.first(), Some(&(key::SEQ | key::CURSOR))) => Fate::Damaged,
        // A damaged row may have a damaged key, which names nothing; the counts tell what is missing.
        (Some(None) | None, None) => Fate::Gone,
    }
}

fn read(disk: &dyn StorageBackend, found: &Found) -> Option<Vec<u8>> {
    let mut stored = vec![0; found.length];
    disk.read(found.offset, &mut stored).ok()?;
    Some(stored)
}

/// The newest row of a key that was found.
fn newest(pages: &Pages, disk: &dyn StorageBackend, key: &[u8]) -> Option<Vec<u8>> {
    read(disk, pages.rows.get(key)?)
}

/// The first entry of a feed that is not cut off.
fn first(pages: &Pages, disk: &dyn StorageBackend, feed: &str) -> u64 {
    let meta = newest(pages, disk, &key::feed(feed));
    FeedMeta::read(feed, meta.as_deref()).map_or(0, |meta| meta.first)
}

/// How many records and entries there should be as of which commit, by table and feed.
fn counted(pages: &Pages, disk: &dyn StorageBackend) -> BTreeMap<(u8, String), (u64, u64)> {
    let mut counted = BTreeMap::new();
    for (key, found) in pages.rows.range(vec![key::TABLE]..vec![key::FEED + 1]) {
        let Some((tag, name, _)) = key::parse(key) else { continue };
        let stored = newest(pages, disk, key);
        let count = match tag {
            key::TABLE => TableMeta::read(&name, stored.as_deref()).map(|meta| (key::RECORD, meta.count)),
            _ => FeedMeta::read(&name, stored.as_deref()).map(|meta| (key::ENTRY, meta.count)),
        };
        counted.extend(count.ok().map(|(tag, count)| ((tag, name), (found.version, count))));
    }
    counted
}

/// The tree of a file, as far as it can be read.
struct Tree {
    state: Arc<dyn Snapshot>,
    /// Closed, it could not be read any more.
    _store: Redb,
}

impl Tree {
    /// `None` when the file does not let itself be opened at all. What redb writes meanwhile stays in memory.
    async fn open(disk: &Arc<dyn StorageBackend>, place: &str) -> Option<Self> {
        let aside = Arc::new(Aside::new(disk.clone()));
        let options = Options::new().verify(false);
        let store = Redb::open_disk(aside, place.into(), &options).ok()?;
        match store.snapshot().await {
            Ok(state) => Some(Self { state, _store: store }),
            Err(_) => {
                let_go(place, store);
                None
            }
        }
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.state.get(key).await
    }
}

/// Drops what redb has of a damaged file, which can make it panic.
fn let_go<T>(place: &str, held: T) {
    // It was only read, and what it may have to say was said by what was missing.
    let _ = guarded(place, || {
        drop(held);
        Ok(())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_tree_of_a_file_that_is_whole_can_be_asked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.redb");
        let store = Redb::open(&path, &Options::new()).expect("a store");
        // More than one page.
        let key = |number: u32| key::record("t", &number.to_string());
        let row =
            |number| (key(number), Some(Value { bytes: &[7; 500], ..Value::default() }.seal(&key(number))));
        let batch = store.begin().expect("a batch");
        batch.commit((0..1_000).map(row).collect(), 0, true).expect("a commit");
        drop(store);
        let disk: Arc<dyn StorageBackend> = disk::look(&path).expect("it is there");
        let tree = Tree::open(&disk, "the test's store").await.expect("it opens");
        let found = tree.get(&key(500)).await.expect("it is read");
        assert!(found.is_some());
    }
}
