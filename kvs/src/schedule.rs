//! Backups on a schedule, and how many of them are kept.

use std::{
    borrow::Cow,
    fs,
    hash::{BuildHasher, RandomState},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use crate::{
    backup::Copied,
    error::{Error, Result},
    options::Options,
    place::beside,
    record::Record,
    store::Store,
};

/// How soon a backup that failed is tried again, when it is not due sooner.
const AGAIN: Duration = Duration::from_secs(60);

/// How many names are tried when another store makes its backups in the same folder at the same time.
const NAMES: u64 = 8;

/// What the backups of a store are known by, among those of others. It is in the store, and so in each of them.
#[derive(Debug, Serialize, Deserialize)]
struct Origin {
    id: String,
}

impl Record for Origin {
    const TABLE: &'static str = "kvs.origin";

    fn id(&self) -> Cow<'_, str> {
        Self::ID.into()
    }
}

impl Origin {
    const ID: &'static str = "store";

    fn new() -> Self {
        let half = || RandomState::new().hash_one(SystemTime::now());
        Self { id: format!("{:016x}{:016x}", half(), half()) }
    }
}

impl Store {
    /// Makes a backup every so often into a folder, for as long as it is polled, and keeps the newest `keep`
    /// of them. They are called `backup-000001.redb` and so on; whatever else is in the folder is left alone, and
    /// is no backup: files of other names, backups of other stores, and what cannot be opened.
    ///
    /// The first one is due when the newest there is older than `every`, or has a time that is still to come,
    /// as after a clock was set back. One that fails is tried again within a minute; it is in the log, and
    /// in [`health`](Self::health) until one succeeds. Older ones are removed only after a newer one is
    /// complete, and the log names each. It needs a tokio runtime with time; dropped, it leaves nothing half done.
    ///
    /// A record in the table `kvs.origin` says which backups are the store's.
    pub async fn backups(&self, folder: &Path, every: Duration, keep: usize) {
        let mut wait = match self.origin().await {
            Ok(origin) => due(folder, &origin, every, SystemTime::now()).await,
            Err(_) => Duration::ZERO,
        };
        loop {
            tokio::time::sleep(wait).await;
            let done = self.scheduled(folder, keep).await;
            self.inner.condition.backed_up(done.as_ref().map(drop));
            wait = match done {
                Ok((file, copied)) => {
                    tracing::info!(backup = %file.display(), store.at = copied.at, rows = copied.rows, "backup made");
                    every
                }
                Err(error) => {
                    tracing::error!(folder = %folder.display(), error = %error, "a scheduled backup failed");
                    every.min(AGAIN)
                }
            };
        }
    }

    async fn scheduled(&self, folder: &Path, keep: usize) -> Result<(PathBuf, Copied)> {
        let _turn = self.inner.care.lock().await;
        // A store that cannot be written is backed up all the same, and then nothing is removed.
        let origin = self.origin().await;
        let mut number = numbers(folder)?.last().map_or(1, |last| last + 1);
        let last = number + NAMES;
        let (file, copied) = loop {
            let file = name(folder, number);
            match self.backup(&file, |_| ()).await {
                Err(Error::Occupied { .. } | Error::Underway { .. }) if number < last => number += 1,
                done => break (file, done?),
            }
        };
        match origin {
            Ok(origin) => prune(folder, &origin, keep).await?,
            Err(error) => tracing::warn!(error = %error, "older backups stay: the store cannot be written"),
        }
        Ok((file, copied))
    }

    /// What the backups of this store are known by.
    async fn origin(&self) -> Result<String> {
        loop {
            let mut txn = self.txn();
            if let Some(origin) = txn.get::<Origin>(Origin::ID).await? {
                return Ok(origin.id);
            }
            txn.put_new(&Origin::new())?;
            match txn.commit().await {
                // Another node was faster.
                Err(Error::Conflict { .. } | Error::Exists { .. }) => {}
                done => drop(done?),
            }
        }
    }
}

/// The store that a backup is of, when it says so.
async fn origin_of(file: &Path) -> Result<Option<String>> {
    let url = format!("redb:{}", file.display());
    let backup = Store::open_with(&url, Options::new().looks(true)).await?;
    Ok(backup.get::<Origin>(Origin::ID).await?.map(|origin| origin.id))
}

fn name(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("backup-{number:06}.redb"))
}

/// The numbers of what is called as a backup in a folder, in order. A folder that is not there has none.
fn numbers(folder: &Path) -> Result<Vec<u64>> {
    let fail = |error| Error::io(&folder.display().to_string(), error);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let found = entry.map_err(fail)?.file_name();
        let number = found.to_str().and_then(|found| {
            let number = found.strip_prefix("backup-")?.strip_suffix(".redb")?.parse().ok()?;
            // Only what is called exactly as a backup is: `backup-7.redb` is somebody's own.
            (name(Path::new(""), number).as_os_str() == found).then_some(number)
        });
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The backups of a store in a folder, the newest first; at most `most`, when that is given.
async fn of(folder: &Path, origin: &str, most: usize) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for number in numbers(folder)?.into_iter().rev() {
        let file = name(folder, number);
        match origin_of(&file).await {
            Ok(of) if of.as_deref() == Some(origin) => found.push(file),
            Ok(_) => {
                tracing::debug!(path = %file.display(), "a backup of another store, or of an older version, is left alone");
            }
            Err(error) => {
                tracing::warn!(path = %file.display(), error = %error, "this is no backup, and left alone")
            }
        }
        if found.len() == most {
            break;
        }
    }
    Ok(found)
}

/// Removes the older backups of a store. At least one is kept.
async fn prune(folder: &Path, origin: &str, keep: usize) -> Result<()> {
    for file in of(folder, origin, usize::MAX).await?.into_iter().skip(keep.max(1)) {
        fs::remove_file(&file).map_err(|error| Error::io(&file.display().to_string(), error))?;
        tracing::info!(backup = %file.display(), keep, "an older backup was removed");
        // A backup that somebody has opened has more beside it.
        for suffix in [".seal", ".id", ".lock"] {
            let _ = fs::remove_file(beside(&file, suffix));
        }
    }
    Ok(())
}

/// How long until a backup is due.
async fn due(folder: &Path, origin: &str, every: Duration, now: SystemTime) -> Duration {
    let newest = of(folder, origin, 1).await.unwrap_or_default();
    let made = newest.first().and_then(|newest| fs::metadata(newest).ok()?.modified().ok());
    // One from the future says nothing about its age.
    let age = made.and_then(|made| now.duration_since(made).ok());
    age.map_or(Duration::ZERO, |age| every.saturating_sub(age))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn store() -> (Store, String) {
        let store = Store::open("memory:").await.unwrap();
        let origin = store.origin().await.unwrap();
        (store, origin)
    }

    async fn copy(store: &Store, folder: &Path, number: u64) {
        store.backup(&name(folder, number), |_| ()).await.unwrap();
    }

    #[tokio::test]
    async fn a_backup_is_due_when_there_is_none_or_it_is_old_or_the_clock_went_back() {
        let folder = tempfile::tempdir().unwrap();
        let every = Duration::from_secs(3_600);
        let (store, origin) = store().await;
        let due = async |folder: &Path, now| super::due(folder, &origin, every, now).await;
        assert_eq!(due(&folder.path().join("none"), SystemTime::now()).await, Duration::ZERO);
        copy(&store, folder.path(), 3).await;
        let made = fs::metadata(name(folder.path(), 3)).unwrap().modified().unwrap();
        // What is no backup, or another's, is as if it were not there.
        fs::write(name(folder.path(), 9), "").unwrap();
        copy(&self::store().await.0, folder.path(), 8).await;
        assert_eq!(due(folder.path(), made).await, every);
        assert_eq!(due(folder.path(), made + every / 2).await, every / 2);
        assert_eq!(due(folder.path(), made + every * 2).await, Duration::ZERO);
        assert_eq!(due(folder.path(), made - every * 48).await, Duration::ZERO, "two days back");
    }

    #[tokio::test]
    async fn only_a_stores_own_backups_are_counted_and_removed_and_the_newest_stay() {
        let folder = tempfile::tempdir().unwrap();
        let ((store, origin), (another, _)) = (store().await, self::store().await);
        for number in [1, 2, 999_998, 1_000_000] {
            copy(&store, folder.path(), number).await;
        }
        copy(&another, folder.path(), 4).await;
        fs::write(name(folder.path(), 900), "do not delete").unwrap();
        fs::write(name(folder.path(), 999_999), "").unwrap();
        for other in ["backup-7.redb", "backup-000003.redb.new", "backup-x.redb", "demo.redb"] {
            fs::write(folder.path().join(other), "").unwrap();
        }
        let left = || {
            let numbers = numbers(folder.path()).unwrap();
            numbers.into_iter().filter(|number| ![4, 900, 999_999].contains(number)).collect::<Vec<_>>()
        };
        let own = ["backup-000001.", "backup-000002.", "backup-999998.", "backup-1000000."];
        let others = || {
            let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
            names.filter(|name| !own.iter().any(|own| name.to_str().unwrap().starts_with(own))).count()
        };
        let before = others();
        prune(folder.path(), &origin, 2).await.unwrap();
        assert_eq!(left(), [999_998, 1_000_000]);
        prune(folder.path(), &origin, 0).await.unwrap();
        assert_eq!(left(), [1_000_000], "one is always kept");
        assert_eq!(others(), before, "whatever is not this store's backup is left alone");
    }

    #[tokio::test]
    async fn stores_that_share_a_folder_take_no_name_from_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let ((one, _), (other, _)) = (store().await, store().await);
        for _ in 0..3 {
            let (one, other) =
                tokio::join!(one.scheduled(folder.path(), 2), other.scheduled(folder.path(), 2));
            assert_ne!(one.unwrap().0, other.unwrap().0);
        }
        assert_eq!(numbers(folder.path()).unwrap().len(), 4, "two of each");
    }

    #[tokio::test]
    async fn a_restored_store_goes_on_with_its_backups() {
        let folder = tempfile::tempdir().unwrap();
        let (store, origin) = store().await;
        let (file, _) = store.scheduled(folder.path(), 2).await.unwrap();
        let url = format!("redb:{}", folder.path().join("restored.redb").display());
        Store::restore(&file, &url, |_| ()).await.unwrap();
        assert_eq!(Store::open(&url).await.unwrap().origin().await.unwrap(), origin);
    }
}
