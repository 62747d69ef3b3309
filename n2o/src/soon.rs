//! Records that a page writes with its next save: what changes faster than it is worth writing.

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
    // A std lock: held for one look at the map, never across an await.
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

/// The records of a page that wait, as the handlers that ended well left them, and what the one that runs does.
pub(crate) struct Soon {
    waits: Arc<Waits>,
    kept: Vec<Arc<Waiting>>,
    /// What the handler that runs has put, and given up.
    fresh: Vec<(Key, Option<Arc<Waiting>>)>,
    /// When any were last written.
    written: Option<Instant>,
}

impl Soon {
    pub(crate) fn new(waits: &Arc<Waits>) -> Self {
        Soon { waits: Arc::clone(waits), kept: Vec::new(), fresh: Vec::new(), written: None }
    }

    pub(crate) fn put<R: Record + Send + Sync + 'static>(&mut self, record: R) {
        let key = (R::TABLE, record.id().into_owned());
        let put: Put = Box::new(move |txn: &mut Txn| txn.put(&record));
        let waiting = Waiting { key: key.clone(), put, written: AtomicBool::new(false) };
        self.change(key, Some(Arc::new(waiting)));
    }

    pub(crate) fn give_up(&mut self, table: &'static str, id: &str) {
        self.change((table, id.to_owned()), None);
    }

    fn change(&mut self, key: Key, to: Option<Arc<Waiting>>) {
        self.fresh.retain(|(known, _)| *known != key);
        self.fresh.push((key, to));
    }

    fn let_go(&mut self, is_done: impl Fn(&Key) -> bool) {
        for old in self.kept.extract_if(.., |waiting| is_done(&waiting.key)) {
            self.waits.remove(&old);
        }
    }

    /// Takes what the handler did as done.
    pub(crate) fn settle(&mut self) {
        for (key, to) in std::mem::take(&mut self.fresh) {
            self.let_go(|known| *known == key);
            if let Some(new) = to {
                self.waits.by_key().insert(key, Arc::clone(&new));
                self.kept.push(new);
            }
        }
    }

    pub(crate) fn rollback(&mut self) {
        self.fresh.clear();
    }

    /// The records that are not written yet.
    fn waiting(&self) -> impl Iterator<Item = &Arc<Waiting>> {
        let is_fresh = |waiting: &Waiting| self.fresh.iter().any(|(key, _)| *key == waiting.key);
        let kept = self.kept.iter().filter(move |waiting| !is_fresh(waiting));
        let fresh = self.fresh.iter().filter_map(|(_, to)| to.as_ref());
        kept.chain(fresh).filter(|waiting| !waiting.written.load(Ordering::Acquire))
    }

    pub(crate) fn waits(&self) -> bool {
        self.waiting().next().is_some()
    }

    /// Says whether the records are to be written now: none were for as long as `pause`.
    pub(crate) fn is_due(&self, now: Instant, pause: Duration) -> bool {
        self.waits() && self.written.is_none_or(|at| now.saturating_duration_since(at) >= pause)
    }

    /// Notes that what waits is written.
    pub(crate) fn done(&mut self) {
        let waited = self.waits();
        self.let_go(|_| true);
        self.fresh.clear();
        if waited {
            self.written = Some(Instant::now());
        }
    }

    /// Writes the records into a transaction. One that the store does not take is let go: it would be in the
    /// way of all that comes later.
    pub(crate) fn write(&self, txn: &mut Txn) {
        for error in self.waiting().filter_map(|waiting| (waiting.put)(txn).err()) {
            tracing::warn!(error = %crate::Shown(&error), "a record that was to be kept is not");
        }
    }
}

impl Drop for Soon {
    fn drop(&mut self) {
        self.let_go(|_| true);
    }
}

impl fmt::Debug for Soon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Soon").field("waits", &self.waits()).finish_non_exhaustive()
    }
}
