//! The server as sockets see it: how many it serves at once, and how long it waits for them.

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use axum::{Router, body::Body, routing};
use n2o::{Clock, Keys, Limits, Node, Random};
use tokio::{io::AsyncWriteExt, net::TcpSocket, sync::Semaphore};

use web::{App, Server};

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

/// Asks for a path until it is answered with `end`.
async fn again(address: &str, path: &str, end: &str) {
    loop {
        let mut client = connect(address).await;
        ask(&mut client, path).await;
        if until(&mut client, end).await.contains(end) {
            break;
        }
    }
}

#[tokio::test]
async fn beyond_the_places_nobody_is_answered_but_who_watches_the_server() {
    let (now, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (inside, gate) = (Arc::clone(&now), Arc::clone(&go));
    let hold = async move || {
        inside.fetch_add(1, Ordering::Relaxed);
        gate.acquire().await.expect("a gate").forget();
        inside.fetch_sub(1, Ordering::Relaxed);
        "held"
    };
    let router =
        Router::new().route("/hold", routing::get(hold)).route("/other", routing::get(async || "other"));
    with(Limits { requests: 2, reserved: 4, ..limits() }, router, async |address| {
        let mut clients = Vec::new();
        for _ in 0..2 {
            let mut client = connect(&address).await;
            ask(&mut client, "/hold").await;
            clients.push(client);
        }
        while now.load(Ordering::Relaxed) < 2 {
            tokio::task::yield_now().await;
        }
        for _ in 0..5 {
            let mut watch = connect(&address).await;
            ask(&mut watch, "/live").await;
            let mut other = connect(&address).await;
            ask(&mut other, "/other").await;
            assert!(until(&mut watch, "").await.ends_with("\r\n\r\nlive"));
            let answer = until(&mut other, "").await.to_ascii_lowercase();
            assert!(answer.starts_with("http/1.1 503 "), "{answer}");
            assert!(
                answer.contains("retry-after: 5\r\n") && answer.contains("connection: close\r\n"),
                "{answer}"
            );
            assert!(answer.contains("content-security-policy: "), "{answer}");
        }
        let mut ready = connect(&address).await;
        ask(&mut ready, "/ready").await;
        assert!(until(&mut ready, "").await.ends_with("\r\n\r\nready"));
        go.add_permits(clients.len());
        for client in &mut clients {
            assert!(until(client, "held").await.ends_with("held"));
        }
        drop(clients);
        // The places are free again.
        again(&address, "/other", "other").await;
    })
    .await;
}

#[tokio::test]
async fn who_holds_a_reserved_connection_without_a_word_loses_it() {
    let limits = Limits { requests: 1, reserved: 1, ..limits() };
    with(limits, Router::new(), async |address| {
        let mut silent = [connect(&address).await, connect(&address).await, connect(&address).await];
        let mut watch = connect(&address).await;
        ask(&mut watch, "/live").await;
        assert!(until(&mut watch, "").await.ends_with("live"), "the silent ones are gone");
        // The first has a place, and time.
        for client in &mut silent[1..] {
            assert_eq!(until(client, "").await, "");
        }
    })
    .await;
}

#[tokio::test]
async fn one_client_has_so_many_connections_and_a_trusted_proxy_more() {
    let few = Limits { requests_by_client: 2, ..limits() };
    let trusting = |app: web::App| app.proxy("127.0.0.1".parse().expect("a network")).router();
    with(few.clone(), Router::new(), async |address| {
        let mut kept = vec![connect(&address).await, connect(&address).await];
        for client in &mut kept {
            ask(client, "/live").await;
            assert!(until(client, "live").await.ends_with("live"));
        }
        let mut third = connect(&address).await;
        ask(&mut third, "/nowhere").await;
        let answer = until(&mut third, "").await;
        assert!(
            answer.starts_with("HTTP/1.1 404 ") && answer.contains("connection: close"),
            "once: {answer}"
        );
        for body in ["Content-Length: 9", "Transfer-Encoding: chunked"] {
            let post = format!("POST /nowhere HTTP/1.1\r\nHost: localhost\r\n{body}\r\n\r\n");
            let answer = served::send(&address, post).await;
            assert!(answer.starts_with("HTTP/1.1 503 "), "and no body is waited for: {answer}");
        }
        kept.pop();
        loop {
            let mut client = connect(&address).await;
            ask(&mut client, "/live").await;
            if !until(&mut client, "live").await.contains("connection: close") {
                break;
            }
        }
    })
    .await;
    served::with(few, trusting, async |address| {
        let mut clients = Vec::new();
        for _ in 0..5 {
            let mut client = connect(&address).await;
            ask(&mut client, "/live").await;
            assert!(!until(&mut client, "live").await.contains("connection: close"));
            clients.push(client);
        }
    })
    .await;
}

#[tokio::test]
async fn half_sent_requests_of_one_client_stop_nobody() {
    const BODY: &str = "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf";
    const HEAD: &str = "GET /live HTTP/1.1\r\nHost: loc";
    for (requests, requests_by_client) in [(1_000, 8), (8, 1_000)] {
        let limits = Limits { requests, requests_by_client, reserved: 4, ..limits() };
        with(limits, Router::new(), async |address| {
            let mut half = Vec::new();
            for sent in [BODY, HEAD, ""].into_iter().cycle().take(150) {
                let mut client = connect(&address).await;
                client.write_all(sent.as_bytes()).await.expect("half a request");
                half.push(client);
            }
            for path in ["/live", "/ready"] {
                again(&address, path, &format!("\r\n\r\n{}", &path[1..])).await;
            }
            if requests > requests_by_client {
                again(&address, "/nowhere", "404 Not Found").await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_client_that_keeps_connecting_beyond_its_places_keeps_nobody_waiting() {
    const BODY: &str = "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf";
    const MOST: usize = 60;
    let limits = Limits { requests: 1_000, requests_by_client: 8, reserved: 4, ..limits() };
    with(limits, Router::new(), async |address| {
        let mut held = Vec::new();
        for _ in 0..8 {
            let mut client = connect(&address).await;
            client.write_all(BODY.as_bytes()).await.expect("half a request");
            held.push(client);
        }
        for _ in 0..100 {
            held.push(connect(&address).await);
        }
        let flood = async {
            for _ in 0..MOST {
                held.push(connect(&address).await);
            }
            panic!("{MOST} connections were opened, and a client without any was not answered");
        };
        let asking = async {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind("127.0.0.2:0".parse().expect("an address")).expect("another client");
            let mut other = socket.connect(address.parse().expect("an address")).await.expect("a server");
            ask(&mut other, "/live").await;
            until(&mut other, "live").await
        };
        let answer = tokio::select! {
            answer = asking => answer,
            () = flood => String::new(),
        };
        assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.contains("connection: close"), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_is_no_pages_ends_at_its_age() {
    with(Limits { life: SHORT, ..limits() }, Router::new(), async |address| {
        let mut client = connect(&address).await;
        assert_eq!(until(&mut client, "").await, "", "the end, although it may be silent for an hour");
        let mut body = connect(&address).await;
        let head = "POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n";
        body.write_all(head.as_bytes()).await.expect("a head");
        assert_eq!(until(&mut body, "").await, "", "with a request on its way, too");
    })
    .await;
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_its_connection() {
    let limits = Limits { head: SHORT, pace: 1_000, ..Limits::default() };
    with(limits, Router::new(), async |address| {
        for (framing, sent) in [("Content-Length: 9", "half"), ("Transfer-Encoding: chunked", "9\r\nhalf")] {
            let mut client = connect(&address).await;
            let head = format!("POST /n2o/csp HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n{sent}");
            client.write_all(head.as_bytes()).await.expect("half a request");
            let answer = until(&mut client, "").await;
            assert!(!answer.contains(" 204 "), "{framing}: {answer}");
        }
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
    with(Limits { requests: 1, reserved: 0, ..limits() }, Router::new(), async |address| {
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
    let limits = Limits { requests: 1, reserved: 0, write: Duration::from_secs(2), ..limits() };
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

#[tokio::test]
async fn keys_that_are_slow_to_read_keep_nobody_waiting() {
    let random = Random::default();
    let store = kvs::Store::open("memory:").await.expect("store");
    let node = Node::new(store, Keys::random(&random), limits(), Clock::default(), random);
    let server = Server::bind(node.clone(), "127.0.0.1:0").await.expect("a free port");
    let address = server.address().expect("an address").to_string();
    let router = App::new(node).router();
    let begun = Arc::new(AtomicUsize::new(0));
    // It lasts until the sender is dropped.
    let (file, read) = mpsc::channel::<()>();
    let reload = {
        let (begun, read) = (Arc::clone(&begun), Mutex::new(read));
        move || {
            begun.fetch_add(1, Ordering::SeqCst);
            _ = read.lock().expect("one reads").recv();
        }
    };
    let test = async {
        // Whoever is answered is served by a server that hears signals.
        for reading in [false, true] {
            let mut client = connect(&address).await;
            ask(&mut client, "/live").await;
            assert!(until(&mut client, "live").await.ends_with("live"), "{reading}");
            if !reading {
                rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::HUP)
                    .expect("a signal");
                while begun.load(Ordering::SeqCst) == 0 {
                    tokio::task::yield_now().await;
                }
            }
        }
    };
    tokio::select! {
        ended = server.run(router, reload) => panic!("the server ended: {ended:?}"),
        () = test => {}
    }
    drop(file);
}
