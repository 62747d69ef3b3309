//! A demo that may open few files: it serves as many as it can, says so, and answers those who watch it.

use tokio::net::TcpStream;

use super::common::{Client, Server, request, until};

#[tokio::test]
async fn with_few_files_the_demo_serves_and_says_so_once() {
    let server = Server::start_with_files(256);
    let mut client = Client::new(&server.address);
    client.enter("Olena", "lobby").await;
    // More connections than there are files: some wait in the system's queue, and none says a word.
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(&server.address).await.unwrap());
    }
    for path in ["/live", "/ready"] {
        until("who watches the server is answered", async || {
            let reply = request(&server.address, "GET", path, &[], "").await.ok()?;
            (reply.status == 200).then_some(())
        })
        .await;
    }
    drop(silent);
    until("the places are free again", async || {
        let reply = request(&server.address, "GET", "/counter", &[], "").await.ok()?;
        (reply.status == 200).then_some(())
    })
    .await;
    let log = server.log();
    assert_eq!(log.matches("the file limit is too low").count(), 1, "{log}");
    assert!(log.contains("256") && log.contains("ulimit -n"), "{log}");
    assert!(!log.contains("could not be accepted"), "it never runs into the limit: {log}");
}
