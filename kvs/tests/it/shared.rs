//! What only a store on a server has: several processes at once, lost connections, a server that crashes.

use std::time::Duration;

use kvs::{Error, From, Options, Scope, Since, Store, Trouble};

use crate::{
    common::{Note, note, put},
    server::Server,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_append_to_one_feed_and_watch_each_other() {
    let url = Server::shared().fresh();
    let stores = [Store::open(&url).await.unwrap(), Store::open(&url).await.unwrap()];
    let mut watch = stores[1].watch(Scope::Feed("/f".to_owned()), Since::Now);
    let mut tasks = tokio::task::JoinSet::new();
    for (node, store) in stores.iter().enumerate() {
        for task in 0..4 {
            let store = store.clone();
            tasks.spawn(async move {
                for number in 0..50 {
                    let mut txn = store.txn();
                    txn.append("/f", &(node, task, number)).unwrap();
                    txn.commit().await.unwrap();
                }
            });
        }
    }
    tasks.join_all().await;
    for expected in 1..=400 {
        let change = watch.next().await.unwrap();
        assert_eq!(change.what, kvs::Changed::Entry { feed: "/f".to_owned(), position: expected });
    }
    for store in &stores {
        let mut txn = store.txn();
        let entries: Vec<(u64, (usize, u32, u32))> = txn.feed("/f", From::Start, 999).await.unwrap();
        assert_eq!(entries.len(), 400);
        assert_eq!(txn.count("/f").await.unwrap(), 400);
    }

    // One process reads, the other writes: a conflict like any other.
    let mut txn = stores[0].txn();
    txn.get::<Note>("a").await.unwrap();
    put(&stores[1], &[note("a", 1)]).await;
    txn.put(&note("a", 2)).unwrap();
    assert!(txn.commit().await.unwrap_err().is_conflict());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_loses_nothing_acknowledged_and_watchers_catch_up() {
    let mut server = Server::start();
    let url = server.fresh();
    let store = Store::open(&url).await.unwrap();
    let other = Store::open(&url).await.unwrap();
    let mut watch = other.watch(Scope::Feed("/f".to_owned()), Since::Now);
    let mut done = Vec::new();
    for number in 0..30u64 {
        if number % 10 == 5 {
            server.crash();
        }
        let mut txn = store.txn();
        txn.append("/f", &number).unwrap();
        match txn.commit().await {
            Ok(_) => done.push(number),
            Err(error) => {
                assert!(
                    matches!(error, Error::Io { .. } | Error::Away { .. } | Error::Unknown { .. }),
                    "{error}"
                );
            }
        }
    }
    let entries: Vec<(u64, u64)> = store.txn().feed("/f", From::Start, 99).await.unwrap();
    assert!(done.len() >= 27, "{done:?}");
    for number in &done {
        assert_eq!(entries.iter().filter(|(_, entry)| entry == number).count(), 1);
    }
    for (position, _) in &entries {
        let change = watch.next().await.unwrap();
        assert_eq!(change.what, kvs::Changed::Entry { feed: "/f".to_owned(), position: *position });
    }
    // Nothing was announced to a listener that was away, and nothing is announced now: it asks.
    assert_eq!(other.txn().count("/f").await.unwrap(), entries.len() as u64);
}

#[tokio::test]
async fn states_held_open_are_limited_and_said_so() {
    let url = Server::shared().fresh();
    let options = Options::new().connections(2).statement(std::time::Duration::from_secs(3));
    let store = Store::open_with(&url, options).await.unwrap();
    let mut held = Vec::new();
    for number in 0..2 {
        let mut txn = store.txn();
        txn.get::<Note>("a").await.unwrap();
        held.push(txn);
        put(&store, &[note("b", number)]).await;
    }
    let error = store.get::<Note>("b").await.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    put(&store, &[note("c", 1)]).await;
    held.clear();
    assert_eq!(store.get::<Note>("c").await.unwrap(), Some(note("c", 1)));
}

#[tokio::test]
async fn what_cannot_be_reached_says_why_without_the_password() {
    let server = Server::shared();
    let there = server.fresh();
    let (host, _) = there.rsplit_once('/').unwrap();
    let with = |url: &str| url.replace("kvs@", "kvs:secret@");
    for (url, expected) in [
        ("postgres://kvs:secret@127.0.0.1:1/none".to_owned(), "does not answer"),
        ("postgres://kvs:secret@no..host/none".to_owned(), "cannot be resolved"),
        (with(&format!("{host}/none")), "there is no database"),
        (with(&there).replace("kvs:", "stranger:"), "refuses the user or the password"),
        ("mysql://kvs:secret@host/none?password=secret".to_owned(), "names no store"),
        ("postgres://kvs:secret@host:port/none".to_owned(), "names no store"),
    ] {
        let error = Store::open(&url).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{url}: {error}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_nothing_is_told_in_time_and_is_well_when_it_goes_on() {
    let server = Server::start();
    let options = Options::new().ping(Duration::from_millis(200));
    let store = Store::open_with(&server.fresh(), options).await.unwrap();
    assert!(store.health().await.trouble.is_none());
    server.halt(true);
    // Asked often, it takes no connection from those who read.
    for _ in 0..20 {
        let trouble = store.health().await.trouble;
        assert!(matches!(trouble, Some(Trouble::Away(Error::Away { .. }))), "{trouble:?}");
    }
    server.halt(false);
    while store.health().await.trouble.is_some() {}
    put(&store, &[note("a", 1)]).await;
    assert_eq!(store.get::<Note>("a").await.unwrap(), Some(note("a", 1)));
}
