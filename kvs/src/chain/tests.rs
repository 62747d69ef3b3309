//! What a chain must find: mutations below the store, by someone who knows the format and mends check
//! sums and counts.

use proptest::{prelude::*, test_runner::TestRunner};

use super::*;
use crate::{Store, backend::Changes};

const LENGTH: u64 = 24;
const FEED: &str = "/audit";

#[derive(Clone, Debug)]
enum Mutation {
    /// A byte of an entry is another one.
    Alter { position: u64, byte: usize, by: u8 },
    /// An entry is gone; the count is mended.
    Remove { position: u64 },
    /// An entry is gone, and those behind it have moved up.
    Close { position: u64 },
    /// A copy of an entry is inserted, and those behind it have moved down.
    Insert { position: u64, copy: u64 },
    /// Two entries have changed places.
    Swap { one: u64, other: u64 },
    /// The newest entries are gone, the head says so too.
    Shorten { to: u64 },
    /// From here on the chain was written anew, every hash as it should be.
    Forge { position: u64 },
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = 1..=LENGTH;
    prop_oneof![
        (at.clone(), 0..12usize, 1..=255u8).prop_map(|(position, byte, by)| Mutation::Alter {
            position,
            byte,
            by
        }),
        at.clone().prop_map(|position| Mutation::Remove { position }),
        (1..LENGTH).prop_map(|position| Mutation::Close { position }),
        (at.clone(), at.clone()).prop_map(|(position, copy)| Mutation::Insert { position, copy }),
        (at.clone(), at.clone())
            .prop_filter("two places", |(one, other)| one != other)
            .prop_map(|(one, other)| Mutation::Swap { one, other }),
        (0..LENGTH).prop_map(|to| Mutation::Shorten { to }),
        at.prop_map(|position| Mutation::Forge { position }),
    ]
}

/// An entry as the attacker sees it.
#[derive(Clone, PartialEq)]
struct Entry {
    version: u64,
    link: [u8; 32],
    bytes: Vec<u8>,
}

async fn entries(store: &Store) -> Vec<Entry> {
    let snapshot = store.txn().snapshot().await.unwrap();
    let rows = snapshot.scan(&Span::prefix(key::entries(FEED)), false, usize::MAX).await.unwrap();
    let open = |(key, stored)| {
        let value = Value::open(key, stored).unwrap();
        Entry { version: value.version, link: *value.link.unwrap(), bytes: value.bytes.to_vec() }
    };
    rows.iter().map(open).collect()
}

/// Puts the entries into the store as they are, check sums mended, with a head that fits.
fn overwrite(store: &Store, entries: &[(u64, Entry)], head: [u8; 32], last: u64) {
    let batch = store.inner.backend.begin().unwrap();
    let at = batch.at();
    let mut changes = Changes::new();
    for position in 1..=LENGTH + 1 {
        changes.insert(key::entry(FEED, position), None);
    }
    for (position, Entry { version, link, bytes }) in entries {
        let key = key::entry(FEED, *position);
        let value = Value { version: *version, link: Some(link), bytes, ..Value::default() };
        changes.insert(key.clone(), Some(value.seal(&key)));
    }
    let meta = FeedMeta { count: entries.len() as u64, last, first: 0, head: Some(head) };
    let (key, stored) = meta.seal(FEED, at);
    changes.insert(key, Some(stored));
    batch.commit(changes, at, true).unwrap();
}

/// The entries after the mutation with their positions, the head, and the last position.
fn mutate(clean: &[Entry], mutation: &Mutation) -> (Vec<(u64, Entry)>, [u8; 32], u64) {
    let mut entries: Vec<_> = (1..).zip(clean.iter().cloned()).collect();
    let mut head = clean.last().unwrap().link;
    let mut last = LENGTH;
    match *mutation {
        Mutation::Alter { position, byte, by } => {
            let bytes = &mut entries[position as usize - 1].1.bytes;
            let byte = byte % bytes.len();
            bytes[byte] ^= by;
        }
        Mutation::Remove { position } => {
            entries.remove(position as usize - 1);
        }
        Mutation::Close { position } => {
            entries.remove(position as usize - 1);
            entries = (1..).zip(entries.into_iter().map(|(_, entry)| entry)).collect();
            last -= 1;
        }
        Mutation::Insert { position, copy } => {
            let copy = clean[copy as usize - 1].clone();
            entries.insert(position as usize - 1, (0, copy));
            entries = (1..).zip(entries.into_iter().map(|(_, entry)| entry)).collect();
            last += 1;
        }
        Mutation::Swap { one, other } => {
            let entry = entries[one as usize - 1].1.clone();
            entries[one as usize - 1].1 = std::mem::replace(&mut entries[other as usize - 1].1, entry);
        }
        Mutation::Shorten { to } => {
            entries.truncate(to as usize);
            head = entries.last().map_or(ORIGIN, |(_, entry)| entry.link);
            last = to;
        }
        Mutation::Forge { position } => {
            let mut before = match position {
                1 => ORIGIN,
                _ => entries[position as usize - 2].1.link,
            };
            entries[position as usize - 1].1.bytes = vec![0xf6];
            for (at, entry) in &mut entries[position as usize - 1..] {
                entry.link = link(&before, FEED, *at, entry.version, &entry.bytes);
                before = entry.link;
            }
            head = before;
        }
    }
    (entries, head, last)
}

async fn chained() -> Store {
    let store = Store::open("memory:").await.unwrap();
    let mut txn = store.txn();
    txn.chain(FEED).unwrap();
    for number in 0..LENGTH {
        txn.append(FEED, &(number, "an entry")).unwrap();
    }
    txn.commit().await.unwrap();
    store
}

#[test]
fn a_thousand_random_mutations_are_all_found() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (store, clean, then) = runtime.block_on(async {
        let store = chained().await;
        let then = store.verify(FEED, None).await.unwrap();
        let clean = entries(&store).await;
        (store, clean, then)
    });
    assert_eq!(then.position, LENGTH);
    let config = ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&mutation(), |mutation| {
        let (entries, head, last) = mutate(&clean, &mutation);
        overwrite(&store, &entries, head, last);
        let verified = runtime.block_on(store.verify(FEED, Some(&then)));
        let Err(Error::Broken { position, .. }) = verified else {
            return Err(TestCaseError::fail(format!("not found: {verified:?}")));
        };
        // The first place that is not as it was: for an insertion of what stands there, one further.
        let numbered: Vec<_> = (1..).zip(clean.iter().cloned()).collect();
        let same = entries.iter().zip(&numbered).take_while(|(now, then)| now == then).count() as u64;
        // A chain that was forged or cut short is found by the checkpoint only, where that was taken.
        let found = match mutation {
            Mutation::Forge { .. } | Mutation::Shorten { .. } => LENGTH,
            _ => same + 1,
        };
        prop_assert_eq!(position, found, "{:?}", mutation);
        Ok(())
    });
    outcome.unwrap();
    let whole: Vec<_> = (1..).zip(clean.iter().cloned()).collect();
    overwrite(&store, &whole, clean.last().unwrap().link, LENGTH);
    assert_eq!(runtime.block_on(store.verify(FEED, Some(&then))).unwrap(), then);
}

#[test]
fn a_checkpoint_is_signed() {
    let checkpoint = Checkpoint { feed: "/a.b".to_owned(), position: 3, head: "00".repeat(32) };
    for key in [&b"key"[..], &[7; 100], b""] {
        let signed = checkpoint.sign(key);
        assert_eq!(Checkpoint::open(&signed, key), Some(checkpoint.clone()));
        assert_eq!(Checkpoint::open(&signed, b"other key"), None);
        assert_eq!(Checkpoint::open(&signed.replace("\"position\":3", "\"position\":4"), key), None);
        assert_eq!(Checkpoint::open("", key), None);
        assert_eq!(Checkpoint::open("zz.kvs-checkpoint-1:{}", key), None);
    }
}

#[tokio::test]
async fn a_chained_feed_only_grows() {
    let store = chained().await;
    let mut txn = store.txn();
    txn.update(FEED, 3, &"other").await.unwrap();
    assert!(matches!(txn.commit().await, Err(Error::Chained { .. })));
    let mut txn = store.txn();
    txn.remove(FEED, 3).await.unwrap();
    assert!(matches!(txn.commit().await, Err(Error::Chained { .. })));
    let mut txn = store.txn();
    txn.cut(FEED, 3).unwrap();
    assert!(matches!(txn.commit().await, Err(Error::Chained { .. })));
    let mut txn = store.txn();
    txn.append("/plain", &1).unwrap();
    txn.commit().await.unwrap();
    let mut txn = store.txn();
    txn.chain("/plain").unwrap();
    assert!(matches!(txn.commit().await, Err(Error::Chained { .. })));
    assert!(matches!(store.verify("/plain", None).await, Err(Error::Chained { .. })));
    let then = store.verify(FEED, None).await.unwrap();
    let mut txn = store.txn();
    txn.append(FEED, &"one more").unwrap();
    txn.commit().await.unwrap();
    assert_eq!(store.verify(FEED, Some(&then)).await.unwrap().position, LENGTH + 1);
}
