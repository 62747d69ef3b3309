//! Feeds: positions, both directions, own appends, counts.

use kvs::{From, Store};

use crate::common::each;

async fn append(store: &Store, feed: &str, numbers: std::ops::Range<u64>) {
    let mut txn = store.txn();
    for number in numbers {
        txn.append(feed, &number).unwrap();
    }
    txn.commit().await.unwrap();
}

async fn read(store: &Store, from: From, limit: usize) -> Vec<(u64, u64)> {
    store.txn().feed("/f", from, limit).await.unwrap()
}

#[tokio::test]
async fn a_feed_is_read_both_ways_from_anywhere() {
    each(async |store| {
        assert!(read(&store, From::Start, 9).await.is_empty());
        assert!(read(&store, From::End, 9).await.is_empty());
        append(&store, "/f", 101..111).await;
        append(&store, "/f/sub", 0..3).await;
        append(&store, "/f0", 0..3).await;
        assert_eq!(read(&store, From::Start, 2).await, [(1, 101), (2, 102)]);
        assert_eq!(read(&store, From::After(8), 9).await, [(9, 109), (10, 110)]);
        assert_eq!(read(&store, From::End, 2).await, [(10, 110), (9, 109)]);
        assert_eq!(read(&store, From::Before(3), 9).await, [(2, 102), (1, 101)]);
        assert_eq!(
            read(&store, From::Start, 99).await.len(),
            10,
            "a feed is exact, its subtree is not in it"
        );
        assert!(read(&store, From::After(10), 9).await.is_empty());
        assert!(read(&store, From::After(u64::MAX), 9).await.is_empty());
        assert!(read(&store, From::Before(1), 9).await.is_empty());
        assert!(read(&store, From::Before(0), 9).await.is_empty());
        assert!(read(&store, From::Start, 0).await.is_empty());
        assert_eq!(store.txn().count("/f").await.unwrap(), 10);
        assert_eq!(store.txn().count("/none").await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn own_appends_are_at_the_end() {
    each(async |store| {
        append(&store, "/f", 1..3).await;
        let mut txn = store.txn();
        txn.append("/f", &3u64).unwrap();
        txn.append("/other", &0u64).unwrap();
        txn.append("/f", &4u64).unwrap();
        assert_eq!(txn.count("/f").await.unwrap(), 4);
        let all = |from, limit| (from, limit);
        for ((from, limit), expected) in [
            (all(From::Start, 9), vec![1, 2, 3, 4]),
            (all(From::Start, 3), vec![1, 2, 3]),
            (all(From::After(3), 9), vec![4]),
            (all(From::End, 3), vec![4, 3, 2]),
            (all(From::End, 1), vec![4]),
            (all(From::Before(4), 9), vec![3, 2, 1]),
        ] {
            let entries: Vec<(u64, u64)> = txn.feed("/f", from, limit).await.unwrap();
            assert_eq!(entries, expected.iter().map(|n| (*n, *n)).collect::<Vec<_>>(), "{from:?} {limit}");
        }
        // Another's append moves them; it is no conflict.
        append(&store, "/f", 100..101).await;
        assert_eq!(txn.commit().await.unwrap().positions, [4, 1, 5]);
    })
    .await;
}

#[tokio::test]
async fn any_text_is_a_path_and_paths_do_not_mix() {
    each(async |store| {
        let paths = ["", "/", "//", "/\0", "/\0\u{1}", "\u{1f980}/\u{457}", "/a b", "../..", "%00"];
        for (number, path) in (0..).zip(paths) {
            append(&store, path, number..number + 1).await;
        }
        for (number, path) in (0u64..).zip(paths) {
            let entries: Vec<(u64, u64)> = store.txn().feed(path, From::Start, 9).await.unwrap();
            assert_eq!(entries, [(1, number)], "{path:?}");
        }
    })
    .await;
}
