//! The store in one redb file: a single table of bytes to bytes, one write transaction per batch.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use ::redb::{Durability, StorageBackend, StorageError, TableDefinition};

use super::{
    Answer, Backend, Batch, Changes, Rows, Snapshot,
    aside::Aside,
    copy::Copy,
    disk::{self, Locked},
    fence::Medium,
    guard::{careful, guarded},
    live::Live,
    note::Note,
    seal::Seal,
    view::View,
    walk::Walk,
};
use crate::{
    error::{Error, Result},
    format,
    key::{self, Span},
    options::Options,
    scrub::{Scrub, Scrubbed},
};

pub(crate) const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("kvs");

pub(crate) struct Redb {
    // Dropped before the lock: the next holder writes its own.
    note: Option<Note>,
    /// The file, where it is one.
    path: Option<PathBuf>,
    /// Replaced by a compaction. Held for a clone only.
    disk: RwLock<Arc<Medium>>,
    /// The same, where it is a file. Replaced with it; held for a clone only.
    file: Mutex<Option<Arc<Locked>>>,
    place: Arc<str>,
    options: Options,
    /// Whether the file's name means this file no longer, so that a seal beside it would be another's.
    disowned: AtomicBool,
    /// `None` after a failed write, until the next batch opens the file again. Held for a whole batch by
    /// the writer; readers never take it.
    live: Mutex<Option<Live>>,
    /// The last commit that was acknowledged as on disk: a file with less is not this store any more.
    kept: AtomicU64,
    /// The newest committed state, opened once per batch and shared by all readers. Held for a clone only.
    current: Current,
    /// The check in the background. Held for a clone of what it found.
    scrub: Mutex<Option<Scrub>>,
}

type Current = Arc<RwLock<Arc<View>>>;

struct Job<'a> {
    store: &'a Redb,
    live: MutexGuard<'a, Option<Live>>,
    base: Arc<View>,
}

impl Redb {
    /// Opens the file, and makes it where there is none.
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Self> {
        let (disk, note) = disk::open(path)?;
        let mut store = Self::open_at(disk.clone(), path, options)?;
        store.note = Some(note);
        *store.file() = Some(disk);
        let current = store.current.clone();
        let scan = move |span: &Span, back, limit| newest(&current).rows(span, back, limit);
        let scrub = Scrub::start(options.scrub, Box::new(scan));
        *store.scrub.lock().unwrap_or_else(PoisonError::into_inner) = Some(scrub);
        Ok(store)
    }

    /// Opens a file that is there to read it, and writes neither to it nor beside it: what redb has to repair
    /// is repaired in memory.
    pub(crate) fn look(path: &Path, options: &Options) -> Result<Self> {
        let disk = disk::look(path)?;
        if disk.len().is_ok_and(|length| length == 0) {
            return Err(Error::corrupt(path.display().to_string(), "it is empty"));
        }
        let options = options.clone().looks(true);
        let store = Self::open_at(Arc::new(Aside::new(disk.clone())), path, &options)?;
        *store.file() = Some(disk);
        Ok(store)
    }

    /// Opens a store on anything redb can keep its pages on; the tests put their faults under this.
    pub(crate) fn open_disk(
        disk: Arc<dyn StorageBackend>,
        place: Arc<str>,
        options: &Options,
    ) -> Result<Self> {
        Self::open_on(disk, place, None, options)
    }

    fn open_at(disk: Arc<dyn StorageBackend>, path: &Path, options: &Options) -> Result<Self> {
        Self::open_on(disk, path.display().to_string().into(), Some(path.to_owned()), options)
    }

    fn open_on(
        disk: Arc<dyn StorageBackend>,
        place: Arc<str>,
        path: Option<PathBuf>,
        options: &Options,
    ) -> Result<Self> {
        let disk = Medium::new(disk);
        let (live, view) = Live::open(&disk, &place, options, path.as_deref())?;
        Ok(Self {
            note: None,
            path,
            disk: RwLock::new(disk),
            file: Mutex::default(),
            kept: AtomicU64::new(view.at),
            place,
            options: options.clone(),
            disowned: AtomicBool::new(false),
            live: Mutex::new(Some(live)),
            current: Arc::new(RwLock::new(Arc::new(view))),
            scrub: Mutex::default(),
        })
    }

    /// Its last commit, if it has any row but the one that names its format.
    pub(crate) fn holds(&self) -> Result<Option<u64>> {
        let view = self.view();
        let rows = view.rows(&Span { start: Vec::new(), end: None }, false, 2)?;
        let any = rows.iter().any(|(key, _)| key != key::FORMAT);
        Ok(any.then_some(view.at))
    }

    fn view(&self) -> Arc<View> {
        newest(&self.current)
    }

    fn file(&self) -> MutexGuard<'_, Option<Arc<Locked>>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn disk(&self) -> Arc<Medium> {
        self.disk.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The open database; after a failed write it is opened again first.
    fn live(&self) -> Result<MutexGuard<'_, Option<Live>>> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if live.is_none() {
            let disk = self.disk();
            // An empty file would be made a new store.
            let length = disk.len().map_err(|error| Error::io(&self.place, error))?;
            if length == 0 {
                return Err(self.behind(0));
            }
            disk.settle().map_err(|error| Error::io(&self.place, error))?;
            let (opened, view) = Live::open(&disk, &self.place, &self.options, self.path.as_deref())?;
            if view.at < self.kept.load(Ordering::Acquire) {
                opened.gate.close();
                return Err(self.behind(view.at));
            }
            // Open is not yet writable: whoever writes says when it is.
            tracing::debug!(store.path = %self.place, store.at = view.at, "the store is open again after a disk error");
            self.publish(view);
            *live = Some(opened);
        }
        Ok(live)
    }

    /// Why a file that was cut or written over while it was open is not taken for the store again.
    fn behind(&self, at: u64) -> Error {
        let kept = self.kept.load(Ordering::Acquire);
        let detail = format!(
            "the file holds commit {at}, {kept} were acknowledged: it was cut or written over while it was open"
        );
        Error::corrupt(&*self.place, detail)
    }

    fn publish(&self, view: View) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
    }
}

fn newest(current: &Current) -> Arc<View> {
    current.read().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Backend for Redb {
    fn kind(&self) -> &'static str {
        "redb"
    }

    fn snapshot(&self) -> Answer<'_, Arc<dyn Snapshot>> {
        let view: Arc<dyn Snapshot> = self.view();
        Box::pin(async { Ok(view) })
    }

    fn begin(&self) -> Result<Box<dyn Batch + '_>> {
        if self.options.looks {
            return Err(Error::ReadOnly { place: self.place.to_string() });
        }
        Ok(Box::new(Job { store: self, live: self.live()?, base: self.view() }))
    }

    fn compact(&self, progress: &mut dyn FnMut(u64)) -> Result<(u64, u64)> {
        const STEP: usize = 16_384;
        let Some(path) = self.path.as_deref().filter(|_| !self.options.looks) else { return Ok((0, 0)) };
        let fail = |error| Error::io(&self.place, error);
        // Commits wait from here on; readers have their snapshots.
        let mut live = self.live()?;
        let (view, old) = (self.view(), self.disk());
        let before = old.len().map_err(fail)?;
        let mut copy = Copy::create(path, self.options.cache)?;
        let mut span = Span { start: Vec::new(), end: None };
        let mut copied = 0;
        loop {
            let rows = match view.rows(&span, false, STEP).and_then(|rows| copy.add(&rows).map(|()| rows)) {
                Ok(rows) => rows,
                Err(error) => {
                    copy.discard();
                    return Err(error);
                }
            };
            copied += rows.len() as u64;
            progress(copied);
            match rows.last() {
                Some(last) if rows.len() == STEP => span.start = key::after(last.to_vec()),
                _ => break,
            }
        }
        let (after, disk) = copy.finish(view.at, true)?;
        // The name means the new file now. Who reads goes on reading the old one, which has no name; then it
        // is closed.
        self.kept.store(view.at, Ordering::Release);
        if let Some(Live { database, shelf, .. }) = live.take() {
            let _ = shelf.set(database);
        }
        *self.file() = Some(disk.clone());
        let disk = Medium::new(disk);
        *self.disk.write().unwrap_or_else(PoisonError::into_inner) = disk.clone();
        match Live::open(&disk, &self.place, &self.options, Some(path)) {
            Ok((opened, view)) => {
                self.publish(view);
                *live = Some(opened);
            }
            // The same rows are in both, and the next batch opens the new one, or says why it cannot.
            Err(error) => {
                tracing::warn!(store.path = %self.place, error = %error, "the compacted file is not open yet");
            }
        }
        Ok((before, after))
    }

    fn identity(&self) -> Option<disk::Identity> {
        self.file().as_ref().map(|file| file.identity())
    }

    fn is_strange(&self) -> bool {
        self.disk().is_strange()
    }

    fn walk(&self) -> Result<Option<Walk>> {
        let mut view = self.view();
        if view.header.is_none() {
            let mut job = Job { store: self, live: self.live()?, base: self.view() };
            let at = job.base.at;
            job.put(&Changes::new(), at, true)?;
            view = self.view();
        }
        if let Some(file) = &*self.file() {
            file.forget();
        }
        Ok(Walk::begin(view, &self.disk()))
    }

    fn disown(&self) {
        self.disowned.store(true, Ordering::Release);
    }

    fn scrubbed(&self) -> Scrubbed {
        let scrub = self.scrub.lock().unwrap_or_else(PoisonError::into_inner);
        let found = scrub.as_ref().map(Scrub::scrubbed).unwrap_or_default();
        Scrubbed { pages: self.view().sums.damaged(), ..found }
    }

    fn pause_scrub(&self, paused: bool) {
        if let Some(scrub) = &*self.scrub.lock().unwrap_or_else(PoisonError::into_inner) {
            scrub.pause(paused);
        }
    }

    fn size(&self) -> Answer<'_, Option<u64>> {
        let size = self.disk().len().map_err(|error| Error::io(&self.place, error));
        Box::pin(async { size.map(Some) })
    }
}

impl Job<'_> {
    fn put(&mut self, changes: &Changes, at: u64, durable: bool) -> Result<()> {
        let Some(live) = self.live.as_ref() else { return Err(Error::Closed) };
        let disk = self.store.disk();
        // Written into a file that another has cut or written over, a commit would be lost with it.
        let written = if disk.is_strange() {
            Err(Error::corrupt(&*self.store.place, "it was cut or written over while it was open"))
        } else {
            self.write(live, changes, at, durable)
        };
        match written {
            Ok(mut view) => {
                if durable {
                    view.header = disk.header();
                    self.store.kept.store(at, Ordering::Release);
                }
                self.store.publish(view);
                Ok(())
            }
            Err(error) => {
                // What it has done in memory is not what is on disk: the next batch opens the file again. It
                // goes on being read.
                if let Some(live) = self.live.take() {
                    live.shelve();
                }
                tracing::debug!(store.path = %self.store.place, error = %error, "a commit failed; the store will be opened again");
                Err(error)
            }
        }
    }

    fn write(&self, live: &Live, changes: &Changes, at: u64, durable: bool) -> Result<View> {
        guarded(&self.store.place, || {
            let mut txn = live.database.get()?.begin_write()?;
            if durable {
                careful(&mut txn, &self.store.options);
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
            let versioned = changes.is_empty() || live.versioned.load(Ordering::Relaxed);
            if !versioned {
                table.insert(key::FORMAT, &*format::row(at))?;
            }
            drop(table);
            txn.commit()?;
            live.gate.check()?;
            if !versioned {
                live.versioned.store(true, Ordering::Relaxed);
            }
            Ok(())
        })?;
        live.view_at(&self.store.place, at)
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

    fn commit(mut self: Box<Self>, changes: Changes, at: u64, durable: bool) -> Result<()> {
        self.put(&changes, at, durable)
    }
}

impl Drop for Redb {
    fn drop(&mut self) {
        drop(self.scrub.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        let at = self.view().at;
        let live = self.live.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(note), Some(Live { database, gate, .. })) = (&self.note, live) else { return };
        if self.disowned.load(Ordering::Acquire) {
            // Of a file that another has changed nobody knows what a write into it would do.
            if self.disk().is_strange() {
                gate.close();
            }
            return;
        }
        // Only what was closed without a fault is sealed; anything else is checked when it is opened.
        let closed = database.close(&self.place);
        let sealed = closed.and_then(|()| {
            gate.check().map_err(|error| Error::io(&self.place, error))?;
            let seal = Seal::of(&*self.disk(), at);
            seal.and_then(|seal| seal.write(&note.store)).map_err(|error| Error::io(&self.place, error))
        });
        if let Err(error) = sealed {
            tracing::warn!(store.path = %self.place, error = %error, "the closed store has no seal");
        }
    }
}

#[cfg(test)]
impl Redb {
    /// How many pages were read and matched, and of how many no sum was known.
    pub(crate) fn counts(&self) -> (u64, u64) {
        self.view().sums.counts()
    }
}

impl std::fmt::Debug for Redb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redb").field("place", &self.place).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::backend::growth::{Disk, options, row};

    #[test]
    fn a_store_whose_last_writes_fail_when_it_is_closed_has_no_seal() {
        for full in [false, true] {
            let (disk, folder) = (Disk::new(Vec::new()), tempfile::tempdir().expect("a folder"));
            let path = folder.path().join("store.redb");
            let mut store =
                Redb::open_on(disk.clone(), "the test's disk".into(), Some(path.clone()), &options())
                    .expect("a store");
            store.note = Some(Note { store: path.clone() });
            let batch = store.begin().expect("a batch");
            batch.commit([row(1, 1)].into(), 1, false).expect("it is written behind");
            disk.full.store(full, Ordering::Relaxed);
            drop(store);
            assert_eq!(Seal::read(&path).is_none(), full);
        }
    }
}
