//! How often a client is served, and how often the log tells of it; the clock is the test's.

use std::{
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header},
};
use form::Form;
use n2o::{Clock, Keys, Limits, Node, Random};
use serde::{Deserialize, Serialize};
use tower::ServiceExt;
use tracing::subscriber::DefaultGuard;
use web::{App, ClientAddress, rest::Rest};

use crate::{leave::LABELS, served};

#[derive(Debug, Default, Serialize, Deserialize, Form)]
#[form(labels = LABELS, table = "ask")]
struct Ask {
    #[form(id, auto)]
    #[serde(default)]
    number: u64,
    #[form(range = 1..=30)]
    days: u32,
}

struct Site {
    node: Node,
    router: Router,
}

async fn site(limits: Limits) -> Site {
    let random = Random::seeded(1);
    let store = kvs::Store::open("memory:").await.unwrap();
    let node = Node::new(store, Keys::random(&random), limits, Clock::fixed(1_000_000), random);
    let router = App::new(node.clone()).rest(Rest::new().record::<Ask>()).router();
    Site { node, router }
}

impl Site {
    /// Asks from an address, with more headers.
    async fn ask(&self, from: &str, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        let address: IpAddr = from.parse().unwrap();
        request.extensions_mut().insert(ClientAddress(Some(address)));
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn status(&self, from: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        self.ask(from, path, headers).await.status().as_u16()
    }
}

#[tokio::test]
async fn an_address_asks_for_so_many_pages_and_lists() {
    for path in ["/nowhere", "/api/records/ask"] {
        let site = site(Limits { client_rate: 1, client_burst: 3, ..Limits::default() }).await;
        let served = if path == "/nowhere" { 404 } else { 401 };
        for _ in 0..3 {
            assert_eq!(site.status("2001:db8::1", path, &[]).await, served);
        }
        // The /64 is one client.
        let refused = site.ask("2001:db8::2", path, &[]).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "{path}");
        assert_eq!(refused.headers()[header::RETRY_AFTER], "5");
        assert_eq!(site.status("2001:db8:0:1::1", path, &[]).await, served, "another is served");
        assert_eq!(site.status("192.0.2.1", path, &[]).await, served, "and another");
        site.node.clock().advance(Duration::from_secs(1));
        assert_eq!(site.status("2001:db8::1", path, &[]).await, served, "a second later");
        assert_eq!(site.status("2001:db8::1", path, &[]).await, 429);
    }
}

#[tokio::test]
async fn a_user_asks_for_so_many_lists_wherever_they_are() {
    let (log, _logging) = logged();
    let site = site(Limits { visit_rate: 1, visit_burst: 2, ..Limits::default() }).await;
    let bearer = |user: &str| {
        let token = site.node.bearer(user, &[], Duration::from_secs(60));
        format!("Bearer {token}")
    };
    let (ann, bob) = (bearer("ann"), bearer("bob"));
    let list =
        async |from: &str, token: &str| site.ask(from, "/api/records/ask", &[("authorization", token)]).await;
    for from in ["192.0.2.1", "192.0.2.2"] {
        assert_eq!(list(from, &ann).await.status(), StatusCode::OK);
    }
    let refused = list("192.0.2.3", &bearer("ann")).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "with another token of hers, too");
    let told = log.take();
    assert!(told.contains("asks more often than") && told.contains("192.0.2.3"), "{told}");
    assert_eq!(refused.headers()[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(refused.headers()[header::RETRY_AFTER], "5");
    let body = to_bytes(refused.into_body(), 4096).await.unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&problem["type"], &problem["status"]), (&"urn:n2o:too-many-requests".into(), &429.into()));
    assert_eq!(list("192.0.2.1", &bob).await.status(), StatusCode::OK, "others are served");
    site.node.clock().advance(Duration::from_secs(1));
    assert_eq!(list("192.0.2.3", &ann).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_session_asks_for_so_many_pages() {
    let site = site(Limits { visit_rate: 1, visit_burst: 2, ..Limits::default() }).await;
    let cookie = ("cookie", "a=b; n2o=some-session");
    assert_eq!(site.status("192.0.2.1", "/nowhere", &[cookie]).await, 404);
    assert_eq!(site.status("192.0.2.2", "/nowhere", &[cookie]).await, 404);
    let refused = site.ask("192.0.2.3", "/nowhere", &[cookie, ("accept-language", "uk")]).await;
    assert_eq!(
        (refused.status(), &refused.headers()[header::RETRY_AFTER]),
        (StatusCode::TOO_MANY_REQUESTS, &"5".parse().unwrap())
    );
    assert_eq!(site.status("192.0.2.3", "/nowhere", &[("cookie", "n2o=another")]).await, 404);
    assert_eq!(site.status("192.0.2.3", "/nowhere", &[]).await, 404);
    site.node.clock().advance(Duration::from_secs(1));
    assert_eq!(site.status("192.0.2.1", "/nowhere", &[cookie]).await, 404);
}

/// What is logged on this thread.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

fn logged() -> (Log, DefaultGuard) {
    // Threads of other tests have a subscriber as well: the first of them to reach a line would switch it off for
    // all, were there none.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || sink.clone()).finish();
    (log, tracing::subscriber::set_default(subscriber))
}

#[tokio::test]
async fn what_clients_cause_is_logged_once_a_window_and_in_short() {
    let (log, _logging) = logged();
    let site = site(Limits { client_rate: 1, client_burst: 1, ..Limits::default() }).await;
    let report = async || {
        let text = format!("line\nbreak \u{1b}[31m {}", "x".repeat(4_000));
        let request = Request::post("/n2o/csp").body(Body::from(text)).unwrap();
        assert_eq!(site.router.clone().oneshot(request).await.unwrap().status(), StatusCode::NO_CONTENT);
    };
    for round in ["held=0", "held=99"] {
        for _ in 0..100 {
            report().await;
            site.status("192.0.2.1", "/nowhere", &[]).await;
        }
        let told = log.take();
        assert!(told.matches("a browser reports").count() == 1 && told.contains(round), "{told}");
        assert!(told.len() < 2_000 && told.lines().count() <= 3, "{told}");
        assert!(!told.contains('\u{1b}') && told.contains("line\\nbreak \\u{1b}"), "{told}");
        assert!(told.contains("asks more often than"), "{told}");
        site.node.clock().advance(Duration::from_secs(60));
    }
}

#[tokio::test]
async fn hosts_origins_and_crowds_are_logged_once_a_window_and_in_short() {
    let (log, _logging) = logged();
    let limits = Limits { requests_by_client: 2, ..Limits::default() };
    served::with(limits, |app| app.router(), async |address| {
        let name = "x".repeat(1_000);
        for at in 0..20 {
            let host = format!("GET / HTTP/1.1\r\nHost: {name}{at}.example\r\nConnection: close\r\n\r\n");
            served::send(&address, host).await;
            let origin = format!(
                "GET /ws HTTP/1.1\r\nHost: localhost\r\nOrigin: http://{name}{at}\r\nConnection: upgrade\r\n\
                 Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            );
            served::send(&address, origin).await;
            served::send(&address, "\0 nonsense \r\n\r\n").await;
        }
        let mut crowd = Vec::new();
        for _ in 0..20 {
            crowd.push(served::connect(&address).await);
        }
        // The last is closed when all before it have been taken.
        served::rest(crowd.last_mut().unwrap()).await;
    })
    .await;
    let told = log.take();
    for line in [
        "request for a host that is not served",
        "foreign origin refused",
        "connection without a place: its client",
    ] {
        assert_eq!(told.matches(line).count(), 1, "{line}: {told}");
    }
    assert!(told.contains("--host NAME"), "it says how to allow it: {told}");
    assert!(told.lines().count() <= 4 && told.len() < 2_500, "and the connections at the start: {told}");
}
