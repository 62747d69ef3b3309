//! A handler that does not end costs its user a message, and neither the page nor the server's stop.

use std::{
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use n2o::{Error, Limits};
use tokio::time::Instant;

use crate::house::{Log, Page, Seen, awake, connect, house, later, open};

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_ends_is_dropped_and_its_page_taken_back() {
    awake(async {
        let log = Log::new();
        let _guard = tracing::subscriber::set_default(log.clone());
        let (node, began) = (house(Limits::default()).await, Instant::now());
        let session = node.sessions().create();
        let mut client = open(&node, &session, Page::default());
        client.ask("state", "before").await;
        let (answer, ()) = tokio::join!(client.ask("never", ""), later(node.limits().handler));
        assert!(began.elapsed() < node.limits().handler + Duration::from_millis(20));
        let incident = answer.split("Incident ").nth(1).unwrap().trim_end_matches(".\"]").to_owned();
        assert!(answer.starts_with("[3,2,1,"), "{answer}");
        let lines = log.with(&incident);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("page.path=/page") && lines[0].contains("event never"), "{lines:?}");
        assert_eq!(client.ask("ok", "").await, r#"[1,3,[[8,"text","before"]]]"#);
        assert_eq!(node.store().txn().count("/never").await.unwrap(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_handler_never_ends_does_not_keep_the_page() {
    awake(async {
        let log = Log::new();
        let _guard = tracing::subscriber::set_default(log.clone());
        let node = house(Limits::default()).await;
        let session = node.sessions().create();
        let mut client = open(&node, &session, Page::default());
        client.ask("state", "before").await;
        node.registry().send("topic", String::from("never"));
        later(node.limits().handler).await;
        assert_eq!(client.ask("ok", "").await, r#"[1,2,[[8,"text","before"]]]"#);
        assert_eq!(log.with("message topic").len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_page_whose_start_never_ends_is_closed() {
    awake(async {
        let node = house(Limits::default()).await;
        let page = Page { init: "never", ..Page::default() };
        let mut client = open(&node, &node.sessions().create(), page);
        let (code, ()) = tokio::join!(client.closed(), later(node.limits().handler));
        assert_eq!(code, 1011);
        while node.pages().live() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_opening_of_a_page_ends_in_time() {
    awake(async {
        let node = house(Limits::default()).await;
        let (session, page) = (node.sessions().create(), node.page_id());
        let cx = n2o::Dispatch::new(&node, session, page, "/page", Vec::new(), "en");
        let pending = std::future::pending::<n2o::Result>();
        let (opened, ()) = tokio::join!(cx.deadline().hold(pending), later(node.limits().handler));
        assert!(matches!(opened, Err(Error::Timeout(after)) if after == node.limits().handler));
        let opened = cx.deadline().hold(async { panic!("while it opens") }).await;
        assert!(
            matches!(opened, Err::<(), _>(Error::Panic(panicked)) if panicked.reason() == "while it opens")
        );
        assert_eq!(cx.deadline().hold(async { Ok(1) }).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_stop_does_not_wait_for_a_handler_that_never_ends() {
    awake(async {
        let node = house(Limits::default()).await;
        let session = node.sessions().create();
        let mut client = open(&node, &session, Page::default());
        client.ask("state", "before").await;
        client.frames();
        client.send("never", "");
        later(Duration::from_secs(1)).await;
        let (ended, ()) = tokio::join!(node.stop(), later(node.limits().drain / 2));
        assert!(ended, "all ended in order");
        assert_eq!(client.frames(), [Seen::Closed(1001)], "no answer: the next server executes the event");

        let (store, keys) = (node.store().clone(), node.keys().clone());
        let next =
            n2o::Node::new(store, keys, Limits::default(), node.clock().clone(), node.random().clone());
        let mut client = connect(&next, &session, client.page);
        assert_eq!(client.seen().await, Seen::Frame(String::from("[4,0,1]")), "the state before is saved");
    })
    .await;
}

/// On a runtime of one thread, which the handler keeps.
#[test]
fn a_handler_that_keeps_its_thread_is_noticed_and_the_stop_ends_without_it() {
    // The watchdog has a thread of its own.
    let log = Log::of_all();
    let limits =
        Limits { handler: Duration::from_millis(10), drain: Duration::from_millis(10), ..Limits::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (release, gate) = mpsc::channel();
    let ended = runtime.block_on(async {
        let node = house(limits).await;
        node.start();
        let page = Page { gate: Some(Arc::new(Mutex::new(gate))), ..Page::default() };
        let mut client = open(&node, &node.sessions().create(), page);
        client.send("block", "");
        while log.with("a handler has kept its thread").is_empty() {
            std::thread::yield_now();
        }
        node.stop().await
    });
    assert!(!ended);
    assert_eq!(log.with("a handler has kept its thread").len(), 1, "once");
    assert!(log.with("kept its thread")[0].contains("page.path=/page"));
    assert_eq!(log.with("the server stops without a handler").len(), 1);
    release.send(()).unwrap();
}
