//! A node: the services of one server, its protocols and its pages.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use kvs::Store;

use crate::{
    channel::Connection,
    clock::{Clock, Random},
    cx::Dispatch,
    error::Result,
    keys::Keys,
    limit::Limits,
    pages::{Found, Leave, Pages},
    process::{Process, Start},
    protocol::{Endpoint, Protocol},
    services::Services,
    shown::Shown,
    site,
    token::Token,
    watchdog::{self, Ended},
};

/// How often waiting pages, idle sessions and old records are looked through.
const SWEEP: Duration = Duration::from_secs(5);
/// Every so many sweeps the store is looked through too.
const SWEEPS_PER_EXPIRY: u32 = 720;
/// Every so many sweeps the sessions in the store are looked through in between: most that a flood leaves there
/// are those whose tickets nobody trades.
const SWEEPS_PER_SESSIONS: u32 = 60;

/// A server: its [`Services`], which it gives as its own, and its pages; a cheap handle.
#[derive(Clone, Debug)]
pub struct Node {
    services: Services,
    pages: Arc<Pages>,
    // A std lock: held to add a protocol or to make those of a page, never across an await.
    endpoint: Arc<Mutex<Endpoint>>,
    ended: Arc<Ended>,
}

impl Deref for Node {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}

impl Node {
    /// A node over a store.
    #[must_use]
    pub fn new(store: Store, keys: Keys, limits: Limits, clock: Clock, random: Random) -> Self {
        site::watch_panics();
        let services = Services::new(store, keys, limits, clock, random);
        Node { services, pages: Arc::default(), endpoint: Arc::default(), ended: Arc::default() }
    }

    /// Declares a protocol of the application, beside the page and the heartbeat: each page of the node that is
    /// opened from now on has one of its own, which `make` makes. [`Error::Claimed`](crate::Error::Claimed) when
    /// another protocol answers the same messages already.
    pub fn protocol(&self, make: fn() -> Box<dyn Protocol>) -> Result {
        self.endpoint.lock().unwrap_or_else(PoisonError::into_inner).add(make)
    }

    /// The pages.
    #[must_use]
    pub fn pages(&self) -> &Pages {
        &self.pages
    }

    fn process(&self, page: Box<dyn Protocol>, cx: Dispatch) -> Process {
        let endpoint = self.endpoint.lock().unwrap_or_else(PoisonError::into_inner);
        Process::new(endpoint.protocols(page), cx)
    }

    /// Keeps a page that was rendered until its client connects.
    pub fn wait(&self, page: Box<dyn Protocol>, cx: Dispatch) {
        // The next server makes it anew from its path.
        if self.tasks().is_stopping() {
            return;
        }
        let now = self.clock().millis();
        // Whoever asks for a page is active, as whoever uses it.
        cx.seen();
        // Most pages are looked at for a while, and many never used: their sessions then hold no cipher.
        cx.session_handle().events.forget();
        let process = self.process(page, cx);
        self.pages.wait(Box::new(process), now);
    }

    /// Gives a connection to its page. When the page is not in memory, `open` makes it anew from the token's path.
    pub fn connect(
        &self,
        token: &Token,
        connection: Connection,
        open: impl FnOnce() -> (Box<dyn Protocol>, Dispatch),
    ) {
        let mut made = None;
        let found = self.pages.connect(token.page, Box::new(connection), || {
            let (page, cx) = open();
            let inbox = Arc::clone(cx.inbox());
            made = Some(self.process(page, cx));
            inbox
        });
        match (found, made) {
            (Found::Waiting(process, connection), _) => self.run(process, *connection, Start::Adopted),
            (Found::Gone(connection), Some(process)) => {
                self.run(Box::new(process), *connection, Start::Restored);
            }
            (Found::Live(Some(lost)), _) => {
                self.tasks().spawn("close", lost.close(4409, "taken up by another connection"));
            }
            (Found::Live(None) | Found::Gone(_), _) => {}
        }
        // A page that came to life after all pages were told to stop has to be told, too.
        if self.tasks().is_stopping() {
            self.pages.stop();
        }
    }

    fn run(&self, process: Box<Process>, connection: Connection, start: Start) {
        let leave = Leave::new(&self.pages, &process);
        self.tasks().spawn("page", process.run(connection, start, leave));
    }

    /// Starts the tasks that keep the tables small.
    pub fn start(&self) {
        let node = self.clone();
        self.tasks().spawn("sweep", async move { node.sweep().await });
        let (pages, opening) = (Arc::downgrade(&self.pages), self.opening().clone());
        let running = move || {
            let mut running = pages.upgrade()?.running();
            running.extend(opening.running());
            Some(running)
        };
        watchdog::start(self.limits().handler, Arc::clone(&self.ended), running);
    }

    async fn sweep(&self) {
        let mut looked = (Instant::now(), self.clock().millis());
        for round in 0_u32.. {
            let (then, millis) = std::mem::replace(&mut looked, (Instant::now(), self.clock().millis()));
            if let Some(jump) = self.clock().jump(millis, then.elapsed()) {
                tracing::warn!(
                    clock.jump_seconds = jump / 1000,
                    "the system's clock jumped: it was set, or the machine slept"
                );
            }
            if round.is_multiple_of(SWEEPS_PER_EXPIRY) {
                self.expire().await;
            } else if round.is_multiple_of(SWEEPS_PER_SESSIONS)
                && let Err(error) = self.sessions().expire().await
            {
                tracing::warn!(%error, "expired sessions could not be deleted");
            }
            self.pages.sweep(self.clock().millis(), self.limits().wait);
            self.services.sweep();
            tokio::select! {
                () = self.tasks().stopping() => return,
                () = tokio::time::sleep(SWEEP) => {}
            }
        }
    }

    /// Stops: tells clients to come back, waits for handlers to finish and for pages to be saved. A handler
    /// has half of [`Limits::drain`] for that; its event is executed by the next server.
    /// Says whether all ended within the limit, also when handlers block all threads of the runtime.
    pub async fn stop(&self) -> bool {
        self.tasks().announce_stop();
        self.pages.stop();
        let ended = self.tasks().drain(self.limits().drain).await;
        let running = self.pages.running().into_iter().chain(self.opening().running());
        for (page, inbox) in running {
            tracing::error!(
                page.path = %Shown(inbox.path()),
                page.id = %page,
                "the server stops without a handler that does not give its thread back"
            );
        }
        self.ended.set();
        ended
    }
}
