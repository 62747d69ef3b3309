//! The store in one redb file: a single table of bytes to bytes, one write transaction per batch.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use ::redb::{
    Builder, Database, Durability, ReadableDatabase, StorageBackend, StorageError, TableDefinition,
};

use super::{
    Answer, Backend, Batch, Changes, Rows, Snapshot,
    copy::Copy,
    disk::{self, Fence, Gate, Note},
    guard::{Handle, careful, guarded},
    pages::{Pages, Sums},
    seal::Seal,
    tree,
    view::{Shelf, View},
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
    /// Replaced by a compaction. Held for a clone only.
    disk: RwLock<Arc<dyn StorageBackend>>,
    /// Which file `disk` is, where it is one. Replaced with it; held for a copy only.
    identity: Mutex<Option<disk::Identity>>,
    place: Arc<str>,
    options: Options,
    /// Whether the file's name means this file no longer, so that a seal beside it would be another's.
    disowned: AtomicBool,
    /// `None` after a failed write, until the next batch opens the file again. Held for a whole batch by
    /// the writer; readers never take it.
    live: Mutex<Option<Live>>,
    /// Set when a sync has failed since the file was opened, as its fence notes: what may not be on disk is
    /// written again.
    unsure: Arc<AtomicBool>,
    /// The last commit that was acknowledged as on disk: a file with less is not this store any more.
    kept: AtomicU64,
    /// The newest committed state, opened once per batch and shared by all readers. Held for a clone only.
    current: Current,
    /// The check in the background. Held for a clone of what it found.
    scrub: Mutex<Option<Scrub>>,
}

type Current = Arc<RwLock<Arc<View>>>;

struct Live {
    database: Handle,
    shelf: Shelf,
    gate: Gate,
    sums: Arc<Sums>,
    /// Whether the file says which version of the format it has; one written before there was such a row
    /// gets it with its first commit.
    versioned: AtomicBool,
    /// The file's length and header as this process left them, when they could be read.
    left: Option<(u64, Vec<u8>)>,
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
        let identity = disk.identity();
        let store = Self::open_disk(disk, place, Some(note), options)?;
        store.identify(identity);
        let current = store.current.clone();
        let scan = move |span: &Span, back, limit| newest(&current).rows(span, back, limit);
        let scrub = Scrub::start(options.scrub, Box::new(scan));
        *store.scrub.lock().unwrap_or_else(PoisonError::into_inner) = Some(scrub);
        Ok(store)
    }

    /// Opens a store on anything redb can keep its pages on; the tests put their faults under this.
    pub(crate) fn open_disk(
        disk: Arc<dyn StorageBackend>,
        place: Arc<str>,
        note: Option<Note>,
        options: &Options,
    ) -> Result<Self> {
        let unsure = Arc::<AtomicBool>::default();
        let (live, view) = Live::open(&disk, &place, options, note.as_ref(), &unsure)?;
        Ok(Self {
            disk: RwLock::new(disk),
            identity: Mutex::default(),
            kept: AtomicU64::new(view.at),
            place,
            options: options.clone(),
            disowned: AtomicBool::new(false),
            live: Mutex::new(Some(live)),
            unsure,
            current: Arc::new(RwLock::new(Arc::new(view))),
            scrub: Mutex::default(),
            note,
        })
    }

    fn view(&self) -> Arc<View> {
        newest(&self.current)
    }

    fn identify(&self, identity: disk::Identity) {
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = Some(identity);
    }

    fn disk(&self) -> Arc<dyn StorageBackend> {
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
            if self.unsure.load(Ordering::Acquire) {
                disk::rewrite(&*disk).map_err(|error| Error::io(&self.place, error))?;
                self.unsure.store(false, Ordering::Release);
            }
            let (opened, view) =
                Live::open(&disk, &self.place, &self.options, self.note.as_ref(), &self.unsure)?;
            if view.at < self.kept.load(Ordering::Acquire) {
                opened.gate.close();
                return Err(self.behind(view.at));
            }
            tracing::info!(store.path = %self.place, store.at = view.at, "the store is open again after a disk error");
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

impl Live {
    fn open(
        disk: &Arc<dyn StorageBackend>,
        place: &Arc<str>,
        options: &Options,
        note: Option<&Note>,
        unsure: &Arc<AtomicBool>,
    ) -> Result<(Self, View)> {
        let (fence, gate) = Fence::new(disk.clone(), unsure.clone());
        let opened = guarded(place, || {
            let header = tree::read(&fence)?;
            let sealed = note.and_then(|note| Seal::read(&note.store)).filter(|_| options.verify);
            let fresh = header.is_empty();
            // What is checked here does not grow with the file: its header, whose slot in force holds the
            // sums of the first pages. Every other page is verified when it is read.
            let fits = sealed.is_none_or(|seal| seal.fits(&header, fence.len().unwrap_or_default()));
            let (pages, sums) = Pages::new(fence, options.verify && !tree::uncertain(&header));
            let repaired = Arc::new(AtomicBool::new(false));
            let repairing = repaired.clone();
            let mut database = Builder::new()
                .set_cache_size(options.cache)
                .set_repair_callback(move |_| repairing.store(true, Ordering::Relaxed))
                .create_with_backend(pages)?;
            let repaired = repaired.load(Ordering::Relaxed);
            // A repair has looked at every page. A header that is not as it was closed is reason to.
            let sound = fresh || fits || repaired || database.check_integrity()?;
            sums.set_strict(options.verify);
            if fresh {
                format::create(&database, options)?;
            } else if repaired && sound {
                // So that the next crash needs no repair of the whole.
                settle(&database, options)?;
            }
            Ok((Handle::new(database), sound, sealed, sums))
        });
        let (database, sound, sealed, sums) = opened.inspect_err(|_| gate.close())?;
        let mut live = Self {
            database,
            shelf: Shelf::default(),
            gate,
            sums,
            versioned: AtomicBool::new(false),
            left: None,
        };
        let view = live.view(place).inspect_err(|_| live.gate.close())?;
        let version = view.read(key::FORMAT).and_then(|stored| format::known(place, stored.as_deref()));
        live.versioned.store(version.inspect_err(|_| live.gate.close())?, Ordering::Relaxed);
        // Damage to a page no commit refers to is harmless; a repair that gave up a commit is not.
        if !sound || sealed.is_some_and(|seal| seal.at != view.at) {
            live.gate.close();
            let detail =
                "it is not as it was closed (if it was replaced on purpose, remove the .seal beside it)";
            return Err(Error::corrupt(&**place, detail));
        }
        if let Some(note) = note {
            Seal::remove(&note.store).map_err(|error| Error::io(place, error))?;
        }
        live.left = look(&**disk);
        Ok((live, view))
    }

    /// The newest state, which is that of commit `at`.
    fn view_at(&self, place: &Arc<str>, at: u64) -> Result<View> {
        let table = guarded(place, || Ok(self.database.get()?.begin_read()?.open_table(TABLE)?))?;
        Ok(View { at, table, place: place.clone(), sums: self.sums.clone(), _shelf: self.shelf.clone() })
    }

    /// The newest state, whichever commit it is of: that of the last row of the log.
    fn view(&self, place: &Arc<str>) -> Result<View> {
        let mut view = self.view_at(place, 0)?;
        if let Some(last) = view.rows(&Span::prefix(vec![key::LOG]), true, 1)?.last() {
            view.at = key::position(last);
        }
        Ok(view)
    }
}

/// The file's length and header.
fn look(disk: &dyn StorageBackend) -> Option<(u64, Vec<u8>)> {
    disk.len().ok().zip(tree::read(disk).ok())
}

/// A commit that writes nothing, but from which the file can be opened without a repair.
fn settle(database: &Database, options: &Options) -> Result<(), ::redb::Error> {
    let mut txn = database.begin_write()?;
    careful(&mut txn, options);
    Ok(txn.commit()?)
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
        Ok(Box::new(Job { store: self, live: self.live()?, base: self.view() }))
    }

    fn compact(&self, progress: &mut dyn FnMut(u64)) -> Result<(u64, u64)> {
        const STEP: usize = 16_384;
        let Some(note) = &self.note else { return Ok((0, 0)) };
        let fail = |error| Error::io(&self.place, error);
        // Commits wait from here on; readers have their snapshots.
        let mut live = self.live()?;
        let (view, old) = (self.view(), self.disk());
        let before = old.len().map_err(fail)?;
        let mut copy = Copy::create(&note.store, self.options.cache)?;
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
        self.identify(disk.identity());
        let disk: Arc<dyn StorageBackend> = disk;
        *self.disk.write().unwrap_or_else(PoisonError::into_inner) = disk.clone();
        match Live::open(&disk, &self.place, &self.options, Some(note), &self.unsure) {
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
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner)
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
        let Some(live) = self.live.as_ref() else { return Err(Error::Closed) };
        let disk = self.store.disk();
        // Written into a file that another has cut or written over, a commit would be lost with it.
        let strange = live.left.as_ref().zip(look(&*disk)).is_some_and(|(left, found)| *left != found);
        let written = if strange {
            Err(Error::corrupt(&*self.store.place, "it was cut or written over while it was open"))
        } else {
            self.write(live, &changes, at, durable)
        };
        match written {
            Ok(view) => {
                if let Some(live) = self.live.as_mut() {
                    live.left = look(&*disk);
                }
                if durable {
                    self.store.kept.store(at, Ordering::Release);
                }
                self.store.publish(view);
                Ok(())
            }
            Err(error) => {
                // The database refuses work after a failed write. The fence falls first, so that dropping
                // it cannot write; the next batch opens the file again.
                live.gate.close();
                *self.live = None;
                tracing::debug!(store.path = %self.store.place, error = %error, "a commit failed; the store will be opened again");
                Err(error)
            }
        }
    }
}

impl Drop for Redb {
    fn drop(&mut self) {
        drop(self.scrub.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        let at = self.view().at;
        let live = self.live.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(note), Some(live)) = (&self.note, live) else { return };
        if self.disowned.load(Ordering::Acquire) {
            return;
        }
        // Only what was closed without a fault is sealed; anything else is checked when it is opened.
        let closed = live.database.close(&self.place);
        let sealed = closed.and_then(|()| {
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
