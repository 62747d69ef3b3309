//! Serving: accepting, timeouts, signals and the orderly end.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::Router;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use n2o::Node;
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{Signal, SignalKind, signal},
    sync::Semaphore,
    task::JoinHandle,
};

use crate::{
    files,
    front::{Front, Lane},
    reserve::{Guest, Reserve},
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
    /// The system's clock stands before 1970, which no answer's `Date` can say. Set the clock.
    #[error("the system's clock stands before 1970: set it")]
    Clock,
}

/// Refuses a time that HTTP has no words for.
fn datable(now: SystemTime) -> Result<(), ServeError> {
    now.duration_since(SystemTime::UNIX_EPOCH).map(drop).map_err(|_| ServeError::Clock)
}

impl Server {
    /// Listens on an address such as `127.0.0.1:8000`; port 0 takes a free one.
    pub async fn bind(node: Node, address: &str) -> Result<Self, ServeError> {
        Ok(Self::over(node, Self::listen(address).await?))
    }

    /// Takes an address, before there is a node: who cannot listen has then written nothing.
    pub async fn listen(address: &str) -> Result<TcpListener, ServeError> {
        datable(SystemTime::now())?;
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
    /// `reload` runs at each SIGHUP, on a thread of its own, since a file may be slow to come; while it does,
    /// another SIGHUP does nothing. Says whether everything ended in time.
    pub async fn run(
        self,
        router: Router,
        reload: impl Fn() + Send + Sync + 'static,
    ) -> Result<bool, ServeError> {
        let on = |kind| signal(kind).map_err(ServeError::Signals);
        let (mut term, mut int) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
        let mut hup = on(SignalKind::hangup())?;
        let reload = Arc::new(reload);
        let mut reloading = None::<JoinHandle<()>>;
        self.node.start();
        let mut accepting = pin!(accept(&self.node, &self.listener, router));
        loop {
            tokio::select! {
                () = accepting.as_mut() => {}
                _ = term.recv() => break,
                _ = int.recv() => break,
                _ = hup.recv() => {
                    if reloading.as_ref().is_some_and(|reloading| !reloading.is_finished()) {
                        tracing::warn!("SIGHUP: what was begun at the last one has not ended; this one does nothing");
                        continue;
                    }
                    let reload = Arc::clone(&reload);
                    reloading = Some(tokio::task::spawn_blocking(move || reload()));
                }
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

/// Accepts connections for ever. Those of a client that has as many as it may are kept for a moment only. Those for
/// which there is no place at all get a reserved one, in which they are told to come back, and those who watch the
/// server are answered.
async fn accept(node: &Node, listener: &TcpListener, router: Router) {
    let front = Front::of(node);
    let most = files::fit(node.limits());
    front.limit(most, node.limits());
    let places = Arc::new(Semaphore::new(most.requests));
    let mut reserve = Reserve::new(most.reserved);
    loop {
        if most.reserved == 0 {
            // Nobody beyond those that there are places for is even accepted.
            drop(places.acquire().await);
        }
        match listener.accept().await {
            Ok((stream, peer)) => {
                let place = Arc::clone(&places).try_acquire_owned().ok();
                let (lane, held, guest) = match (front.place(peer.ip()), place) {
                    (Ok(counted), Some(place)) => (Lane::Open, (Some(place), counted), None),
                    (counted, place) => {
                        drop(counted);
                        // A client has few of these at a time, and nobody waits for one: this loop is everybody's.
                        let Ok(brief) = front.brief(peer.ip()) else { continue };
                        match place {
                            Some(place) => (Lane::Narrow, (Some(place), brief), None),
                            None => match reserve.place() {
                                Some(guest) => (Lane::Reserved, (None, brief), Some(guest)),
                                None => continue,
                            },
                        }
                    }
                };
                // Where it is getting narrow, nobody holds a place for a request that may never come.
                let keep = lane == Lane::Open && 2 * places.available_permits() >= most.requests;
                let (front, router) = (Arc::clone(&front), router.clone());
                let way = Way { front, router, peer: peer.ip(), lane, guest, keep };
                // In a box, since a task is moved several times before it runs, and this one is long.
                let serving = Box::pin(serve(node.clone(), stream, way));
                node.tasks().spawn("http", async move {
                    serving.await;
                    // A connection that has become a page's is counted there.
                    drop(held);
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
    /// Who has a reserved place for it.
    guest: Option<Arc<Guest>>,
    /// The connection is kept for a next request.
    keep: bool,
}

async fn serve(node: Node, stream: TcpStream, way: Way) {
    let Way { front, router, peer, lane, guest, keep } = way;
    // Frames are small and each is worth sending at once; a failure here only costs latency.
    let _ = stream.set_nodelay(true);
    let limits = node.limits();
    let life = if lane == Lane::Open { limits.life } else { limits.life.min(LAST) };
    let (stream, stall) = Watched::new(Guarded::new(stream, Arc::clone(&front.bounds)));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.head);
    builder.max_buf_size(HEAD_BYTES).max_headers(64).keep_alive(keep);
    let asking = guest.clone();
    let service = service_fn(move |request| {
        if let Some(guest) = &asking {
            guest.asks();
        }
        let (front, router) = (Arc::clone(&front), router.clone());
        async move { front.answer(peer, lane, request, router).await }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let work = async {
        tokio::select! {
            // A request that is there is read before its connection is turned out.
            biased;
            ended = connection.as_mut() => ended,
            () = turned_out(guest.as_deref()) => Ok(()),
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

async fn turned_out(guest: Option<&Guest>) {
    match guest {
        Some(guest) => guest.turned_out().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_before_1970_is_refused_with_words() {
        let epoch = SystemTime::UNIX_EPOCH;
        datable(epoch).expect("the first moment");
        let refused = datable(epoch - Duration::from_secs(1)).expect_err("it has no date");
        assert!(refused.to_string().contains("before 1970"), "{refused}");
    }
}
