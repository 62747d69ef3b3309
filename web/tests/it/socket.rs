//! Pages' connections as sockets see them: who may open one, how many, and what ends one.

use std::time::Duration;

use axum::Router;
use n2o::Limits;
use nitro::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use web::App;

use crate::served::{connect, rest, send, until, with};

/// How long a message may take that has begun: enough for the request before it on a busy machine.
const SOON: Duration = Duration::from_secs(2);

#[derive(Default, Serialize, Deserialize)]
struct Where;

#[derive(Event)]
enum Ask {
    Address,
}

impl Page for Where {
    type Event = Ask;
    const ACCESS: Access = Access::Anyone;

    fn render(&self, ui: &Ui<'_, Self>) -> Markup {
        maud::html! { (span().id("at")) (button("Ask").id("ask").postback(ui.on(Ask::address()))) }
    }

    async fn init(&mut self, cx: &mut Cx<'_, Self>) -> Result {
        let at = format!("{:?}", cx.address());
        cx.update("at", maud::html! { (span().id("at").text(at)) });
        Ok(())
    }

    async fn event(&mut self, Ask::Address: Ask, _: &mut Cx<'_, Self>) -> Result {
        Ok(())
    }
}

fn page(app: App) -> Router {
    app.page::<Where>("/where").router()
}

/// The cookie and the token of a page.
async fn open(address: &str) -> (String, String) {
    let request = format!("GET /where HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let answer = send(address, request).await;
    let between = |from: &str, to: &str| {
        let (_, rest) = answer.split_once(from).expect("the beginning");
        rest.split_once(to).expect("the end").0.to_owned()
    };
    (between("set-cookie: ", ";"), between("<meta name=\"n2o\" content=\"", "\""))
}

/// Asks for a page's connection with more header lines; answers it, and the head of the answer.
async fn upgrade(address: &str, (cookie, token): &(String, String), lines: &str) -> (TcpStream, String) {
    let mut client = connect(address).await;
    let head = format!(
        "GET /ws?t={token} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         Sec-WebSocket-Protocol: n2o.json.1\r\n{lines}\r\n"
    );
    client.write_all(head.as_bytes()).await.expect("a request");
    // Not a byte more: a frame may be right behind it.
    let mut answer = String::new();
    while !answer.ends_with("\r\n\r\n") {
        answer.push(client.read_u8().await.map_or('?', char::from));
        if answer.ends_with('?') {
            break;
        }
    }
    (client, answer)
}

fn own(address: &str) -> String {
    format!("Origin: http://{address}\r\n")
}

/// The code of the close frame, which is the last that the server sends.
async fn code(client: &mut TcpStream) -> Option<u16> {
    let bytes = rest(client).await;
    let close = bytes.windows(4).rev().find(|four| four[0] == 0x88)?;
    Some(u16::from_be_bytes([close[2], close[3]]))
}

#[tokio::test]
async fn one_origin_that_is_ours_opens_a_socket() {
    for secure in [false, true] {
        let make = |app: App| page(app.secure(secure).origin("https://app.example.org"));
        with(Limits::default(), make, async |address| {
            let page = open(&address).await;
            let ours = format!("Origin: http://{address}\r\n");
            let tls = format!("Origin: https://{address}\r\n");
            let listed = "Origin: https://app.example.org\r\n";
            let foreign = "Origin: https://evil.example\r\n";
            for (lines, allowed) in [
                (tls.clone(), true),
                (ours.clone(), !secure),
                (listed.to_owned(), true),
                (String::new(), false),
                (foreign.to_owned(), false),
                (format!("{tls}{foreign}"), false),
                (format!("{foreign}{tls}"), false),
                (format!("{tls}{tls}"), false),
                (format!("{listed}{tls}"), false),
                (String::from("Origin: null\r\n"), false),
                (tls.replace("\r\n", ".evil.example\r\n"), false),
                (tls.replace("\r\n", "/\r\n"), false),
                (listed.replace("https", "http"), false),
            ] {
                let (_, answer) = upgrade(&address, &page, &lines).await;
                let status = if allowed { "HTTP/1.1 101 " } else { "HTTP/1.1 403 " };
                assert!(answer.starts_with(status), "{secure} {lines:?}: {answer}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_refused_socket_ends_its_connection() {
    with(Limits::default(), page, async |address| {
        let page = open(&address).await;
        let (mut client, answer) = upgrade(&address, &page, "Origin: https://evil.example\r\n").await;
        assert!(answer.contains("connection: close\r\n"), "{answer}");
        // What is behind such a request may be frames: it is not read as a request.
        let _ = client.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert!(!until(&mut client, "").await.contains("live"));
    })
    .await;
}

/// Reads frames of text, or the code of a close.
async fn frame(client: &mut TcpStream) -> Result<String, u16> {
    let head = [client.read_u8().await.expect("a frame"), client.read_u8().await.expect("its length")];
    let len = match head[1] {
        126 => client.read_u16().await.expect("a length").into(),
        short => usize::from(short),
    };
    let mut content = vec![0; len];
    client.read_exact(&mut content).await.expect("its content");
    if head[0] == 0x88 {
        return Err(u16::from_be_bytes([content[0], content[1]]));
    }
    Ok(String::from_utf8(content).expect("text"))
}

#[tokio::test]
async fn a_handshake_that_is_late_takes_the_page_from_nobody() {
    with(Limits::default(), page, async |address| {
        let (cookie, token) = open(&address).await;
        let attempt = async |number: u64| {
            let numbered = (cookie.clone(), format!("{token}&c={number}"));
            upgrade(&address, &numbered, &own(&address)).await.0
        };
        // The first attempt was given up by its client, and is still on its way.
        let mut living = attempt(1_764_000_000_002).await;
        assert_eq!(frame(&mut living).await.as_deref(), Ok("[4,0,0]"));
        assert!(frame(&mut living).await.is_ok_and(|push| push.starts_with("[2,")));
        let mut late = attempt(1_764_000_000_001).await;
        assert_eq!(frame(&mut late).await, Err(4409));
        // A PING, masked with zeros, is answered: the page is alive.
        living.write_all(b"\x81\x85\0\0\0\0[0,1]").await.expect("a frame");
        assert_eq!(frame(&mut living).await.as_deref(), Ok("[0]"));
        let mut next = attempt(1_764_000_000_003).await;
        assert!(frame(&mut next).await.is_ok_and(|welcome| welcome.starts_with("[4,")));
        assert_eq!(frame(&mut living).await, Err(4409));
    })
    .await;
}

#[tokio::test]
async fn a_document_that_comes_back_is_sent_the_page_and_no_answers() {
    with(Limits::default(), page, async |address| {
        let (cookie, token) = open(&address).await;
        let with = |query: &str| (cookie.clone(), format!("{token}{query}"));
        let mut left = upgrade(&address, &with(""), &own(&address)).await.0;
        for _ in 0..2 {
            assert!(frame(&mut left).await.is_ok());
        }
        drop(left);
        for again in [false, true] {
            let mut back = upgrade(&address, &with("&r=1"), &own(&address)).await.0;
            assert_eq!(frame(&mut back).await.as_deref(), Ok("[4,0,0]"), "{again}");
            let page = frame(&mut back).await.expect("the page");
            // The place that `init` has filled is rendered anew: it is the page's own state that is shown.
            assert!(page.starts_with("[2,[[0,\"\",\"<span id=\\\"at\\\""), "{page}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_knows_the_address_of_its_connection() {
    let trusting = |app: App| page(app.proxy("127.0.0.1".parse().expect("a network")));
    with(Limits::default(), trusting, async |address| {
        let page = open(&address).await;
        let lines = own(&address) + "X-Forwarded-For: 203.0.113.1\r\n";
        let (mut client, answer) = upgrade(&address, &page, &lines).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        // Frames may have come along with the head.
        let told = "Some(203.0.113.1)";
        assert!(answer.contains(told) || until(&mut client, told).await.contains(told), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn a_parameter_stands_once_and_numbers_are_numbers() {
    with(Limits::default(), page, async |address| {
        let (cookie, token) = open(&address).await;
        let bad =
            ["n=0&n=1", "c=1&c=2", "c=18446744073709551616", "n=4294967296", "n=x", "a=-1", "a=1.0", "c="];
        let bad = bad.map(|more| format!("{token}&{more}"));
        for token in [format!("{token}&t={token}")].into_iter().chain(bad) {
            let (_, answer) = upgrade(&address, &(cookie.clone(), token), &own(&address)).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_and_a_client_have_so_many_sockets() {
    let refused = |answer: &str| {
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 5\r\n"), "{answer}");
    };
    with(Limits { connections_by_session: 1, ..Limits::default() }, page, async |address| {
        let (first, second) = (open(&address).await, open(&address).await);
        let (kept, answer) = upgrade(&address, &first, &own(&address)).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        refused(&upgrade(&address, &first, &own(&address)).await.1);
        let (_other, answer) = upgrade(&address, &second, &own(&address)).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "another session: {answer}");
        drop(kept);
        while !upgrade(&address, &first, &own(&address)).await.1.starts_with("HTTP/1.1 101 ") {}
    })
    .await;
    with(Limits { connections_by_client: 1, ..Limits::default() }, page, async |address| {
        let (first, second) = (open(&address).await, open(&address).await);
        let (_kept, answer) = upgrade(&address, &first, &own(&address)).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        refused(&upgrade(&address, &second, &own(&address)).await.1);
        // So is a socket that would only be told that its subprotocol is not known.
        let mut foreign = connect(&address).await;
        let head = format!(
            "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Sec-WebSocket-Protocol: n2o.json.9\r\n{}\r\n",
            own(&address)
        );
        foreign.write_all(head.as_bytes()).await.expect("a request");
        let mut answer = [0; 12];
        foreign.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 503");
    })
    .await;
}

#[tokio::test]
async fn a_message_but_for_its_last_byte_is_not_kept() {
    with(Limits { head: SOON, ..Limits::default() }, page, async |address| {
        let page = open(&address).await;
        let (mut client, _) = upgrade(&address, &page, &own(&address)).await;
        let mut begun = vec![0x81, 0xfe, 0x10, 0x00, 0, 0, 0, 0];
        begun.extend([b' '; 4095]);
        client.write_all(&begun).await.expect("a message but for its last byte");
        assert_eq!(code(&mut client).await, Some(1008));
    })
    .await;
    with(Limits { unfinished: 10_000, ..Limits::default() }, page, async |address| {
        let page = open(&address).await;
        let (mut client, _) = upgrade(&address, &page, &own(&address)).await;
        let mut begun = vec![0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0];
        begun.extend([b' '; 50_000]);
        client.write_all(&begun).await.expect("a message but for its end");
        assert_eq!(code(&mut client).await, Some(1013));
    })
    .await;
}
