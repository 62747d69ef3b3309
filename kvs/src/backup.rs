//! Backup while the store is in use, restore, and compaction.

use std::{path::Path, pin::pin, sync::Arc, thread, time::Instant};

use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    backend::{Backend, Changes, Rows, Snapshot, copy::Copy, redb::Redb},
    error::{Error, Result},
    key::{self, Span},
    options::Options,
    store::Store,
};

/// How many rows are read at once: enough to be quick, few enough to let others run between.
const STEP: usize = 2048;

/// How much memory the file being written may use for its pages.
const CACHE: usize = 64 << 20;

/// What a backup or a restore has copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// The last commit that is in it.
    pub at: u64,
    /// How many rows of any kind.
    pub rows: u64,
    /// The length of the file written, 0 when the target is no file.
    pub bytes: u64,
}

impl Store {
    /// Writes the present state into a file, which is a store that can be opened with `redb:PATH`. The
    /// store stays in use; the file holds exactly the commits up to [`Copied::at`]. It is never written over
    /// a file that is there ([`Error::Occupied`]), and has its name only when it is complete and on disk.
    /// [`Options::pause`] says how much the work spares the commits meanwhile. `progress` is told how many
    /// rows were written.
    pub async fn backup(&self, path: &Path, progress: impl FnMut(u64)) -> Result<Copied> {
        let snapshot = self.txn().snapshot().await?;
        copy_to_file(&*snapshot, path, self.inner.options.pause, progress).await
    }

    /// Fills the store that the URL names from a backup. There must be nothing in it yet: a file is not
    /// written over ([`Error::Occupied`]), and has its name only when it is complete and on disk.
    pub async fn restore(backup: &Path, url: &str, mut progress: impl FnMut(u64)) -> Result<Copied> {
        if !backup.exists() {
            return Err(Error::NoStore { path: backup.to_owned() });
        }
        let file = url.strip_prefix("redb:").map(Path::new);
        if let Some(path) = file.filter(|path| path.exists()) {
            return Err(Error::Occupied { path: path.to_owned() });
        }
        let source: Arc<dyn Backend> = Arc::new(Redb::look(backup, &Options::default())?);
        let snapshot = source.snapshot().await?;
        if let Some(path) = file {
            return copy_to_file(&*snapshot, path, 0, progress).await;
        }
        let target = Self::open(url).await?;
        let everything = Span { start: Vec::new(), end: None };
        let found = target.inner.backend.snapshot().await?.scan(&everything, false, 1).await?;
        if *target.inner.last.borrow() > 0 || found.len() > 0 {
            return Err(Error::Exists { what: "the target's content".to_owned() });
        }
        let mut copied = Copied { at: snapshot.at(), rows: 0, bytes: 0 };
        let mut left = Some(everything);
        while let Some(span) = left.take() {
            let rows = snapshot.scan(&span, false, STEP).await?;
            left = behind(&span, &rows);
            copied.rows += rows.len() as u64;
            let changes: Changes =
                rows.iter().map(|(key, value)| (key.to_vec(), Some(value.to_vec()))).collect();
            let (backend, at, durable) = (target.inner.backend.clone(), copied.at, left.is_none());
            on_thread(move || backend.begin()?.commit(changes, at, durable)).await?;
            progress(copied.rows);
        }
        Ok(copied)
    }

    /// Rewrites the store's file without the space that is no longer used, and answers its length before
    /// and after. Readers go on; commits wait until it is done. Only a redb store has a file to compact,
    /// for the others it does nothing. `progress` is told how many rows were written.
    pub async fn compact(&self, mut progress: impl FnMut(u64)) -> Result<(u64, u64)> {
        let (backend, condition) = (self.inner.backend.clone(), self.inner.condition.clone());
        let (rows, mut written) = watch::channel(0);
        let work = on_thread(move || {
            // The name gets another file, which is no reason to be alarmed; one that it has already is.
            let work = || {
                backend.compact(&mut |count| {
                    rows.send_replace(count);
                })
            };
            condition.replacing(work, || backend.identity())
        });
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                Ok(()) = written.changed() => progress(*written.borrow_and_update()),
                done = &mut work => return done,
            }
        }
    }
}

/// Copies a snapshot into a new file, written by a thread of its own, which rests after each step `pause`
/// times as long as the step took.
pub(crate) async fn copy_to_file(
    snapshot: &dyn Snapshot,
    path: &Path,
    pause: u32,
    mut progress: impl FnMut(u64),
) -> Result<Copied> {
    if path.exists() {
        return Err(Error::Occupied { path: path.to_owned() });
    }
    let (sender, mut receiver) = mpsc::channel::<Rows>(4);
    let (path, at) = (path.to_owned(), snapshot.at());
    let writing = on_thread(move || {
        let mut copy = Copy::create(&path, CACHE)?;
        let mut complete = false;
        while let Some(rows) = receiver.blocking_recv() {
            // No rows at all say that all were sent; a sender that is gone before has failed.
            complete = rows.len() == 0;
            let started = Instant::now();
            if let Err(error) = copy.add(&rows) {
                copy.discard();
                return Err(error);
            }
            // The reader waits with it, as the channel between them is short.
            thread::sleep(started.elapsed() * pause);
        }
        if complete {
            return copy.finish(at, false).map(|(bytes, _)| bytes);
        }
        copy.discard();
        Err(Error::Closed)
    });
    let reading = async move {
        let mut count = 0;
        let mut left = Some(Span { start: Vec::new(), end: None });
        while let Some(span) = left.take() {
            let rows = snapshot.scan(&span, false, STEP).await?;
            left = behind(&span, &rows);
            count += rows.len() as u64;
            if rows.len() > 0 && sender.send(rows).await.is_err() {
                return Ok(count);
            }
            progress(count);
            tokio::task::yield_now().await;
        }
        // When it cannot be sent the thread has failed, and says so itself.
        let _ = sender.send(Rows::default()).await;
        Ok(count)
    };
    let (count, written) = tokio::join!(reading, writing);
    Ok(Copied { at, rows: count?, bytes: written? })
}

/// What is left of a span after these rows of it.
fn behind(span: &Span, rows: &Rows) -> Option<Span> {
    let last = rows.last().filter(|_| rows.len() == STEP)?;
    Some(Span { start: key::after(last.to_vec()), end: span.end.clone() })
}

/// Runs blocking work on a thread of its own. The thread ends with the work, whoever still waits for it.
pub(crate) async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = oneshot::channel();
    let run = move || {
        // The caller may have gone.
        let _ = sender.send(work());
    };
    let thread = thread::Builder::new().name("kvs-care".to_owned()).spawn(run);
    thread.map_err(|error| Error::io("a thread", error))?;
    receiver.await.map_err(|_| Error::Closed)?
}
