//! Too many frames, and the log lines that a client can cause.

use bytes::Bytes;
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
            queued_by_page: 20_000,
            handler: std::time::Duration::from_secs(5),
            ..Limits::default()
        };
        let node = house(limits).await;
        let mut honest = open(&node, &node.sessions().create(), Page::default());
        let mut greedy = open(&node, &node.sessions().create(), Page::default());
        for client in [&mut honest, &mut greedy] {
            client.send("never", "");
            for _ in 0..2 {
                client.send("state", &"x".repeat(8_000));
            }
        }
        greedy.send("state", &"x".repeat(8_000));
        assert_eq!(greedy.closed().await, 1008, "while the handler runs");
        later(node.limits().handler).await;
        assert!(honest.ask("ok", "").await.starts_with("[1,4,"), "and what is within is answered");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_handlers_of_all_pages_is_bounded_in_bytes() {
    awake(async {
        let limits =
            Limits { queued: 50_000, handler: std::time::Duration::from_secs(5), ..Limits::default() };
        let node = house(limits).await;
        let new = || open(&node, &node.sessions().create(), Page::default());
        let large = "x".repeat(20_000);
        // One is handled, another one waits for its handler.
        let (mut first, mut second, mut third, mut small) = (new(), new(), new(), new());
        first.send("never", &large);
        second.send("never", "");
        second.send("state", &large);
        later(std::time::Duration::from_millis(1)).await;
        third.send("never", "");
        third.send("state", &large);
        assert_eq!(third.closed().await, 1013, "no room behind a handler");
        let mut fourth = new();
        fourth.send("ok", &large);
        assert_eq!(fourth.closed().await, 1013, "nor in one");
        assert!(small.ask("ok", &"x".repeat(10_000)).await.starts_with("[1,1,"), "a small one needs none");
        later(node.limits().handler).await;
        assert!(
            first.ask("ok", &large).await.starts_with("[1,2,"),
            "what is handled has given its room back"
        );
        assert!(second.ask("ok", &large).await.starts_with("[1,3,"));
        drop(first);
        let mut gone = new();
        gone.send("never", &large);
        gone.send("ok", &large);
        later(std::time::Duration::from_millis(1)).await;
        drop(gone);
        later(node.limits().handler * 2).await;
        let mut last = new();
        last.send("never", &large);
        last.send("state", &large);
        later(node.limits().handler).await;
        assert!(last.ask("ok", "").await.starts_with("[1,3,"), "all of the room is back");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_waits_keeps_nothing_else() {
    awake(async {
        let node = house(Limits::default()).await;
        let mut client = open(&node, &node.sessions().create(), Page::default());
        client.send("never", "");
        let read = Bytes::from(vec![b' '; 500_000]);
        client.send_frame(read.slice(..10));
        later(std::time::Duration::from_secs(1)).await;
        assert_eq!(client.waiting(), 0);
        assert!(read.is_unique(), "all that was read with it would stay as long as it waits");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_is_seen_while_much_waits_for_its_handler() {
    awake(async {
        let node = house(Limits { frame: 100_000, text: 100_000, ..Limits::default() }).await;
        let mut client = open(&node, &node.sessions().create(), Page::default());
        client.send("never", "");
        for _ in 0..3 {
            client.send("state", &"x".repeat(90_000));
        }
        later(std::time::Duration::from_secs(1)).await;
        assert_eq!(client.waiting(), 0, "all of it is read while the handler runs, and so is the end");
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

#[tokio::test(start_paused = true)]
async fn an_event_without_a_number_closes_with_4400() {
    awake(async {
        let node = house(Limits::default()).await;
        let mut client = open(&node, &node.sessions().create(), Page::default());
        client.send_frame(Bytes::from_static(br#"[1,0,"ok","",[]]"#));
        assert_eq!(client.closed().await, 4400);
    })
    .await;
}
