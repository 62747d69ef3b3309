//! The servers under measurement: the pages, and the bare echo that shows the socket's limit.

use std::{num::NonZero, path::PathBuf};

use axum::{
    Router,
    extract::ws::{WebSocket, WebSocketUpgrade},
    routing,
    serve::ListenerExt,
};
use n2o::{Clock, Keys, Node, Random};
use tokio::{net::TcpListener, runtime::Builder};

use super::{Failure, args::Args, child};

/// Bytes that a connection keeps for reading, as in our own server.
const READ_BUFFER: usize = 1024;

/// Serves the pages until it is told to stop.
pub(crate) fn pages(address: &str, args: &Args) -> Result<(), Failure> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
    run(args, async {
        // Held until the end, when it takes the store's file with it.
        let folder = Folder::new(args.redb)?;
        let store = kvs::Store::open(&folder.store()).await?;
        let random = Random::default();
        let keys = Keys::random(&random);
        let node = Node::new(store, keys, super::limits(), Clock::default(), random);
        let router = super::pages(web::App::new(node.clone())).router();
        let server = web::Server::bind(node, address).await?;
        println!("{}", server.address()?);
        server.run(router, || {}).await?;
        Ok(())
    })
}

/// Serves the echo for ever.
pub(crate) fn echo(address: &str, args: &Args) -> Result<(), Failure> {
    run(args, async {
        let listener = TcpListener::bind(address).await?;
        println!("{}", listener.local_addr()?);
        let listener = listener.tap_io(|stream| {
            // As in our own server.
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, Router::new().route("/", routing::get(upgrade))).await?;
        Ok(())
    })
}

async fn upgrade(upgrade: WebSocketUpgrade) -> axum::response::Response {
    upgrade.read_buffer_size(READ_BUFFER).write_buffer_size(0).on_upgrade(async |mut socket: WebSocket| {
        while let Some(Ok(message)) = socket.recv().await {
            if socket.send(message).await.is_err() {
                return;
            }
        }
    })
}

/// On one core one thread does everything; a second one would only take turns with it.
fn run(args: &Args, serving: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    if args.child {
        child::end_with_parent();
    }
    let one = std::thread::available_parallelism().map_or(1, NonZero::get) == 1;
    let mut builder = if one { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().build()?.block_on(serving)
}

/// Where a server keeps its store, when that is on disk.
pub(crate) fn folder(pid: u32) -> PathBuf {
    std::env::temp_dir().join(format!("n2o-bench-{pid}"))
}

/// A folder for the store, when it is on disk.
struct Folder(Option<PathBuf>);

impl Folder {
    fn new(wanted: bool) -> std::io::Result<Self> {
        let folder = wanted.then(|| folder(std::process::id()));
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder)?;
        }
        Ok(Folder(folder))
    }

    fn store(&self) -> String {
        self.0.as_ref().map_or_else(
            || String::from("memory:"),
            |folder| format!("redb:{}", folder.join("bench.redb").display()),
        )
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
