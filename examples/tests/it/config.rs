//! Starting with what cannot be started with: one line that says what to do, and an exit code.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde_json::json;
use tempfile::TempDir;

use super::common::{Client, Lost, Server, refused, request, store, until};

const GOOD: [&str; 2] =
    ["1:Zz8mJ0aQXv3rN5kYt7uB9cD1eF2gH4iK6lM8oP0qRsU", "2:q1W2e3R4t5Y6u7I8o9P0a1S2d3F4g5H6j7K8l9Z0xCw"];

/// Everything in a folder, with what files hold.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        let listed = fs::read_dir(&path).map(|entries| entries.map(|entry| entry.unwrap().path()));
        let bytes = fs::read(&path).unwrap_or_default();
        found.insert(path, bytes);
        left.extend(listed.into_iter().flatten());
    }
    // A server that runs writes to its store at any time.
    if found.contains_key(&folder.join("demo.redb.lock")) {
        found.insert(folder.join("demo.redb"), Vec::new());
    }
    found
}

/// Checks that the demo says one line with all of `words`, ends with `code`, and has written nothing.
fn refuses(data: &Path, flags: &[&str], env: &[(&str, &str)], code: i32, words: &[&str]) {
    let before = content(data);
    let (got, lines) = refused(data, flags, env);
    let line = lines.iter().filter(|line| line.starts_with("demo: ")).collect::<Vec<_>>();
    assert_eq!((got, line.len(), lines.len()), (Some(code), 1, 1), "{lines:?}");
    for word in words {
        assert!(lines[0].contains(word), "{word:?} in {lines:?}");
    }
    let now = content(data);
    let names = |content: &BTreeMap<PathBuf, Vec<u8>>| content.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&now), names(&before), "{lines:?}");
    assert!(now == before, "a refused start changed a file: {lines:?}");
}

#[test]
fn a_refused_start_makes_nothing() {
    let data = TempDir::new().unwrap();
    let nowhere = data.path().join("nowhere");
    refuses(&nowhere, &["--listen", "nonsense"], &[], 5, &["nonsense"]);
    refuses(&nowhere, &["--listen", "192.0.2.1:1"], &[], 5, &["192.0.2.1:1"]);
    refuses(&nowhere, &["--backup-every", "often"], &[], 2, &["often", "6h"]);
    refuses(&nowhere, &[], &[("N2O_KEYS", "1:c2hvcnQ")], 4, &["N2O_KEYS"]);
    refuses(&nowhere, &["--colour"], &[], 2, &["--colour"]);
    assert!(!nowhere.exists());
    fs::create_dir(&nowhere).unwrap();
    fs::set_permissions(&nowhere, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(nowhere.join("demo.redb"), "").unwrap();
    let keys = [("N2O_KEYS", GOOD[0])];
    refuses(&nowhere, &[], &keys, 3, &["demo.redb is empty", "kvs restore", "--new-store"]);
}

#[tokio::test]
async fn a_store_that_is_missing_where_there_was_one_is_not_seeded_anew() {
    let mut server = Server::start();
    Client::new(&server.address).enter("Olena", "lobby").await;
    server.signal("TERM");
    server.ended().await;
    let data = server.keep();
    fs::remove_file(store(data.path())).unwrap();
    refuses(data.path(), &[], &[], 3, &["demo.redb is missing", "kvs restore", "--new-store"]);
    fs::write(store(data.path()), "").unwrap();
    refuses(data.path(), &[], &[], 3, &["demo.redb is empty", "kvs restore", "--new-store"]);
    let anew = Server::start_in(data, &["--new-store"]);
    assert_eq!(request(&anew.address, "GET", "/ready", &[], "").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_store_that_is_taken_away_is_not_ready_and_is_rescued_at_the_end() {
    let mut server = Server::start();
    Client::new(&server.address).enter("Olena", "lobby").await;
    fs::remove_file(store(server.data())).unwrap();
    let address = server.address.clone();
    let told = async || {
        let reply = request(&address, "GET", "/ready", &[], "").await.unwrap();
        (reply.status == 503).then_some(reply.body)
    };
    let body = until("it is not ready", told).await;
    assert!(body.contains("kvs backup") && !body.contains('/'), "{body}");
    until("the log says so", async || server.log().contains("not as the store left it").then_some(())).await;
    server.signal("TERM");
    server.ended().await;
    assert!(server.log().contains("rescued-1"), "{}", server.log());
    let data = server.keep();
    fs::rename(data.path().join("demo.redb.rescued-1"), store(data.path())).unwrap();
    fs::rename(data.path().join("demo.redb.rescued-1.seal"), data.path().join("demo.redb.seal")).unwrap();
    server.again();
}

#[tokio::test]
async fn backups_are_made_on_a_schedule() {
    let data = std::sync::Arc::new(TempDir::new().unwrap());
    let folder = data.path().join("backups");
    let flags = ["--backup", folder.to_str().unwrap(), "--backup-every", "1s", "--backup-keep", "2"];
    let server = Server::start_in(data.clone(), &flags);
    let third = folder.join("backup-000003.redb");
    until("three are made", async || {
        (third.exists() && !folder.join("backup-000001.redb").exists()).then_some(())
    })
    .await;
    drop(server);
    kvs::Store::open(&format!("redb:{}", third.display())).await.unwrap();
}

#[test]
fn what_is_wrong_at_the_start_is_said_in_one_line() {
    let data = TempDir::new().unwrap();
    refuses(data.path(), &["--colour"], &[], 2, &["--colour", "--help"]);
    refuses(data.path(), &["--origin", "example.org"], &[], 2, &["example.org", "https://"]);
    refuses(data.path(), &[], &[("N2O_KEYS", "1:c2hvcnQ")], 4, &["N2O_KEYS", "shorter than 32 bytes"]);
    let known = format!("1:{}", "A".repeat(43));
    refuses(data.path(), &[], &[("N2O_KEYS", &known)], 4, &["not random"]);
    write_keys(&data.path().join("keys"), "secret\n");
    refuses(data.path(), &[], &[], 4, &["keys", "line 1", "ID:KEY"]);
}

/// Writes keys for their owner only.
fn write_keys(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn keys_that_others_can_read_or_that_a_store_has_lost_are_refused() {
    let mut server = Server::start();
    server.signal("TERM");
    server.ended().await;
    let data = server.keep();
    let keys = data.path().join("keys");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(data.path()), mode(&keys)), (0o700, 0o600));
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
    refuses(data.path(), &[], &[], 4, &["others than its owner can read", "chmod 600"]);
    let text = fs::read_to_string(&keys).unwrap();
    fs::remove_file(&keys).unwrap();
    refuses(data.path(), &[], &[], 4, &["keys", "no such file", "--new-keys"]);
    assert!(!keys.exists(), "a refused start writes nothing");
    let server = Server::start_in(data, &["--new-keys"]);
    let response = request(&server.address, "GET", "/ready", &[], "").await.unwrap();
    assert_eq!(response.status, 200);
    assert_ne!(fs::read_to_string(&keys).unwrap(), text);
}

#[test]
fn the_keys_are_there_before_the_store_so_that_a_start_cut_short_is_no_obstacle() {
    let data = std::sync::Arc::new(TempDir::new().unwrap());
    // The making of the store fails where a killed start would have ended.
    fs::set_permissions(data.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let half = data.path().join("demo.redb.new");
    fs::create_dir(&half).unwrap();
    let (code, lines) = refused(data.path(), &[], &[]);
    assert_eq!(code, Some(3), "{lines:?}");
    let keys = fs::read(data.path().join("keys")).expect("the keys come first");
    assert!(!store(data.path()).exists());
    fs::remove_dir(&half).unwrap();
    let server = Server::start_in(data, &[]);
    assert_eq!(fs::read(server.data().join("keys")).unwrap(), keys);
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("file");
    fs::write(&file, "").unwrap();
    refuses(&file, &[], &[], 3, &["file"]);
    // Everything may be read by root, who is told nothing.
    let closed = data.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&closed).is_err() {
        refuses(&closed, &[], &[], 3, &["closed"]);
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn a_taken_port_and_a_locked_store_leave_the_first_server_serving() {
    let server = Server::start();
    let other = TempDir::new().unwrap();
    refuses(other.path(), &["--listen", &server.address], &[], 5, &[&server.address, "another address"]);
    refuses(server.data(), &[], &[], 3, &["demo.redb", "in use", "stop that process"]);
    assert_eq!(request(&server.address, "GET", "/ready", &[], "").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_corrupt_store_is_told_from_a_good_one() {
    let mut server = Server::start();
    Client::new(&server.address).enter("Olena", "lobby").await;
    server.signal("TERM");
    server.ended().await;
    let data = server.keep();
    let path = store(data.path());
    let good = fs::read(&path).unwrap();
    for (from, to) in [(0, 64), (0, good.len())] {
        let mut bad = good.clone();
        bad[from..to].fill(0x5a);
        fs::write(&path, &bad).unwrap();
        refuses(data.path(), &[], &[], 3, &["demo.redb", "corrupt", "backup"]);
    }
    fs::write(&path, &good[..good.len() / 3]).unwrap();
    refuses(data.path(), &[], &[], 3, &["demo.redb", "corrupt"]);
    fs::write(&path, &good).unwrap();
    server.again();
}

#[tokio::test]
async fn keys_are_read_again_on_sighup() {
    let data = std::sync::Arc::new(TempDir::new().unwrap());
    let keys = data.path().join("keys");
    write_keys(&keys, GOOD[0]);
    let server = Server::start_in(data, &[]);
    let mut client = Client::new(&server.address);
    client.enter("Olena", "keys").await;
    let reload = async |text: &str, times: usize| {
        write_keys(&keys, text);
        server.signal("HUP");
        let log = || {
            server.log().matches("keys read again").count() + server.log().matches("not read again").count()
        };
        until("the keys are read", async || (log() == times).then_some(())).await;
    };
    // The old key still opens what it sealed.
    reload(&format!("{}\n{}", GOOD[1], GOOD[0]), 1).await;
    assert_eq!(client.get("/chat/keys").await.status, 200);
    let say = client.bound("message");
    client.fire(&say, json!(["sealed with the old key"])).await.unwrap();
    while client.answered() < 1 {
        client.step().await.unwrap();
    }
    assert_eq!(client.errors, []);
    // Keys that are no good are not taken.
    reload("nonsense", 2).await;
    assert_eq!(client.get("/chat/keys").await.status, 200);
    // Without the old key, its sessions are over: the open page is told at once.
    reload(GOOD[1], 3).await;
    let lost = loop {
        if let Err(lost) = client.step().await {
            break lost;
        }
    };
    assert_eq!(lost, Lost(4401));
    assert_eq!(client.get("/chat/keys").await.header("location"), Some("/login?to=%2Fchat%2Fkeys"));
}
