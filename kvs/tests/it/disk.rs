//! What is on the disk rather than in memory: damage under a store in use, stores that may only be read, and
//! what killed processes left beside them.

use std::{
    fs::{self, OpenOptions, Permissions},
    os::unix::{
        fs::{FileExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use kvs::{Store, Trouble};

use crate::common::{Note, note, put};

fn url(path: &Path) -> String {
    format!("redb:{}", path.display())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The tool, while this process may have the store open and goes on.
async fn kvs(args: &[&str]) -> Output {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let run = move || Command::new(env!("CARGO_BIN_EXE_kvs")).args(args).output().unwrap();
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// The names in a folder, and what the files hold.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = names.map(|path| (path.clone(), fs::read(&path).unwrap_or_default())).collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_byte_that_flips_on_the_disk_under_a_store_in_use_is_found_though_the_store_has_the_page_in_memory()
{
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::open(&url(&path)).await.unwrap();
    for batch in 0..20 {
        let notes: Vec<_> = (0..50).map(|n| note(&format!("{:04}", batch * 50 + n), n)).collect();
        put(&store, &notes).await;
    }
    store.compact(|_| ()).await.unwrap();
    put(&store, &[note("a", 1)]).await;
    let report = store.check(|_| ()).await.unwrap();
    assert!(report.wrong == 0 && report.pages > 10, "{report:?}");
    let image = fs::read(&path).unwrap();
    let mark = b"\x01note\0\x010500";
    let found: Vec<_> = (0..image.len() - mark.len()).filter(|at| image[*at..].starts_with(mark)).collect();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    for at in &found {
        file.write_all_at(b"9", (at + mark.len() - 1) as u64).unwrap();
    }
    file.sync_all().unwrap();
    assert_eq!(store.get::<Note>("0500").await.unwrap(), Some(note("0500", 0)), "it is in memory");
    let report = store.check(|_| ()).await.unwrap();
    assert!(report.wrong > 0 && report.wrong <= found.len() as u64, "{report:?}");
    let problem = &report.problems[0];
    assert!(
        problem.place.starts_with("the page at byte") && problem.what.contains("on the disk"),
        "{problem:?}"
    );
    let at: usize = problem.place.split(' ').nth(4).unwrap().parse().unwrap();
    assert!(found.iter().any(|place| (at..at + 4096).contains(place)), "{at} {found:?}");
    assert!(matches!(store.health().await.trouble, Some(Trouble::Damage(_))), "and told");
    let output = kvs(&["check", &url(&path)]).await;
    assert!(output.status.code() == Some(3) && said(&output).contains("on the disk"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_byte_of_the_header_that_flips_under_a_store_in_use_is_found_and_told_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::open(&url(&path)).await.unwrap();
    put(&store, &[note("a", 1)]).await;
    let clean = fs::read(&path).unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let wrong = async || store.check(|_| ()).await.unwrap().wrong;
    for (place, byte) in clean.iter().enumerate().take(320) {
        file.write_all_at(&[byte ^ 1], place as u64).unwrap();
        let report = store.check(|_| ()).await.unwrap();
        assert_eq!(report.wrong, 1, "byte {place}: {report:?}");
        let what = &report.problems[0].what;
        assert!(what.contains(&format!("byte {place} of the header")), "{what}");
        let trouble = store.health().await.trouble;
        assert!(matches!(trouble, Some(Trouble::Damage(1) | Trouble::File(_))), "byte {place} is told");
        file.write_all_at(&[*byte], place as u64).unwrap();
    }
    assert_eq!(wrong().await, 0);
    let told = Instant::now();
    while store.health().await.trouble.is_some() {
        assert!(told.elapsed() < Duration::from_secs(30), "it is well again");
        tokio::task::yield_now().await;
    }
    put(&store, &[note("a", 2)]).await;
    assert_eq!(wrong().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_of_what_is_on_the_disk_finds_nothing_wrong_while_much_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&url(&folder.path().join("store.redb"))).await.unwrap();
    let notes =
        |round: u64| -> Vec<_> { (0..300).map(|n| note(&format!("{:04}", n * 7 % 1_000), round)).collect() };
    put(&store, &notes(0)).await;
    let writing = async {
        for round in 0.. {
            let mut txn = store.txn();
            notes(round).iter().for_each(|note| txn.put(note).unwrap());
            // Some of it is not on disk when the check begins.
            if round % 3 != 0 {
                txn.behind();
            }
            txn.commit().await.unwrap();
        }
    };
    let checking = async {
        for round in 0..30 {
            let report = store.check(|_| ()).await.unwrap();
            assert!(report.wrong == 0 && report.pages > 0, "round {round}: {report:?}");
        }
    };
    tokio::select! { () = writing => {}, () = checking => {} }
}

/// A store whose process was killed, and one that was closed: file names, without what stood beside the first.
async fn stores(folder: &Path) -> [PathBuf; 2] {
    let [closed, killed] = ["closed.redb", "killed.redb"].map(|name| folder.join(name));
    let store = Store::open(&url(&closed)).await.unwrap();
    put(&store, &[note("a", 1), note("b", 2)]).await;
    let mut txn = store.txn();
    txn.chain("/audit").unwrap();
    txn.append("/audit", &"opened").unwrap();
    txn.commit().await.unwrap();
    // As it is on the disk while it is open.
    fs::copy(&closed, &killed).unwrap();
    [closed, killed]
}

#[tokio::test]
async fn reading_a_store_needs_no_right_to_write_and_writes_nothing_also_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    for path in stores(folder.path()).await {
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    }
    // To the superuser permissions mean nothing: the tool runs as somebody else then.
    let tool = out.path().join("kvs");
    fs::copy(env!("CARGO_BIN_EXE_kvs"), &tool).unwrap();
    for (place, mode) in [(folder.path(), 0o555), (out.path(), 0o777), (&tool, 0o755)] {
        fs::set_permissions(place, Permissions::from_mode(mode)).unwrap();
    }
    let run = |args: &[&str]| {
        let mut command = Command::new(&tool);
        if rustix::process::geteuid().is_root() {
            command.uid(65_534).gid(65_534);
        }
        command.args(args).output().unwrap()
    };
    let before = content(folder.path());
    for name in ["closed", "killed"] {
        let path = folder.path().join(format!("{name}.redb"));
        let url = url(&path);
        let at = |file: &str| out.path().join(format!("{name}-{file}")).display().to_string();
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
            (vec!["--unverified", "dump", &url, &at("left.jsonl")], "0 damaged rows"),
            (vec!["restore", path.to_str().unwrap(), &format!("redb:{}", at("restored.redb"))], "commit 2: "),
        ] {
            let output = run(&args);
            assert!(output.status.success(), "{args:?}: {}", said(&output));
            assert!(said(&output).contains(expected), "{args:?}: {}", said(&output));
            assert!(!said(&output).contains("cannot be written"), "{args:?}: {}", said(&output));
            assert_eq!(content(folder.path()), before, "{args:?} wrote something");
        }
        let output = run(&["compact", &url]);
        assert!(!output.status.success() && said(&output).contains("permission"), "{}", said(&output));
        let backup = Store::open(&format!("redb:{}", at("backup.redb"))).await.unwrap();
        assert_eq!(backup.txn().range::<Note>("", None, 9).await.unwrap(), [note("a", 1), note("b", 2)]);
    }
    assert_eq!(content(folder.path()), before);
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_store_that_a_program_has_which_does_not_answer_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let [path, _] = stores(folder.path()).await;
    let options = kvs::Options::new().control(false);
    let _store = Store::open_with(&url(&path), options).await.unwrap();
    let output = kvs(&["stat", &url(&path)]).await;
    assert!(!output.status.success() && said(&output).contains("is in use by"), "{}", said(&output));
}

#[tokio::test]
async fn what_a_killed_restore_left_is_removed_with_a_word_and_what_may_hold_something_stays() {
    let folder = tempfile::tempdir().unwrap();
    let [closed, _] = stores(folder.path()).await;
    let at = |name: &str| folder.path().join(name);
    let restore = async |name: &str| kvs(&["restore", closed.to_str().unwrap(), &url(&at(name))]).await;
    fs::write(at("first.redb.new"), "").unwrap();
    let output = restore("first.redb").await;
    assert!(output.status.success() && !at("first.redb.new").exists(), "{}", said(&output));
    assert!(
        said(&output).contains("broken off") && said(&output).contains("first.redb.new"),
        "{}",
        said(&output)
    );
    fs::copy(&closed, at("second.redb.new")).unwrap();
    let output = restore("second.redb").await;
    assert!(!output.status.success() && !at("second.redb").exists());
    assert!(said(&output).contains("second.redb.new is in the way"), "{}", said(&output));
    assert_eq!(fs::read(at("second.redb.new")).unwrap(), fs::read(&closed).unwrap());
    // A start beside it serves, and leaves it, too.
    fs::copy(&closed, at("third.redb")).unwrap();
    fs::copy(&closed, at("third.redb.new")).unwrap();
    drop(Store::open(&url(&at("third.redb"))).await.unwrap());
    assert!(at("third.redb.new").exists());
}
