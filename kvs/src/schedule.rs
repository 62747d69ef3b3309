//! Backups on a schedule, and how many of them are kept.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{
    backup::Copied,
    error::{Error, Result},
    place::beside,
    store::Store,
};

/// How soon a backup that failed is tried again, when it is not due sooner.
const AGAIN: Duration = Duration::from_secs(60);

impl Store {
    /// Makes a backup every so often into a folder, for as long as it is polled, and keeps the newest `keep`
    /// of them. They are called `backup-000001.redb` and so on; other files in the folder are left alone.
    ///
    /// The first one is due when the newest there is older than `every`, or has a time that is still to come,
    /// as after a clock was set back. One that fails is tried again within a minute; it is in the log, and
    /// in [`health`](Self::health) until one succeeds. Older ones are removed only after a newer one is
    /// complete. It needs a tokio runtime with time; dropped, it leaves nothing half done.
    pub async fn backups(&self, folder: &Path, every: Duration, keep: usize) {
        let mut wait = due(folder, every, SystemTime::now());
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
        let number = numbers(folder)?.last().map_or(1, |last| last + 1);
        let file = name(folder, number);
        let copied = self.backup(&file, |_| ()).await?;
        prune(folder, keep)?;
        Ok((file, copied))
    }
}

fn name(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("backup-{number:06}.redb"))
}

/// The numbers of the backups in a folder, in order. A folder that is not there has none.
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

/// Removes the older backups. At least one is kept.
fn prune(folder: &Path, keep: usize) -> Result<()> {
    let numbers = numbers(folder)?;
    let gone = numbers.len().saturating_sub(keep.max(1));
    for number in &numbers[..gone] {
        let file = name(folder, *number);
        fs::remove_file(&file).map_err(|error| Error::io(&file.display().to_string(), error))?;
        // A backup that somebody has opened has more beside it.
        for suffix in [".seal", ".id"] {
            let _ = fs::remove_file(beside(&file, suffix));
        }
    }
    Ok(())
}

/// How long until a backup is due.
fn due(folder: &Path, every: Duration, now: SystemTime) -> Duration {
    let newest = numbers(folder).ok().and_then(|numbers| numbers.last().copied());
    let made = newest.and_then(|newest| fs::metadata(name(folder, newest)).ok()?.modified().ok());
    // One from the future says nothing about its age.
    let age = made.and_then(|made| now.duration_since(made).ok());
    age.map_or(Duration::ZERO, |age| every.saturating_sub(age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_due_when_there_is_none_or_it_is_old_or_the_clock_went_back() {
        let folder = tempfile::tempdir().unwrap();
        let every = Duration::from_secs(3_600);
        assert_eq!(due(&folder.path().join("none"), every, SystemTime::now()), Duration::ZERO);
        let file = name(folder.path(), 3);
        fs::write(&file, "").unwrap();
        let made = fs::metadata(&file).unwrap().modified().unwrap();
        assert_eq!(due(folder.path(), every, made), every);
        assert_eq!(due(folder.path(), every, made + every / 2), every / 2);
        assert_eq!(due(folder.path(), every, made + every * 2), Duration::ZERO);
        assert_eq!(due(folder.path(), every, made - every * 48), Duration::ZERO, "two days back");
    }

    #[test]
    fn only_backups_of_the_schedule_are_removed_and_the_newest_stay() {
        let folder = tempfile::tempdir().unwrap();
        for number in [1, 2, 999_999, 1_000_000] {
            fs::write(name(folder.path(), number), "").unwrap();
        }
        for other in ["backup-7.redb", "backup-000003.redb.new", "backup-x.redb", "demo.redb"] {
            fs::write(folder.path().join(other), "").unwrap();
        }
        prune(folder.path(), 2).unwrap();
        assert_eq!(numbers(folder.path()).unwrap(), [999_999, 1_000_000]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 6);
        prune(folder.path(), 0).unwrap();
        assert_eq!(numbers(folder.path()).unwrap(), [1_000_000], "one is always kept");
    }
}
