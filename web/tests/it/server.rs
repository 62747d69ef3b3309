//! The server as sockets see it: how many it serves at once, and how long it waits for them.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, routing};
use n2o::Limits;
use tokio::{io::AsyncWriteExt, sync::Semaphore};

use crate::served::{self, ask, connect, until};

const SHORT: Duration = Duration::from_millis(100);

/// Limits under which nothing ends by itself while a test runs.
fn limits() -> Limits {
    let hour = Duration::from_hours(1);
    Limits { head: hour, write: hour, ..Limits::default() }
}

/// Serves a router beside an application without pages.
async fn with<T: Future<Output = ()>>(limits: Limits, router: Router, test: impl FnOnce(String) -> T) {
    served::with(limits, |app| app.router().merge(router), test).await;
}

#[tokio::test]
async fn more_connections_than_there_are_places_wait_for_one() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let go = Arc::new(Semaphore::new(0));
    let (inside, peak, gate) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&go));
    let hold = async move || {
        peak.fetch_max(inside.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        gate.acquire().await.expect("a gate").forget();
        inside.fetch_sub(1, Ordering::Relaxed);
        "held"
    };
    let router = Router::new().route("/hold", routing::get(hold));
    with(Limits { requests: 2, ..limits() }, router, async |address| {
        let mut clients = Vec::new();
        for _ in 0..6 {
            let mut client = connect(&address).await;
            ask(&mut client, "/hold").await;
            clients.push(client);
        }
        // The server has every chance to take them all: it runs on this very thread.
        for _ in 0..10_000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(now.load(Ordering::Relaxed), 2);
        go.add_permits(clients.len());
        for client in &mut clients {
            assert!(until(client, "held").await.ends_with("held"), "each is served in the end");
        }
        assert_eq!(most.load(Ordering::Relaxed), 2);
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_waits_for_its_next_request_leaves_room_for_others() {
    with(Limits { requests: 4, ..limits() }, Router::new(), async |address| {
        let mut kept = Vec::new();
        for _ in 0..2 {
            let mut client = connect(&address).await;
            ask(&mut client, "/live").await;
            assert!(until(&mut client, "live").await.ends_with("live"));
            kept.push(client);
        }
        // As many as one likes, one after the other: what comes now is closed behind its answer.
        let mut others = Vec::new();
        for _ in 0..10 {
            let mut client = connect(&address).await;
            ask(&mut client, "/live").await;
            let answer = until(&mut client, "").await;
            assert!(answer.ends_with("live") && answer.contains("connection: close"), "{answer}");
            others.push(client);
        }
        for client in &mut kept {
            ask(client, "/live").await;
            assert!(until(client, "live").await.ends_with("live"), "those that came first are kept");
        }
    })
    .await;
}

#[tokio::test]
async fn a_socket_can_be_opened_when_the_places_are_few() {
    with(Limits { requests: 1, ..limits() }, Router::new(), async |address| {
        let mut sockets = Vec::new();
        for _ in 0..5 {
            let mut client = connect(&address).await;
            let head = format!(
                "GET /ws HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nConnection: Upgrade\r\n\
                 Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
                 Sec-WebSocket-Protocol: n2o.json.1\r\n\r\n"
            );
            client.write_all(head.as_bytes()).await.expect("a request");
            let answer = until(&mut client, "\r\n\r\n").await;
            assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
            sockets.push(client);
        }
    })
    .await;
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let limits = Limits { requests: 1, head: SHORT, ..limits() };
    with(limits, Router::new(), async |address| {
        for sent in ["", "GET /live HTTP/1.1\r\nHost: loc", "GET /live HTTP/1.1\r\nHost: localhost\r\n"] {
            let mut client = connect(&address).await;
            client.write_all(sent.as_bytes()).await.expect("a piece of a head");
            let answer = until(&mut client, "").await;
            assert!(!answer.contains("200"), "{sent:?}: {answer}");
        }
        let mut client = connect(&address).await;
        ask(&mut client, "/live").await;
        assert!(until(&mut client, "live").await.ends_with("live"));
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_not_read_is_not_waited_for() {
    /// More than the system keeps for a connection.
    const MUCH: usize = 32 << 20;
    let much = async || Body::from(vec![b'x'; MUCH]);
    let router = Router::new().route("/much", routing::get(much));
    let limits = Limits { requests: 1, write: Duration::from_secs(2), ..limits() };
    with(limits, router, async |address| {
        let mut stalled = connect(&address).await;
        ask(&mut stalled, "/much").await;
        let mut other = connect(&address).await;
        ask(&mut other, "/live").await;
        assert!(until(&mut other, "live").await.ends_with("live"), "the only place is free again");
        let mut reader = connect(&address).await;
        ask(&mut reader, "/much").await;
        let read = until(&mut reader, "").await;
        assert!(read.len() > MUCH, "who reads gets it all: {}", read.len());
        drop(stalled);
    })
    .await;
}
