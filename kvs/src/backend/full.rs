//! Tests of a disk that is full, or whose syncs fail: what was committed is read on, also by those who began
//! before, and is backed up; writing is refused, says why, and goes on when it can.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{
    Backend, Snapshot,
    growth::{Disk, fill, open, options, row},
};
use crate::{Error, From, Options, Result, Store, backend::redb::Redb, key, key::Span, value::Value};

const ROWS: u64 = 3_000;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

/// Writes these rows, and the row of the log by which a store that is opened again knows its last commit.
fn commit(store: &Redb, numbers: impl Iterator<Item = u64>, fill: u8) -> Result<()> {
    let batch = store.begin()?;
    let at = batch.at() + 1;
    let log = key::log(at);
    let stored = Value::default().seal(&log);
    let changes = numbers.map(|number| row(number, fill)).chain([(log, Some(stored))]);
    batch.commit(changes.collect(), at, true)
}

/// The fills of all rows, each read with its check sum.
async fn fills(state: &dyn Snapshot) -> Vec<u8> {
    let everything = Span::prefix(vec![key::RECORD]);
    let rows = state.scan(&everything, false, usize::MAX).await.expect("it is read");
    rows.iter().map(|(key, stored)| Value::open(key, stored).expect("it is whole").bytes[0]).collect()
}

#[test]
fn while_writes_fail_every_state_that_was_committed_is_read_and_writing_comes_back_by_itself() {
    super::faults::quiet();
    let disk = Disk::new(Vec::new());
    let store = open(&disk, &options()).expect("a store");
    let runtime = runtime();
    fill(&store, ROWS);
    let before = runtime.block_on(store.snapshot()).expect("a state");
    commit(&store, (0..ROWS).step_by(7), 2).expect("there is room");
    let newest = runtime.block_on(store.snapshot()).expect("a state");
    let expected: Vec<u8> = (0..ROWS).map(|number| if number % 7 == 0 { 2 } else { 1 }).collect();
    let read = |state: &dyn Snapshot, expected: &[u8], when: &str| {
        assert!(runtime.block_on(fills(state)) == expected, "{when}");
    };
    // At each try a few more writes reach the disk, up to nearly all of a commit.
    for (fault, told) in [(&disk.full, true), (&disk.failing, false)] {
        for room in 0..40 {
            disk.room.store(room, Ordering::Relaxed);
            fault.store(true, Ordering::Relaxed);
            let error = commit(&store, (0..ROWS).step_by(11), 3).expect_err("it cannot be written");
            assert!(!told || matches!(error, Error::Full { .. }), "{error}");
            if room % 4 == 0 {
                let now = runtime.block_on(store.snapshot()).expect("a state");
                read(&*now, &expected, "the newest");
                read(&*before, &[1; ROWS as usize], "one from before the last commit");
                read(&*newest, &expected, "one from before the fault");
            }
        }
        fault.store(false, Ordering::Relaxed);
    }
    commit(&store, 0..ROWS, 4).expect("it can be written again");
    let now = runtime.block_on(store.snapshot()).expect("a state");
    read(&*now, &[4; ROWS as usize], "what is written again");
    read(&*before, &[1; ROWS as usize], "all was written over");
    read(&*newest, &expected, "all was written over");
    drop((before, newest, now, store));
    let store = open(&disk, &options()).expect("it opens");
    let now = runtime.block_on(store.snapshot()).expect("a state");
    read(&*now, &[4; ROWS as usize], "opened again");
}

#[test]
fn a_store_is_not_made_nor_opened_where_nothing_can_be_written() {
    let disk = Disk::new(Vec::new());
    fill(&open(&disk, &options()).expect("a store"), 10);
    for disk in [Disk::new(Vec::new()), disk] {
        disk.full.store(true, Ordering::Relaxed);
        let error = open(&disk, &options()).map(drop).expect_err("there is no room");
        assert!(matches!(error, Error::Full { .. }), "{error}");
    }
}

#[test]
fn a_backup_to_another_disk_is_made_while_commit_after_commit_fails_and_the_check_finds_nothing_wrong() {
    super::faults::quiet();
    let (disk, folder) = (Disk::new(Vec::new()), tempfile::tempdir().expect("a folder"));
    let options = Options::new().cache(64 << 10).pause(0);
    let backend = Redb::open_disk(disk.clone(), "the test's disk".into(), &options).expect("a store");
    runtime().block_on(async {
        let store = Store::start(Arc::new(backend), options).await.expect("a store");
        let append = async |number: u64| {
            let mut txn = store.txn();
            txn.append("/f", &(number, "x".repeat(600))).expect("it is encoded");
            txn.commit().await
        };
        let mut txn = store.txn();
        for number in 0..20_000u64 {
            txn.append("/f", &(number, "x".repeat(600))).expect("it is encoded");
        }
        txn.commit().await.expect("there is room");
        disk.full.store(true, Ordering::Relaxed);
        append(0).await.expect_err("there is no room");
        let (over, path) = (AtomicBool::new(false), folder.path().join("backup.redb"));
        let work = async {
            let copied = store.backup(&path, |_| ()).await;
            let report = store.check(|_| ()).await;
            over.store(true, Ordering::Relaxed);
            (copied, report)
        };
        let writing = async {
            let mut refused = 0u64;
            while !over.load(Ordering::Relaxed) {
                disk.room.store(refused % 4, Ordering::Relaxed);
                append(refused).await.expect_err("there is no room");
                refused += 1;
            }
            refused
        };
        let ((copied, report), refused) = tokio::join!(work, writing);
        assert!(refused > 10, "{refused}");
        let copied = copied.expect("the other disk has room");
        let report = report.expect("it can be read");
        assert!(report.wrong == 0 && report.pages > 1_000, "{report:?}");
        let backup = Store::open(&format!("redb:{}", path.display())).await.expect("a backup");
        assert_eq!(backup.txn().count("/f").await.expect("it is read"), 20_000);
        assert!(copied.rows > 20_000);
        disk.full.store(false, Ordering::Relaxed);
        append(7).await.expect("there is room again");
        let last: Vec<(u64, (u64, String))> = store.txn().feed("/f", From::End, 1).await.expect("it is read");
        assert_eq!((last[0].0, last[0].1.0), (20_001, 7));
    });
}
