//! A node: the store, the keys, and the tables that all pages of one server share.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt::Display,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kvs::Store;
use tokio::time::Instant;

use crate::{
    channel::Connection,
    clock::{Clock, Random},
    cx::Cx,
    error::Result,
    incidents::Incidents,
    keys::Keys,
    limit::Limits,
    logins::Logins,
    pages::{self, Found, PageId, Pages},
    pickle::{SealError, Sealer},
    place,
    process::{Process, Start},
    protocol::{Heart, Protocol},
    quota::Quota,
    rate::Rate,
    rates::Rates,
    registry::Registry,
    repeats::Repeats,
    session::{self, Session},
    sessions::Sessions,
    shown::Shown,
    soon::Waits,
    tasks::Tasks,
    watchdog::{Ended, Watchdog},
};

/// How often waiting pages, idle sessions and old records are looked through.
const SWEEP: Duration = Duration::from_secs(5);
/// Every so many sweeps the store is looked through too.
const SWEEPS_PER_EXPIRY: u32 = 720;
/// Every so many sweeps the sessions in the store are looked through in between: most that a flood leaves there
/// are those whose tickets nobody trades.
const SWEEPS_PER_SESSIONS: u32 = 60;

/// Most client addresses whose work is counted at a time.
const ADDRESSES: usize = 10_000;

/// What a page token is bound to, in the place of a page and an element, whose ids are longer.
const TOKEN: &[&[u8]] = &[b"page token"];

/// What a server is made of; a cheap handle.
#[derive(Clone, Debug)]
pub struct Node(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    keys: Keys,
    limits: Limits,
    clock: Clock,
    random: Random,
    sessions: Sessions,
    registry: Registry,
    pages: Pages,
    waits: Waits,
    tasks: Tasks,
    connections: AtomicUsize,
    /// Bytes of the frames that wait for handlers, beyond the free part of each page.
    queued: AtomicUsize,
    incidents: Incidents,
    quota: Quota,
    /// The work of the handlers of each client's network.
    address_work: Rates<IpAddr>,
    /// Work of some client's network was counted.
    has_worked: AtomicBool,
    logins: Logins,
    /// What refused events are logged through, and what else a client can cause at will.
    refusals: Repeats,
    /// What pages that cannot be saved are logged through: on a full disk each tries again and again.
    unsaved: Repeats,
    ended: Arc<Ended>,
    born: Instant,
    // A std lock: held for one look-up, never across an await.
    services: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

/// The content of a page token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The page.
    pub page: PageId,
    /// Its path and query.
    pub path: String,
}

/// A place among the limited number of connections, given back when dropped.
#[derive(Debug)]
pub struct Place(Node);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Room for a frame that waits for its handler, given back when dropped.
#[derive(Debug)]
pub(crate) struct Room(Node, usize);

impl Drop for Room {
    fn drop(&mut self) {
        self.0.0.queued.fetch_sub(self.1, Ordering::Relaxed);
    }
}

impl Node {
    /// A node over a store.
    #[must_use]
    pub fn new(store: Store, keys: Keys, limits: Limits, clock: Clock, random: Random) -> Self {
        place::watch_panics();
        let (tasks, ring) = (Tasks::default(), keys.clone());
        let registry = Registry::new(tasks.clone(), limits.presence);
        let sessions = Sessions::new(store.clone(), keys.clone(), clock.clone(), random.clone(), &limits);
        let work = Rate::share(limits.address_work, limits.address_work_burst);
        let window = u64::try_from(limits.log_window.as_millis()).unwrap_or(u64::MAX);
        let logins = Logins::new(&limits);
        let node = Node(Arc::new(Inner {
            store,
            keys,
            limits,
            clock,
            random,
            sessions,
            registry,
            pages: Pages::default(),
            waits: Waits::default(),
            tasks,
            connections: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            incidents: Incidents::new(window),
            quota: Quota::default(),
            address_work: Rates::new(work, ADDRESSES),
            has_worked: AtomicBool::new(false),
            logins,
            refusals: Repeats::new(window),
            unsaved: Repeats::new(window),
            ended: Arc::default(),
            born: Instant::now(),
            services: Mutex::default(),
        }));
        let weak = Arc::downgrade(&node.0);
        ring.listen(move |gone| {
            let Some(inner) = weak.upgrade() else { return false };
            let sessions = inner.sessions.drop_keys(gone);
            tracing::info!(keys = ?gone, sessions, "keys are gone: the sessions that depend on them have ended");
            true
        });
        node
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The master keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// The bounds.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The source of randomness.
    #[must_use]
    pub fn random(&self) -> &Random {
        &self.0.random
    }

    /// The sessions.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// The topics.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// The pages.
    #[must_use]
    pub fn pages(&self) -> &Pages {
        &self.0.pages
    }

    /// The records that pages write with their next save.
    pub(crate) fn waits(&self) -> &Waits {
        &self.0.waits
    }

    /// The owned tasks.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// Gives the pages something to work with, one of each type: what a page cannot hold, because it is
    /// neither saved nor of one visitor, such as the engine of the processes.
    pub fn provide<T: Any + Send + Sync>(&self, service: T) {
        let mut services = self.0.services.lock().unwrap_or_else(PoisonError::into_inner);
        services.insert(TypeId::of::<T>(), Arc::new(service));
    }

    /// What was [provided](Node::provide) of a type.
    #[must_use]
    pub fn service<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let services = self.0.services.lock().unwrap_or_else(PoisonError::into_inner);
        services.get(&TypeId::of::<T>()).cloned()?.downcast().ok()
    }

    /// A new page id.
    #[must_use]
    pub fn page_id(&self) -> PageId {
        PageId(self.0.random.bytes())
    }

    /// A number under which an error is logged and told to the user.
    #[must_use]
    pub fn incident(&self) -> String {
        self.0.incidents.number(&self.0.clock)
    }

    /// Logs a failure of `what` at a path, and answers the number to tell the user. A failure that comes again
    /// within [`Limits::log_window`] is counted under the number that it has in the log.
    #[must_use]
    pub fn failure(&self, path: &str, what: &str, error: &dyn Display) -> String {
        self.0.incidents.failure(&self.0.clock, path, what, error)
    }

    /// The brake on log lines about what clients do wrong.
    pub(crate) fn refusals(&self) -> Option<u64> {
        self.0.refusals.tell(self.uptime())
    }

    /// The brake on log lines about pages that cannot be saved.
    pub(crate) fn unsaved(&self) -> Option<u64> {
        self.0.unsaved.tell(self.uptime())
    }

    /// The work of the handlers of each client's network.
    pub(crate) fn address_work(&self) -> &Rates<IpAddr> {
        &self.0.address_work
    }

    /// Counts work of the handlers of a client's network.
    pub(crate) fn spend_of(&self, network: &IpAddr, millis: u64, time: Duration) {
        self.0.address_work.spend(network, millis, time);
        self.0.has_worked.store(true, Ordering::Relaxed);
    }

    /// Says whether work of any network was counted: before that there is nothing to lock and look up.
    pub(crate) fn has_worked(&self) -> bool {
        self.0.has_worked.load(Ordering::Relaxed)
    }

    /// The rates of logins.
    pub(crate) fn logins(&self) -> &Logins {
        &self.0.logins
    }

    pub(crate) fn quota(&self) -> &Quota {
        &self.0.quota
    }

    pub(crate) fn ended(&self) -> &Arc<Ended> {
        &self.0.ended
    }

    /// Milliseconds since the node was made, by a clock that nobody sets.
    pub(crate) fn uptime(&self) -> u64 {
        u64::try_from(self.0.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A way to the node that does not keep it.
    pub(crate) fn downgrade(&self) -> impl Fn() -> Option<Node> + Send + 'static {
        let weak = Arc::downgrade(&self.0);
        move || weak.upgrade().map(Node)
    }

    /// A place for one more connection, or `None` when the server is full or stops.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let taken = self.0.connections.fetch_add(1, Ordering::Relaxed);
        let place = Place(self.clone());
        (taken < self.0.limits.connections && !self.0.tasks.is_stopping()).then_some(place)
    }

    /// Room for a frame of `size` bytes, or `None` when too much waits for handlers.
    pub(crate) fn room(&self, size: usize) -> Option<Room> {
        let taken = self.0.queued.fetch_add(size, Ordering::Relaxed);
        let room = Room(self.clone(), size);
        (taken.saturating_add(size) <= self.0.limits.queued).then_some(room)
    }

    /// The token of a page, for the same session only; empty, and good for nothing, when the session has
    /// sealed more than a key may.
    #[must_use]
    pub fn token(&self, session: &Session, token: &Token) -> String {
        let content = [token.page.as_bytes(), token.path.as_bytes()].concat();
        let life = u32::try_from(self.0.limits.restore.as_secs()).unwrap_or(u32::MAX);
        let expires = self.0.clock.secs().saturating_add(life);
        encoded(session.events.seal(0, TOKEN, expires, &content, &self.0.random))
    }

    /// Reads a page token.
    pub fn read_token(&self, session: &Session, token: &str) -> Result<Token, SealError> {
        let seal = URL_SAFE_NO_PAD.decode(token).map_err(|_| SealError::Refused)?;
        let content = session.events.open(&seal, TOKEN, self.0.clock.secs())?.content;
        session.events.forget();
        let (page, path) = content.split_first_chunk::<16>().ok_or(SealError::Refused)?;
        let path = String::from_utf8(path.to_vec()).map_err(|_| SealError::Refused)?;
        Ok(Token { page: PageId(*page), path })
    }

    /// A token by which a program acts for a user with roles, until it expires after `life`.
    #[must_use]
    pub fn bearer(&self, user: &str, roles: &[String], life: Duration) -> String {
        let sealer = Sealer::new(self.0.keys.clone(), "bearer", [0; 16]);
        let content = session::encode("bearer token", &(user, roles)).unwrap_or_default();
        let life = u32::try_from(life.as_secs()).unwrap_or(u32::MAX);
        let expires = self.0.clock.secs().saturating_add(life);
        encoded(sealer.seal(0, &[], expires, &content, &self.0.random))
    }

    /// The user and the roles of a [`bearer`](Node::bearer) token.
    pub fn read_bearer(&self, token: &str) -> Result<(String, Vec<String>), SealError> {
        let sealer = Sealer::new(self.0.keys.clone(), "bearer", [0; 16]);
        let seal = URL_SAFE_NO_PAD.decode(token).map_err(|_| SealError::Refused)?;
        let content = sealer.open(&seal, &[], self.0.clock.secs())?.content;
        session::decode("bearer token", &content).map_err(|_| SealError::Refused)
    }

    /// Keeps a page that was rendered until its client connects.
    pub fn wait(&self, page: Box<dyn Protocol>, cx: Cx) {
        // The next server makes it anew from its path.
        if self.0.tasks.is_stopping() {
            return;
        }
        let now = self.0.clock.millis();
        // Whoever asks for a page is active, as whoever uses it.
        cx.seen();
        // Most pages are looked at for a while, and many never used: their sessions then hold no cipher.
        cx.session_handle().events.forget();
        let process = Process::new(chain(page), cx);
        self.0.pages.wait(Box::new(process), now, self.0.limits.waiting);
    }

    /// Gives a connection to its page. When the page is not in memory, `open` makes it anew from the token's path.
    pub fn connect(
        &self,
        token: &Token,
        connection: Connection,
        open: impl FnOnce() -> (Box<dyn Protocol>, Cx),
    ) {
        let mut made = None;
        let found = self.0.pages.connect(token.page, Box::new(connection), || {
            let (page, cx) = open();
            let inbox = Arc::clone(cx.inbox());
            made = Some(Process::new(chain(page), cx));
            inbox
        });
        match (found, made) {
            (Found::Waiting(process, connection), _) => {
                self.0.tasks.spawn("page", process.run(*connection, Start::Adopted));
            }
            (Found::Gone(connection), Some(process)) => {
                self.0.tasks.spawn("page", Box::new(process).run(*connection, Start::Restored));
            }
            (Found::Live | Found::Gone(_), _) => {}
        }
        // A page that came to life after all pages were told to stop has to be told, too.
        if self.0.tasks.is_stopping() {
            self.0.pages.stop();
        }
    }

    /// Starts the tasks that keep the tables small.
    pub fn start(&self) {
        let node = self.clone();
        self.0.tasks.spawn("sweep", async move { node.sweep().await });
        Watchdog::start(self);
    }

    async fn sweep(&self) {
        for round in 0_u32.. {
            if round.is_multiple_of(SWEEPS_PER_EXPIRY) {
                self.expire().await;
            } else if round.is_multiple_of(SWEEPS_PER_SESSIONS)
                && let Err(error) = self.0.sessions.expire().await
            {
                tracing::warn!(%error, "expired sessions could not be deleted");
            }
            self.0.pages.sweep(self.0.clock.millis(), self.0.limits.wait);
            self.0.sessions.sweep();
            // In this order: work that is counted meanwhile is not overlooked.
            self.0.has_worked.store(false, Ordering::Relaxed);
            self.0.address_work.sweep(self.uptime());
            if !self.0.address_work.is_empty() {
                self.0.has_worked.store(true, Ordering::Relaxed);
            }
            self.0.logins.sweep(self.0.clock.millis());
            tokio::select! {
                () = self.0.tasks.stopping() => return,
                () = tokio::time::sleep(SWEEP) => {}
            }
        }
    }

    async fn expire(&self) {
        let before = self
            .0
            .clock
            .secs()
            .saturating_sub(u32::try_from(self.0.limits.restore.as_secs()).unwrap_or(u32::MAX));
        let expired = async {
            let since = self.0.quota.moment();
            let (pages, left) = pages::expire(&self.0.store, before).await?;
            self.0.quota.renew(left, since);
            Ok((pages, self.0.sessions.expire().await?))
        };
        match expired.await {
            Ok((0, 0)) => {}
            Ok((pages, sessions)) => tracing::info!(pages, sessions, "expired records deleted"),
            Err::<_, crate::Error>(error) => tracing::warn!(%error, "expired records could not be deleted"),
        }
    }

    /// Stops: tells clients to come back, waits for handlers to finish and for pages to be saved. A handler
    /// has half of [`Limits::drain`] for that; its event is executed by the next server.
    /// Says whether all ended within the limit, also when handlers block all threads of the runtime.
    pub async fn stop(&self) -> bool {
        self.0.tasks.announce_stop();
        self.0.pages.stop();
        let ended = self.0.tasks.drain(self.0.limits.drain).await;
        for (page, inbox) in self.0.pages.running() {
            tracing::error!(
                page.path = %Shown(inbox.path()),
                page.id = %page,
                "the server stops without a handler that does not give its thread back"
            );
        }
        self.0.ended.set();
        ended
    }
}

fn encoded(seal: Result<Vec<u8>, SealError>) -> String {
    seal.map(|seal| URL_SAFE_NO_PAD.encode(seal)).unwrap_or_else(|error| {
        tracing::error!(%error, "a token was not made");
        String::new()
    })
}

fn chain(page: Box<dyn Protocol>) -> Vec<Box<dyn Protocol>> {
    vec![Box::new(Heart), page]
}
