//! A child process under load is killed with SIGKILL: what it was told is on disk must be there.
//!
//! `KVS_KILLS` says how often, 200 times by default.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use kvs::{From, Store};

const CHILD: &str = "KVS_CRASH_CHILD";

/// The child: appends from several tasks, and prints each append that was acknowledged.
#[test]
fn child() {
    let Ok(url) = env::var(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&url).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..4u64 {
            let store = store.clone();
            tasks.spawn(async move {
                for number in 0u64.. {
                    let mut txn = store.txn();
                    txn.append("/log", &(task, number)).unwrap();
                    txn.append("/twin", &(task, number)).unwrap();
                    let commit = txn.commit().await.unwrap();
                    let line = format!("ack {} {task} {number}\n", commit.positions[0]);
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            });
        }
        tasks.join_all().await;
    });
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_two_hundred_kills() {
    let rounds = env::var("KVS_KILLS").map_or(200, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    for round in 0..rounds {
        // A store lives through twenty kills, then another one begins, so that reading it all stays short.
        let url = format!("redb:{}", folder.path().join(format!("{}.redb", round / 20)).display());
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "crash::child", "--nocapture"])
            .env(CHILD, &url)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acks = Vec::new();
        let mut started = None;
        for line in lines.by_ref() {
            let line = line.unwrap();
            let Some(ack) = line.strip_prefix("ack ") else { continue };
            acks.push(ack.to_owned());
            let started = *started.get_or_insert_with(Instant::now);
            if started.elapsed() > Duration::from_millis(1 + 7 * round % 60) {
                child.kill().unwrap();
                break;
            }
        }
        // Lines still in the pipe were acknowledged too; the last one may be cut.
        let mut rest: Vec<_> = lines.map_while(Result::ok).collect();
        rest.pop();
        acks.extend(rest.into_iter().filter_map(|line| line.strip_prefix("ack ").map(str::to_owned)));
        child.wait().unwrap();

        let store = Store::open(&url).await.expect("the store opens after a kill");
        let mut txn = store.txn();
        let entries: Vec<(u64, (u64, u64))> = txn.feed("/log", From::Start, usize::MAX).await.unwrap();
        let twins: Vec<(u64, (u64, u64))> = txn.feed("/twin", From::Start, usize::MAX).await.unwrap();
        assert_eq!(entries, twins, "a transaction is there whole or not at all");
        assert_eq!(txn.count("/log").await.unwrap(), entries.len() as u64);
        for ack in &acks {
            let parts: Vec<u64> = ack.split(' ').map(|part| part.parse().unwrap()).collect();
            let entry = entries[parts[0] as usize - 1];
            assert_eq!(entry, (parts[0], (parts[1], parts[2])), "round {round}");
        }
        assert!(!acks.is_empty());
        if round % 20 == 19 {
            let report = store.check(|_| ()).await.unwrap();
            assert_eq!(report.wrong, 0, "{:?}", report.problems);
        }
    }
}
