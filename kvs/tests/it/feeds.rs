//! Feeds: positions, both directions, own appends, counts.

use kvs::{Cursor, Error, From, Store};

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

#[tokio::test]
async fn entries_are_updated_removed_and_cut_and_the_count_stays_exact() {
    each(async |store| {
        append(&store, "/f", 1..11).await;
        let mut txn = store.txn();
        txn.update("/f", 2, &22u64).await.unwrap();
        txn.remove("/f", 3).await.unwrap();
        txn.append("/f", &11u64).unwrap();
        let own: Vec<(u64, u64)> = txn.feed("/f", From::Start, 3).await.unwrap();
        assert_eq!(own, [(1, 1), (2, 22), (4, 4)]);
        assert_eq!(txn.count("/f").await.unwrap(), 10);
        assert!(matches!(txn.remove("/f", 3).await, Err(Error::NoEntry { position: 3, .. })));
        assert!(matches!(txn.update("/f", 99, &0).await, Err(Error::NoEntry { .. })));
        txn.commit().await.unwrap();
        assert_eq!(read(&store, From::Before(5), 9).await, [(4, 4), (2, 22), (1, 1)]);
        assert_eq!(store.txn().entry::<u64>("/f", 2).await.unwrap(), Some(22));
        assert_eq!(store.txn().entry::<u64>("/f", 3).await.unwrap(), None);

        // Both remove the same entry: one does.
        let (mut one, mut other) = (store.txn(), store.txn());
        one.remove("/f", 5).await.unwrap();
        other.remove("/f", 5).await.unwrap();
        one.commit().await.unwrap();
        assert!(other.commit().await.unwrap_err().is_conflict());
        assert_eq!(store.txn().count("/f").await.unwrap(), 9);

        let mut txn = store.txn();
        txn.cut("/f", 7).unwrap();
        assert_eq!(txn.count("/f").await.unwrap(), 5);
        let own: Vec<(u64, u64)> = txn.feed("/f", From::Start, 9).await.unwrap();
        assert_eq!(own.first(), Some(&(7, 7)));
        assert!(matches!(txn.update("/f", 6, &0).await, Err(Error::NoEntry { .. })));
        txn.commit().await.unwrap();
        assert_eq!(store.txn().count("/f").await.unwrap(), 5);
        assert_eq!(read(&store, From::Start, 9).await.len(), 5);

        let mut txn = store.txn();
        txn.cut("/f", u64::MAX).unwrap();
        txn.append("/f", &100u64).unwrap();
        assert_eq!(txn.count("/f").await.unwrap(), 1);
        assert_eq!(txn.commit().await.unwrap().positions, [12], "positions are never used again");
        assert_eq!(read(&store, From::Start, 9).await, [(12, 100)]);
    })
    .await;
}

#[tokio::test]
async fn cursors_move_both_ways_and_survive() {
    each(async |store| {
        append(&store, "/f", 1..6).await;
        let mut txn = store.txn();
        let mut cursor = Cursor::bot("/f");
        assert_eq!(cursor.next::<u64>(&mut txn).await.unwrap(), None);
        assert_eq!(cursor.take_back::<u64>(&mut txn, 2).await.unwrap(), [(5, 5), (4, 4)]);
        assert_eq!(cursor.prev::<u64>(&mut txn).await.unwrap(), Some((3, 3)));
        assert_eq!(cursor.position(), 2);
        assert_eq!(cursor.drop(&mut txn, 2).await.unwrap(), 2);
        txn.save("mine", &cursor).unwrap();
        assert_eq!(txn.load("mine").await.unwrap().as_ref(), Some(&cursor));
        assert_eq!(store.txn().load("mine").await.unwrap(), None);
        txn.commit().await.unwrap();
        let mut txn = store.txn();
        let mut loaded = txn.load("mine").await.unwrap().unwrap();
        assert_eq!(loaded, cursor);
        assert_eq!(loaded.take::<u64>(&mut txn, 9).await.unwrap(), [(5, 5)]);
        assert_eq!(Cursor::top("/f").prev::<u64>(&mut txn).await.unwrap(), None);
        txn.forget("mine");
        txn.commit().await.unwrap();
        assert_eq!(store.txn().load("mine").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn feeds_are_listed_with_their_counts_and_a_subtree_is_read_as_one() {
    each(async |store| {
        for (path, count) in [("/erp", 2), ("/erp/a", 3), ("/erp/a/x", 1), ("/erp-old", 5), ("/f", 1)] {
            append(&store, path, 0..count).await;
        }
        let list = async |root: &str, after: Option<&str>, limit| {
            let feeds = store.txn().feeds(root, after, limit).await.unwrap();
            feeds.into_iter().map(|feed| (feed.path, feed.count)).collect::<Vec<_>>()
        };
        let named =
            |feeds: &[(&str, u64)]| feeds.iter().map(|(p, c)| ((*p).to_owned(), *c)).collect::<Vec<_>>();
        let below = named(&[("/erp", 2), ("/erp/a", 3), ("/erp/a/x", 1)]);
        assert_eq!(list("/erp", None, 9).await, below);
        assert_eq!(list("/erp", None, 2).await, below[..2]);
        assert_eq!(list("/erp", Some("/erp/a"), 9).await, below[2..]);
        assert_eq!(list("/erp/", None, 9).await, below[1..]);
        assert_eq!(list("", None, 9).await.len(), 5);
        assert!(list("/nothing", None, 9).await.is_empty());

        let mut after: Option<(String, u64)> = None;
        let mut seen = Vec::new();
        loop {
            let from = after.as_ref().map(|(path, position)| (path.as_str(), *position));
            let page = store.txn().subtree::<u64>("/erp", from, 2).await.unwrap();
            let Some((path, position, _)) = page.last() else { break };
            after = Some((path.clone(), *position));
            seen.extend(page.into_iter().map(|(path, position, _)| (path, position)));
        }
        let expected =
            named(&[("/erp", 1), ("/erp", 2), ("/erp/a", 1), ("/erp/a", 2), ("/erp/a", 3), ("/erp/a/x", 1)]);
        assert_eq!(seen, expected);
    })
    .await;
}
