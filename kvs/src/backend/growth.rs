//! Tests of what opening and closing cost: bytes read and written, counted under redb. And that no page is
//! read whose check sum is unknown, however the store was left.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use ::redb::StorageBackend;

use super::{
    Backend, Changes,
    fence::{Fence, Medium},
    pages::Pages,
    redb::Redb,
    tree,
};
use crate::{Error, Options, Result, key, key::Span, value::Value};

/// A file in memory that counts.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// Held for one call.
    bytes: Mutex<Vec<u8>>,
    read: AtomicU64,
    written: AtomicU64,
    /// There is no space for a write, or for more than so many.
    pub(super) full: AtomicBool,
    pub(super) room: AtomicU64,
    /// A sync fails.
    pub(super) failing: AtomicBool,
}

impl Disk {
    pub(super) fn new(image: Vec<u8>) -> Arc<Self> {
        Arc::new(Self { bytes: Mutex::new(image), ..Self::default() })
    }

    pub(super) fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap()
    }

    /// Bytes read and written since it was last asked.
    fn moved(&self) -> u64 {
        self.read.swap(0, Ordering::Relaxed) + self.written.swap(0, Ordering::Relaxed)
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.read.fetch_add(out.len() as u64, Ordering::Relaxed);
        let bytes = self.bytes();
        let found = bytes.get(offset as usize..offset as usize + out.len());
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.bytes().resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.failing.load(Ordering::Relaxed) { Err(io::Error::other("injected")) } else { Ok(()) }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.full.load(Ordering::Relaxed) {
            let room = self.room.load(Ordering::Relaxed).checked_sub(1);
            self.room.store(room.ok_or(io::ErrorKind::StorageFull)?, Ordering::Relaxed);
        }
        self.written.fetch_add(data.len() as u64, Ordering::Relaxed);
        self.bytes()[offset as usize..offset as usize + data.len()].copy_from_slice(data);
        Ok(())
    }
}

/// With so little cache that pages come from the disk again and again.
pub(super) fn options() -> Options {
    Options::new().cache(64 << 10)
}

pub(super) fn open(disk: &Arc<Disk>, options: &Options) -> Result<Redb> {
    Redb::open_disk(disk.clone(), "the test's disk".into(), options)
}

pub(super) fn commit(store: &Redb, changes: Changes, durable: bool) {
    let batch = store.begin().unwrap();
    let at = batch.at() + 1;
    batch.commit(changes, at, durable).unwrap();
}

pub(super) fn row(number: u64, fill: u8) -> (Vec<u8>, Option<Vec<u8>>) {
    let key = key::record("t", &format!("{number:08}"));
    let stored = Value { version: 1, bytes: &[fill; 900], ..Value::default() }.seal(&key);
    (key, Some(stored))
}

pub(super) fn fill(store: &Redb, rows: u64) {
    for first in (0..rows).step_by(500) {
        commit(store, (first..rows.min(first + 500)).map(|number| row(number, 1)).collect(), true);
    }
}

fn rows(store: &Redb) -> Result<usize> {
    let mut span = Span { start: Vec::new(), end: None };
    let mut count = 0;
    let batch = store.begin()?;
    loop {
        let rows = batch.scan(&span, false, 100)?;
        for (key, stored) in rows.iter() {
            Value::open(key, stored)?;
        }
        count += rows.len();
        match rows.last() {
            Some(last) if rows.len() == 100 => span.start = key::after(last.to_vec()),
            _ => return Ok(count),
        }
    }
}

/// Bytes moved by opening a store of so many rows that was closed, by closing it after a commit, and by
/// opening it as a crash leaves it.
fn costs(count: u64) -> [u64; 3] {
    let disk = Disk::new(Vec::new());
    let store = open(&disk, &options()).unwrap();
    fill(&store, count);
    drop(store);
    disk.moved();
    let store = open(&disk, &options()).unwrap();
    let opened = disk.moved();
    commit(&store, [row(count / 2, 2)].into(), true);
    let crashed = Disk::new(disk.bytes().clone());
    disk.moved();
    drop(store);
    let closed = disk.moved();
    let store = open(&crashed, &options()).unwrap();
    let recovered = crashed.moved();
    assert_eq!(rows(&store).unwrap() as u64, count + 1);
    [opened, closed, recovered]
}

#[test]
fn to_open_to_close_and_to_open_after_a_crash_move_no_more_of_a_large_store() {
    let small = costs(500);
    let large = costs(16_000);
    for (small, large) in small.into_iter().zip(large) {
        // 16 MiB more of rows; the list of free pages has 16 bytes for each page.
        assert!(large < small + (256 << 10), "{small} grew to {large}");
    }
}

#[test]
fn a_commit_reads_of_the_file_the_header_once_and_nothing_more() {
    let disk = Disk::new(Vec::new());
    let store = open(&disk, &options().cache(16 << 20)).unwrap();
    fill(&store, 500);
    disk.moved();
    for (round, durable) in [(1, true), (2, false), (3, true)] {
        commit(&store, [row(round, 2)].into(), durable);
        assert_eq!(disk.read.swap(0, Ordering::Relaxed), tree::HEADER as u64, "round {round}");
    }
}

#[test]
fn every_page_that_is_read_is_verified_however_the_store_was_left() {
    for two_phase in [true, false] {
        let options = options().two_phase(two_phase);
        let disk = Disk::new(Vec::new());
        let store = open(&disk, &options).unwrap();
        fill(&store, 3_000);
        for round in 0..40 {
            // Deletions merge pages, rows of another size split them, some not yet on disk.
            let changes = (0..60).map(|step| {
                let number = (round * 971 + step * 13) % 3_000;
                if step % 3 == 0 { (row(number, 0).0, None) } else { row(number, step as u8) }
            });
            commit(&store, changes.collect(), round % 3 == 0);
            rows(&store).unwrap();
        }
        let count = rows(&store).unwrap();
        let (verified, unverified) = store.counts();
        assert!(verified > 1_000 && unverified == 0, "{verified} {unverified}");

        commit(&store, Changes::new(), true);
        let crashed = Disk::new(disk.bytes().clone());
        drop(store);
        for (disk, how) in [(disk, "closed"), (crashed, "crashed")] {
            let store = open(&disk, &options).unwrap();
            assert_eq!(rows(&store).unwrap(), count);
            commit(&store, [row(1, 9)].into(), true);
            rows(&store).unwrap();
            let (verified, unverified) = store.counts();
            assert!(verified > 100 && unverified == 0, "{how}: {verified} {unverified}");
        }
    }
}

#[test]
fn a_page_that_was_swapped_for_an_older_one_is_refused_though_every_row_in_it_is_whole() {
    super::faults::quiet();
    let disk = Disk::new(Vec::new());
    let store = open(&disk, &options()).unwrap();
    fill(&store, 2_000);
    let older = disk.bytes().clone();
    for number in (0..2_000).step_by(500) {
        commit(&store, [row(number, 2)].into(), true);
    }
    drop(store);
    let newer = disk.bytes().clone();
    let mut refused = 0;
    for page in 1..newer.len() / 4096 {
        let place = page * 4096..(page + 1) * 4096;
        let Some(old) = older.get(place.clone()).filter(|old| *old != &newer[place.clone()]) else {
            continue;
        };
        let mut image = newer.clone();
        image[place].copy_from_slice(old);
        // A page that nothing refers to may be anything.
        let found = open(&Disk::new(image), &options()).and_then(|store| rows(&store));
        match found {
            Err(error) => {
                assert!(matches!(error, Error::Corrupt { .. }), "{error}");
                refused += 1;
            }
            Ok(count) => assert_eq!(count, 2_001, "page {page}"),
        }
    }
    assert!(refused > 0, "some of the pages are in use");
}

#[test]
fn a_repair_of_the_whole_is_the_last_one() {
    let disk = Disk::new(Vec::new());
    let store = open(&disk, &options().quick_repair(false)).unwrap();
    fill(&store, 4_000);
    let crashed = Disk::new(disk.bytes().clone());
    drop(store);
    let store = open(&crashed, &options()).unwrap();
    let repaired = crashed.moved();
    let again = Disk::new(crashed.bytes().clone());
    drop(store);
    open(&again, &options()).unwrap();
    let opened = again.moved();
    assert!(opened < repaired / 4, "all of it was read: {repaired}, and then {opened}");
}

#[test]
fn a_commit_that_meets_a_damaged_page_does_not_write_the_file_again() {
    super::faults::quiet();
    let disk = Disk::new(Vec::new());
    let store = open(&disk, &options()).unwrap();
    fill(&store, 4_000);
    drop(store);
    let (key, _) = row(2_000, 1);
    let mut image = disk.bytes().clone();
    for at in 0..image.len() - key.len() {
        if image[at..].starts_with(&key) {
            image[at + 1] ^= 1;
        }
    }
    let disk = Disk::new(image);
    let store = open(&disk, &options()).unwrap();
    let before = store.begin().unwrap().at();
    let error = store.begin().unwrap().commit([row(2_000, 2)].into(), before + 1, true).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    disk.moved();
    commit(&store, [row(10, 2)].into(), true);
    let moved = disk.moved();
    assert!(moved < 512 << 10, "{moved} bytes of {}", disk.bytes().len());
}

#[test]
fn only_a_sync_that_failed_has_the_file_written_again_and_a_full_disk_does_not() {
    super::faults::quiet();
    let disk = Disk::new(Vec::new());
    let store = open(&disk, &options()).unwrap();
    fill(&store, 4_000);
    // By the row of the log a store that is opened again knows which commit is its last.
    let logged = |number| {
        let log = key::log(store.begin().unwrap().at() + 1);
        let stored = Value::default().seal(&log);
        Changes::from([row(number, 2), (log, Some(stored))])
    };
    commit(&store, logged(0), true);
    let length = disk.bytes().len() as u64;
    let resumed = |fault: &AtomicBool| {
        fault.store(true, Ordering::Relaxed);
        let at = store.begin().unwrap().at() + 1;
        let error = store.begin().unwrap().commit([row(2_000, 2)].into(), at, true).unwrap_err();
        fault.store(false, Ordering::Relaxed);
        disk.moved();
        commit(&store, logged(10), true);
        (error, disk.moved())
    };
    let (error, moved) = resumed(&disk.full);
    assert!(matches!(error, Error::Full { .. }), "{error}");
    assert!(moved < 512 << 10, "no space: {moved} bytes of {length}");
    let (_, moved) = resumed(&disk.failing);
    assert!(moved > length, "no sync: {moved} bytes of {length}");
}

#[test]
fn pages_of_a_format_that_is_not_known_are_not_refused() {
    let disk = Disk::new(Vec::new());
    let store = open(&disk, &options()).unwrap();
    fill(&store, 2_000);
    drop(store);
    for (version, expected) in [(3, true), (4, false)] {
        let mut image = disk.bytes().clone();
        let slot = 64 + 128 * tree::primary(&image);
        image[slot] = version;
        let sum = twox_hash::XxHash3_128::oneshot(&image[slot..slot + 112]);
        image[slot + 112..slot + 128].copy_from_slice(&sum.to_le_bytes());
        // In the sums of a format that is not known nothing matches.
        for page in image.chunks_mut(4096).skip(1) {
            page[200] ^= 1;
        }
        let (pages, _) = Pages::new(Fence::new(Medium::new(Disk::new(image.clone()))).0, true);
        pages.read(0, &mut [0; 320]).unwrap();
        let mut refused = false;
        for (place, page) in image.chunks(4096).enumerate().skip(1) {
            let mut read = vec![0; page.len()];
            pages.read(place as u64 * 4096, &mut read).unwrap();
            refused |= read != page;
        }
        assert_eq!(refused, expected, "version {version}");
    }
}
