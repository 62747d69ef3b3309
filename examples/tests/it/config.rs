//! Starting with what cannot be started with: one line that says what to do, and an exit code.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::json;
use tempfile::TempDir;

use super::common::{Client, Lost, Server, refused, request, store, until};

const GOOD: [&str; 2] =
    ["1:Zz8mJ0aQXv3rN5kYt7uB9cD1eF2gH4iK6lM8oP0qRsU", "2:q1W2e3R4t5Y6u7I8o9P0a1S2d3F4g5H6j7K8l9Z0xCw"];

/// Checks that the demo says one line with all of `words`, and ends with `code`.
fn refuses(data: &Path, flags: &[&str], env: &[(&str, &str)], code: i32, words: &[&str]) {
    let (got, lines) = refused(data, flags, env);
    let line = lines.iter().filter(|line| line.starts_with("demo: ")).collect::<Vec<_>>();
    assert_eq!((got, line.len(), lines.len()), (Some(code), 1, 1), "{lines:?}");
    for word in words {
        assert!(lines[0].contains(word), "{word:?} in {lines:?}");
    }
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
    refuses(data.path(), &[], &[], 4, &["keys", "no such file"]);
    assert!(!keys.exists(), "a refused start writes nothing");
    let server = Server::start_in(data, &["--new-keys"]);
    let response = request(&server.address, "GET", "/ready", &[], "").await.unwrap();
    assert_eq!(response.status, 200);
    assert_ne!(fs::read_to_string(&keys).unwrap(), text);
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
