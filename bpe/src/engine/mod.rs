//! The engine: instances in a store, one commit per step. It is the only part of the crate that touches the
//! store, timers and the clock.

mod actions;
mod clock;
mod deploy;
mod queue;
mod record;
mod run;
mod send;
mod task;
mod view;
mod worker;
mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use kvs::Store;

pub use actions::Actions;
pub use clock::Clock;
pub use deploy::Deployed;
pub use record::{Instance, Job, Stage, Step, history_feed};
pub use send::Correlated;
pub use task::Who;
pub use worker::{Done, Failure, Order, Outcome, Worker};

use crate::library::Library;
use crate::{Limits, Result};
use queue::Queue;

/// Processes that live in a store.
///
/// Clones share it. Its methods each run one transaction of their own; [`Engine::actions`] does the same
/// inside the caller's transaction, so that a form and the step it causes are one commit. Services, timers,
/// messages and signals are carried out by [`Engine::run`].
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) queue: Arc<Queue>,
    pub(crate) workers: BTreeMap<String, Arc<dyn Worker>>,
    pub(crate) patience: Duration,
    /// Held for the time of a clone only, never over an await.
    library: RwLock<Arc<Library>>,
}

/// How an engine is opened.
#[derive(Debug)]
#[must_use]
pub struct Builder {
    store: Store,
    clock: Clock,
    limits: Limits,
    workers: BTreeMap<String, Arc<dyn Worker>>,
    patience: Duration,
}

impl Engine {
    /// An engine over a store; [`Builder::open`] opens it.
    pub fn builder(store: &Store) -> Builder {
        let (clock, limits, workers) = (Clock::system(), Limits::default(), BTreeMap::new());
        Builder { store: store.clone(), clock, limits, workers, patience: Duration::from_secs(300) }
    }

    /// The deployed processes.
    pub fn library(&self) -> Arc<Library> {
        self.inner.library.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    pub(crate) fn set_library(&self, library: Library) {
        *self.inner.library.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(library);
    }
}

impl Builder {
    /// The worker that does the service, script, send and business rule tasks of a kind: the type of the task
    /// definition in the file, or the id of the task.
    pub fn worker(mut self, kind: &str, worker: impl Worker) -> Self {
        self.workers.insert(kind.to_owned(), Arc::new(worker));
        self
    }

    /// Another clock than the system's.
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Other limits than the default ones.
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// How long a worker may take for one job before the attempt counts as failed; five minutes by default.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Opens the engine: reads what is deployed, and finds the work that an earlier run left.
    pub async fn open(self) -> Result<Engine> {
        let Self { store, clock, limits, workers, patience } = self;
        let (queue, library) = (Arc::new(Queue::default()), RwLock::default());
        let engine =
            Engine { inner: Arc::new(Inner { store, clock, limits, queue, workers, patience, library }) };
        engine.load().await?;
        // A store of an earlier release has instances that are not in every index yet.
        let store = &engine.inner.store;
        let all = kvs::Query::starts(kvs::IndexKey::default());
        match store.txn().find_ids::<Instance>("stage", all, false, 1).await {
            Err(kvs::Error::NotIndexed { .. }) => drop(store.reindex::<Instance>(|_| {}).await?),
            other => drop(other?),
        }
        engine.recover().await?;
        Ok(engine)
    }
}
