//! Services: what everything on one server works with, the store, the keys, the clock, the sessions, the topics
//! and the counters. None of it knows a page.

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

use kvs::Store;
use tokio::time::Instant;

use crate::{
    audit::Guests,
    clock::{Clock, Random},
    incidents::Incidents,
    keys::Keys,
    limit::Limits,
    logins::Logins,
    opening::Opening,
    place::Place,
    quota::Quota,
    rate::Rate,
    rates::Rates,
    registry::Registry,
    repeats::Repeats,
    saved::{self, PageId},
    sessions::Sessions,
    soon::Waits,
    tasks::Tasks,
};

/// Most client addresses whose work is counted at a time.
const ADDRESSES: usize = 10_000;

/// All that the pages of a server share; a cheap handle.
#[derive(Clone, Debug)]
pub struct Services(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    keys: Keys,
    limits: Limits,
    clock: Clock,
    random: Random,
    sessions: Sessions,
    registry: Registry,
    waits: Arc<Waits>,
    /// The pages that are being opened, for the watchdog.
    opening: Opening,
    tasks: Tasks,
    connections: Arc<AtomicUsize>,
    /// Bytes of the frames that wait for handlers, beyond the free part of each page.
    queued: Arc<AtomicUsize>,
    incidents: Incidents,
    quota: Quota,
    /// The work of the handlers of each client's network.
    address_work: Rates<IpAddr>,
    /// Work of some client's network was counted.
    has_worked: AtomicBool,
    logins: Logins,
    guests: Guests,
    /// The brake on log lines about refused events and what else a client can cause at will.
    refusals: Repeats,
    /// The brake on log lines about pages that cannot be saved: on a full disk each tries again and again.
    unsaved: Repeats,
    born: Instant,
    // A std lock: held for one look-up, never across an await.
    services: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Services {
    pub(crate) fn new(store: Store, keys: Keys, limits: Limits, clock: Clock, random: Random) -> Self {
        let (tasks, ring) = (Tasks::default(), keys.clone());
        let registry = Registry::new(tasks.clone(), limits.presence);
        let sessions = Sessions::new(store.clone(), keys.clone(), clock.clone(), random.clone(), &limits);
        let work = Rate::share(limits.address_work, limits.address_work_burst);
        let window = u64::try_from(limits.log_window.as_millis()).unwrap_or(u64::MAX);
        let logins = Logins::new(&limits);
        let services = Services(Arc::new(Inner {
            store,
            keys,
            limits,
            clock,
            random,
            sessions,
            registry,
            waits: Arc::default(),
            opening: Opening::default(),
            tasks,
            connections: Arc::default(),
            queued: Arc::default(),
            incidents: Incidents::new(window),
            quota: Quota::default(),
            address_work: Rates::new(work, ADDRESSES),
            has_worked: AtomicBool::new(false),
            logins,
            guests: Guests::default(),
            refusals: Repeats::new(window),
            unsaved: Repeats::new(window),
            born: Instant::now(),
            services: Mutex::default(),
        }));
        let weak = Arc::downgrade(&services.0);
        ring.listen(move |gone| {
            let Some(inner) = weak.upgrade() else { return false };
            let sessions = inner.sessions.drop_keys(gone);
            tracing::info!(keys = ?gone, sessions, "keys are gone: the sessions that depend on them have ended");
            true
        });
        services
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

    /// The records that pages write with their next save.
    pub(crate) fn waits(&self) -> &Arc<Waits> {
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

    /// The service that was [provided](Services::provide) of a type.
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

    /// The brakes on log lines about guests.
    pub(crate) fn guests(&self) -> &Guests {
        &self.0.guests
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

    /// Milliseconds since the node was made, by a clock that nobody sets.
    pub(crate) fn uptime(&self) -> u64 {
        u64::try_from(self.0.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// A place for one more connection, or `None` when the server is full or stops.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let place = Place::take(&self.0.connections, 1, self.0.limits.connections)?;
        (!self.0.tasks.is_stopping()).then_some(place)
    }

    /// Room for a frame of `size` bytes, or `None` when too much waits for handlers.
    pub(crate) fn room(&self, size: usize) -> Option<Place> {
        Place::take(&self.0.queued, size, self.0.limits.queued)
    }

    /// The pages that are being opened.
    pub(crate) fn opening(&self) -> &Opening {
        &self.0.opening
    }

    /// Makes the tables small again.
    pub(crate) fn sweep(&self) {
        self.0.sessions.sweep();
        // In this order: work that is counted meanwhile is not overlooked.
        self.0.has_worked.store(false, Ordering::Relaxed);
        self.0.address_work.sweep(self.uptime());
        if !self.0.address_work.is_empty() {
            self.0.has_worked.store(true, Ordering::Relaxed);
        }
        self.0.logins.sweep(self.0.clock.millis());
    }

    /// Deletes what is too old to be used again from the store.
    pub(crate) async fn expire(&self) {
        let life = u32::try_from(self.0.limits.restore.as_secs()).unwrap_or(u32::MAX);
        let before = self.0.clock.secs().saturating_sub(life);
        let expired = async {
            let since = self.0.quota.moment();
            let (pages, left) = saved::expire(&self.0.store, before).await?;
            self.0.quota.renew(left, since);
            Ok((pages, self.0.sessions.expire().await?))
        };
        match expired.await {
            Ok((0, 0)) => {}
            Ok((pages, sessions)) => tracing::info!(pages, sessions, "expired records deleted"),
            Err::<_, crate::Error>(error) => tracing::warn!(%error, "expired records could not be deleted"),
        }
    }
}
