//! What is refused before a page or its socket is there, and what nobody between may keep.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use maud::html;
use n2o::{Clock, Dispatch, Keys, Limits, Node, Random};
use nitro::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tower::ServiceExt;
use web::{App, Server};

/// A page of clerks.
#[derive(Default, Serialize, Deserialize)]
struct Office;

#[derive(Event)]
enum Never {}

impl Page for Office {
    type Event = Never;
    const ACCESS: Access = Access::Role("clerk");

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! { p { "inside" } }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

/// A page of anyone.
#[derive(Default, Serialize, Deserialize)]
struct Open;

impl Page for Open {
    type Event = Never;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, _: &Ui<'_, Self>) -> Markup {
        html! { p { "open" } }
    }

    async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
        match never {}
    }
}

async fn node() -> Node {
    let random = Random::seeded(1);
    let store = kvs::Store::open("memory:").await.unwrap();
    Node::new(store, Keys::random(&random), Limits::default(), Clock::fixed(1_767_225_600_000), random)
}

fn router(node: &Node) -> Router {
    App::new(node.clone()).page::<Open>("/open").page::<Office>("/office").login("/open").router()
}

async fn ask(router: &Router, method: &str, path: &str, cookie: &str) -> (StatusCode, HeaderMap) {
    let request = Request::builder().method(method).uri(path).header(header::COOKIE, cookie);
    let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    (answer.status(), answer.headers().clone())
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// Logs in as a handler does, and trades the ticket as a browser does; the new cookie.
async fn enter(node: &Node, router: &Router, roles: &[&str]) -> String {
    let session = node.sessions().create();
    let old = format!("n2o={}", node.sessions().cookie(&session));
    let mut cx = Dispatch::new(node, Arc::clone(&session), node.page_id(), "/open", Vec::new(), "en");
    cx.login_as("Ann", roles).await.unwrap();
    let ticket = cx.ticket("/office").await.unwrap().expect("a ticket");
    cx.commit().await.unwrap();
    let (status, headers) = ask(router, "GET", &format!("/n2o/session?t={}", ticket.0), &old).await;
    assert_eq!((status, text(&headers, header::LOCATION)), (StatusCode::SEE_OTHER, "/office"));
    assert_eq!(text(&headers, header::CACHE_CONTROL), "no-store", "nobody between keeps the cookie");
    text(&headers, header::SET_COOKIE).split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_look_at_the_headers_keeps_no_page() {
    let node = node().await;
    let router = router(&node);
    assert_eq!(ask(&router, "HEAD", "/open", "").await.0, StatusCode::OK);
    assert_eq!(node.pages().waiting(), 0, "nobody will connect to it");
    assert_eq!(ask(&router, "GET", "/open", "").await.0, StatusCode::OK);
    assert_eq!(node.pages().waiting(), 1);
}

#[tokio::test]
async fn who_has_logged_in_without_the_right_is_denied_and_not_asked_to_log_in() {
    let node = node().await;
    let router = router(&node);
    let (status, headers) = ask(&router, "GET", "/office", "").await;
    assert_eq!((status, text(&headers, header::LOCATION)), (StatusCode::SEE_OTHER, "/open?to=%2Foffice"));
    let guest = enter(&node, &router, &["guest"]).await;
    assert_eq!(ask(&router, "GET", "/office", &guest).await.0, StatusCode::FORBIDDEN);
    let clerk = enter(&node, &router, &["clerk"]).await;
    assert_eq!(ask(&router, "GET", "/office", &clerk).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_socket_of_another_protocol_is_refused() {
    let node = node().await;
    let server = Server::bind(node.clone(), "127.0.0.1:0").await.unwrap();
    let address = server.address().unwrap().to_string();
    let story = async {
        // A browser is told by a code, as it cannot tell a handshake that was refused from a lost network.
        for (protocol, status, close) in [
            ("", "400", false),
            ("Sec-WebSocket-Protocol: chat\r\n", "101", true),
            ("Sec-WebSocket-Protocol: n2o.json.2, n2o.json.3\r\n", "101", true),
            ("Sec-WebSocket-Protocol: chat, n2o.cbor.1\r\n", "101", false),
        ] {
            let mut client = TcpStream::connect(&address).await.unwrap();
            let head = format!(
                "GET /ws HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nConnection: Upgrade\r\n\
                 Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
                 {protocol}\r\n"
            );
            client.write_all(head.as_bytes()).await.unwrap();
            let mut answer = [0; 12];
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!(String::from_utf8_lossy(&answer), format!("HTTP/1.1 {status}"), "{protocol:?}");
            if close {
                let mut rest = Vec::new();
                client.read_to_end(&mut rest).await.unwrap();
                let code = rest.windows(2).any(|two| two == 4400_u16.to_be_bytes());
                assert!(code, "{protocol:?}: {rest:?}");
            }
        }
    };
    tokio::select! {
        () = story => {}
        ended = server.run(router(&node), || {}) => panic!("{ended:?}"),
    }
}
