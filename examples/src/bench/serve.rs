//! The servers under measurement: the pages, and the bare echo that shows the socket's limit.

use std::num::NonZero;

use axum::{
    Router,
    body::Bytes,
    extract::{
        Path,
        ws::{WebSocket, WebSocketUpgrade},
    },
    http::header,
    response::IntoResponse,
    routing,
    serve::ListenerExt,
};
use n2o::{Clock, Keys, Node, Random};
use tokio::{net::TcpListener, runtime::Builder};

use super::{Failure, args::Args, child};

/// Bytes that a connection keeps for reading, as in our own server.
const READ_BUFFER: usize = 1024;
/// What the echo's documents are cut from.
static DOCUMENT: [u8; 64 * 1024] = [b' '; 64 * 1024];

/// Serves the pages until it is told to stop.
pub(crate) fn pages(address: &str, args: &Args) -> Result<(), Failure> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
    run(args, async {
        let store = kvs::Store::open(&args.url).await?;
        let random = Random::default();
        let keys = Keys::random(&random);
        let node = Node::new(store, keys, super::limits(), Clock::default(), random);
        super::open(&node).await?;
        let router = super::pages(web::App::new(node.clone())).router();
        let server = web::Server::bind(node, address).await?;
        println!("{}", server.address()?);
        server.run(router, || {}).await?;
        Ok(())
    })
}

/// Serves the echo, and static documents beside it, for ever.
pub(crate) fn echo(address: &str, args: &Args) -> Result<(), Failure> {
    run(args, async {
        let listener = TcpListener::bind(address).await?;
        println!("{}", listener.local_addr()?);
        let listener = listener.tap_io(|stream| {
            // As in our own server.
            let _ = stream.set_nodelay(true);
        });
        let router = Router::new()
            .route("/", routing::get(upgrade))
            .route("/document/{bytes}", routing::get(document));
        axum::serve(listener, router).await?;
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

/// Answers a static document of so many bytes.
async fn document(Path(bytes): Path<usize>) -> impl IntoResponse {
    let html = Bytes::from_static(&DOCUMENT[..bytes.min(DOCUMENT.len())]);
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html)
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
