//! Too many frames, and the log lines that a client can cause.

use n2o::Limits;

use crate::house::{Log, Page, Seen, awake, house, house_over, later, open};

#[tokio::test(start_paused = true)]
async fn more_unanswered_events_than_the_window_close_with_1008() {
    awake(async {
        let node = house(Limits::default()).await;
        let session = node.sessions().create();
        let mut honest = open(&node, &session, Page::default());
        honest.send("never", "");
        for _ in 1..16 {
            honest.send("ok", "");
        }
        let mut greedy = open(&node, &session, Page::default());
        greedy.send("never", "");
        for _ in 0..16 {
            greedy.send("ok", "");
        }
        assert_eq!(greedy.closed().await, 1008);
        later(node.limits().handler).await;
        let last = Seen::Frame(String::from(r#"[1,16,[[8,"text",""]]]"#));
        while honest.seen().await != last {}
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_closed_with_1008_also_while_a_handler_runs() {
    awake(async {
        let limits = Limits { rate: 1, burst: 5, ..Limits::default() };
        let node = house(limits).await;
        for first in ["ok", "never"] {
            let mut client = open(&node, &node.sessions().create(), Page::default());
            client.send(first, "");
            for _ in 0..5 {
                client.send("ok", "");
            }
            assert_eq!(client.closed().await, 1008, "after {first}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_handler_is_bounded_in_bytes() {
    awake(async {
        let limits = Limits {
            frame: 10_000,
            text: 10_000,
            handler: std::time::Duration::from_secs(5),
            ..Limits::default()
        };
        let node = house(limits).await;
        let mut client = open(&node, &node.sessions().create(), Page::default());
        client.send("never", "");
        for _ in 0..15 {
            client.send("state", &"x".repeat(8_000));
        }
        later(std::time::Duration::from_secs(1)).await;
        assert!(client.waiting() >= 12, "of 15 frames {} are still the client's", client.waiting());
        later(node.limits().handler).await;
        assert!(client.ask("ok", "").await.starts_with("[1,17,"), "and all are answered in the end");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_client_can_cause_at_will_is_logged_once_with_a_count() {
    awake(async {
        let log = Log::new();
        let _guard = tracing::subscriber::set_default(log.clone());
        let node = house(Limits { rate: 10_000, burst: 10_000, ..Limits::default() }).await;
        let mut client = open(&node, &node.sessions().create(), Page::default());
        let mut numbers = std::collections::BTreeSet::new();
        for _ in 0..100 {
            assert!(client.ask("refuse", "").await.contains(",2,"));
            numbers.insert(client.ask("fail", "a\n\u{1b}[31mforged line").await.split_off(6));
        }
        assert_eq!(log.with("event refused").len(), 1);
        let failed = log.with("handler failed");
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert!(failed[0].contains(r"a\n\u{1b}[31mforged line"), "{failed:?}");
        tokio::time::advance(node.limits().log_window).await;
        client.ask("refuse", "").await;
        assert!(log.with("event refused")[1].contains("repeated=99"), "{:?}", log.with("event refused"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn pages_that_cannot_be_saved_are_logged_once_a_window_with_a_count() {
    awake(async {
        let log = Log::new();
        let _guard = tracing::subscriber::set_default(log.clone());
        // A store that takes nothing larger stands for a full disk: each page tries again every second.
        let options = kvs::Options::new().max_value(4_096);
        let store = kvs::Store::open_with("memory:", options).await.unwrap();
        let node = house_over(store, Limits::default());
        let mut clients = Vec::new();
        for _ in 0..3 {
            let mut client = open(&node, &node.sessions().create(), Page::default());
            client.ask("state", &"x".repeat(10_000)).await;
            clients.push(client);
        }
        later(node.limits().save * 50).await;
        assert_eq!(log.with("page could not be saved").len(), 1);
        later(node.limits().save * 50).await;
        let lines = log.with("page could not be saved");
        assert!(lines.len() == 2 && !lines[1].contains("repeated=0 "), "{lines:?}");
    })
    .await;
}
