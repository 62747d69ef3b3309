//! One session's work does not keep the others waiting.

use std::{sync::Arc, time::Duration};

use n2o::Limits;

use crate::house::{Page, Seen, awake, house, later, open, open_from};

#[tokio::test(start_paused = true)]
async fn a_click_is_answered_between_the_reads_of_another_session() {
    awake(async {
        let node = house(Limits::default()).await;
        let busy = node.sessions().create();
        let (mut turns, mut clients) = (Vec::new(), Vec::new());
        for _ in 0..4 {
            let page = Page::default();
            turns.push(Arc::clone(&page.turns));
            let mut client = open(&node, &busy, page);
            for _ in 0..8 {
                client.send("read", "20000");
            }
            clients.push(client);
        }
        let sum = || turns.iter().map(|turns| *turns.lock().unwrap()).sum::<u32>();
        let mut client = open(&node, &node.sessions().create(), Page::default());
        while sum() == 0 {
            tokio::task::yield_now().await;
        }
        let before = sum();
        client.ask("ok", "").await;
        assert!(sum() - before < 100, "{} reads were done before the click", sum() - before);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_handler_knows_whether_another_message_follows() {
    awake(async {
        let node = house(Limits::default()).await;
        let mut client = open(&node, &node.sessions().create(), Page::default());
        client.ask("ok", "").await;
        for _ in 0..3 {
            node.registry().send("topic", String::from("expects"));
        }
        while node.store().txn().count("/expects").await.unwrap() < 3 {
            tokio::task::yield_now().await;
        }
        let told = node.store().txn().feed::<bool>("/expects", kvs::From::Start, 9).await.unwrap();
        assert_eq!(told, [(1, true), (2, true), (3, false)]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_works_beyond_its_share_waits_and_others_do_not() {
    awake(async {
        // 5 ms of work at a thousandth of the time are 5 s.
        let limits = Limits { session_work: 1, session_work_burst: Duration::ZERO, ..Limits::default() };
        let node = house(limits).await;
        let busy = node.sessions().create();
        let page = Page::default();
        let turns = Arc::clone(&page.turns);
        let mut first = open(&node, &busy, page);
        let mut second = open(&node, &busy, Page::default());
        let mut other = open(&node, &node.sessions().create(), Page::default());
        for client in [&mut first, &mut second, &mut other] {
            client.ask("ok", "").await;
        }
        first.send("work", "");
        while *turns.lock().unwrap() == 0 {
            tokio::task::yield_now().await;
        }
        second.send("ok", "");
        other.ask("ok", "").await;
        assert_eq!((first.frames(), second.frames()), (vec![], vec![]), "both pages of the session wait");
        later(Duration::from_secs(4)).await;
        assert_eq!((first.frames(), second.frames()), (vec![], vec![]), "as long as it has worked too much");
        while first.frames().is_empty() {
            later(Duration::from_secs(5)).await;
        }
        assert_eq!(second.frames().len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn address_work_is_shared_by_all_sessions_of_a_network_and_they_wait_for_it() {
    awake(async {
        let limits = Limits { address_work: 1, address_work_burst: Duration::ZERO, ..Limits::default() };
        let node = house(limits).await;
        let page = Page::default();
        let turns = Arc::clone(&page.turns);
        let from = |address: &str, page| open_from(&node, &node.sessions().create(), page, address);
        let mut first = from("2001:db8:1:2::1", page);
        let mut second = from("2001:db8:1:2:ffff::9", Page::default());
        let mut other = from("2001:db8:1:3::1", Page::default());
        for client in [&mut first, &mut second, &mut other] {
            client.ask("ok", "").await;
        }
        first.send("work", "");
        while *turns.lock().unwrap() == 0 {
            tokio::task::yield_now().await;
        }
        // Neither the session that was there nor a new one has worked itself.
        second.send("ok", "");
        let mut third = from("2001:db8:1:2::3", Page::default());
        third.send("ok", "");
        other.ask("ok", "").await;
        later(Duration::from_secs(4)).await;
        let frames = (first.frames(), second.frames());
        assert_eq!(frames, (vec![], vec![]), "all sessions of the network wait");
        assert!(
            !third
                .frames()
                .iter()
                .any(|seen| matches!(seen, Seen::Frame(frame) if frame.starts_with("[1,1,"))),
            "a new one, too"
        );
        while first.frames().is_empty() || second.frames().is_empty() {
            later(Duration::from_secs(5)).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn work_that_never_waits_is_counted_of_a_session_that_has_worked_before() {
    awake(async {
        let limits = Limits { session_work: 1, session_work_burst: Duration::ZERO, ..Limits::default() };
        let node = house(limits).await;
        let mut client = open(&node, &node.sessions().create(), Page::default());
        client.ask("ok", "").await;
        client.send("read", "1");
        while client.frames().is_empty() {
            later(Duration::from_secs(1)).await;
        }
        later(Duration::from_secs(60)).await;
        client.ask("spin", "").await;
        client.send("ok", "");
        later(Duration::from_secs(4)).await;
        assert_eq!(client.frames(), [], "5 ms at a thousandth of the time are 5 s");
        while client.frames().is_empty() {
            later(Duration::from_secs(5)).await;
        }
    })
    .await;
}
