//! The check that goes through a redb store in the background after it was opened, and finds damage in
//! what nobody reads. It holds every row against its check sum and every page against its own; counts and
//! indexes are compared by `check`.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    backend::Rows,
    check::Problem,
    error::{Error, Result},
    key::{self, Span},
    store::Store,
    value::Value,
};

/// How many rows are read at once.
const STEP: usize = 64;

/// How many problems are listed; after that they are only counted.
const LISTED: usize = 100;

/// How long it waits before it reads on after an error that is none of the data.
const AGAIN: Duration = Duration::from_secs(1);

/// How far the check in the background has come; see [`Store::scrubbed`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scrubbed {
    /// Rows checked.
    pub rows: u64,
    /// Their bytes, keys and values.
    pub bytes: u64,
    /// Whether it has been through everything that can be read.
    pub done: bool,
    /// What is damaged: the first hundred places.
    pub problems: Vec<Problem>,
    /// How many damaged places there are in all.
    pub wrong: u64,
    /// Pages of the file that did not match their check sums since it was opened, whoever read them.
    pub pages: u64,
}

impl Store {
    /// Says how far the check in the background has come, and what it has found. It begins when a redb
    /// store is opened, reads [`Options::scrub`](crate::Options::scrub) bytes a second, and ends when it
    /// has been through; other stores have none, and answer the default.
    #[must_use]
    pub fn scrubbed(&self) -> Scrubbed {
        self.inner.backend.scrubbed()
    }

    /// Lets the check in the background pause, or go on.
    pub fn pause_scrub(&self, paused: bool) {
        self.inner.backend.pause_scrub(paused);
    }
}

/// Reads rows of the newest state.
pub(crate) type Scan = Box<dyn Fn(&Span, bool, usize) -> Result<Rows> + Send>;

/// A check that is running or done. Dropped, it stops.
#[derive(Debug)]
pub(crate) struct Scrub {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Held to read it or to add to it, never while rows are read.
    state: Mutex<State>,
    /// Told when it is to stop, pause or go on.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    scrubbed: Scrubbed,
    paused: bool,
    stopped: bool,
}

/// It was told to stop.
struct Stopped;

impl Scrub {
    /// Starts it, at so many bytes a second; at 0 it is done before it begins.
    pub(crate) fn start(rate: u64, scan: Scan) -> Self {
        let shared = Arc::new(Shared::default());
        let thread = (rate > 0).then(|| {
            let shared = shared.clone();
            let work = move || {
                // Stopped, it leaves what it has found.
                let _ = Pass { shared: &shared, scan: &scan, rate }.run();
            };
            thread::Builder::new().name("kvs-scrub".to_owned()).spawn(work)
        });
        let thread = thread.transpose().unwrap_or_else(|error| {
            tracing::warn!(error = %error, "the store is not checked in the background");
            None
        });
        Self { shared, thread }
    }

    pub(crate) fn scrubbed(&self) -> Scrubbed {
        self.shared.state().scrubbed.clone()
    }

    pub(crate) fn pause(&self, paused: bool) {
        self.shared.state().paused = paused;
        self.shared.changed.notify_all();
    }
}

impl Drop for Scrub {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // What it found is in the log.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its turn.
    fn wait(&self, time: Duration) -> Result<(), Stopped> {
        let until = Instant::now() + time;
        let mut state = self.state();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            state = match (state.stopped, state.paused) {
                (true, _) => return Err(Stopped),
                (false, true) => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                (false, false) if left.is_zero() => return Ok(()),
                (false, false) => {
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

struct Pass<'a> {
    shared: &'a Shared,
    scan: &'a Scan,
    rate: u64,
}

impl Pass<'_> {
    fn run(&self) -> Result<(), Stopped> {
        // Behind a page that cannot be read the next key is not known: from there it comes back from the
        // end, to the last page that cannot be read. Each kind of row by itself, so that damage in one
        // hides little of the others.
        for tag in key::META..=key::CUT {
            if let Some(left) = self.through(Span::prefix(vec![tag]), false)? {
                self.through(left, true)?;
            }
        }
        let mut state = self.shared.state();
        state.scrubbed.done = true;
        let Scrubbed { rows, bytes, wrong, .. } = state.scrubbed;
        drop(state);
        tracing::info!(store.rows = rows, store.bytes = bytes, store.wrong = wrong, "the store is checked");
        Ok(())
    }

    /// Goes through a span. What is left of it lies behind something that cannot be read.
    fn through(&self, mut span: Span, back: bool) -> Result<Option<Span>, Stopped> {
        let (mut wait, mut step) = (Duration::ZERO, STEP);
        loop {
            self.shared.wait(wait)?;
            match (self.scan)(&span, back, step) {
                Ok(rows) => {
                    let bytes = self.check(&rows);
                    wait = Duration::from_secs_f64(bytes as f64 / self.rate as f64);
                    let Some(last) = rows.last().filter(|_| rows.len() == step) else { return Ok(None) };
                    if back {
                        span.end = Some(last.to_vec());
                    } else {
                        span.start = key::after(last.to_vec());
                    }
                }
                // Row by row up to what cannot be read, so that its neighbours are.
                Err(Error::Corrupt { .. }) if step > 1 => (wait, step) = (Duration::ZERO, 1),
                Err(error @ Error::Corrupt { .. }) => {
                    if !back {
                        self.wrong(&span.start, error.to_string());
                    }
                    return Ok(Some(span));
                }
                // The disk, or the store is being opened again: the next state may be read.
                Err(_) => wait = AGAIN,
            }
        }
    }

    /// Holds rows against their check sums, and says how many bytes they were.
    fn check(&self, rows: &Rows) -> u64 {
        let mut bytes = 0;
        for (key, stored) in rows.iter() {
            bytes += (key.len() + stored.len()) as u64;
            if let Err(error) = Value::open(key, stored) {
                self.wrong(key, error.to_string());
            }
        }
        let mut state = self.shared.state();
        state.scrubbed.rows += rows.len() as u64;
        state.scrubbed.bytes += bytes;
        bytes
    }

    fn wrong(&self, key: &[u8], what: String) {
        let place = key::describe(key);
        let mut state = self.shared.state();
        state.scrubbed.wrong += 1;
        if state.scrubbed.problems.len() < LISTED {
            tracing::error!(store.place = place, error = what, "the store is damaged");
            state.scrubbed.problems.push(Problem { place, what });
        }
    }
}
