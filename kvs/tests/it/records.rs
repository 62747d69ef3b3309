//! Records and transactions: read-your-writes, snapshots, ranges, conflicts, hooks.

use std::sync::{Arc, Mutex, mpsc};

use kvs::{Error, Store};
use tokio::sync::oneshot;

use crate::common::{Note, each, note, put};

#[tokio::test]
async fn a_transaction_sees_its_own_writes_and_others_see_them_after_the_commit() {
    each(async |store| {
        let mut txn = store.txn();
        assert_eq!(txn.get::<Note>("a").await.unwrap(), None);
        txn.put(&note("a", 1)).unwrap();
        assert!(txn.wrote());
        assert_eq!(txn.get::<Note>("a").await.unwrap(), Some(note("a", 1)));
        assert_eq!(store.get::<Note>("a").await.unwrap(), None);
        txn.commit().await.unwrap();
        assert_eq!(store.get::<Note>("a").await.unwrap(), Some(note("a", 1)));

        let mut txn = store.txn();
        txn.delete::<Note>("a");
        assert_eq!(txn.get::<Note>("a").await.unwrap(), None);
        drop(txn);
        assert!(store.get::<Note>("a").await.unwrap().is_some(), "a dropped transaction is rolled back");
    })
    .await;
}

#[tokio::test]
async fn a_reader_keeps_its_state_while_others_commit() {
    each(async |store| {
        put(&store, &[note("a", 1), note("b", 1)]).await;
        let mut reader = store.txn();
        assert_eq!(reader.get::<Note>("a").await.unwrap().unwrap().number, 1);
        for number in 2..5 {
            put(&store, &[note("a", number), note("b", number)]).await;
        }
        assert_eq!(reader.get::<Note>("b").await.unwrap().unwrap().number, 1);
        assert_eq!(reader.range::<Note>("", None, 9).await.unwrap(), [note("a", 1), note("b", 1)]);
        reader.commit().await.expect("what only reads commits");
        assert_eq!(store.get::<Note>("b").await.unwrap().unwrap().number, 4);
    })
    .await;
}

#[tokio::test]
async fn ranges_are_in_order_of_ids_with_own_writes_in_place() {
    each(async |store| {
        let ids = ["a", "a/1", "a/2", "b", "b\0", "b\0c", "\u{43a}\u{456}\u{442}"];
        put(&store, &ids.map(|id| note(id, 0))).await;
        let mut txn = store.txn();
        let all: Vec<_> = txn.range::<Note>("", None, 99).await.unwrap().into_iter().map(|n| n.id).collect();
        assert_eq!(all, ids);
        txn.delete::<Note>("a/1");
        txn.delete::<Note>("b");
        txn.put(&note("a/15", 7)).unwrap();
        txn.put(&note("a/2", 8)).unwrap();
        let some = txn.range::<Note>("a", None, 3).await.unwrap();
        assert_eq!(some, [note("a", 0), note("a/15", 7), note("a/2", 8)]);
        let next = txn.range::<Note>("", Some("a/15"), 2).await.unwrap();
        assert_eq!(next, [note("a/2", 8), note("b\0", 0)]);
        assert!(txn.range::<Note>("nothing", None, 9).await.unwrap().is_empty());
        assert!(txn.range::<Note>("a", Some("zz"), 9).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_was_read_and_changed_is_a_conflict_that_leaves_nothing() {
    each(async |store| {
        put(&store, &[note("a", 1)]).await;
        let mut slow = store.txn();
        slow.get::<Note>("a").await.unwrap();
        put(&store, &[note("a", 2)]).await;
        slow.put(&note("b", 1)).unwrap();
        slow.append("/log", &1).unwrap();
        let error = slow.commit().await.unwrap_err();
        assert!(error.is_conflict(), "{error}");
        assert!(error.to_string().contains(r#"record "a" of table "note""#), "{error}");
        assert_eq!(store.get::<Note>("b").await.unwrap(), None);
        assert_eq!(store.txn().count("/log").await.unwrap(), 0);

        // That it was not there was read, too.
        let mut slow = store.txn();
        assert!(slow.get::<Note>("new").await.unwrap().is_none());
        put(&store, &[note("new", 1)]).await;
        slow.put(&note("new", 2)).unwrap();
        assert!(slow.commit().await.unwrap_err().is_conflict());

        // And so was a range in which another record appeared.
        let mut slow = store.txn();
        slow.range::<Note>("x", None, 10).await.unwrap();
        put(&store, &[note("xx", 1)]).await;
        slow.put(&note("count", 0)).unwrap();
        assert!(slow.commit().await.unwrap_err().is_conflict());

        // Outside of what the range covered, nothing was read.
        let mut slow = store.txn();
        slow.range::<Note>("", None, 1).await.unwrap();
        put(&store, &[note("z", 1)]).await;
        slow.put(&note("count", 0)).unwrap();
        slow.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn of_writers_that_race_exactly_one_wins_and_the_rest_of_their_batch_is_unharmed() {
    each(async |store| {
        put(&store, &[note("a", 0)]).await;
        let mut racers = Vec::new();
        for number in 1..=20 {
            let mut txn = store.txn();
            txn.get::<Note>("a").await.unwrap();
            txn.put(&note("a", number)).unwrap();
            racers.push(txn);
        }
        let mut others = tokio::task::JoinSet::new();
        for (number, racer) in racers.into_iter().enumerate() {
            let mut other = store.txn();
            other.put(&note(&format!("other {number}"), 0)).unwrap();
            others.spawn(async move { other.commit().await.map(|_| true) });
            others.spawn(async move {
                match racer.commit().await {
                    Ok(_) => Ok(false),
                    Err(Error::Conflict { .. }) => Ok(true),
                    Err(error) => Err(error),
                }
            });
        }
        let outcomes = others.join_all().await;
        assert!(outcomes.iter().all(Result::is_ok));
        assert_eq!(outcomes.into_iter().filter(|lost| matches!(lost, Ok(false))).count(), 1);
        assert_eq!(store.txn().range::<Note>("other", None, 99).await.unwrap().len(), 20);
    })
    .await;
}

#[tokio::test]
async fn hooks_run_in_commit_order_after_the_data_is_there_and_a_panic_in_one_harms_nobody() {
    each(async |store| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..50 {
            let (store, seen) = (store.clone(), seen.clone());
            tasks.spawn(async move {
                let mut txn = store.txn();
                txn.put(&note(&format!("{number:03}"), number)).unwrap();
                txn.on_commit(move |commit| {
                    seen.lock().unwrap().push(commit.at);
                    assert!(number != 7, "a hook may panic");
                });
                txn.commit().await.unwrap().at
            });
        }
        let mut ats = tasks.join_all().await;
        ats.sort_unstable();
        assert_eq!(*seen.lock().unwrap(), ats, "hooks ran in the order of the commits");

        let ran = Arc::new(Mutex::new(false));
        let mut txn = store.txn();
        let flag = ran.clone();
        txn.on_commit(move |_| *flag.lock().unwrap() = true);
        drop(txn);
        assert!(!*ran.lock().unwrap());
    })
    .await;
}

/// Panics when it goes, as a guard of an application's may.
struct Sore;

impl Drop for Sore {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "it goes");
    }
}

#[tokio::test]
async fn work_on_the_writers_thread_that_goes_wrong_in_any_way_does_not_stop_the_writer() {
    each(async |store| {
        put(&store, &[note("a", 1)]).await;
        let mut late = store.txn();
        late.get::<Note>("a").await.unwrap();
        late.put(&note("a", 2)).unwrap();
        let sore = Sore;
        late.on_commit(move |_| drop(sore));
        put(&store, &[note("a", 3)]).await;
        assert!(late.commit().await.unwrap_err().is_conflict(), "its work is dropped unrun, and panics");
        let mut txn = store.txn();
        txn.on_commit(|_| std::panic::panic_any(7));
        txn.on_commit(|_| std::panic::panic_any(Sore));
        let (tell, told) = oneshot::channel();
        txn.on_commit(move |commit| tell.send(commit.at).unwrap());
        txn.put(&note("b", 1)).unwrap();
        let at = txn.commit().await.unwrap().at;
        assert_eq!(told.await, Ok(at), "those behind it run");
        put(&store, &[note("c", 1)]).await;
        assert_eq!(store.get::<Note>("c").await.unwrap().unwrap().number, 1);
    })
    .await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a task of the test's")]
async fn a_hook_may_spawn_as_the_one_who_commits_may() {
    each(async |store| {
        let (tell, told) = oneshot::channel();
        let mut txn = store.txn();
        txn.on_commit(|commit| {
            let at = commit.at;
            drop(tokio::task::spawn(async move {
                tokio::task::yield_now().await;
                tell.send(at).unwrap();
            }));
        });
        txn.put(&note("a", 1)).unwrap();
        let at = txn.commit().await.unwrap().at;
        assert_eq!(told.await, Ok(at));
    })
    .await;
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a task of the test's")]
fn a_hook_of_one_who_has_left_its_runtime_spawns_nothing_and_harms_nobody() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let (store, going, gate) = first.block_on(async {
        let store = Store::open("memory:").await.unwrap();
        let (open, gate) = mpsc::channel::<()>();
        let mut txn = store.txn();
        txn.on_commit(move |_| {
            // Until the runtime is gone.
            let _ = gate.recv();
            drop(tokio::task::spawn(async {}));
        });
        txn.put(&note("a", 1)).unwrap();
        let mut going = Box::pin(txn.commit());
        assert!(is_pending(&mut going).await, "it waits for its hook");
        (store, going, open)
    });
    drop((going, first));
    drop(gate);
    second.block_on(async {
        put(&store, &[note("b", 1)]).await;
        assert_eq!(store.get::<Note>("a").await.unwrap().unwrap().number, 1, "its commit stands");
    });
}

/// Polls once, and says whether it is to be waited for.
async fn is_pending<T>(work: &mut std::pin::Pin<Box<impl Future<Output = T>>>) -> bool {
    std::future::poll_fn(|cx| std::task::Poll::Ready(work.as_mut().poll(cx).is_pending())).await
}

#[tokio::test]
async fn too_large_is_said_before_anything_is_queued() {
    each(async |store| {
        let mut txn = store.txn();
        let error = txn.put(&note(&"x".repeat(4097), 0)).unwrap_err();
        assert!(matches!(error, Error::TooLarge { size: 4097, limit: 4096, .. }), "{error}");
        let big = Note { id: "big".to_owned(), text: "x".repeat(17 << 20), number: 0 };
        assert!(matches!(txn.put(&big).unwrap_err(), Error::TooLarge { .. }));
        txn.put(&note(&"x".repeat(4096), 1)).unwrap();
        txn.append(&"/p".repeat(2048), &1).unwrap();
        txn.commit().await.unwrap();
        assert_eq!(store.get::<Note>(&"x".repeat(4096)).await.unwrap().unwrap().number, 1);
    })
    .await;
}
