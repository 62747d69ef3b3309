//! What a client can make the server keep is bounded, by session and in all.

use std::time::Duration;

use n2o::{Limits, Node};

use crate::house::{Client, Draft, Page, awake, house, later, open};

async fn pages(node: &Node) -> Vec<String> {
    let mut txn = node.store().txn();
    let found = txn.range_raw("page", "", None, 1_000).await.unwrap();
    found.into_iter().map(|page| page.id).collect()
}

/// Waits until the store holds so many pages: those beyond a quota are deleted behind the answer.
async fn until(node: &Node, count: usize) -> Vec<String> {
    loop {
        let pages = pages(node).await;
        if pages.len() == count {
            return pages;
        }
        tokio::task::yield_now().await;
    }
}

async fn draft(node: &Node) -> Option<String> {
    node.store().txn().get::<Draft>("d").await.unwrap().map(|draft| draft.text)
}

#[tokio::test(start_paused = true)]
async fn a_session_keeps_its_newest_pages_and_others_keep_theirs() {
    awake(async {
        let node = house(Limits { session_pages: 3, ..Limits::default() }).await;
        let (ann, eve) = (node.sessions().create(), node.sessions().create());
        let mut honest = open(&node, &ann, Page::default());
        honest.ask("write", "x").await;
        let mut greedy: Vec<Client> = Vec::new();
        for _ in 0..10 {
            let mut client = open(&node, &eve, Page::default());
            client.ask("write", "x").await;
            greedy.push(client);
        }
        let kept = until(&node, 4).await;
        assert!(kept.contains(&honest.page.to_string()));
        for client in &greedy[7..] {
            assert!(kept.contains(&client.page.to_string()), "the newest are kept");
        }
        // A page whose record has gone lives on, and is saved again.
        greedy[0].ask("write", "x").await;
        let kept = until(&node, 4).await;
        assert!(kept.contains(&greedy[0].page.to_string()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_bytes_of_a_sessions_pages_are_bounded() {
    awake(async {
        let node = house(Limits { session_bytes: 10_000, ..Limits::default() }).await;
        let session = node.sessions().create();
        for _ in 0..10 {
            let mut client = open(&node, &session, Page::default());
            client.ask("fill", "4000").await;
            client.leave();
            while node.pages().live() > 0 {
                tokio::task::yield_now().await;
            }
        }
        until(&node, 1).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_page_that_nobody_has_room_for_is_not_saved_and_lives() {
    awake(async {
        let node = house(Limits { pages_bytes: 10_000, ..Limits::default() }).await;
        let mut first = open(&node, &node.sessions().create(), Page::default());
        first.ask("fill", "4000").await;
        later(node.limits().save).await;
        until(&node, 1).await;
        let mut second = open(&node, &node.sessions().create(), Page::default());
        second.ask("fill", "4001").await;
        later(Duration::from_secs(10)).await;
        assert_eq!(pages(&node).await, [first.page.to_string()]);
        assert!(second.ask("ok", "").await.contains("xxx"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_state_over_its_bound_is_refused_and_taken_back() {
    awake(async {
        let node = house(Limits { state: 1_000, ..Limits::default() }).await;
        let mut client = open(&node, &node.sessions().create(), Page::default());
        assert!(client.ask("fill", "1000").await.starts_with("[1,"));
        let answer = client.ask("fill", "1001").await;
        assert!(answer.starts_with("[3,2,2,") && answer.contains("too long"), "{answer}");
        assert!(client.ask("ok", "").await.contains(&"x".repeat(1_000)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_values_of_a_session_are_bounded() {
    awake(async {
        let node = house(Limits { session_values: 1_000, ..Limits::default() }).await;
        let mut client = open(&node, &node.sessions().create(), Page::default());
        assert!(client.ask("session", &"x".repeat(900)).await.starts_with("[1,"));
        assert!(client.ask("session", &"x".repeat(1_000)).await.starts_with("[3,2,2,"));
        assert!(client.ask("session", "short").await.starts_with("[1,"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_can_wait_is_written_with_the_next_save() {
    awake(async {
        let node = house(Limits::default()).await;
        let session = node.sessions().create();
        let mut client = open(&node, &session, Page::default());
        for text in ["a", "b", "c"] {
            client.ask("draft", text).await;
        }
        client.ask("draft and fail", "z").await;
        assert_eq!(draft(&node).await, None, "not at each change");
        later(node.limits().save).await;
        while draft(&node).await.is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(draft(&node).await.as_deref(), Some("c"), "and not what a failed handler asked for");

        client.ask("draft", "d").await;
        client.ask("write", "x").await;
        assert_eq!(draft(&node).await.as_deref(), Some("d"), "with anything else that is written");

        client.ask("draft", "e").await;
        client.ask("drop draft", "").await;
        later(node.limits().save * 2).await;
        assert_eq!(draft(&node).await.as_deref(), Some("d"), "given up");

        client.ask("draft", "f").await;
        client.leave();
        while node.pages().live() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(draft(&node).await.as_deref(), Some("f"), "when the client goes");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_rewritten_as_fast_as_may_be_is_saved_once_in_a_while() {
    awake(async {
        let node = house(Limits { rate: 10_000, burst: 10_000, ..Limits::default() }).await;
        let mut client = open(&node, &node.sessions().create(), Page::default());
        let before = commits(&node).await;
        for number in 0..1_000 {
            client.ask("draft", &number.to_string()).await;
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        let commits = commits(&node).await - before;
        assert!((8..=11).contains(&commits), "{commits} commits in ten seconds");
    })
    .await;
}

async fn commits(node: &Node) -> u64 {
    let mut txn = node.store().txn();
    txn.append("/commits", &0).unwrap();
    txn.commit().await.unwrap().at
}
