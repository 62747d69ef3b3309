//! Bad input, one kind after the other: each gets the answer that `PROTOCOL.md` documents, costs at most its
//! own connection, and others are served as before.

use std::{
    process::{self, Stdio},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use examples::config::{Command, Config};
use futures_util::{SinkExt, StreamExt};
use n2o::{Clock, Keys, Limits, Node, Random};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::common::{Bound, Client, Frame, Lost, Server, feed, request, until};

/// Checks that the server serves somebody who does nothing wrong.
async fn still_serves(server: &Server, room: &str) {
    let mut honest = Client::new(&server.address);
    honest.enter("Honest", room).await;
    let known = honest.lines.len();
    let say = honest.bound("message");
    honest.fire(&say, json!(["still here"])).await.unwrap();
    while honest.answered() < 1 || honest.lines.len() == known {
        honest.step().await.unwrap();
    }
    assert_eq!(honest.errors, []);
    honest.leave().await;
}

/// A visitor of a room.
async fn visitor(server: &Server, name: &str) -> Client {
    let mut client = Client::new(&server.address);
    client.enter(name, "bad").await;
    client
}

/// Sends something, and answers the code that the connection is closed with.
async fn closed_by(client: &mut Client, message: Message) -> Lost {
    client.send_message(message).await.unwrap();
    loop {
        if let Err(lost) = client.step().await {
            return lost;
        }
    }
}

#[tokio::test]
async fn a_handshake_that_is_not_right_is_refused() {
    let server = Server::start();
    let client = visitor(&server, "Olena").await;
    let own = server.url("");
    for origin in ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1"] {
        assert_eq!(client.handshake(origin, "n2o.json.1").await.err(), Some(403), "{origin}");
    }
    for two in [format!("{own} https://evil.example"), format!("https://evil.example {own}")] {
        assert_eq!(client.handshake(&two, "n2o.json.1").await.err(), Some(403), "{two}");
    }
    let mut foreign = client.handshake(&own, "chat").await.expect("told by a code");
    let told = foreign.next().await.unwrap().unwrap();
    assert!(matches!(&told, Message::Close(Some(close)) if u16::from(close.code) == 4400), "{told:?}");
    let other = visitor(&server, "Other").await;
    let tokens = [String::new(), String::from("AAAA"), other.token.clone(), client.token.replace('A', "B")];
    for token in tokens {
        let mut strange = Client::new(&server.address);
        (strange.jar, strange.token) = (client.jar.clone(), token.clone());
        assert_eq!(strange.connect().await, Err(Lost(4401)), "{token}");
    }
    let mut nobody = Client::new(&server.address);
    nobody.token = client.token.clone();
    assert_eq!(nobody.connect().await, Err(Lost(4401)), "without a cookie");
    nobody.jar.0.insert("n2o".into(), "x".repeat(50));
    assert_eq!(nobody.connect().await, Err(Lost(4401)), "with a forged cookie");
    still_serves(&server, "bad").await;
}

#[tokio::test]
async fn over_tls_no_page_is_without_it() {
    let server = Server::start_in(Arc::new(tempfile::tempdir().unwrap()), &["--secure"]);
    let client = Client::new(&server.address);
    let (plain, own) = (server.url(""), server.url("").replace("http:", "https:"));
    assert_eq!(client.handshake(&plain, "n2o.json.1").await.err(), Some(403));
    assert!(client.handshake(&own, "n2o.json.1").await.is_ok(), "and is closed for want of a session");
}

#[tokio::test]
async fn a_message_over_the_limit_costs_its_own_event_and_no_other() {
    let server = Server::start();
    let mut client = visitor(&server, "Olena").await;
    let say = client.bound("message");
    let long = "x".repeat(Limits::default().frame + 1);
    for text in ["before", &long, "behind"] {
        // The server may close while the last one is being sent.
        let _ = client.fire(&say, json!([text])).await;
    }
    let mut losses = 0;
    while client.answered() < 3 || client.lines.len() < 2 {
        if let Err(Lost(code)) = client.step().await {
            losses += 1;
            assert!(matches!(code, 1009 | 1006) && losses < 4, "loss {losses} with {code}");
            client.reconnect().await.unwrap();
        }
    }
    let told: Vec<_> = client.errors.iter().map(|(seq, code, _)| (*seq, *code)).collect();
    assert_eq!(told, [(2, 2)], "refused once: {:?}", client.errors);
    let said: Vec<_> = client.lines.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(said, ["before", "behind"]);
    still_serves(&server, "bad").await;
}

#[tokio::test]
async fn a_frame_that_is_not_right_closes_its_own_connection() {
    let server = Server::start();
    let mut witness = visitor(&server, "Witness").await;
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let texts = [
        String::from("garbage"),
        String::new(),
        String::from("[1,1,\"say\""),
        String::from("{\"a\":1}"),
        String::from("[]"),
        String::from("[9]"),
        String::from("[0]"),
        String::from("[0,-1]"),
        String::from("[0,1.5]"),
        String::from("[0,9007199254740993]"),
        String::from("[1,2,\"say\",\"AAAA\",[\"a gap\"]]"),
        String::from("[1,1,\"say\",\"not base64url!\",[]]"),
        String::from("[1,1,\"say\",\"AAAA\",[{\"a\":1}]]"),
        format!("[1,1,\"say\",\"AAAA\",[{}]]", nested(20)),
        nested(10_000),
        json!([1, 1, "say", "AAAA", vec!["x"; 513]]).to_string(),
    ];
    for text in texts {
        let short: String = text.chars().take(60).collect();
        let mut client = visitor(&server, "Olena").await;
        assert_eq!(closed_by(&mut client, Message::text(text)).await, Lost(4400), "{short}");
    }
    let mut client = visitor(&server, "Olena").await;
    assert_eq!(closed_by(&mut client, Message::binary(vec![0x82, 0, 0])).await, Lost(4400), "binary in JSON");
    let mut client = visitor(&server, "Olena").await;
    // A machine that takes its time over the first ones gets more of them.
    let lost = 'flood: loop {
        for _ in 0..300 {
            if client.send(&json!([0, 0])).await.is_err() {
                break;
            }
        }
        for _ in 0..300 {
            if let Err(lost) = client.step().await {
                break 'flood lost;
            }
        }
    };
    assert_eq!(lost, Lost(1008), "too many frames");
    // A text over its limit is told at its input, as whoever pasted it can do something about it.
    let mut client = visitor(&server, "Olena").await;
    let say = client.bound("message");
    client.fire(&say, json!(["x".repeat(32_769)])).await.unwrap();
    let told = loop {
        if let Frame::Answer(1, ops) = client.step().await.unwrap() {
            break ops;
        }
    };
    assert!(told.iter().any(|op| op[0] == 8 && op[1] == "message.e" && op[2] != ""), "{told:?}");
    // Somebody else's page has not noticed.
    witness.send(&json!([0, 0])).await.unwrap();
    while witness.step().await.unwrap() != Frame::Pong {}
    still_serves(&server, "bad").await;
}

#[tokio::test]
async fn cbor_that_is_not_right_closes_its_own_connection() {
    let server = Server::start();
    let client = visitor(&server, "Olena").await;
    let frames: [&[u8]; 9] = [
        &[],
        &[0xff],
        &[0x82, 0x00],                   // truncated
        &[0x82, 0x00, 0x00, 0x00],       // trailing bytes
        &[0x9f, 0x00, 0x00, 0xff],       // indefinite
        &[0x82, 0x00, 0x18, 0x01],       // not the shortest integer
        &[0xc1, 0x82, 0x00, 0x00],       // tagged
        &[0x82, 0x00, 0xf9, 0x00, 0x00], // floating point
        &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];
    for frame in frames {
        let mut socket = client.handshake(&server.url(""), "n2o.cbor.1").await.unwrap();
        assert!(matches!(socket.next().await, Some(Ok(Message::Binary(_)))), "the welcome");
        socket.send(Message::binary(frame.to_vec())).await.unwrap();
        let code = loop {
            match socket.next().await {
                Some(Ok(Message::Close(Some(close)))) => break u16::from(close.code),
                Some(Ok(_)) => {}
                other => panic!("{frame:x?}: {other:?}"),
            }
        };
        assert_eq!(code, 4400, "{frame:x?}");
    }
    still_serves(&server, "bad").await;
}

#[tokio::test]
async fn a_seal_that_is_not_right_is_refused_and_nothing_runs() {
    let mut server = Server::start();
    let mut client = visitor(&server, "Olena").await;
    let other = visitor(&server, "Other").await;
    let say = client.bound("message");
    let with = |id: &str, seal: String| Bound { id: id.to_owned(), seal };
    let mut flipped = URL_SAFE_NO_PAD.decode(&say.seal).unwrap();
    *flipped.last_mut().unwrap() ^= 1;
    let refused = [
        ("forged", with(&say.id, URL_SAFE_NO_PAD.encode([7; 40])), json!(["x"])),
        ("empty", with(&say.id, String::new()), json!(["x"])),
        ("one bit flipped", with(&say.id, URL_SAFE_NO_PAD.encode(flipped)), json!(["x"])),
        ("of another session", with(&say.id, other.bound("message").seal), json!(["x"])),
        ("of another element", with(&say.id, client.bound_id("logout").seal), json!(["x"])),
        ("for another element", with("logout", say.seal.clone()), json!([])),
        ("for no element", with("nothing", say.seal.clone()), json!(["x"])),
        ("too few values", say.clone(), json!([])),
        ("too many values", say.clone(), json!(["x", "y"])),
    ];
    for (what, bound, values) in &refused {
        let seq = client.fire(bound, values.clone()).await.unwrap();
        while client.answered() < seq {
            client.step().await.unwrap();
        }
        let (number, code, _) = client.errors.last().unwrap();
        assert_eq!((*number, *code), (seq, 2), "{what}");
    }
    let seq = client.fire(&say, json!(["good"])).await.unwrap();
    while client.answered() < seq {
        client.step().await.unwrap();
    }
    assert_eq!(client.errors.len(), refused.len());
    server.kill();
    let said: Vec<String> = feed(server.data(), "bad").await.into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(said, ["good"]);
}

/// The demo's pages under a clock that the test moves; everything else is as in the binary.
#[tokio::test]
async fn a_seal_that_has_expired_is_renewed() {
    let Ok(Command::Serve(config)) = Config::read([], |_| None) else { panic!("the defaults serve") };
    let (clock, random) = (Clock::fixed(1_767_225_600_000), Random::default());
    let store = kvs::Store::open("memory:").await.unwrap();
    let limits = Limits { restore: Duration::from_secs(60), ..Limits::default() };
    let node = Node::new(store, Keys::random(&random), limits, clock.clone(), random);
    let server = web::Server::bind(node.clone(), "127.0.0.1:0").await.unwrap();
    let address = server.address().unwrap().to_string();
    let story = async {
        let mut client = Client::new(&address);
        client.enter("Olena", "bad").await;
        clock.advance(Duration::from_secs(61));
        let seq = client.fire(&client.bound("message"), json!(["x"])).await.unwrap();
        while client.answered() < seq {
            client.step().await.unwrap();
        }
        assert_eq!(client.errors.last().map(|(_, code, _)| *code), Some(3));
        // Fresh seals follow, and work.
        while !matches!(client.step().await.unwrap(), Frame::Push(ops) if ops[0][0] == 0 && ops[0][1] == "") {
        }
        let seq = client.fire(&client.bound("message"), json!(["good"])).await.unwrap();
        while client.answered() < seq || client.lines.is_empty() {
            client.step().await.unwrap();
        }
        assert_eq!((client.errors.len(), client.lines), (1, vec![(1, String::from("good"))]));
    };
    tokio::select! {
        () = story => {}
        ended = server.run(examples::router(node, &config), || {}) => panic!("{ended:?}"),
    }
}

#[tokio::test]
async fn a_path_that_is_not_right_gets_its_status() {
    let server = Server::start();
    let long = format!("/{}", "x".repeat(3_000));
    let control = "/chat/a%01b";
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("GET", "/chat/", 404),
        ("GET", "/chat/%zz", 404),
        ("GET", "/../../etc/passwd", 404),
        ("GET", &long, 414),
        ("PUT", "/counter", 405),
        // The form of a page, but not from one of ours.
        ("POST", "/counter", 403),
        ("GET", "/n2o/session?t=AAAA", 410),
    ] {
        let reply = request(&server.address, method, path, &[], "").await.unwrap();
        assert_eq!(reply.status, status, "{method} {path}");
        assert!(reply.header("content-security-policy").is_some(), "{method} {path}");
    }
    let mut client = visitor(&server, "Olena").await;
    assert_eq!(client.get(control).await.status, 404);
    assert_eq!(client.get(&format!("/chat/{}", "x".repeat(65))).await.status, 404);
    still_serves(&server, "bad").await;
}

#[tokio::test]
async fn a_session_that_has_ended_is_over_everywhere() {
    let server = Server::start();
    let mut first = visitor(&server, "Olena").await;
    let mut second = Client::new(&server.address);
    second.jar = first.jar.clone();
    second.open("/chat/bad").await;
    let logout = first.bound_id("logout");
    first.fire(&logout, json!([])).await.unwrap();
    let lost = loop {
        if let Err(lost) = second.step().await {
            break lost;
        }
    };
    assert_eq!(lost, Lost(4401));
    assert_eq!(second.connect().await, Err(Lost(4401)));
    let reply = second.get("/chat/bad").await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/login?to=%2Fchat%2Fbad")));
    still_serves(&server, "bad").await;
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    let mut server = Server::start();
    let mut clients = Vec::new();
    for number in 0..12 {
        clients.push(visitor(&server, &format!("Client {number}")).await);
    }
    // No file of the server may grow, as if there were no space left for it.
    let limit = |size: &str| {
        let arg = format!("--fsize={size}:unlimited");
        let pid = server.pid().to_string();
        let done =
            process::Command::new("prlimit").args(["--pid", &pid, &arg]).stderr(Stdio::inherit()).status();
        assert!(done.unwrap().success());
    };
    limit("4096");
    let mut refused = 0;
    let mut taken = Vec::new();
    'full: for round in 0..18 {
        for (number, client) in clients.iter_mut().enumerate() {
            let text = format!("{number}-{round} {}", "x".repeat(1_900));
            let (say, errors) = (client.bound("message"), client.errors.len());
            let seq = client.fire(&say, json!([text])).await.unwrap();
            while client.answered() < seq {
                client.step().await.unwrap();
            }
            match client.errors.get(errors) {
                None => taken.push(text),
                Some((_, code, text)) => {
                    assert_eq!(*code, 1, "{text}");
                    refused += 1;
                    if refused == 3 {
                        break 'full;
                    }
                }
            }
        }
    }
    assert_eq!(refused, 3, "the disk was never full");
    let ready = async |expected: u16| {
        let reply = request(&server.address, "GET", "/ready", &[], "").await.unwrap();
        (reply.status == expected).then_some(reply.body)
    };
    let body = until("it is not ready", async || ready(503).await).await;
    assert!(body.contains("no space is left") && !body.contains('/'), "{body}");
    // What writes nothing works on; what writes works again when there is space.
    assert_eq!(request(&server.address, "GET", "/counter", &[], "").await.unwrap().status, 200);
    limit("unlimited");
    // Nobody writes, and it is ready all the same.
    until("it is ready", async || ready(200).await).await;
    still_serves(&server, "bad").await;
    taken.push(String::from("still here"));
    server.kill();
    let said: Vec<String> = feed(server.data(), "bad").await.into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(said, taken, "what was acknowledged is there, and what was refused is not");
}
