//! Watching: commit order, scopes, from a position, and being told to have lagged.

use kvs::{Changed, Error, Options, Scope, Since, Store};

use crate::common::{Note, each, note, put};

async fn append(store: &Store, feed: &str) -> u64 {
    let mut txn = store.txn();
    txn.append(feed, &0).unwrap();
    txn.commit().await.unwrap().at
}

fn entry(feed: &str, position: u64) -> Changed {
    Changed::Entry { feed: feed.to_owned(), position }
}

#[tokio::test]
async fn a_watcher_sees_what_its_scope_has_in_commit_order() {
    each(async |store| {
        let mut tables = store.watch(Scope::Table("note".to_owned()), Since::Now);
        let mut feed = store.watch(Scope::Feed("/a".to_owned()), Since::Now);
        let mut subtree = store.watch(Scope::Subtree("/a".to_owned()), Since::Now);
        let first = append(&store, "/a").await;
        append(&store, "/a/b").await;
        append(&store, "/ab").await;
        put(&store, &[note("x", 1)]).await;
        let mut txn = store.txn();
        txn.delete::<Note>("x");
        txn.remove("/a", 1).await.unwrap();
        let last = txn.commit().await.unwrap().at;

        let change = feed.next().await.unwrap();
        assert_eq!((change.at, change.what, change.gone), (first, entry("/a", 1), false));
        let change = feed.next().await.unwrap();
        assert_eq!((change.at, change.what, change.gone), (last, entry("/a", 1), true));

        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.push(subtree.next().await.unwrap().what);
        }
        assert_eq!(seen, [entry("/a", 1), entry("/a/b", 1), entry("/a", 1)]);
        assert!(!tables.next().await.unwrap().gone);
        assert!(tables.next().await.unwrap().gone);

        let mut again = store.watch(Scope::All, Since::Commit(first));
        assert_eq!(again.next().await.unwrap().what, entry("/a/b", 1));
        let mut waiting = store.watch(Scope::All, Since::Now);
        let (change, at) = tokio::join!(waiting.next(), append(&store, "/late"));
        assert_eq!(change.unwrap().at, at);
    })
    .await;
}

#[tokio::test]
async fn a_watcher_that_lagged_is_told_from_where_to_go_on() {
    let store = Store::open_with("memory:", Options::new().history(100)).await.unwrap();
    let mut slow = store.watch(Scope::All, Since::Now);
    let mut last = 0;
    for _ in 0..3_000 {
        last = append(&store, "/f").await;
    }
    let Err(Error::Lagged { resume }) = slow.next().await else { panic!("it lagged") };
    assert!(resume < last && last - resume <= 100 + 1024, "{resume} {last}");
    let mut seen = Vec::new();
    while seen.last() != Some(&last) {
        seen.push(slow.next().await.unwrap().at);
    }
    assert_eq!(seen, (resume + 1..=last).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_watcher_ends_with_its_store() {
    each(async |store| {
        let mut watch = store.watch(Scope::All, Since::Now);
        append(&store, "/f").await;
        drop(store);
        watch.next().await.expect("what was committed is still seen");
        assert!(matches!(watch.next().await, Err(Error::Closed)));
    })
    .await;
}
