//! The orderly end, the hasty one, and the next server that takes over.

use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::common::{Client, Frame, Lost, Server, feed, request, until};

#[tokio::test]
async fn sigterm_drains_and_the_next_server_takes_over() {
    let mut server = Server::start();
    let mut clients = Vec::new();
    for number in 0..5 {
        let mut client = Client::new(&server.address);
        client.enter(&format!("Client {number}"), "stop").await;
        clients.push(client);
    }
    // What was sent before the signal is done before the end, and not done again.
    for (number, client) in clients.iter_mut().enumerate() {
        let say = client.bound("message");
        client.fire(&say, json!([format!("before {number}")])).await.unwrap();
    }
    server.signal("TERM");
    for client in &mut clients {
        let lost = loop {
            if let Err(lost) = client.step().await {
                break lost;
            }
        };
        assert_eq!(lost, Lost(1001));
    }
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
    server.again();
    for (number, client) in clients.iter_mut().enumerate() {
        client.reconnect().await.unwrap();
        let say = client.bound("message");
        client.fire(&say, json!([format!("after {number}")])).await.unwrap();
        while client.answered() < 2 {
            client.step().await.unwrap();
        }
    }
    for client in &mut clients {
        while client.lines.len() < 10 {
            client.step().await.unwrap();
        }
    }
    let shown = clients[0].lines.clone();
    assert!(clients.iter().all(|client| client.lines == shown && client.errors.is_empty()));
    server.kill();
    let feed: Vec<(u64, String)> =
        feed(server.data(), "stop").await.into_iter().map(|(position, _, text)| (position, text)).collect();
    assert_eq!(feed, shown);
}

#[tokio::test]
async fn a_second_sigint_ends_at_once() {
    let mut server = Server::start();
    // A request that does not come to its end, which the orderly stop would wait for.
    let mut slow = TcpStream::connect(&server.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let ready = request(&server.address, "GET", "/ready", &[], "").await.unwrap();
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready"));
    server.signal("INT");
    until("the server stops", async || server.log().contains("stopping").then_some(())).await;
    server.signal("INT");
    assert_eq!(server.ended().await.code(), Some(130), "{}", server.log());
}

#[tokio::test]
async fn live_and_ready_are_answered() {
    let server = Server::start();
    for path in ["/live", "/ready"] {
        let reply = request(&server.address, "GET", path, &[], "").await.unwrap();
        assert_eq!((reply.status, reply.body.as_str()), (200, &path[1..]));
    }
}

#[tokio::test]
async fn a_page_that_was_never_saved_is_made_anew() {
    let mut server = Server::start();
    let mut client = Client::new(&server.address);
    client.open("/counter").await;
    let inc = client.bound_id("inc");
    client.fire(&inc, json!([])).await.unwrap();
    assert!(matches!(client.step().await, Ok(Frame::Answer(1, _))));
    server.kill();
    server.again();
    client.reconnect().await.unwrap();
    // The page is sent whole, with seals that work.
    assert!(matches!(client.step().await, Ok(Frame::Push(_))));
    let inc = client.bound_id("inc");
    client.fire(&inc, json!([])).await.unwrap();
    assert!(matches!(client.step().await, Ok(Frame::Answer(2, _))));
}

#[tokio::test]
async fn a_log_on_a_full_disk_ends_nothing() {
    let mut server = Server::start_with_a_full_log();
    let mut client = Client::new(&server.address);
    client.enter("Olena", "full").await;
    let say = client.bound("message");
    client.fire(&say, json!(["heard"])).await.unwrap();
    while client.lines.is_empty() {
        client.step().await.unwrap();
    }
    // Each of these is a line of the log.
    for _ in 0..3 {
        server.signal("HUP");
        let ready = request(&server.address, "GET", "/ready", &[], "").await.unwrap();
        assert_eq!(ready.status, 200);
    }
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0));
    server.again();
}

#[test]
fn a_last_word_that_cannot_be_said_leaves_the_exit_code() {
    let status = std::process::Command::new("sh")
        .args(["-c", "exec \"$0\" --colour 2>/dev/full", env!("CARGO_BIN_EXE_demo")])
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));
}
