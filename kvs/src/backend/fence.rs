//! What stands between a database and its file: the first write that fails is the last one that reaches the
//! file. The database goes on in memory, so that what was committed can be read until, and after, another one
//! has opened the file again. Not the format of the file, which is redb's.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};

use ::redb::StorageBackend;

use super::{
    aside::Aside,
    tree::{self, HEADER},
};

/// How much of the file is kept in memory for those who read what was committed before a write failed, in
/// bytes, when it is written again. Beyond it they are told to begin a new transaction.
const KEPT: u64 = 64 << 20;

/// A store's file, and the databases that were given up and are still read.
#[derive(Debug)]
pub(crate) struct Medium {
    disk: Arc<dyn StorageBackend>,
    /// Set when a sync fails: pages that the system counts as clean may not be on disk then.
    unsure: AtomicBool,
    /// Held for a look, and while what they read is kept and then written over.
    left: Mutex<Vec<Weak<State>>>,
    /// The file as this process left it; `None` until it is looked at, and when it could not be. Held for a
    /// look.
    known: Mutex<Option<Known>>,
}

/// What tells that another has cut a file or written it over.
#[derive(Debug)]
struct Known {
    length: u64,
    header: Vec<u8>,
}

impl Medium {
    pub(crate) fn new(disk: Arc<dyn StorageBackend>) -> Arc<Self> {
        let unsure = AtomicBool::new(false);
        Arc::new(Self { disk, unsure, left: Mutex::default(), known: Mutex::default() })
    }

    fn left(&self) -> MutexGuard<'_, Vec<Weak<State>>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file's length and header; what this process writes from here on is known without reading it.
    pub(crate) fn look(&self) {
        let found = tree::read(&*self.disk).and_then(|header| Ok(Known { length: self.disk.len()?, header }));
        *self.known() = found.ok();
    }

    /// The file's header as this process left it.
    pub(crate) fn header(&self) -> Option<Vec<u8>> {
        self.known().as_ref().map(|known| known.header.clone())
    }

    /// Says whether the file has another length or header than this process left it with.
    pub(crate) fn is_strange(&self) -> bool {
        let known = self.known();
        let Some(Known { length, header }) = &*known else { return false };
        let mut found = [0; HEADER];
        let found = &mut found[..header.len()];
        self.disk.len().is_ok_and(|now| now != *length)
            || self.disk.read(0, found).is_ok_and(|()| *found != *header)
    }

    /// Holds the header on the disk against what this process left there, and its slots against their own sums;
    /// answers what is wrong with it.
    pub(crate) fn damage(&self) -> Option<String> {
        let known = self.known();
        let Known { header, .. } = known.as_ref()?;
        let mut found = vec![0; header.len()];
        if let Err(error) = self.disk.read(0, &mut found) {
            return Some(format!("the header cannot be read: {error}"));
        }
        match found.iter().zip(header).position(|(found, known)| found != known) {
            Some(place) => Some(format!("byte {place} of the header is not as the store left it")),
            None => (0..2)
                .find(|number| !tree::is_whole(header, *number))
                .map(|number| format!("commit slot {number} of the header does not match its check sum")),
        }
    }

    /// Keeps for those who still read what the file has there.
    fn keep(&self, left: &mut Vec<Weak<State>>, offset: u64, length: u64) {
        left.retain(|state| {
            let Some(state) = state.upgrade() else { return false };
            let kept = state.aside.keep(offset, length);
            let within = kept.is_ok_and(|kept| kept <= KEPT);
            if !within {
                state.mode.store(CLOSED, Ordering::Release);
            }
            within
        });
    }

    /// After a sync that failed the system may count pages as clean that never reached the disk; written
    /// again, they have to.
    pub(crate) fn settle(&self) -> io::Result<()> {
        if self.unsure.load(Ordering::Acquire) {
            self.rewrite()?;
            self.unsure.store(false, Ordering::Release);
        }
        Ok(())
    }

    fn rewrite(&self) -> io::Result<()> {
        let length = self.disk.len()?;
        let mut buffer = vec![0; 1 << 20];
        let mut offset = 0;
        while offset < length {
            let step = (length - offset).min(buffer.len() as u64) as usize;
            self.disk.read(offset, &mut buffer[..step])?;
            self.disk.write(offset, &buffer[..step])?;
            offset += step as u64;
        }
        self.disk.sync_data()
    }
}

impl StorageBackend for Medium {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut left = self.left();
        if !left.is_empty() {
            let old = self.disk.len()?;
            self.keep(&mut left, len, old.saturating_sub(len));
        }
        // Held until it is done, so that whoever compares the two does not come between.
        let mut known = self.known();
        if let Some(known) = &mut *known {
            known.length = len;
        }
        // How long it was made before it failed is not known.
        self.disk.set_len(len).inspect_err(|_| *known = None)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync_data().inspect_err(|_| self.unsure.store(true, Ordering::Release))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut left = self.left();
        if left.is_empty() {
            drop(left);
        } else {
            self.keep(&mut left, offset, data.len() as u64);
        }
        if offset >= HEADER as u64 {
            return self.disk.write(offset, data);
        }
        // Held until it is written, so that whoever compares the two does not come between.
        let mut known = self.known();
        if let Some(known) = &mut *known {
            let here = known.header.iter_mut().skip(offset as usize);
            here.zip(data).for_each(|(here, byte)| *here = *byte);
        }
        // Which part of it was written before it failed is not known.
        self.disk.write(offset, data).inspect_err(|_| *known = None)
    }
}

/// Whatever is written reaches the file.
const OPEN: u8 = 0;
/// Nothing that is written reaches the file any more; it is kept in memory.
const LEFT: u8 = 1;
/// Nothing can be read, either.
const CLOSED: u8 = 2;

#[derive(Debug)]
struct State {
    mode: AtomicU8,
    /// What was written behind the fence, and what another database has written over since.
    aside: Aside,
    /// What failed. Held for a look.
    failed: Mutex<Option<io::Error>>,
}

/// One database's access to the file.
#[derive(Debug)]
pub(crate) struct Fence(Gate);

impl Fence {
    pub(crate) fn new(medium: Arc<Medium>) -> (Self, Gate) {
        let aside = Aside::new(medium.disk.clone());
        let state = State { mode: AtomicU8::new(OPEN), aside, failed: Mutex::default() };
        let gate = Gate { medium, state: Arc::new(state) };
        (Self(gate.clone()), gate)
    }

    /// Where this database reads and writes now.
    fn disk(&self) -> io::Result<&dyn StorageBackend> {
        match self.0.state.mode.load(Ordering::Acquire) {
            OPEN => Ok(&*self.0.medium),
            LEFT => Ok(&self.0.state.aside),
            _ => Err(io::Error::other("the store was opened again after an error: begin a new transaction")),
        }
    }

    /// Whether nothing can be read any more.
    pub(super) fn is_closed(&self) -> bool {
        self.0.state.mode.load(Ordering::Acquire) == CLOSED
    }

    /// Does it to the file or, from the first time on that this fails, in memory. To the database nothing
    /// has failed, because it would not be read any more; whoever commits asks the gate.
    fn change(&self, work: impl Fn(&dyn StorageBackend) -> io::Result<()>) -> io::Result<()> {
        let done = work(self.disk()?);
        match done {
            Err(error) if self.0.is_open() => {
                self.0.leave(Some(error));
                work(self.disk()?)
            }
            done => done,
        }
    }
}

impl StorageBackend for Fence {
    fn len(&self) -> io::Result<u64> {
        self.disk()?.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk()?.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|disk| disk.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(StorageBackend::sync_data)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(|disk| disk.write(offset, data))
    }
}

/// Tells of a [`Fence`], and shuts it.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    medium: Arc<Medium>,
    state: Arc<State>,
}

impl Gate {
    fn is_open(&self) -> bool {
        self.state.mode.load(Ordering::Acquire) == OPEN
    }

    /// Gives the file up: nothing is written to it any more, and what was committed can be read.
    pub(crate) fn leave(&self, error: Option<io::Error>) {
        let mut left = self.medium.left();
        if !self.is_open() {
            return;
        }
        *self.failed() = error;
        // One whose length is not known cannot be read, either.
        let mode = if self.state.aside.pin().is_ok() { LEFT } else { CLOSED };
        self.state.mode.store(mode, Ordering::Release);
        left.push(Arc::downgrade(&self.state));
    }

    /// Gives the file up, and all that is read of it.
    pub(crate) fn close(&self) {
        self.leave(None);
        self.state.mode.store(CLOSED, Ordering::Release);
    }

    fn failed(&self) -> MutexGuard<'_, Option<io::Error>> {
        self.state.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has failed, if anything has: what was written since may not be on disk.
    pub(crate) fn check(&self) -> io::Result<()> {
        match &*self.failed() {
            // The system's own errors keep their number, by which they are told.
            Some(error) => Err(error.raw_os_error().map_or_else(
                || io::Error::new(error.kind(), error.to_string()),
                io::Error::from_raw_os_error,
            )),
            None if self.is_open() => Ok(()),
            None => Err(io::Error::other("the file was given up after an error")),
        }
    }

    /// Reads the file as the database reads it, past what the database has in memory.
    pub(crate) fn reader(&self) -> Fence {
        Fence(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use ::redb::backends::InMemoryBackend;

    use super::*;

    fn medium(bytes: &[u8]) -> Arc<Medium> {
        let disk = InMemoryBackend::new();
        disk.set_len(bytes.len() as u64).unwrap();
        disk.write(0, bytes).unwrap();
        Medium::new(Arc::new(disk))
    }

    fn read(disk: &dyn StorageBackend, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut out = vec![0; length];
        disk.read(offset, &mut out).map(|()| out)
    }

    #[test]
    fn who_left_the_file_writes_nothing_and_reads_what_was_there_though_another_writes() {
        let medium = medium(&[1; 20_000]);
        let (first, gate) = Fence::new(medium.clone());
        first.write(100, &[2; 10]).unwrap();
        gate.leave(None);
        first.write(5_000, &[3; 10]).unwrap();
        assert_eq!(read(&*medium, 5_000, 10).unwrap(), [1; 10], "not in the file");
        let (second, _) = Fence::new(medium.clone());
        second.write(99, &[4; 9_000]).unwrap();
        second.set_len(10_000).unwrap();
        assert_eq!(first.len().unwrap(), 20_000);
        assert_eq!(read(&first, 98, 13).unwrap(), [&[1, 1][..], &[2; 10], &[1]].concat());
        assert_eq!(read(&first, 4_999, 12).unwrap(), [&[1][..], &[3; 10], &[1]].concat());
        assert_eq!(read(&first, 10_000, 10_000).unwrap(), [1; 10_000], "behind the new end");
        assert_eq!(read(&second, 99, 9_000).unwrap(), [4; 9_000]);
        assert!(gate.check().is_err(), "and no commit of it counts");
    }

    #[test]
    fn what_another_writes_or_cuts_is_strange_also_during_a_commit_and_what_this_process_writes_is_not() {
        let medium = medium(&[1; 20_000]);
        assert!(!medium.is_strange(), "nothing is known of it");
        medium.look();
        medium.write(0, &[2; HEADER]).unwrap();
        medium.write(300, &[3; 5_000]).unwrap();
        medium.set_len(30_000).unwrap();
        assert!(!medium.is_strange());
        assert_eq!(medium.header().unwrap(), [&[2; 300][..], &[3; 20]].concat());
        medium.disk.write(310, &[4]).unwrap();
        assert!(medium.is_strange());
        medium.write(9, &[5]).unwrap();
        assert!(medium.is_strange(), "a commit over it makes it no better");
        medium.look();
        assert!(!medium.is_strange());
        for length in [29_999, 100, 0] {
            medium.disk.set_len(length).unwrap();
            assert!(medium.is_strange(), "{length}");
        }
    }

    #[test]
    fn a_header_is_compared_unless_a_write_to_it_failed() {
        let disk = super::super::growth::Disk::new(vec![1; 20_000]);
        let medium = Medium::new(disk.clone());
        medium.look();
        let told = |words: &str| medium.damage().is_some_and(|told| told.contains(words));
        assert!(told("slot 0 of the header does not match"), "{:?}", medium.damage());
        disk.write(319, &[2]).unwrap();
        assert!(told("byte 319 of"), "{:?}", medium.damage());
        disk.full.store(true, Ordering::Relaxed);
        medium.write(0, &[3; 10]).unwrap_err();
        assert_eq!(medium.damage(), None, "nobody knows what is there");
    }

    #[test]
    fn what_is_kept_for_who_left_is_bounded_and_nothing_is_kept_when_nobody_reads() {
        let medium = medium(&vec![1; (KEPT + (8 << 20)) as usize]);
        let (first, gate) = Fence::new(medium.clone());
        gate.leave(None);
        let (second, _) = Fence::new(medium.clone());
        let megabyte = vec![2; 1 << 20];
        for step in 0..=KEPT >> 20 {
            assert_eq!(read(&first, 0, 10).unwrap(), [1; 10], "after {step} MiB");
            second.write(step << 20, &megabyte).unwrap();
        }
        let error = read(&first, 0, 10).unwrap_err();
        assert!(error.to_string().contains("begin a new transaction"), "{error}");
        assert!(medium.left().is_empty());
    }
}
