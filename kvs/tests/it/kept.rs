//! Records over time: versions, old shapes, expiry, sequences, and what no longer decodes.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use kvs::{Cbor, Clock, Error, Options, Record, Refused, Scope, Since, Store};
use serde::{Deserialize, Serialize};

use crate::common::{Note, each, note, put};

#[tokio::test]
async fn a_record_read_long_ago_is_put_only_if_nobody_wrote_it_since() {
    each(async |store| {
        put(&store, &[note("a", 1)]).await;
        let (version, mut read) = store.txn().get_versioned::<Note>("a").await.unwrap().unwrap();
        read.number = 2;
        let mut txn = store.txn();
        txn.put_at(&read, version).unwrap();
        let at = txn.commit().await.unwrap().at;
        assert!(at > version, "versions grow");
        assert_eq!(store.txn().get_versioned::<Note>("a").await.unwrap().unwrap().0, at);
        let mut txn = store.txn();
        txn.put_at(&read, version).unwrap();
        assert!(txn.commit().await.unwrap_err().is_conflict());

        let mut txn = store.txn();
        txn.put_new(&note("b", 1)).unwrap();
        assert!(matches!(txn.put_new(&note("b", 2)), Err(Error::Exists { .. })));
        txn.commit().await.unwrap();
        let mut txn = store.txn();
        txn.put_new(&note("b", 2)).unwrap();
        txn.put(&note("c", 2)).unwrap();
        let error = txn.commit().await.unwrap_err();
        assert!(matches!(&error, Error::Exists { what } if what.contains("\"b\"")), "{error}");
        assert!(store.get::<Note>("c").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn counts_and_ranges_of_a_table_are_exact() {
    each(async |store| {
        put(&store, &[note("a", 1), note("a1", 1), note("b", 1)]).await;
        put(&store, &[note("a", 2)]).await;
        assert_eq!(store.txn().count_of::<Note>().await.unwrap(), 3);
        let mut txn = store.txn();
        txn.put(&note("new", 1)).unwrap();
        txn.put(&note("b", 2)).unwrap();
        assert_eq!(txn.delete_range::<Note>("a").await.unwrap(), 2);
        txn.delete::<Note>("nobody");
        assert_eq!(txn.count_of::<Note>().await.unwrap(), 2);
        txn.commit().await.unwrap();
        assert_eq!(store.txn().count_of::<Note>().await.unwrap(), 2);
        assert_eq!(store.txn().range::<Note>("", None, 9).await.unwrap(), [note("b", 2), note("new", 1)]);
    })
    .await;
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Old {
    id: String,
    mail: String,
}

impl Record for Old {
    const TABLE: &'static str = "user";
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct New {
    id: String,
    mails: Vec<String>,
}

impl Record for New {
    const TABLE: &'static str = "user";
    const VERSION: u16 = 1;
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
    fn migrate(from: u16, old: Cbor) -> Result<Self, Refused> {
        assert_eq!(from, 0);
        let old: Old = old.deserialized()?;
        if old.mail.is_empty() {
            return Err("a user needs a mail".into());
        }
        Ok(Self { id: old.id, mails: vec![old.mail] })
    }
}

#[tokio::test]
async fn old_records_are_read_by_new_code_and_those_that_cannot_be_are_named() {
    each(async |store| {
        let mut txn = store.txn();
        txn.put(&Old { id: "ada".into(), mail: "ada@x".into() }).unwrap();
        txn.put(&Old { id: "bad".into(), mail: String::new() }).unwrap();
        txn.commit().await.unwrap();
        let ada = New { id: "ada".into(), mails: vec!["ada@x".into()] };
        assert_eq!(store.get::<New>("ada").await.unwrap().as_ref(), Some(&ada));

        let error = store.get::<New>("bad").await.unwrap_err();
        assert!(matches!(error, Error::Decode { .. }));
        let said = error.to_string();
        assert!(
            said.contains("\"bad\"") && said.contains("\"user\"") && said.contains("needs a mail"),
            "{said}"
        );
        assert!(store.txn().range::<New>("", None, 9).await.is_err());
        let (read, errors) = store.txn().range_skipping::<New>("", None, 9).await.unwrap();
        assert_eq!((read.len(), errors.len()), (1, 1));
        let raw = store.txn().get_raw("user", "bad").await.unwrap().unwrap();
        assert_eq!((raw.id.as_str(), raw.schema), ("bad", 0));
        assert!(!raw.bytes.is_empty());
        assert_eq!(store.txn().get_raw("user", "ba").await.unwrap(), None);

        let mut txn = store.txn();
        txn.put(&ada).unwrap();
        txn.commit().await.unwrap();
        assert_eq!(store.txn().get_raw("user", "ada").await.unwrap().unwrap().schema, 1);
        // A record of another shape altogether does not decode either, and says so.
        assert!(matches!(store.get::<Old>("ada").await, Err(Error::Decode { .. })));
    })
    .await;
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Session(String);

impl Record for Session {
    const TABLE: &'static str = "session";
    const TTL: Option<Duration> = Some(Duration::from_secs(60));
    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }
}

#[tokio::test]
async fn what_expires_is_not_read_and_is_swept() {
    let now = Arc::new(AtomicU64::new(1_000));
    let clock = now.clone();
    let clock =
        Clock::new(move || SystemTime::UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::SeqCst)));
    let store = Store::open_with("memory:", Options::new().clock(clock)).await.unwrap();
    let mut watch = store.watch(Scope::Table("session".to_owned()), Since::Now);
    let mut txn = store.txn();
    txn.put(&Session("short".into())).unwrap();
    txn.put_until(&Session("long".into()), SystemTime::UNIX_EPOCH + Duration::from_secs(2_000)).unwrap();
    txn.commit().await.unwrap();
    for _ in 0..2 {
        assert!(!watch.next().await.unwrap().gone);
    }

    now.store(1_059, Ordering::SeqCst);
    assert!(store.get::<Session>("short").await.unwrap().is_some());
    let mut txn = store.txn();
    txn.put(&Session("renewed".into())).unwrap();
    txn.commit().await.unwrap();
    watch.next().await.unwrap();

    now.store(1_060, Ordering::SeqCst);
    assert!(store.get::<Session>("short").await.unwrap().is_none());
    assert_eq!(store.txn().range::<Session>("", None, 9).await.unwrap().len(), 2);
    assert!(store.txn().get_raw("session", "short").await.unwrap().is_none());
    let swept = watch.next().await.unwrap();
    assert!(swept.gone);
    assert_eq!(store.txn().count_of::<Session>().await.unwrap(), 2);

    now.store(9_999, Ordering::SeqCst);
    for _ in 0..2 {
        assert!(watch.next().await.unwrap().gone);
    }
    assert_eq!(store.txn().count_of::<Session>().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sequence_has_no_gaps_and_no_number_twice() {
    each(async |store| {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..4 {
            let store = store.clone();
            tasks.spawn(async move {
                for turn in 0..25 {
                    let mut dropped = store.txn();
                    dropped.seq("invoice").await.unwrap();
                    drop(dropped);
                    let mut attempts = store.attempts();
                    loop {
                        let mut txn = attempts.begin().await;
                        let number = txn.seq("invoice").await.unwrap();
                        txn.put(&note(&format!("{number:04}"), task * 100 + turn)).unwrap();
                        if attempts.commit(txn).await.unwrap().is_some() {
                            break;
                        }
                    }
                }
            });
        }
        tasks.join_all().await;
        let notes = store.txn().range::<Note>("", None, 999).await.unwrap();
        let ids: Vec<_> = notes.into_iter().map(|note| note.id).collect();
        assert_eq!(ids, (1..=100).map(|number| format!("{number:04}")).collect::<Vec<_>>());
        assert_eq!(store.txn().seq("other").await.unwrap(), 1);
    })
    .await;
}
