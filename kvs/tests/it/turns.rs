//! Long reads let others run, and those that block a thread do so beside the runtime.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use kvs::Store;

use crate::common::{Note, each, note, put};

const RECORDS: u64 = 2_000;

async fn fill(store: &Store) {
    put(store, &(0..RECORDS).map(|number| note(&format!("{number:05}"), number)).collect::<Vec<_>>()).await;
}

/// How many turns another task of the same thread had while `work` ran.
async fn turns(work: impl Future) -> u64 {
    let mut turns = 0;
    let other = async {
        loop {
            tokio::task::yield_now().await;
            turns += 1;
        }
    };
    tokio::select! {
        biased;
        _ = work => {}
        () = other => {}
    }
    turns
}

#[tokio::test]
async fn a_long_read_lets_others_run() {
    each(async |store| {
        fill(&store).await;
        let mut txn = store.txn();
        let had = turns(async {
            assert_eq!(txn.range::<Note>("", None, usize::MAX).await.unwrap().len(), RECORDS as usize);
        });
        let had = had.await;
        assert!(had >= RECORDS / 512, "others had {had} turns");
        let mut txn = store.txn();
        let had = turns(async {
            let mut after = None::<String>;
            while let Some(last) = txn.range::<Note>("", after.as_deref(), 50).await.unwrap().pop() {
                after = Some(last.id);
            }
        });
        let had = had.await;
        assert!(had >= RECORDS / 256, "others had {had} turns while pieces were read");
    })
    .await;
}

#[test]
fn long_reads_of_a_file_run_beside_the_runtime_and_short_ones_do_not() {
    let threads = Arc::new(AtomicUsize::new(0));
    let (count, folder) = (threads.clone(), tempfile::tempdir().unwrap());
    let started = move || {
        count.fetch_add(1, Ordering::SeqCst);
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().on_thread_start(started).enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("redb:{}", folder.path().join("store.redb").display());
        let store = Store::open(&url).await.unwrap();
        fill(&store).await;
        let before = threads.load(Ordering::SeqCst);
        for number in 0..RECORDS {
            store.get::<Note>(&format!("{number:05}")).await.unwrap().unwrap();
        }
        store.txn().range::<Note>("", None, 50).await.unwrap();
        assert_eq!(threads.load(Ordering::SeqCst), before, "a short read is not worth a thread");
        store.txn().range::<Note>("", None, 1_000).await.unwrap();
        assert!(threads.load(Ordering::SeqCst) > before);
    });
}
