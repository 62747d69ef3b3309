//! Tests with a disk that fails: at every n-th call of a fixed script, once or from then on, with the
//! unsynced pages lost in a crash. What was acknowledged is there, nothing is half done, the store opens.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, Once},
    time::Duration,
};

use ::redb::StorageBackend;

use super::redb::Redb;
use crate::{Error, From, Options, Record, Result, Store, options::Clock};

/// What a power cut can tear apart.
const SECTOR: u64 = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Never,
    /// This call fails, and the next ones work.
    Once(u64),
    /// This call and all behind it fail until the disk is healed.
    From(u64),
}

#[derive(Debug)]
struct Disk(Mutex<State>);

#[derive(Debug)]
struct State {
    /// What the system shows.
    cache: Vec<u8>,
    /// What a power cut leaves.
    platter: Vec<u8>,
    /// Writes since the last sync, in order.
    pending: Vec<(u64, Vec<u8>)>,
    /// The length that was synced last; the file system may forget a later one.
    length: usize,
    calls: u64,
    fault: Fault,
    full: bool,
    /// Whether syncs do anything.
    honest: bool,
}

impl Disk {
    fn new(image: Vec<u8>, fault: Fault) -> Arc<Self> {
        let (length, cache, platter) = (image.len(), image.clone(), image);
        let pending = Vec::new();
        let state = State { cache, platter, pending, length, calls: 0, fault, full: false, honest: true };
        Arc::new(Self(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn call(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        state.calls += 1;
        let fails = match state.fault {
            Fault::Never => false,
            Fault::Once(n) => state.calls == n,
            Fault::From(n) => state.calls >= n,
        };
        if !fails {
            return Ok(state);
        }
        let kind = if state.full { io::ErrorKind::StorageFull } else { io::ErrorKind::Other };
        Err(io::Error::new(kind, "injected"))
    }

    /// The disk after a power cut. Of what was not synced the seed chooses what is left: sectors, whole
    /// writes, the first ones, or the last ones; and whether the file has its new length or its old one.
    fn crash(&self, seed: u64) -> Vec<u8> {
        let state = self.state();
        let mut image = state.platter.clone();
        image.resize(state.cache.len().max(state.length), 0);
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = move || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random >> 8
        };
        let length = if next().is_multiple_of(2) { state.cache.len() } else { state.length };
        let way = next() % 4;
        let edge = next() as usize % (state.pending.len() + 1);
        for (place, (offset, data)) in state.pending.iter().enumerate() {
            let whole = next().is_multiple_of(2);
            for (sector, bytes) in (0..).zip(data.chunks(SECTOR as usize)) {
                let left = match way {
                    0 => next().is_multiple_of(2),
                    1 => whole,
                    // The one at the edge is torn.
                    2 => place < edge || place == edge && sector * SECTOR < data.len() as u64 / 2,
                    _ => place >= edge,
                };
                let start = (offset + sector * SECTOR) as usize;
                if left && start + bytes.len() <= image.len() {
                    image[start..start + bytes.len()].copy_from_slice(bytes);
                }
            }
        }
        image.resize(length, 0);
        image
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.call()?.cache.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.call()?;
        let bytes = state.cache.get(offset as usize..offset as usize + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.call()?;
        state.cache.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let failed = self.call().map(drop);
        let mut state = self.state();
        let pending = std::mem::take(&mut state.pending);
        // As Linux has it, a failed sync leaves the pages clean, and only some of them on disk.
        failed?;
        if !state.honest {
            state.pending = pending;
            return Ok(());
        }
        state.length = state.cache.len();
        let length = state.length;
        state.platter.resize(length, 0);
        for (offset, data) in pending {
            let (start, end) = (offset as usize, offset as usize + data.len());
            if end <= state.platter.len() {
                state.platter[start..end].copy_from_slice(&data);
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.call()?;
        state.cache[offset as usize..offset as usize + data.len()].copy_from_slice(data);
        state.pending.push((offset, data.to_vec()));
        Ok(())
    }
}

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Row {
    id: String,
    text: String,
}

impl Record for Row {
    const TABLE: &'static str = "row";
    fn id(&self) -> std::borrow::Cow<'_, str> {
        (&self.id).into()
    }
}

pub(crate) fn quiet() {
    // redb's complaints about a broken disk are expected here.
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.location().is_some_and(|location| location.file().contains("redb-")) {
                usual(info);
            }
        }));
    });
}

async fn open(disk: &Arc<Disk>) -> Result<Store> {
    // A still clock and a long flush: no call depends on when the test runs.
    let clock = Clock::new(|| std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    let options = Options::new().cache(1 << 20).clock(clock).behind(Duration::from_secs(3600));
    let backend = Redb::open_disk(disk.clone(), "the test's disk".into(), &options)?;
    Store::start(Arc::new(backend), options).await
}

const STEPS: u64 = 14;

/// One step of the script: a transaction that writes in several places, all with its number.
async fn step(store: &Store, number: u64, durable: bool) -> Result<()> {
    let mut txn = store.txn();
    if !durable {
        txn.behind();
    }
    let text = "x".repeat((number * 601 % 5000) as usize);
    txn.put(&Row { id: format!("{:02}", number % 5), text })?;
    txn.append("/steps", &number)?;
    txn.append("/twins", &number)?;
    if number % 4 == 3 {
        txn.delete::<Row>(&format!("{:02}", (number + 2) % 5));
    }
    txn.commit().await.map(drop)
}

/// Runs the script, and says which steps were acknowledged and which may have been done.
async fn script(store: &Store, durable: bool) -> BTreeMap<u64, bool> {
    let mut outcomes = BTreeMap::new();
    for number in 0..STEPS {
        outcomes.insert(number, step(store, number, durable).await.is_ok());
    }
    outcomes
}

/// Opens what the crash left and holds it against what was acknowledged.
async fn judge(image: Vec<u8>, outcomes: &BTreeMap<u64, bool>) -> std::result::Result<(), String> {
    let store =
        open(&Disk::new(image, Fault::Never)).await.map_err(|error| format!("does not open: {error}"))?;
    let mut txn = store.txn();
    let steps: Vec<(u64, u64)> =
        txn.feed("/steps", From::Start, 99).await.map_err(|error| error.to_string())?;
    let twins: Vec<(u64, u64)> =
        txn.feed("/twins", From::Start, 99).await.map_err(|error| error.to_string())?;
    if steps != twins {
        return Err(format!("half done: {steps:?} {twins:?}"));
    }
    for (number, acknowledged) in outcomes {
        let found = steps.iter().filter(|(_, step)| step == number).count();
        if found > 1 || (*acknowledged && found == 0) {
            return Err(format!("step {number} is there {found} times, acknowledged: {acknowledged}"));
        }
    }
    let report = store.check(|_| ()).await.map_err(|error| error.to_string())?;
    if report.wrong > 0 {
        return Err(format!("{:?}", report.problems));
    }
    step(&store, 99, true).await.map_err(|error| format!("cannot be written: {error}"))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// A store that was made and closed. A file is made under another name and then renamed, so that a fault
/// while it is made never leaves half a store.
fn made() -> Vec<u8> {
    let disk = Disk::new(Vec::new(), Fault::Never);
    drop(runtime().block_on(open(&disk)).unwrap());
    disk.crash(0)
}

/// How many calls the script makes on a disk that works, closing included.
fn calls() -> u64 {
    let disk = Disk::new(made(), Fault::Never);
    runtime().block_on(async {
        let store = open(&disk).await.unwrap();
        let outcomes = script(&store, true).await;
        assert!(outcomes.values().all(|done| *done));
    });
    let calls = disk.state().calls;
    assert!(calls > 100, "the script should make many calls, it made {calls}");
    calls
}

#[test]
fn a_disk_that_fails_once_at_any_call_loses_nothing_acknowledged_and_service_resumes() {
    quiet();
    let made = made();
    for n in 1..=calls() {
        runtime().block_on(async {
            let disk = Disk::new(made.clone(), Fault::Once(n));
            let store = match open(&disk).await {
                Ok(store) => store,
                // It failed while opening: it says so, and opens the next time.
                Err(_) => open(&disk).await.unwrap_or_else(|error| panic!("call {n}: {error}")),
            };
            let outcomes = script(&store, true).await;
            let failed = outcomes.values().filter(|done| !**done).count();
            assert!(failed <= 1, "call {n}: one fault failed {failed} commits");
            if step(&store, 50, true).await.is_err() {
                assert_eq!(failed, 0, "call {n}: one fault failed two commits");
                step(&store, 51, true).await.unwrap_or_else(|error| panic!("call {n}: no service: {error}"));
            }
            for seed in 0..2 {
                if let Err(what) = judge(disk.crash(n * 2 + seed), &outcomes).await {
                    panic!("call {n}: {what}");
                }
            }
        });
    }
}

#[test]
fn a_disk_that_is_full_from_any_call_on_says_so_and_service_resumes_when_it_is_not() {
    quiet();
    let made = made();
    for n in 1..=calls() {
        runtime().block_on(async {
            let disk = Disk::new(made.clone(), Fault::From(n));
            disk.state().full = true;
            let store = match open(&disk).await {
                Ok(store) => store,
                Err(error) => {
                    assert!(matches!(error, Error::Full { .. } | Error::Io { .. }), "call {n}: {error}");
                    disk.state().fault = Fault::Never;
                    open(&disk).await.unwrap_or_else(|error| panic!("call {n}: {error}"))
                }
            };
            let mut outcomes = BTreeMap::new();
            for number in 0..STEPS {
                match step(&store, number, true).await {
                    Ok(()) => outcomes.insert(number, true),
                    Err(error) => {
                        let told =
                            matches!(error, Error::Full { .. } | Error::Io { .. } | Error::Unknown { .. });
                        assert!(told, "call {n}: {error}");
                        outcomes.insert(number, false)
                    }
                };
            }
            // A crash while the disk is still full, and one after it has space again.
            let then = disk.crash(n);
            if let Err(what) = judge(then, &outcomes).await {
                panic!("call {n}, full: {what}");
            }
            disk.state().fault = Fault::Never;
            step(&store, 50, true).await.unwrap_or_else(|error| panic!("call {n}: no service: {error}"));
            outcomes.insert(50, true);
            if let Err(what) = judge(disk.crash(n), &outcomes).await {
                panic!("call {n}, resumed: {what}");
            }
        });
    }
}

/// What [`Store::health`] says of the last writes.
async fn trouble(store: &Store) -> Option<String> {
    store.health().await.trouble.map(|trouble| trouble.to_string())
}

#[test]
fn a_store_that_cannot_be_written_says_so_and_is_well_by_itself_when_it_can() {
    quiet();
    let made = made();
    for full in [false, true] {
        runtime().block_on(async {
            let disk = Disk::new(made.clone(), Fault::Never);
            let store = open(&disk).await.unwrap();
            step(&store, 1, true).await.unwrap();
            assert_eq!(trouble(&store).await, None);
            {
                let mut state = disk.state();
                (state.fault, state.full) = (Fault::From(0), full);
            }
            step(&store, 2, true).await.unwrap_err();
            let told = trouble(&store).await.expect("the last write failed");
            let cause = if full { "no space is left" } else { "the log says why" };
            assert!(told.contains("cannot be written") && told.contains(cause), "{told}");
            // A read is no write: it changes nothing of that.
            assert_eq!(store.txn().count("/steps").await.unwrap(), 1);
            assert!(trouble(&store).await.is_some());
            disk.state().fault = Fault::Never;
            // Nobody writes but the store itself.
            let started = std::time::Instant::now();
            while trouble(&store).await.is_some() {
                assert!(started.elapsed() < Duration::from_secs(30), "it is not tried again");
                std::thread::sleep(Duration::from_millis(5));
            }
            assert_eq!(store.check(|_| ()).await.unwrap().wrong, 0, "what it tried is not left behind");
            step(&store, 3, true).await.unwrap();
        });
    }
}

#[test]
fn a_commit_whose_outcome_is_not_known_is_told_as_that_and_any_other_is_as_it_is_told() {
    quiet();
    let made = made();
    let mut unknown = 0;
    for n in 1..=calls() {
        for lasting in [false, true] {
            runtime().block_on(async {
                let disk = Disk::new(made.clone(), Fault::Never);
                let store = open(&disk).await.unwrap();
                let from = disk.state().calls + n;
                disk.state().fault = if lasting { Fault::From(from) } else { Fault::Once(from) };
                let done = step(&store, 7, true).await;
                let reached = disk.state().calls >= from;
                disk.state().fault = Fault::Never;
                drop(store);
                let store = open(&disk).await.unwrap();
                let found = store.txn().count("/steps").await.unwrap();
                match done {
                    Ok(()) => assert_eq!(found, 1, "call {n}"),
                    Err(Error::Unknown { .. }) => unknown += 1,
                    Err(error) => {
                        assert_eq!(found, 0, "call {n}: it was told that nothing was written: {error}")
                    }
                }
                assert!(reached || found == 1, "call {n}");
            });
        }
    }
    assert!(unknown > 0, "some fault leaves it unknown");
}

#[test]
fn with_durability_off_a_crash_loses_what_was_acknowledged_and_the_test_sees_it() {
    quiet();
    runtime().block_on(async {
        let disk = Disk::new(Vec::new(), Fault::Never);
        let store = open(&disk).await.unwrap();
        let outcomes = script(&store, false).await;
        assert!(outcomes.values().all(|done| *done));
        let judged = judge(disk.crash(1), &outcomes).await;
        assert!(judged.as_ref().is_err_and(|what| what.contains("is there 0 times")), "{judged:?}");
        // Closed in order, nothing of it is lost.
        drop(store);
        judge(disk.crash(1), &outcomes).await.unwrap();

        // A disk that lies about syncs is seen through, too.
        let disk = Disk::new(Vec::new(), Fault::Never);
        disk.state().honest = false;
        let store = open(&disk).await.unwrap();
        let outcomes = script(&store, true).await;
        let platter = disk.state().platter.clone();
        assert!(judge(platter, &outcomes).await.is_err());
    });
}

/// `KVS_CUTS` says how often, 60 times by default: `KVS_CUTS=5000 cargo test --release -p kvs cut`.
#[test]
fn a_power_cut_at_any_call_loses_nothing_acknowledged_in_any_of_three_lives() {
    quiet();
    let cuts = std::env::var("KVS_CUTS").map_or(60, |cuts| cuts.parse().unwrap());
    let (made, calls) = (made(), calls());
    for cut in 0..cuts {
        let mut image = made.clone();
        let mut outcomes = BTreeMap::new();
        for life in 0..3u64 {
            let seed = cut * 3 + life;
            runtime().block_on(async {
                let at = seed.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16;
                let disk = Disk::new(image.clone(), Fault::From(1 + at % calls));
                if let Ok(store) = open(&disk).await {
                    for number in life * STEPS..(life + 1) * STEPS {
                        // What is written behind may be lost, unless something durable came after it.
                        let durable = number % 3 != 2;
                        let done = step(&store, number, durable).await.is_ok();
                        outcomes.insert(number, done && durable);
                    }
                }
                image = disk.crash(seed);
                if let Err(what) = judge(image.clone(), &outcomes).await {
                    panic!("cut {cut}, life {life}: {what}");
                }
            });
        }
    }
}
