//! Serving: accepting, timeouts, signals and the orderly end.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use n2o::Node;
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{Signal, SignalKind, signal},
    sync::Semaphore,
};

use crate::slow::Watched;

/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;
/// How long a connection may live before it becomes a socket: nobody sends or reads for longer in good faith.
const LIFE: Duration = Duration::from_secs(120);
/// How long a request in progress may take once the server stops.
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
        Ok(Self::over(node, Self::listen(address).await?))
    }

    /// Takes an address, before there is a node: who cannot listen has then written nothing.
    pub async fn listen(address: &str) -> Result<TcpListener, ServeError> {
        let listen = |source| ServeError::Listen { address: address.to_owned(), source };
        TcpListener::bind(address).await.map_err(listen)
    }

    /// Serves what comes to an address that was taken before.
    #[must_use]
    pub fn over(node: Node, listener: TcpListener) -> Self {
        Server { node, listener }
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

/// Accepts connections for ever, as long as there is room for one more. Those beyond wait in the system's
/// queue: they are served a little later, which is better than to be sent away.
async fn accept(node: &Node, listener: &TcpListener, router: Router) {
    let most = node.limits().requests;
    let places = Arc::new(Semaphore::new(most));
    // The semaphore is never closed; a failure would mean that nobody is to be served.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Where it is getting narrow, nobody holds a place for a request that may never come.
                let keep = 2 * places.available_permits() >= most;
                let serving = serve(node.clone(), stream, router.clone(), keep);
                node.tasks().spawn("http", async move {
                    serving.await;
                    // A connection that has become a page's is counted there.
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "connection could not be accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn serve(node: Node, stream: TcpStream, router: Router, keep: bool) {
    // Frames are small and each is worth sending at once; a failure here only costs latency.
    let _ = stream.set_nodelay(true);
    let limits = node.limits();
    let (stream, stall) = Watched::new(stream);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.head);
    builder.max_buf_size(HEAD_BYTES).max_headers(64).keep_alive(keep);
    let service = TowerToHyperService::new(router);
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
    match tokio::time::timeout(LIFE, stall.guard(limits.write, work)).await {
        Ok(Some(Err(error))) => tracing::debug!(%error, "connection ended"),
        Ok(None) | Err(_) => tracing::debug!("connection cut off: its client does not go on"),
        Ok(Some(Ok(()))) => {}
    }
}
