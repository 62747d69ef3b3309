//! A server on a real socket, and clients that speak bytes to it.

use std::{future::Future, time::Duration};

use axum::Router;
use n2o::{Clock, Keys, Limits, Node, Random};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use web::{App, Server};

/// What a test that would hang fails after; far above the limits that the tests set, far below the default ones.
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves the router that `make` makes of an application while a test runs against its address.
pub(crate) async fn with<T: Future<Output = ()>>(
    limits: Limits,
    make: impl FnOnce(App) -> Router,
    test: impl FnOnce(String) -> T,
) {
    let random = Random::default();
    let store = kvs::Store::open("memory:").await.expect("store");
    let node = Node::new(store, Keys::random(&random), limits, Clock::default(), random);
    let server = Server::bind(node.clone(), "127.0.0.1:0").await.expect("a free port");
    let address = server.address().expect("an address").to_string();
    let router = make(App::new(node));
    tokio::select! {
        ended = server.run(router, || {}) => panic!("the server ended: {ended:?}"),
        () = test(address) => {}
    }
}

pub(crate) async fn connect(address: &str) -> TcpStream {
    TcpStream::connect(address).await.expect("a connection")
}

pub(crate) async fn ask(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request");
}

/// Reads until `end` has come, or the connection ends.
pub(crate) async fn until(stream: &mut TcpStream, end: &str) -> String {
    String::from_utf8_lossy(&read(stream, end).await).into_owned()
}

/// Reads until the connection ends.
pub(crate) async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    read(stream, "").await
}

async fn read(stream: &mut TcpStream, end: &str) -> Vec<u8> {
    let (mut seen, mut some) = (Vec::new(), vec![0; 65_536]);
    let reading = async {
        while end.is_empty() || !seen.windows(end.len()).any(|piece| piece == end.as_bytes()) {
            match stream.read(&mut some).await {
                Ok(0) | Err(_) => break,
                Ok(bytes) => seen.extend_from_slice(&some[..bytes]),
            }
        }
    };
    let read = timeout(PATIENCE, reading).await;
    let text = String::from_utf8_lossy(&seen);
    assert!(read.is_ok(), "an answer, or the end of the connection, but only {text:.200}");
    seen
}

/// The whole answer to the bytes of one request, after which the connection ends or is closed here.
pub(crate) async fn send(address: &str, request: impl AsRef<[u8]>) -> String {
    let mut client = connect(address).await;
    client.write_all(request.as_ref()).await.expect("a request");
    until(&mut client, "").await
}
