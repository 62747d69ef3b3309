//! Many at once: appends from many tasks to the same feeds lose nothing, and everyone sees one order.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use kvs::{Error, From};

use crate::common::{Note, each, note};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_tasks_with_two_thousand_appends_each_lose_nothing() {
    const TASKS: u64 = 8;
    const APPENDS: u64 = 2_000;
    const FEEDS: [&str; 3] = ["/shared/a", "/shared/b", "/shared/c"];
    each(async |store| {
        let order: Arc<Mutex<Vec<(u64, String, u64)>>> = Arc::default();
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..TASKS {
            let (store, order) = (store.clone(), order.clone());
            tasks.spawn(async move {
                for number in 0..APPENDS {
                    let feed = FEEDS[((task + number) % 3) as usize];
                    let mut txn = store.txn();
                    txn.append(feed, &(task, number)).unwrap();
                    let order = order.clone();
                    txn.on_commit(move |commit| {
                        order.lock().unwrap().push((commit.at, feed.to_owned(), commit.positions[0]));
                    });
                    txn.commit().await.unwrap();
                }
            });
        }
        tasks.join_all().await;

        let order = std::mem::take(&mut *order.lock().unwrap());
        assert!(order.is_sorted_by(|a, b| a.0 < b.0), "hooks run in commit order");
        let mut seen = Vec::new();
        for feed in FEEDS {
            let mut txn = store.txn();
            let entries: Vec<(u64, (u64, u64))> = txn.feed(feed, From::Start, usize::MAX).await.unwrap();
            assert_eq!(txn.count(feed).await.unwrap(), entries.len() as u64);
            let positions: Vec<_> = entries.iter().map(|entry| entry.0).collect();
            assert_eq!(positions, (1..=entries.len() as u64).collect::<Vec<_>>());
            let hooked: Vec<_> = order.iter().filter(|(_, f, _)| f == feed).map(|(_, _, p)| *p).collect();
            assert_eq!(positions, hooked, "positions are in commit order");
            for task in 0..TASKS {
                let own: Vec<_> =
                    entries.iter().filter(|(_, (t, _))| *t == task).map(|(_, (_, n))| n).collect();
                assert!(own.is_sorted(), "each task's appends are in its order");
            }
            seen.extend(entries.into_iter().map(|(_, entry)| entry));
        }
        seen.sort_unstable();
        let all: Vec<_> =
            (0..TASKS).flat_map(|task| (0..APPENDS).map(move |number| (task, number))).collect();
        assert_eq!(seen, all);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_raised_by_many_with_retries_counts_every_raise() {
    each(async |store| {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let store = store.clone();
            // The future of a transaction can be spawned: it is Send.
            tasks.spawn(async move {
                for _ in 0..25 {
                    let raise = store.transact(async |txn| {
                        let number = txn.get::<Note>("counter").await?.map_or(0, |counter| counter.number);
                        txn.put(&note("counter", number + 1))
                    });
                    raise.await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        assert_eq!(store.get::<Note>("counter").await.unwrap().unwrap().number, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_tasks_append_update_and_remove_on_shared_feeds_and_the_counts_are_exact() {
    const TASKS: u64 = 8;
    const STEPS: u64 = 2_000;
    // Each task appends to shared feeds and then updates or removes entries of its own and of others.
    each(async |store| {
        let removed = Arc::new(AtomicU64::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..TASKS {
            let (store, removed) = (store.clone(), removed.clone());
            tasks.spawn(async move {
                for number in 0..STEPS {
                    let feed = ["/a", "/b"][(number % 2) as usize];
                    let mut txn = store.txn();
                    txn.append(feed, &(task, number)).unwrap();
                    let position = txn.commit().await.unwrap().positions[0];
                    if number % 4 > 1 {
                        continue;
                    }
                    let other = position.saturating_sub(3 * (number % 7));
                    let mut attempts = store.attempts();
                    loop {
                        let mut txn = attempts.begin().await;
                        let changed = match number % 4 {
                            0 => txn.update(feed, other, &(task, u64::MAX)).await,
                            _ => txn.remove(feed, other).await,
                        };
                        match changed {
                            Err(Error::NoEntry { .. }) => break,
                            changed => changed.unwrap(),
                        }
                        if attempts.commit(txn).await.unwrap().is_some() {
                            removed.fetch_add(number % 4, Ordering::Relaxed);
                            break;
                        }
                    }
                }
            });
        }
        tasks.join_all().await;
        let mut left = 0;
        for feed in ["/a", "/b"] {
            let entries: Vec<(u64, (u64, u64))> =
                store.txn().feed(feed, From::Start, usize::MAX).await.unwrap();
            assert_eq!(store.txn().count(feed).await.unwrap(), entries.len() as u64);
            assert!(entries.is_sorted_by(|a, b| a.0 < b.0));
            left += entries.len() as u64;
        }
        assert_eq!(left + removed.load(Ordering::Relaxed), TASKS * STEPS);
        assert_eq!(store.check(|_| ()).await.unwrap().wrong, 0);
    })
    .await;
}
