//! A store in use: its health, its control socket, its backups, and its file when that is taken away.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use kvs::{Error, From, Options, Store, Trouble};

use crate::common::{Note, note, put};

fn url(path: &Path) -> String {
    format!("redb:{}", path.display())
}

/// The tool, while this process has the store open and goes on.
async fn kvs(args: &[&str]) -> Output {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let run = move || Command::new(env!("CARGO_BIN_EXE_kvs")).args(args).output().unwrap();
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Looks until it is as expected.
async fn until(what: &str, look: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !look().await {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The names in a folder, and what the files hold.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(&path).unwrap_or_default()))
        .collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_use_is_looked_after_over_its_socket() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let path = folder.path().join("store.redb");
    let store = Store::open(&url(&path)).await.unwrap();
    put(&store, &[note("a", 1), note("b", 2)]).await;
    let mut txn = store.txn();
    txn.chain("/audit").unwrap();
    txn.append("/audit", &"opened").unwrap();
    txn.commit().await.unwrap();

    let socket = fs::metadata(at("store.redb.ctl")).unwrap();
    assert!(socket.file_type().is_socket());
    assert_eq!(socket.permissions().mode() & 0o777, 0o600, "nobody else may ask");
    let url = url(&path);
    for (args, expected) in [
        (vec!["stat", &url], "table    note 2"),
        (vec!["feeds", &url], "1 /audit (chained)"),
        (vec!["get", &url, "note", "a"], "version 1 schema 0"),
        (vec!["range", &url, "note"], r#"b {"id":"b","number":2,"text":"note b"}"#),
        (vec!["feed", &url, "/audit"], r#"1 "opened""#),
        (vec!["check", &url], "nothing is wrong"),
        (vec!["verify", &url, "/audit"], " /audit"),
        (vec!["backup", &url, &at("backup.redb")], "commit 2: "),
        (vec!["dump", &url], r#"{"record":{"table":"note","id":"a","#),
        (vec!["compact", &url], " after"),
    ] {
        let output = kvs(&args).await;
        assert!(output.status.success(), "{args:?}: {}", said(&output));
        assert!(said(&output).contains(expected), "{args:?}: {}", said(&output));
    }
    assert_eq!(kvs(&["get", &url, "note", "zzz"]).await.status.code(), Some(1));
    // Its words are those of the program that has it.
    let again = kvs(&["backup", &url, &at("backup.redb")]).await;
    assert!(!again.status.success());
    assert!(said(&again).contains("is there already"), "{}", said(&again));
    put(&store, &[note("c", 3)]).await;
    assert_eq!(store.health().await.trouble.map(|trouble| trouble.to_string()), None, "compacted and well");
    drop(store);
    assert!(!Path::new(&at("store.redb.ctl")).exists(), "closed, it takes the socket away");
    let backup = Store::open(&format!("redb:{}", at("backup.redb"))).await.unwrap();
    assert_eq!(backup.txn().range::<Note>("", None, 9).await.unwrap(), [note("a", 1), note("b", 2)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_too_long_for_a_socket_has_it_in_a_folder_of_its_own_and_a_stale_one_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("x".repeat(90)).join("y".repeat(90));
    fs::create_dir_all(&long).unwrap();
    for path in [long.join("store.redb"), folder.path().join("short.redb")] {
        // What a killed holder left.
        drop(std::os::unix::net::UnixListener::bind(folder.path().join("short.redb.ctl")));
        let store = Store::open(&url(&path)).await.unwrap();
        put(&store, &[note("a", 1)]).await;
        let output = kvs(&["stat", &url(&path)]).await;
        assert!(said(&output).contains("table    note 1"), "{}", said(&output));
        let lock = fs::read_to_string(format!("{}.lock", path.display())).unwrap();
        let place = lock.lines().find_map(|line| line.strip_prefix("control ")).unwrap().to_owned();
        drop(store);
        assert!(!Path::new(&place).exists(), "{place}");
        let _ = fs::remove_file(folder.path().join("short.redb.ctl"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_is_none_is_answered_and_one_that_does_not_come_keeps_nothing_up() {
    use std::{
        io::{Read, Write},
        os::unix::net::UnixStream,
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::open(&url(&path)).await.unwrap();
    let ask = |text: &str| {
        let mut stream = UnixStream::connect(folder.path().join("store.redb.ctl")).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    for wrong in ["{}\n", "stat\n", "\n", r#"{"kvs":2,"care":"stat"}"#] {
        assert!(ask(wrong).contains("another version"), "{wrong:?}: {}", ask(wrong));
    }
    assert!(ask("{\"kvs\":1,\"care\":\"stat\"}\n").contains("commits"), "{}", ask("{}"));
    // Three that say nothing, and the store closes all the same.
    let silent: Vec<_> =
        (0..3).map(|_| UnixStream::connect(folder.path().join("store.redb.ctl")).unwrap()).collect();
    assert!(kvs(&["stat", &url(&path)]).await.status.success());
    drop(store);
    Store::open(&url(&path)).await.expect("it is closed");
    drop(silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_taken_away_is_told_saved_and_rescued() {
    for replaced in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let store = Store::open(&url(&path)).await.unwrap();
        put(&store, &[note("a", 1)]).await;
        assert!(store.health().await.trouble.is_none());
        fs::remove_file(&path).unwrap();
        if replaced {
            fs::write(&path, "somebody else's").unwrap();
        }
        let lost = async || matches!(store.health().await.trouble, Some(Trouble::File(Error::Gone { .. })));
        until("it is told", lost).await;
        let text = store.health().await.trouble.unwrap().to_string();
        assert!(text.contains("kvs backup") && !text.contains("store.redb"), "for strangers, too: {text}");
        // It goes on, and what is committed now is not lost either.
        put(&store, &[note("b", 2)]).await;
        let backup = folder.path().join("backup.redb");
        let output = kvs(&["backup", &url(&path), &backup.display().to_string()]).await;
        assert!(output.status.success(), "{}", said(&output));
        put(&store, &[note("c", 3)]).await;
        drop(store);
        let rescued = folder.path().join("store.redb.rescued-1");
        for (file, count) in [(backup, 2), (rescued, 3)] {
            let store = Store::open(&url(&file)).await.unwrap();
            assert_eq!(store.txn().range::<Note>("", None, 9).await.unwrap().len(), count);
        }
        assert_eq!(path.exists(), replaced);
        assert!(!folder.path().join("store.redb.seal").exists(), "a seal would be another file's");
        if replaced {
            assert_eq!(fs::read(&path).unwrap(), b"somebody else's", "what is not its own is left alone");
        }
    }
}

/// Ways by which another changes a file, with the bytes of another store at hand.
const CHANGES: [fn(&Path, &[u8]); 4] = [
    |path, _| fs::write(path, "").unwrap(),
    |path, _| OpenOptions::new().write(true).open(path).unwrap().set_len(4096).unwrap(),
    |path, other| fs::write(path, other).unwrap(),
    |path, _| OpenOptions::new().append(true).open(path).unwrap().write_all(&[0; 4096]).unwrap(),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_another_changes_while_nobody_writes_is_told_saved_and_rescued() {
    for (number, change) in CHANGES.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("store.redb"), folder.path().join("other.redb"));
        drop(Store::open(&url(&other)).await.unwrap());
        let store = Store::open(&url(&path)).await.unwrap();
        put(&store, &[note("a", 1), note("b", 2)]).await;
        assert!(store.health().await.trouble.is_none());
        change(&path, &fs::read(&other).unwrap());
        let changed = fs::read(&path).unwrap();
        let told = async || matches!(store.health().await.trouble, Some(Trouble::File(Error::Gone { .. })));
        until("it is told", told).await;
        let backup = folder.path().join("backup.redb");
        let output = kvs(&["backup", &url(&path), &backup.display().to_string()]).await;
        assert!(output.status.success(), "{number}: {}", said(&output));
        drop(store);
        let rescued = folder.path().join("store.redb.rescued-1");
        for file in [backup, rescued] {
            let store = Store::open(&url(&file)).await.unwrap();
            assert_eq!(store.txn().range::<Note>("", None, 9).await.unwrap().len(), 2, "{number}");
        }
        assert!(fs::read(&path).unwrap() == changed, "{number}: what is not its own is left alone");
        assert!(!folder.path().join("store.redb.seal").exists(), "{number}");
    }
}

#[tokio::test]
async fn a_rescued_store_says_that_there_was_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let rescued = folder.path().join("store.redb.rescued-7");
    drop(Store::open(&url(&path)).await.unwrap());
    fs::rename(&path, &rescued).unwrap();
    for mark in [".id", ".seal"] {
        let _ = fs::remove_file(folder.path().join(format!("store.redb{mark}")));
    }
    let error = Store::open(&url(&path)).await.unwrap_err();
    assert!(matches!(&error, Error::Missing { rescued: Some(file), .. } if *file == rescued), "{error}");
    assert!(!path.exists(), "a refused start writes nothing");
    fs::rename(&rescued, &path).unwrap();
    Store::open(&url(&path)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_comes_back_is_well_again_and_a_compaction_gives_the_name_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::open(&url(&path)).await.unwrap();
    put(&store, &[note("a", 1)]).await;
    let away = folder.path().join("away.redb");
    let well = async || store.health().await.trouble.is_none();
    fs::rename(&path, &away).unwrap();
    until("it is told", async || !well().await).await;
    fs::rename(&away, &path).unwrap();
    until("it is back", &well).await;
    fs::remove_file(&path).unwrap();
    until("it is told", async || !well().await).await;
    store.compact(|_| ()).await.unwrap();
    assert!(well().await && path.exists(), "the new file has the name");
    // A stranger's file is not taken for a lost one.
    fs::remove_file(&path).unwrap();
    fs::write(&path, "somebody else's").unwrap();
    assert!(matches!(store.compact(|_| ()).await, Err(Error::Gone { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"somebody else's");
    drop(store);
    assert!(folder.path().join("store.redb.rescued-1").exists());
}

#[tokio::test]
async fn a_store_that_is_missing_or_empty_where_there_was_one_is_not_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    drop(Store::open(&url(&path)).await.unwrap());
    for empty in [false, true] {
        let _ = fs::remove_file(&path);
        if empty {
            fs::write(&path, "").unwrap();
        }
        let before = content(folder.path());
        let error = Store::open(&url(&path)).await.unwrap_err();
        assert!(matches!(error, Error::Missing { .. }), "{error}");
        assert!(error.to_string().contains("kvs restore"), "{error}");
        assert_eq!(content(folder.path()), before, "a refused start writes nothing");
    }
    // What an older version left beside it says as much.
    fs::remove_file(&path).unwrap();
    fs::remove_file(folder.path().join("store.redb.id")).unwrap();
    assert!(folder.path().join("store.redb.seal").exists());
    assert!(matches!(Store::open(&url(&path)).await, Err(Error::Missing { .. })));
    let store = Store::open_with(&url(&path), Options::new().anew(true)).await.unwrap();
    put(&store, &[note("a", 1)]).await;
    drop(store);
    // On purpose it may be said again: a store that is there is opened.
    let store = Store::open_with(&url(&path), Options::new().anew(true)).await.unwrap();
    assert_eq!(store.get::<Note>("a").await.unwrap(), Some(note("a", 1)));
}

#[tokio::test]
async fn a_file_that_is_there_is_never_written_over_nor_is_one_that_is_called_as_if_it_were_being_made() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let store = Store::open(&url(&at("store.redb"))).await.unwrap();
    put(&store, &[note("a", 1)]).await;
    fs::write(at("there"), "somebody's").unwrap();
    assert!(matches!(store.backup(&at("there"), |_| ()).await, Err(Error::Occupied { .. })));
    // What was left under the name of a file in the making is looked at by people.
    fs::write(at("backup.redb.new"), "half").unwrap();
    let error = store.backup(&at("backup.redb"), |_| ()).await.unwrap_err();
    assert!(matches!(error, Error::Leftover { .. }), "{error}");
    assert!(error.to_string().contains("backup.redb.new") && error.to_string().contains("delete it"));
    assert_eq!(fs::read(at("backup.redb.new")).unwrap(), b"half");
    fs::remove_file(at("backup.redb.new")).unwrap();
    store.backup(&at("backup.redb"), |_| ()).await.unwrap();
    // A store of somebody's.
    fs::copy(at("backup.redb"), at("other.redb.new")).unwrap();
    let error = Store::restore(&at("backup.redb"), &url(&at("other.redb")), |_| ()).await.unwrap_err();
    assert!(error.to_string().contains("a copy as of commit 1"), "{error}");
    assert_eq!(fs::read(at("other.redb.new")).unwrap(), fs::read(at("backup.redb")).unwrap());
    let restored = Store::restore(&at("backup.redb"), &url(&at("there")), |_| ()).await;
    assert!(matches!(restored, Err(Error::Occupied { .. })));
    assert_eq!(fs::read(at("there")).unwrap(), b"somebody's");
    drop(store);
    fs::write(at("store.redb.new"), "half a compaction").unwrap();
    drop(Store::open(&url(&at("store.redb"))).await.unwrap());
    assert_eq!(fs::read(at("store.redb.new")).unwrap(), b"half a compaction");
    fs::write(at("there.jsonl.new"), "half a dump").unwrap();
    let before = content(folder.path());
    let store = url(&at("store.redb"));
    let there = at("there").display().to_string();
    let lines = at("there.jsonl").display().to_string();
    for refused in [
        vec!["dump", &store, &there],
        vec!["dump", &store, &lines],
        vec!["compact", &store],
        vec!["backup", &store, &there],
        vec!["restore", &there, &store],
        vec!["load", "redb:/nowhere/at.all", &there],
        vec!["stat", &there],
        vec!["nonsense"],
    ] {
        let output = kvs(&refused).await;
        assert!(!output.status.success(), "{refused:?}");
        let now: Vec<_> = content(folder.path()).into_iter().map(|(path, _)| path).collect();
        let names: Vec<_> = before.iter().map(|(path, _)| path.clone()).collect();
        assert_eq!(now, names, "{refused:?}");
    }
    assert_eq!(fs::read(at("there")).unwrap(), b"somebody's");
    assert_eq!(fs::read(at("there.jsonl.new")).unwrap(), b"half a dump");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scheduled_backups_are_made_kept_and_told_of_when_they_fail() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&url(&folder.path().join("store.redb"))).await.unwrap();
    let backups = folder.path().join("backups");
    let made = |number: u32| backups.join(format!("backup-{number:06}.redb")).exists();
    {
        let schedule = store.backups(&backups, Duration::ZERO, 2);
        let work = async {
            for number in 0..u64::MAX {
                put(&store, &[note("a", number)]).await;
                if made(4) && !made(2) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::select! { () = schedule => {}, () = work => {} }
    }
    assert!(!made(1), "the older ones are removed");
    let kept = Store::open(&url(&backups.join("backup-000003.redb"))).await.unwrap();
    assert!(kept.get::<Note>("a").await.unwrap().is_some());
    // A folder that is none.
    fs::write(folder.path().join("file"), "").unwrap();
    let nowhere = folder.path().join("file/backups");
    let failed = async {
        until("it is told", async || store.health().await.backup.is_some()).await;
        assert!(store.health().await.trouble.is_none(), "it serves all the same");
    };
    tokio::select! { () = store.backups(&nowhere, Duration::from_secs(60), 2) => {}, () = failed => {} }
    let fresh = folder.path().join("fresh");
    let well = until("it is made", async || store.health().await.backup.is_none());
    tokio::select! { () = store.backups(&fresh, Duration::from_secs(60), 2) => {}, () = well => {} }
    let mut txn = store.txn();
    txn.append("/f", &1).unwrap();
    txn.commit().await.unwrap();
    assert_eq!(store.txn().feed::<u64>("/f", From::Start, 9).await.unwrap(), [(1, 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_socket_that_is_deleted_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::open(&url(&path)).await.unwrap();
    put(&store, &[note("a", 1)]).await;
    for mark in [".ctl", ".lock"] {
        fs::remove_file(folder.path().join(format!("store.redb{mark}"))).unwrap();
    }
    until("it is there again", async || folder.path().join("store.redb.ctl").exists()).await;
    let output = kvs(&["stat", &url(&path)]).await;
    assert!(output.status.success(), "{}", said(&output));
    drop(store);
    assert!(!folder.path().join("store.redb.ctl").exists());
}

#[tokio::test]
async fn a_file_of_the_sockets_name_that_is_no_socket_stays_and_the_store_is_asked_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let other = folder.path().join("store.redb.ctl");
    std::fs::write(&other, "somebody's").unwrap();
    let store = Store::open(&format!("redb:{}", path.display())).await.unwrap();
    put(&store, &[note("a", 1)]).await;
    let output = kvs(&["stat", &url(&path)]).await;
    assert!(output.status.success(), "{output:?}");
    drop(store);
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "somebody's");
}
