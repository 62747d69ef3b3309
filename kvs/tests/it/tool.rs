//! The tool where something is wrong: damaged pages, a file that was cut, a holder that ends, a missing store.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixListener,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
};

use kvs::{Error, Store};

use crate::common::{Note, note, put};

const PAGE: usize = 4096;
const NOTES: u64 = 600;

fn url(path: &Path) -> String {
    format!("redb:{}", path.display())
}

fn kvs(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kvs")).args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A closed store of many pages.
async fn made(path: &Path) {
    let store = Store::open(&url(path)).await.unwrap();
    for batch in 0..NOTES / 20 {
        let notes: Vec<_> = (0..20).map(|n| note(&format!("{:04}", batch * 20 + n), n)).collect();
        put(&store, &notes).await;
        let mut txn = store.txn();
        txn.append("/f", &batch).unwrap();
        txn.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_damaged_page_is_listed_by_check_which_goes_on_behind_it_without_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    made(&path).await;
    let whole = fs::read(&path).unwrap();
    let mut around = None;
    for page in 1..whole.len() / PAGE {
        let mut bytes = whole.clone();
        for byte in &mut bytes[page * PAGE + 8..page * PAGE + 64] {
            *byte ^= 0xff;
        }
        let damaged = folder.path().join("damaged.redb");
        let _ = fs::remove_file(folder.path().join("damaged.redb.id"));
        let _ = fs::remove_file(folder.path().join("damaged.redb.seal"));
        fs::write(&damaged, bytes).unwrap();
        fs::copy(folder.path().join("store.redb.seal"), folder.path().join("damaged.redb.seal")).unwrap();
        let Ok(store) = Store::open(&url(&damaged)).await else { continue };
        let report = store.check(|_| ()).await.unwrap();
        let unread = report.problems.iter().any(|problem| problem.what.contains("cannot be read"));
        let notes = report.tables.get("note").copied().unwrap_or(0);
        // Before the middle, so that most notes are behind it.
        let early = report.problems.iter().any(|problem| {
            let id = problem.place.split('"').nth(1).and_then(|id| id.parse::<u64>().ok());
            problem.what.contains("cannot be read") && id.is_some_and(|id| id < NOTES / 2)
        });
        if unread && report.entries == NOTES / 20 && notes > NOTES / 2 && notes < NOTES && early {
            around = Some(notes.max(around.unwrap_or(0)));
            drop(store);
            let before = fs::read(&damaged).unwrap();
            let output = kvs(&["check", &url(&damaged)]);
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(output.status.code(), Some(3), "{said}{}", stderr(&output));
            assert!(said.contains("cannot be read"), "{said}");
            fs::write(&damaged, before).unwrap();
            let dump = kvs(&["dump", &url(&damaged)]);
            assert!(!dump.status.success());
            for output in [&output, &dump] {
                assert!(!stderr(output).contains("panicked"), "{}", stderr(output));
            }
        }
        if around.is_some_and(|notes| notes > NOTES * 8 / 10) {
            return;
        }
    }
    panic!("no page was gone around: {around:?}");
}

#[tokio::test]
async fn what_is_saved_of_a_file_that_was_cut_is_called_the_least_of_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let (path, cut) = (folder.path().join("store.redb"), folder.path().join("cut.redb"));
    made(&path).await;
    let saved = Store::salvage(&path, Vec::new(), |_| ()).await.unwrap();
    assert!(!saved.cut && saved.lines.damaged == 0, "{saved:?}");
    let bytes = fs::read(&path).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 4 / PAGE * PAGE]).unwrap();
    let output = kvs(&["--unverified", "dump", &url(&cut)]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("the file is cut off") && stderr(&output).contains("at least"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_read_enough_of_a_dump_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::open(&url(&path)).await.unwrap();
    // More than a pipe holds.
    let notes: Vec<_> = (0..5_000).map(|number| note(&format!("{number:04}"), number)).collect();
    put(&store, &notes).await;
    let url = url(&path);
    let ends = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kvs"));
        let command = command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(line.starts_with("{\"record\""), "{line}");
        assert!(output.status.success() && output.stderr.is_empty(), "{args:?}: {}", stderr(&output));
    };
    ends(&["dump", &url]);
    drop(store);
    ends(&["dump", &url]);
    ends(&["--unverified", "dump", &url]);
}

#[test]
fn a_holder_that_ends_before_it_has_answered_is_not_called_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let backup = folder.path().join("backup.redb").display().to_string();
    for half in [&b""[..], b"{\"said\":{\"progr"] {
        let listener = UnixListener::bind(folder.path().join("store.redb.ctl")).unwrap();
        let holder = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            BufReader::new(stream.try_clone().unwrap()).read_line(&mut String::new()).unwrap();
            stream.write_all(half).unwrap();
        });
        let output = kvs(&["backup", &url(&path), &backup]);
        holder.join().unwrap();
        fs::remove_file(folder.path().join("store.redb.ctl")).unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("has ended before it answered") && said.contains("backup.redb.new"), "{said}");
        assert!(!said.contains("corrupt"), "{said}");
    }
}

#[tokio::test]
async fn what_was_saved_is_loaded_where_there_was_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let lines = folder.path().join("left.jsonl").display().to_string();
    put(&Store::open(&url(&path)).await.unwrap(), &[note("a", 1)]).await;
    assert!(kvs(&["--unverified", "dump", &url(&path), &lines]).status.success());
    fs::rename(&path, folder.path().join("damaged.redb")).unwrap();
    let output = kvs(&["load", &url(&path), &lines]);
    assert!(output.status.success(), "{}", stderr(&output));
    let store = Store::open(&url(&path)).await.unwrap();
    assert_eq!(store.get::<Note>("a").await.unwrap(), Some(note("a", 1)));
}

#[tokio::test]
async fn a_store_that_is_missing_names_the_newest_that_was_rescued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    for number in 1..3 {
        let store = Store::open(&url(&path)).await.unwrap();
        put(&store, &[note("a", number)]).await;
        fs::remove_file(&path).unwrap();
        drop(store);
        let error = Store::open(&url(&path)).await.expect_err("it is missing");
        let rescued = folder.path().join(format!("store.redb.rescued-{number}"));
        assert!(matches!(&error, Error::Missing { rescued: Some(file), .. } if *file == rescued), "{error}");
        assert!(error.to_string().contains(&rescued.display().to_string()), "{error}");
        fs::copy(&rescued, &path).unwrap();
    }
    assert_eq!(Store::open(&url(&path)).await.unwrap().get::<Note>("a").await.unwrap(), Some(note("a", 2)));
}
