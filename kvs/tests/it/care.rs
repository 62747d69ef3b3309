//! Looking after a store: backup under load, restore, compaction, check, dump and load, the command line.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use kvs::{Error, From, Options, Store};

use crate::common::{Note, each, note, put};

fn url(path: &Path) -> String {
    format!("redb:{}", path.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backups_taken_under_load_are_each_a_prefix_of_the_commits() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&url(&folder.path().join("store.redb"))).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..4u64 {
        let (store, stop) = (store.clone(), stop.clone());
        tasks.spawn(async move {
            let mut number = 0u64;
            while !stop.load(Ordering::Relaxed) {
                let mut txn = store.txn();
                txn.append("/log", &(task, number)).unwrap();
                txn.append("/twin", &(task, number)).unwrap();
                txn.put(&note(&format!("{task}"), number)).unwrap();
                txn.commit().await.unwrap();
                number += 1;
            }
            number
        });
    }
    let mut backups = Vec::new();
    let mut every = tokio::time::interval(Duration::from_secs(1));
    for round in 0..4 {
        every.tick().await;
        let path = folder.path().join(format!("backup-{round}.redb"));
        let copied = store.backup(&path, |_| ()).await.unwrap();
        backups.push((path, copied));
    }
    stop.store(true, Ordering::Relaxed);
    let done = tasks.join_all().await;
    let all: Vec<(u64, (u64, u64))> = store.txn().feed("/log", From::Start, usize::MAX).await.unwrap();
    assert_eq!(all.len() as u64, done.iter().sum::<u64>());
    let mut before = 0;
    for (number, (path, copied)) in backups.into_iter().enumerate() {
        let restored = folder.path().join(format!("restored-{number}.redb"));
        Store::restore(&path, &url(&restored), |_| ()).await.unwrap();
        let restored = Store::open(&url(&restored)).await.unwrap();
        let report = restored.check(|_| ()).await.unwrap();
        assert_eq!((report.wrong, report.at), (0, copied.at), "{:?}", report.problems);
        let mut txn = restored.txn();
        let log: Vec<(u64, (u64, u64))> = txn.feed("/log", From::Start, usize::MAX).await.unwrap();
        let twin: Vec<(u64, (u64, u64))> = txn.feed("/twin", From::Start, usize::MAX).await.unwrap();
        assert_eq!(log, all[..log.len()], "a backup is a prefix");
        assert_eq!(log, twin);
        assert_eq!(copied.at, log.len() as u64, "each commit is one entry");
        for task in 0..4 {
            let last = log.iter().rev().find(|(_, (t, _))| *t == task).map(|(_, (_, number))| *number);
            let kept = txn.get::<Note>(&task.to_string()).await.unwrap().map(|note| note.number);
            assert_eq!(kept, last);
        }
        assert!(log.len() >= before);
        before = log.len();
    }
    assert!(before > 100);
    let error = Store::restore(&folder.path().join("nothing"), "memory:", |_| ()).await.unwrap_err();
    assert!(error.to_string().contains("nothing"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compaction_gives_space_back_while_readers_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::open(&url(&path)).await.unwrap();
    let long = |id: usize| Note { text: "x".repeat(2_000), ..note(&format!("{id:05}"), id as u64) };
    for chunk in 0..4 {
        put(&store, &(chunk * 1_000..(chunk + 1) * 1_000).map(long).collect::<Vec<_>>()).await;
    }
    let mut reader = store.txn();
    assert_eq!(reader.range::<Note>("", None, 1).await.unwrap().len(), 1);
    let mut txn = store.txn();
    txn.delete_range::<Note>("0").await.unwrap();
    txn.put(&note("last", 1)).unwrap();
    txn.commit().await.unwrap();
    let mut rows = 0;
    let (before, after) = store.compact(|count| rows = count).await.unwrap();
    assert!(rows > 0);
    assert!(after * 4 < before, "{before} {after}");
    assert_eq!(
        reader.range::<Note>("", None, 9_999).await.unwrap().len(),
        4_000,
        "an old state is still read"
    );
    put(&store, &[note("later", 2)]).await;
    assert_eq!(store.stat().await.unwrap().bytes, Some(std::fs::metadata(&path).unwrap().len()));
    assert!(matches!(Store::open(&url(&path)).await, Err(Error::Locked { .. })), "the new file is locked");
    drop((reader, store));
    let store = Store::open(&url(&path)).await.unwrap();
    assert_eq!(store.txn().range::<Note>("", None, 9).await.unwrap(), [note("last", 1), note("later", 2)]);
    assert_eq!(store.check(|_| ()).await.unwrap().wrong, 0);
}

#[tokio::test]
async fn a_dump_loads_into_a_store_with_the_same_content() {
    each(async |store| {
        let mut txn = store.txn();
        txn.chain("/audit").unwrap();
        for number in 0..5u64 {
            txn.put(&note(&format!("n\0{number}/"), u64::MAX - number)).unwrap();
            txn.append("/audit", &(number, "x")).unwrap();
            txn.append("/cut", &number).unwrap();
        }
        txn.seq("invoice").await.unwrap();
        txn.commit().await.unwrap();
        let mut txn = store.txn();
        txn.cut("/cut", 3).unwrap();
        txn.commit().await.unwrap();

        let mut dumped = Vec::new();
        let lines = store.dump(&mut dumped, |_| ()).await.unwrap();
        assert_eq!((lines.lines, lines.damaged), (15, 0), "{}", String::from_utf8_lossy(&dumped));
        let loaded = Store::open("memory:").await.unwrap();
        loaded.load(&*dumped, |_| ()).await.unwrap();
        let notes = store.txn().range::<Note>("", None, 99).await.unwrap();
        assert_eq!(loaded.txn().range::<Note>("", None, 99).await.unwrap(), notes);
        assert_eq!(loaded.txn().count("/cut").await.unwrap(), 3);
        assert_eq!(loaded.verify("/audit", None).await.unwrap().position, 5);
        assert_eq!(loaded.txn().seq("invoice").await.unwrap(), 2);
        assert_eq!(loaded.check(|_| ()).await.unwrap().wrong, 0);

        for wrong in ["{", "{}", r#"{"record":{"table":"t"}}"#, r#"{"value":{"key":"00","bytes":""}}"#] {
            let error = loaded.load(wrong.as_bytes(), |_| ()).await.unwrap_err();
            assert!(error.to_string().contains("line 1 "), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_written_behind_is_on_disk_within_the_bound_or_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let bound = Duration::from_millis(50);
    let store = Store::open_with(&url(&path), Options::new().behind(bound)).await.unwrap();
    let on_disk = async || {
        // What a crash would leave now.
        let copy = folder.path().join("copy.redb");
        let _ = std::fs::remove_file(folder.path().join("copy.redb.seal"));
        std::fs::copy(&path, &copy).unwrap();
        let store = Store::open(&url(&copy)).await.unwrap();
        store.txn().count("/f").await.unwrap()
    };
    let mut txn = store.txn();
    txn.behind();
    txn.append("/f", &1).unwrap();
    txn.commit().await.unwrap();
    assert_eq!(store.txn().count("/f").await.unwrap(), 1, "it is committed at once");
    let started = Instant::now();
    while on_disk().await == 0 {
        assert!(started.elapsed() < Duration::from_secs(5), "it has to be written behind");
    }
    let mut txn = store.txn();
    txn.behind();
    txn.append("/f", &2).unwrap();
    txn.commit().await.unwrap();
    let mut txn = store.txn();
    txn.flush();
    txn.commit().await.unwrap();
    assert_eq!(on_disk().await, 2);
}

fn kvs(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kvs")).args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn the_command_line_looks_after_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let url = format!("redb:{}", at("store.redb"));
    let store = Store::open(&url).await.unwrap();
    put(&store, &[note("a", 1), note("b", 2)]).await;
    let mut txn = store.txn();
    txn.chain("/audit").unwrap();
    txn.append("/audit", &"opened").unwrap();
    txn.commit().await.unwrap();

    // What is not asked over the socket needs the store closed.
    std::fs::write(at("none.jsonl"), "").unwrap();
    let locked = kvs(&["load", &url, &at("none.jsonl")]);
    assert!(!locked.status.success());
    assert!(said(&locked).contains(&format!("process {}", std::process::id())), "{}", said(&locked));
    drop(store);

    for (args, expected) in [
        (vec!["stat", &url], "table    note 2"),
        (vec!["feeds", &url], "1 /audit (chained)"),
        (vec!["get", &url, "note", "a"], "version 1 schema 0"),
        (vec!["range", &url, "note"], r#"b {"id":"b","number":2,"text":"note b"}"#),
        (vec!["feed", &url, "/audit"], r#"1 "opened""#),
        (vec!["check", &url], "nothing is wrong"),
        (vec!["verify", &url, "/audit"], " /audit"),
        (vec!["backup", &url, &at("backup.redb")], "commit 2: "),
        (vec!["restore", &at("backup.redb"), &format!("redb:{}", at("restored.redb"))], "commit 2: "),
        (vec!["compact", &url], " after"),
        (vec!["dump", &url], r#"{"record":{"table":"note","id":"a","#),
        (vec!["dump", &url, &at("dump.jsonl")], ""),
        (vec!["load", &format!("redb:{}", at("loaded.redb")), &at("dump.jsonl")], "4 lines"),
        (vec!["help"], "kvs backup URL FILE"),
    ] {
        let output = kvs(&args);
        assert!(output.status.success(), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(expected), "{args:?}: {}", said(&output));
    }
    assert_eq!(kvs(&["what"]).status.code(), Some(2));
    assert!(said(&kvs(&["feed", &url, "/audit", "x"])).contains("COUNT is a number, not \"x\""));
    // A reader that has seen enough is no failure.
    let mut child =
        Command::new(env!("CARGO_BIN_EXE_kvs")).args(["help"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    assert!(said(&kvs(&["stat", "redb:/nowhere/at.all"])).contains("there is no store"));
    assert_eq!(kvs(&["get", &url, "note", "zzz"]).status.code(), Some(1));
}
