//! A file that is cut or written over under the open store, through its own name: it is refused, and
//! nothing that was acknowledged is silently gone.

use std::{fs, path::Path};

use kvs::{Error, Store};

use crate::common::{Note, note, put};

fn url(path: &Path) -> String {
    format!("redb:{}", path.display())
}

async fn commit(store: &Store, number: u64) -> kvs::Result<()> {
    let mut txn = store.txn();
    txn.put(&note("new", number))?;
    txn.commit().await.map(drop)
}

/// Commits are refused, whatever is tried and however often, and health says so.
async fn refuses(store: &Store, words: &str) {
    let mut refused = String::new();
    for number in 0..4 {
        let error = commit(store, number).await.expect_err("it is refused");
        if let Error::Unknown { source } = &error {
            assert!(matches!(**source, Error::Corrupt { .. }), "{error}");
        } else {
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        }
        refused = error.to_string();
    }
    assert!(refused.contains(words), "{refused}");
    let trouble = store.health().await.trouble.expect("it is not well").to_string();
    assert!(trouble.contains("it is damaged") || trouble.contains("written over"), "{trouble}");
}

#[tokio::test]
async fn a_file_cut_to_nothing_under_the_store_is_not_made_a_new_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let store = Store::open(&url(&path)).await.unwrap();
    for number in 0..3 {
        put(&store, &[note("a", number)]).await;
    }
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    refuses(&store, "the file holds commit 0, 3 were acknowledged").await;
    drop(store);
    assert_eq!(fs::metadata(&path).unwrap().len(), 0, "nothing is written into it");
    let error = Store::open(&url(&path)).await.unwrap_err();
    let rescued = folder.path().join("store.redb.rescued-1");
    assert!(matches!(&error, Error::Missing { rescued: Some(file), .. } if *file == rescued), "{error}");
    assert_eq!(Store::open(&url(&rescued)).await.unwrap().get::<Note>("a").await.unwrap().unwrap().number, 2);
}

#[tokio::test]
async fn a_backup_written_over_the_file_under_the_store_is_not_gone_back_to() {
    let folder = tempfile::tempdir().unwrap();
    let (path, backup) = (folder.path().join("store.redb"), folder.path().join("backup.redb"));
    let store = Store::open(&url(&path)).await.unwrap();
    put(&store, &[note("a", 1)]).await;
    store.backup(&backup, |_| ()).await.unwrap();
    for number in 2..5 {
        put(&store, &[note("a", number)]).await;
    }
    fs::write(&path, fs::read(&backup).unwrap()).unwrap();
    refuses(&store, "the file holds commit 1, 4 were acknowledged").await;
    drop(store);
    // Stopped and started, what stands there is what was put there.
    let store = Store::open(&url(&path)).await.unwrap();
    assert_eq!(store.get::<Note>("a").await.unwrap().unwrap().number, 1);
}
