//! Opening: what stands in the way is named, with the path and what to do.

use std::{fs, os::unix::fs::PermissionsExt};

use kvs::{Error, Store};

use crate::common::{Note, note, put};

#[tokio::test]
async fn a_store_is_made_with_its_folder_and_opens_again_with_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("redb:{}", folder.path().join("a/b/store.redb").display());
    let store = Store::open(&url).await.unwrap();
    put(&store, &[note("a", 1)]).await;
    let mut txn = store.txn();
    txn.append("/f", &1).unwrap();
    let at = txn.commit().await.unwrap().at;
    drop(store);
    let store = Store::open(&url).await.unwrap();
    assert_eq!(store.get::<Note>("a").await.unwrap(), Some(note("a", 1)));
    let mut txn = store.txn();
    txn.append("/f", &2).unwrap();
    let commit = txn.commit().await.unwrap();
    assert!(commit.at > at);
    assert_eq!(commit.positions, [2]);
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let url = format!("redb:{}", path.display());
    for unknown in ["", "redb:", "mysql://x", "memory:x", "/a/path"] {
        let error = Store::open(unknown).await.unwrap_err();
        assert!(matches!(&error, Error::Url { url } if url == unknown), "{error}");
    }

    let store = Store::open(&url).await.unwrap();
    let error = Store::open(&url).await.unwrap_err();
    let holder = format!("process {}", std::process::id());
    assert!(matches!(&error, Error::Locked { holder: h, .. } if h.starts_with(&holder)), "{error}");
    assert!(error.to_string().contains("store.redb"), "{error}");
    drop(store);
    Store::open(&url).await.expect("the lock ends with the store");

    fs::write(&path, "this is no store").unwrap();
    let error = Store::open(&url).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("store.redb"), "{error}");

    fs::write(&path, vec![0xa5; 1 << 20]).unwrap();
    let error = Store::open(&url).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");

    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(&format!("redb:{}", file.join("store.redb").display())).await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "a file where a folder is needed: {error:?}");
    let error = Store::open(&format!("redb:{}", folder.path().display())).await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "a folder where a file is needed: {error:?}");
}

#[tokio::test]
async fn a_folder_that_may_not_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(closed.join("probe"), "").is_ok() {
        return; // The superuser may write everywhere.
    }
    let error = Store::open(&format!("redb:{}", closed.join("store.redb").display())).await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
}

/// What a power cut can leave of the folder while a store is compacted: the old file or the new one, with
/// the seal of either, a part of one, or none, and the file that was being written, whole or not.
#[tokio::test]
async fn whatever_a_power_cut_leaves_of_a_compaction_opens_with_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let url = format!("redb:{}", path.display());
    let seal = folder.path().join("store.redb.seal");
    let making = folder.path().join("store.redb.new");
    let notes: Vec<_> = (0..200).map(|number| note(&format!("{number:03}"), number)).collect();
    put(&Store::open(&url).await.unwrap(), &notes).await;
    let old = (fs::read(&path).unwrap(), fs::read(&seal).unwrap());
    Store::open(&url).await.unwrap().compact(|_| ()).await.unwrap();
    let new = (fs::read(&path).unwrap(), fs::read(&seal).unwrap());
    assert_ne!(old.0, new.0);
    let cut = |bytes: &[u8], length: usize| bytes[..length].to_vec();
    let seals = [
        None,
        Some(Vec::new()),
        Some(old.1.clone()),
        Some(new.1.clone()),
        Some(cut(&new.1, 20)),
        Some(cut(&old.1, old.1.len() - 2)),
    ];
    for store in [&old.0, &new.0] {
        for sealed in &seals {
            for left in [None, Some(&new.0[..]), Some(&new.0[..5000]), Some(&[][..])] {
                let _ = fs::remove_file(&seal);
                let _ = fs::remove_file(&making);
                fs::write(&path, store).unwrap();
                if let Some(sealed) = sealed {
                    fs::write(&seal, sealed).unwrap();
                }
                if let Some(left) = left {
                    fs::write(&making, left).unwrap();
                }
                let store = Store::open(&url).await.unwrap();
                assert_eq!(store.txn().range::<Note>("", None, 999).await.unwrap(), notes);
                let compacted = store.compact(|_| ()).await;
                match left.filter(|left| !left.is_empty()) {
                    None => assert!(compacted.is_ok(), "{compacted:?}"),
                    // It may hold something: nobody takes it away but who has looked at it.
                    Some(left) => {
                        assert!(matches!(compacted, Err(Error::Leftover { .. })), "{compacted:?}");
                        assert_eq!(fs::read(&making).unwrap(), left);
                    }
                }
                assert_eq!(store.check(|_| ()).await.unwrap().wrong, 0);
            }
        }
    }
    // Of a store that was being made there is nothing yet, or what has no name.
    fs::remove_file(&path).unwrap();
    fs::remove_file(folder.path().join("store.redb.id")).unwrap();
    let _ = fs::remove_file(&seal);
    fs::write(&making, &new.0[..5000]).unwrap();
    let error = Store::open(&url).await.unwrap_err();
    assert!(matches!(error, Error::Leftover { .. }) && !path.exists(), "{error}");
    fs::write(&making, "").unwrap();
    put(&Store::open(&url).await.unwrap(), &notes).await;
}
