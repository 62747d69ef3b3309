//! The store in one redb file: a single table of bytes to bytes, one write transaction per batch.

use std::{
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use ::redb::{
    Builder, Database, Durability, ReadOnlyTable, ReadableDatabase, StorageBackend, StorageError,
    TableDefinition,
};

use super::{
    Answer, Backend, Batch, Changes, Rows, Snapshot,
    disk::{self, Fence, Gate, Note},
};
use crate::{
    error::{Error, Result},
    key::{LAST, Span},
    options::Options,
    value::Value,
};

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("kvs");

pub(crate) struct Redb {
    disk: Arc<dyn StorageBackend>,
    place: Arc<str>,
    options: Options,
    /// `None` after a failed write, until the next batch opens the file again. Held for a whole batch by
    /// the writer; readers never take it.
    live: Mutex<Option<Live>>,
    /// The newest committed state, opened once per batch and shared by all readers. Held for a clone only.
    current: RwLock<Arc<View>>,
    _note: Option<Note>,
}

struct Live {
    database: Database,
    gate: Gate,
}

struct View {
    at: u64,
    table: ReadOnlyTable<&'static [u8], &'static [u8]>,
    place: Arc<str>,
}

struct Job<'a> {
    store: &'a Redb,
    live: MutexGuard<'a, Option<Live>>,
    base: Arc<View>,
}

impl Redb {
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Self> {
        let (disk, note) = disk::open(path)?;
        let place: Arc<str> = path.display().to_string().into();
        Self::open_disk(disk, place, Some(note), options)
    }

    /// Opens a store on anything redb can keep its pages on; the tests put their faults under this.
    pub(crate) fn open_disk(
        disk: Arc<dyn StorageBackend>,
        place: Arc<str>,
        note: Option<Note>,
        options: &Options,
    ) -> Result<Self> {
        let (live, view) = Live::open(&disk, &place, options)?;
        Ok(Self {
            disk,
            place,
            options: options.clone(),
            live: Mutex::new(Some(live)),
            current: RwLock::new(Arc::new(view)),
            _note: note,
        })
    }

    fn view(&self) -> Arc<View> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn publish(&self, view: View) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
    }
}

impl Live {
    fn open(disk: &Arc<dyn StorageBackend>, place: &Arc<str>, options: &Options) -> Result<(Self, View)> {
        let (fence, gate) = Fence::new(disk.clone());
        let opened = guarded(place, || {
            let database = Builder::new().set_cache_size(options.cache).create_with_backend(fence)?;
            let mut txn = database.begin_write()?;
            txn.set_two_phase_commit(options.two_phase);
            let fresh = txn.list_tables()?.next().is_none();
            if fresh {
                txn.open_table(TABLE)?;
                txn.commit()?;
            } else {
                txn.abort()?;
            }
            Ok(database)
        });
        let database = opened.inspect_err(|_| gate.close())?;
        let live = Self { database, gate };
        let view = live.view(place)?;
        Ok((live, view))
    }

    fn view(&self, place: &Arc<str>) -> Result<View> {
        let table = guarded(place, || Ok(self.database.begin_read()?.open_table(TABLE)?))?;
        let mut view = View { at: 0, table, place: place.clone() };
        if let Some(stored) = view.read(LAST)? {
            view.at = Value::open(LAST, &stored)?.version;
        }
        Ok(view)
    }
}

/// Runs redb's code. It checks its pages where it repairs, not where it reads, so damaged pages can make
/// it panic: that is an error of the file, not of the program.
fn guarded<T>(place: &str, work: impl FnOnce() -> Result<T, ::redb::Error>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(convert(place, error)),
        Err(_) => Err(Error::corrupt(place, "its pages do not fit together")),
    }
}

fn convert(place: &str, error: ::redb::Error) -> Error {
    match error {
        ::redb::Error::Io(error) => Error::io(place, error),
        ::redb::Error::DatabaseAlreadyOpen => {
            Error::Locked { path: place.into(), holder: "another process".to_owned() }
        }
        error @ (::redb::Error::PreviousIo
        | ::redb::Error::DatabaseClosed
        | ::redb::Error::LockPoisoned(_)) => Error::Io { place: place.to_owned(), source: Arc::new(error) },
        error => Error::corrupt(place, error.to_string()),
    }
}

impl Backend for Redb {
    fn snapshot(&self) -> Answer<'_, Arc<dyn Snapshot>> {
        let view: Arc<dyn Snapshot> = self.view();
        Box::pin(async { Ok(view) })
    }

    fn begin(&self) -> Result<Box<dyn Batch + '_>> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if live.is_none() {
            let (opened, view) = Live::open(&self.disk, &self.place, &self.options)?;
            tracing::info!(store.path = %self.place, store.at = view.at, "the store is open again after a disk error");
            self.publish(view);
            *live = Some(opened);
        }
        Ok(Box::new(Job { store: self, live, base: self.view() }))
    }
}

impl View {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        guarded(&self.place, || Ok(self.table.get(key)?.map(|value| value.value().to_vec())))
    }

    fn rows(&self, span: &Span, back: bool, limit: usize) -> Result<Rows> {
        let mut rows = Rows::default();
        if span.is_empty() {
            return Ok(rows);
        }
        guarded(&self.place, || {
            let end = span.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let mut range = self.table.range::<&[u8]>((Bound::Included(&*span.start), end))?;
            while rows.len() < limit {
                let Some(row) = (if back { range.next_back() } else { range.next() }) else { break };
                let (key, value) = row?;
                rows.push(key.value(), value.value());
            }
            Ok(())
        })?;
        Ok(rows)
    }
}

impl Snapshot for View {
    fn at(&self) -> u64 {
        self.at
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move { self.read(key) })
    }

    fn scan<'a>(&'a self, span: &'a Span, back: bool, limit: usize) -> Answer<'a, Rows> {
        Box::pin(async move { self.rows(span, back, limit) })
    }
}

impl Job<'_> {
    fn write(&self, live: &Live, changes: &Changes, durable: bool) -> Result<View> {
        guarded(&self.store.place, || {
            let mut txn = live.database.begin_write()?;
            if durable {
                txn.set_two_phase_commit(self.store.options.two_phase);
            } else {
                txn.set_durability(Durability::None).map_err(|_| StorageError::DatabaseClosed)?;
            }
            let mut table = txn.open_table(TABLE)?;
            for (key, value) in changes {
                match value {
                    Some(value) => table.insert(&**key, &**value)?,
                    None => table.remove(&**key)?,
                };
            }
            drop(table);
            txn.commit()?;
            Ok(())
        })?;
        live.view(&self.store.place)
    }
}

impl Batch for Job<'_> {
    fn at(&self) -> u64 {
        self.base.at
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.base.read(key)
    }

    fn scan(&self, span: &Span, back: bool, limit: usize) -> Result<Rows> {
        self.base.rows(span, back, limit)
    }

    fn commit(mut self: Box<Self>, mut changes: Changes, at: u64, durable: bool) -> Result<()> {
        if !changes.is_empty() {
            let last = Value { version: at, ..Value::default() };
            changes.insert(LAST.to_vec(), Some(last.seal(LAST)));
        }
        let Some(live) = self.live.as_ref() else { return Err(Error::Closed) };
        match self.write(live, &changes, durable) {
            Ok(view) => {
                self.store.publish(view);
                Ok(())
            }
            Err(error) => {
                // The database refuses work after a failed write. The fence falls first, so that dropping
                // it cannot write; the next batch opens the file again.
                live.gate.close();
                *self.live = None;
                tracing::error!(store.path = %self.store.place, error = %error, "a commit failed; the store will be opened again");
                Err(error)
            }
        }
    }
}

impl std::fmt::Debug for Redb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redb").field("place", &self.place).finish_non_exhaustive()
    }
}
