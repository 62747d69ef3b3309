//! A network between a browser and the demo that does what networks do: the script does not come, and a handshake
//! arrives late.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinSet,
};

use super::PATIENCE;

/// A proxy on a port of its own.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Host and port.
    pub(crate) address: String,
    way: Arc<Way>,
    /// What serves the connections; dropping it ends them.
    _tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Way {
    server: String,
    /// The client script is not served.
    scriptless: AtomicBool,
    /// The next handshake is held.
    holds: AtomicBool,
    released: Notify,
    /// The handshake that was held has been answered, and its connection is over.
    ended: Notify,
}

impl Proxy {
    pub(crate) async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let way = Arc::new(Way { server: server.to_owned(), ..Way::default() });
        let shared = Arc::clone(&way);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(serve(client, Arc::clone(&shared)));
            }
        });
        Proxy { address, way, _tasks: tasks }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Serves the client script or not.
    pub(crate) fn scripts(&self, on: bool) {
        self.way.scriptless.store(!on, Ordering::Relaxed);
    }

    /// Holds the next handshake.
    pub(crate) fn hold(&self) {
        self.way.holds.store(true, Ordering::Relaxed);
    }

    /// Lets the handshake go that was held, and waits until the server is done with it.
    pub(crate) async fn release(&self) {
        self.way.released.notify_one();
        tokio::time::timeout(PATIENCE, self.way.ended.notified()).await.unwrap();
    }
}

/// One connection, with one request: what follows it would not be looked at.
async fn serve(mut client: TcpStream, way: Arc<Way>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if !matches!(client.read_buf(&mut head).await, Ok(1..)) {
            return;
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    if text.starts_with("GET /n2o/n2o-") && way.scriptless.load(Ordering::Relaxed) {
        let _ = client
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .await;
        return;
    }
    let Ok(mut server) = TcpStream::connect(&way.server).await else { return };
    if text.starts_with("GET /ws") {
        if way.holds.swap(false, Ordering::Relaxed) {
            way.released.notified().await;
            let _ = server.write_all(&head).await;
            // The browser has given it up; the server says what becomes of it, and closes.
            let mut rest = Vec::new();
            let _ = server.read_to_end(&mut rest).await;
            way.ended.notify_one();
            return;
        }
    } else {
        let (first, rest) = text.split_once("\r\n").unwrap();
        let kept: Vec<_> =
            rest.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("connection:")).collect();
        head = format!("{first}\r\nConnection: close\r\n{}", kept.join("\r\n")).into_bytes();
    }
    let _ = server.write_all(&head).await;
    let _ = copy_bidirectional(&mut client, &mut server).await;
}
