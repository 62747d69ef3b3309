//! A record that a page writes with its next save: what changes faster than it is worth writing.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kvs::{Record, Result, Store, Txn};
use tokio::time::Instant;

type Put = Box<dyn Fn(&mut Txn) -> Result<()> + Send + Sync>;

/// The table and the id of a record.
type Key = (&'static str, String);

/// A record that waits for its page's next save.
struct Waiting {
    key: Key,
    put: Put,
    /// It is in the store already: another page wanted to read it.
    written: AtomicBool,
}

/// The records that wait, of all pages of a node, so that a page that reads one finds it: a page that is
/// loaded again is there before the one that it replaces has gone.
#[derive(Default)]
pub(crate) struct Waits {
    // A std lock: held for one look at the map, never across an await. No page has more than one record in it.
    by_key: Mutex<HashMap<Key, Arc<Waiting>>>,
}

impl Waits {
    fn by_key(&self) -> MutexGuard<'_, HashMap<Key, Arc<Waiting>>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the record of a key, when one waits in any page, and says whether it did.
    pub(crate) async fn write(&self, store: &Store, table: &'static str, id: &str) -> Result<bool> {
        let waiting = self.by_key().remove(&(table, id.to_owned()));
        let Some(waiting) = waiting.filter(|waiting| !waiting.written.load(Ordering::Acquire)) else {
            return Ok(false);
        };
        let mut txn = store.txn();
        (waiting.put)(&mut txn)?;
        txn.commit().await?;
        waiting.written.store(true, Ordering::Release);
        Ok(true)
    }

    fn remove(&self, waiting: &Arc<Waiting>) {
        let mut by_key = self.by_key();
        if by_key.get(&waiting.key).is_some_and(|known| Arc::ptr_eq(known, waiting)) {
            by_key.remove(&waiting.key);
        }
    }
}

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waits").field("records", &self.by_key().len()).finish()
    }
}

/// The record of a page, as the handlers that ended well left it, and as the one that runs does.
pub(crate) struct Soon {
    waits: Arc<Waits>,
    kept: Option<Arc<Waiting>>,
    /// `Some(None)` when the handler that runs has given it up.
    fresh: Option<Option<Arc<Waiting>>>,
    /// When the last one was written.
    written: Option<Instant>,
}

impl Soon {
    pub(crate) fn new(waits: &Arc<Waits>) -> Self {
        Soon { waits: Arc::clone(waits), kept: None, fresh: None, written: None }
    }

    pub(crate) fn put<R: Record + Send + Sync + 'static>(&mut self, record: R) {
        let key = (R::TABLE, record.id().into_owned());
        let put: Put = Box::new(move |txn: &mut Txn| txn.put(&record));
        self.fresh = Some(Some(Arc::new(Waiting { key, put, written: AtomicBool::new(false) })));
    }

    pub(crate) fn give_up(&mut self) {
        self.fresh = Some(None);
    }

    fn keep(&mut self, waiting: Option<Arc<Waiting>>) {
        if let Some(old) = std::mem::replace(&mut self.kept, waiting) {
            self.waits.remove(&old);
        }
        if let Some(new) = &self.kept {
            self.waits.by_key().insert(new.key.clone(), Arc::clone(new));
        }
    }

    /// Takes what the handler did as done.
    pub(crate) fn settle(&mut self) {
        if let Some(fresh) = self.fresh.take() {
            self.keep(fresh);
        }
    }

    pub(crate) fn rollback(&mut self) {
        self.fresh = None;
    }

    fn waiting(&self) -> Option<&Arc<Waiting>> {
        let waiting = self.fresh.as_ref().unwrap_or(&self.kept).as_ref();
        waiting.filter(|waiting| !waiting.written.load(Ordering::Acquire))
    }

    pub(crate) fn waits(&self) -> bool {
        self.waiting().is_some()
    }

    /// Says whether the record is to be written now: none was for as long as `pause`.
    pub(crate) fn is_due(&self, now: Instant, pause: Duration) -> bool {
        self.waits() && self.written.is_none_or(|at| now.saturating_duration_since(at) >= pause)
    }

    /// Notes that what waits is written.
    pub(crate) fn done(&mut self) {
        let waited = self.waits();
        self.keep(None);
        self.fresh = None;
        if waited {
            self.written = Some(Instant::now());
        }
    }

    /// Writes the record into a transaction. One that the store does not take is let go: it would be in the
    /// way of all that comes later.
    pub(crate) fn write(&self, txn: &mut Txn) {
        if let Some(Err(error)) = self.waiting().map(|waiting| (waiting.put)(txn)) {
            tracing::warn!(error = %crate::Shown(error), "a record that was to be kept is not");
        }
    }
}

impl Drop for Soon {
    fn drop(&mut self) {
        self.keep(None);
    }
}

impl fmt::Debug for Soon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Soon").field("waits", &self.waits()).finish_non_exhaustive()
    }
}
