//! The way from the transactions to the writer: a bounded queue that is taken whole, so that all who
//! arrived while the disk was busy share the next write.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    commit::Request,
    error::{Error, Result},
};

/// Transactions that may wait at once; the next one waits for a place before it is queued.
const PLACES: usize = 16_384;

#[derive(Debug)]
pub(crate) struct Queue {
    /// Held to push one request or to take all of them, never across an await or a disk write.
    state: Mutex<State>,
    arrived: Condvar,
    places: Arc<Semaphore>,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    closed: bool,
    /// The writer sleeps until there are as many: anything (1) or a group (more). While it is awake nobody
    /// has to wake it.
    wanted: usize,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("requests", &self.requests.len()).field("closed", &self.closed).finish()
    }
}

/// What [`Queue::take`] found.
pub(crate) enum Taken {
    Requests(Vec<Request>),
    /// Nothing arrived before the deadline.
    Late,
    /// The store is closed and every request was taken.
    Closed,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::default(), arrived: Condvar::new(), places: Arc::new(Semaphore::new(PLACES)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place in the queue.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit> {
        self.places.clone().acquire_owned().await.map_err(|_| Error::Closed)
    }

    pub(crate) fn push(&self, request: Request) -> Result<()> {
        let mut state = self.state();
        if state.closed {
            return Err(Error::Closed);
        }
        state.requests.push(request);
        let enough = state.requests.len() >= state.wanted;
        // The writer that wakes wants the lock.
        drop(state);
        if enough {
            self.arrived.notify_one();
        }
        Ok(())
    }

    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_one();
    }

    /// Everything queued. It waits for the first request until `deadline`, and then up to `patience` until
    /// there are `group` of them: those just answered tend to come back at once, and writing the first of
    /// them alone would make the others wait for a whole disk write.
    pub(crate) fn take(&self, deadline: Instant, group: usize, patience: Duration) -> Taken {
        let mut state = self.state();
        while state.requests.is_empty() {
            if state.closed {
                return Taken::Closed;
            }
            state.wanted = 1;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Taken::Late;
            }
            state = self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let until = Instant::now() + patience;
        while state.requests.len() < group && !state.closed {
            state.wanted = group;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.wanted = usize::MAX;
        Taken::Requests(std::mem::take(&mut state.requests))
    }
}
