//! Pages held against their check sums when they are read. redb keeps the sum of each page in its parent,
//! and looks at it only when it repairs; this layer under redb looks at it whenever a page comes from the
//! disk. It writes nothing of its own: the layout of the pages is in `tree`.

#[cfg(test)]
use std::sync::atomic::AtomicU64;
use std::{
    collections::{BTreeSet, HashMap},
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use ::redb::StorageBackend;
use twox_hash::XxHash3_64;

use super::tree::{self, Geometry, Shape};

/// How many damaged pages are told of and counted.
const REMEMBERED: usize = 1_000;

/// How many pages share one block of sums.
const BLOCK: u64 = 512;

/// What a page that does not match is replaced by: no page begins with it, so that redb refuses to go
/// through it, now and whenever it finds it in its cache.
const REFUSED: u8 = 0xff;

/// The low bits of a known sum say of which kind it is; none is known where all are zero.
const KIND: u64 = 0xf;
/// A sum over the whole page as this process wrote it. Above it come the shapes of redb's own.
const OWN: u64 = 1;

/// A disk whose pages are verified.
#[derive(Debug)]
pub(crate) struct Pages<D> {
    disk: D,
    sums: Arc<Sums>,
}

/// What is known of the pages' sums.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    /// Whether a page that does not match is refused. Not while redb repairs: it verifies pages itself
    /// then, and may find that a commit was not completely written, and go back to the one before.
    strict: AtomicBool,
    /// Pages that came from the disk with no sum known for them.
    #[cfg(test)]
    unverified: AtomicU64,
    /// Pages that were read and matched.
    #[cfg(test)]
    verified: AtomicU64,
    /// Held for a look-up or a page's children.
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    geometry: Geometry,
    shapes: Vec<Shape>,
    /// By block of pages, eight bytes a page: 2 MiB for each GiB whose pages were all met.
    sums: HashMap<u64, Box<[u64; BLOCK as usize]>>,
    damaged: BTreeSet<u64>,
    /// The file has a layout that is not known here, so that nothing is known of any page.
    foreign: bool,
}

impl<D: StorageBackend> Pages<D> {
    pub(crate) fn new(disk: D, strict: bool) -> (Self, Arc<Sums>) {
        let sums = Arc::new(Sums::default());
        sums.strict.store(strict, Ordering::Release);
        (Self { disk, sums: sums.clone() }, sums)
    }
}

impl Sums {
    pub(crate) fn set_strict(&self, strict: bool) {
        self.strict.store(strict, Ordering::Release);
    }

    /// How many pages did not match, up to a thousand.
    pub(crate) fn damaged(&self) -> u64 {
        self.known().damaged.len() as u64
    }

    #[cfg(test)]
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.verified.load(Ordering::Relaxed), self.unverified.load(Ordering::Relaxed))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // What was learned of one page stands, whatever became of the next.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds a page against its sum, and learns the sums of its children from it.
    fn verify(&self, offset: u64, page: &mut [u8]) {
        let (known, shape) = {
            let known = self.known();
            let sum = known.get(offset);
            (sum, known.shapes.get((sum & KIND).saturating_sub(OWN + 1) as usize).copied())
        };
        let matches = match (known & KIND, shape) {
            (0, _) => {
                #[cfg(test)]
                self.unverified.fetch_add(1, Ordering::Relaxed);
                return;
            }
            (OWN, _) => own(page) == known,
            (_, Some(shape)) => {
                tree::sum(page, shape).is_some_and(|sum| (sum as u64) & !KIND == known & !KIND)
            }
            (_, None) => false,
        };
        if matches {
            #[cfg(test)]
            self.verified.fetch_add(1, Ordering::Relaxed);
            // The children of a page that this process wrote were met when it was.
            if let Some(shape) = shape.filter(|_| known & KIND != OWN) {
                let mut known = self.known();
                tree::children(page, shape, |number, sum, shape| known.learn(number, sum, shape));
            }
        } else if self.strict.load(Ordering::Acquire) {
            page.fill(REFUSED);
            let mut known = self.known();
            if known.damaged.len() < REMEMBERED && known.damaged.insert(offset) {
                tracing::error!(
                    store.offset = offset,
                    "a page does not match its check sum: run `kvs check`"
                );
            }
        }
    }
}

impl Known {
    fn get(&self, offset: u64) -> u64 {
        let page = offset / self.geometry.page.max(1);
        self.sums.get(&(page / BLOCK)).map_or(0, |block| block[(page % BLOCK) as usize])
    }

    fn slot(&mut self, offset: u64) -> &mut u64 {
        let page = offset / self.geometry.page.max(1);
        let block = self.sums.entry(page / BLOCK).or_insert_with(|| Box::new([0; BLOCK as usize]));
        &mut block[(page % BLOCK) as usize]
    }

    /// Notes what redb says of a page, unless something is known of it: whatever is written anew is noted
    /// when it is written, and nothing else changes a page.
    fn learn(&mut self, number: u64, sum: u128, shape: Shape) {
        let place = self.shapes.iter().position(|known| *known == shape);
        let place = place.unwrap_or_else(|| {
            self.shapes.push(shape);
            self.shapes.len() - 1
        });
        let kind = place as u64 + OWN + 1;
        let offset = self.geometry.offset(number);
        if kind > KIND || sum == tree::DEFERRED {
            return;
        }
        let slot = self.slot(offset);
        if *slot == 0 {
            *slot = (sum as u64) & !KIND | kind;
        }
    }

    /// Learns the roots from the file's header: of the slot in force, or of both where a repair is to
    /// decide which that is.
    fn header(&mut self, header: &[u8], strict: bool) {
        let Some(geometry) = Geometry::read(header) else { return };
        if geometry != self.geometry {
            *self = Self { geometry, ..Self::default() };
        }
        let primary = tree::primary(header);
        if let Some(version) = tree::foreign(header, primary) {
            if !self.foreign {
                tracing::warn!(
                    version,
                    "the file has a version of redb's format whose pages cannot be verified when they are read"
                );
            }
            *self = Self { geometry, foreign: true, ..Self::default() };
            return;
        }
        for slot in [primary, 1 - primary].into_iter().take(if strict { 1 } else { 2 }) {
            tree::roots(header, slot, |_, number, sum| self.learn(number, sum, Shape::TABLES));
        }
    }
}

fn own(page: &[u8]) -> u64 {
    XxHash3_64::oneshot(page) & !KIND | OWN
}

impl<D: StorageBackend> StorageBackend for Pages<D> {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)?;
        if offset == 0 {
            self.sums.known().header(out, self.sums.strict.load(Ordering::Acquire));
        } else {
            self.sums.verify(offset, out);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        // All readers need the lock, and a sum takes its time.
        let sum = if offset == 0 { 0 } else { own(data) };
        let mut known = self.sums.known();
        if offset == 0 {
            // A new file gets its geometry here; the roots it names were noted when they were written.
            if let Some(geometry) = Geometry::read(data).filter(|new| *new != known.geometry) {
                *known = Known { geometry, ..Known::default() };
            }
        } else if !known.foreign {
            *known.slot(offset) = sum;
            known.damaged.remove(&offset);
        }
        drop(known);
        self.disk.write(offset, data)
    }
}
