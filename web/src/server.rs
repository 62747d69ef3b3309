//! Serving: accepting, timeouts, signals and the orderly end.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use n2o::Node;
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{Signal, SignalKind, signal},
    sync::Semaphore,
};

use crate::{
    files,
    front::{Front, Lane},
    slow::Watched,
    stream::{Guarded, HEAD_BYTES},
};

/// How long a request in progress may take once the server stops, and one for which there is no place.
const LAST: Duration = Duration::from_secs(2);
/// Wait after a failed accept, when the process is out of file descriptors.
const BREATH: Duration = Duration::from_millis(50);

/// A server for a router and the node behind it.
#[derive(Debug)]
pub struct Server {
    node: Node,
    listener: TcpListener,
}

/// Why a server cannot serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be listened on; another program may have it.
    #[error("cannot listen on {address}: {source}; stop the program that uses it, or choose another address")]
    Listen {
        /// The address that was asked for.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// The system does not deliver signals to this process.
    #[error("cannot wait for signals: {0}")]
    Signals(io::Error),
}

impl Server {
    /// Listens on an address such as `127.0.0.1:8000`; port 0 takes a free one.
    pub async fn bind(node: Node, address: &str) -> Result<Self, ServeError> {
        let listen = |source| ServeError::Listen { address: address.to_owned(), source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        Ok(Server { node, listener })
    }

    /// The address that is listened on.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until SIGTERM or SIGINT, then stops in order. A second SIGINT ends the process at once.
    /// `reload` runs at each SIGHUP. Says whether everything ended in time.
    pub async fn run(self, router: Router, reload: impl Fn() + Send) -> Result<bool, ServeError> {
        let on = |kind| signal(kind).map_err(ServeError::Signals);
        let (mut term, mut int) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
        let mut hup = on(SignalKind::hangup())?;
        self.node.start();
        let mut accepting = pin!(accept(&self.node, &self.listener, router));
        loop {
            tokio::select! {
                () = accepting.as_mut() => {}
                _ = term.recv() => break,
                _ = int.recv() => break,
                _ = hup.recv() => reload(),
            }
        }
        tracing::info!("stopping: clients are told to come back");
        let stop = self.node.stop();
        tokio::select! {
            ended = stop => Ok(ended),
            () = again(&mut int) => std::process::exit(130),
        }
    }
}

async fn again(int: &mut Signal) {
    int.recv().await;
}

/// Accepts connections for ever. Those for which there is no place are told to come back, but for those who
/// watch the server; when these are many, too, they wait in the system's queue.
async fn accept(node: &Node, listener: &TcpListener, router: Router) {
    let front = Front::of(node);
    let most = files::fit(node.limits());
    front.pages.limit(most.pages);
    let places = Arc::new(Semaphore::new(most.requests));
    let reserved = Arc::new(Semaphore::new(most.reserved));
    loop {
        let (lane, place) = tokio::select! {
            biased;
            place = Arc::clone(&places).acquire_owned() => (Lane::Open, place),
            place = Arc::clone(&reserved).acquire_owned() => (Lane::Reserved, place),
        };
        // The semaphores are never closed; a failure would mean that nobody is to be served.
        let Ok(place) = place else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Ok(counted) = front.place(peer.ip()) else { continue };
                // Where it is getting narrow, nobody holds a place for a request that may never come.
                let keep = lane == Lane::Open && 2 * places.available_permits() >= most.requests;
                let way =
                    Way { front: Arc::clone(&front), router: router.clone(), peer: peer.ip(), lane, keep };
                let serving = serve(node.clone(), stream, way);
                node.tasks().spawn("http", async move {
                    serving.await;
                    // A connection that has become a page's is counted there.
                    drop((place, counted));
                });
            }
            Err(error) => {
                front.log(&front.logs.accept, |held| {
                    tracing::warn!(%error, held, "connection could not be accepted");
                });
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// The way of a connection's requests.
struct Way {
    front: Arc<Front>,
    router: Router,
    peer: IpAddr,
    lane: Lane,
    /// The connection is kept for a next request.
    keep: bool,
}

async fn serve(node: Node, stream: TcpStream, way: Way) {
    let Way { front, router, peer, lane, keep } = way;
    // Frames are small and each is worth sending at once; a failure here only costs latency.
    let _ = stream.set_nodelay(true);
    let limits = node.limits();
    let life = if lane == Lane::Open { limits.life } else { limits.life.min(LAST) };
    let (stream, stall) = Watched::new(Guarded::new(stream, Arc::clone(&front.bounds)));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.head);
    builder.max_buf_size(HEAD_BYTES).max_headers(64).keep_alive(keep);
    let service = service_fn(move |request| {
        let (front, router) = (Arc::clone(&front), router.clone());
        async move { front.answer(peer, lane, request, router).await }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let work = async {
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = node.tasks().stopping() => {
                connection.as_mut().graceful_shutdown();
                // A request that has not come by now is not waited for.
                tokio::time::timeout(LAST, connection.as_mut()).await.unwrap_or(Ok(()))
            }
        }
    };
    match tokio::time::timeout(life, stall.guard(limits.write, work)).await {
        Ok(Some(Err(error))) => tracing::debug!(%error, "connection ended"),
        Ok(None) | Err(_) => tracing::debug!("connection cut off: its client does not go on"),
        Ok(Some(Ok(()))) => {}
    }
}
