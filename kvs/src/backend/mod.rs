//! What a store must be able to do: bytes by ordered keys, snapshots for readers, batches for the one
//! writer. Everything else (records, feeds, conflicts) is built once, above this.

pub(crate) mod aside;
pub(crate) mod copy;
pub(crate) mod disk;
#[cfg(test)]
pub(crate) mod faults;
mod fence;
#[cfg(test)]
mod full;
#[cfg(test)]
mod growth;
pub(crate) mod guard;
mod live;
pub(crate) mod memory;
pub(crate) mod note;
pub(crate) mod open;
pub(crate) mod pages;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
pub(crate) mod redb;
pub(crate) mod seal;
pub(crate) mod tree;
mod view;
pub(crate) mod walk;

use std::{collections::BTreeMap, pin::Pin, sync::Arc, time::Duration};

use crate::{error::Result, key::Span, scrub::Scrubbed};

/// What an asynchronous read answers with.
pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// What a batch writes: keys to new values, `None` deletes.
pub(crate) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Told about commits.
pub(crate) type Notice = Box<dyn Fn(u64) + Send + Sync>;

/// A place that keeps bytes.
pub(crate) trait Backend: Send + Sync + 'static {
    /// The scheme of its URLs.
    fn kind(&self) -> &'static str;

    /// The newest committed state. It never waits for the writer.
    fn snapshot(&self) -> Answer<'_, Arc<dyn Snapshot>>;

    /// Starts the writer's next batch. Only the writer's thread calls it, and it may block. After a failed
    /// disk write this is where the store is opened again.
    fn begin(&self) -> Result<Box<dyn Batch + '_>>;

    /// Gives space back that is no longer used, and says how many bytes the store took before and after.
    fn compact(&self, _progress: &mut dyn FnMut(u64)) -> Result<(u64, u64)> {
        Ok((0, 0))
    }

    /// Which file it is, where it is one; the name may mean another.
    fn identity(&self) -> Option<disk::Identity> {
        None
    }

    /// Whether another has cut the open file or written it over.
    fn is_strange(&self) -> bool {
        false
    }

    /// Asks whether the place answers at all, and waits no longer than `within`.
    fn ping(&self, _within: Duration) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    /// Whether other processes may commit to it, too.
    fn is_shared(&self) -> bool {
        false
    }

    /// Says that the file's name means another file, or none: nothing is written beside it any more.
    fn disown(&self) {}

    /// Calls `notice` with the number of each commit that another process makes.
    fn listen(&self, _notice: Notice) {}

    /// Begins to read the pages of the newest state from the disk, where there are such. It may block.
    fn walk(&self) -> Result<Option<walk::Walk>> {
        Ok(None)
    }

    /// How far the check in the background has come.
    fn scrubbed(&self) -> Scrubbed {
        Scrubbed::default()
    }

    /// Lets the check in the background pause, or go on.
    fn pause_scrub(&self, _paused: bool) {}

    /// How many bytes the store takes, if that can be said.
    fn size(&self) -> Answer<'_, Option<u64>> {
        Box::pin(async { Ok(None) })
    }
}

/// One committed state, unchanged while it is held.
pub(crate) trait Snapshot: Send + Sync {
    /// The number of the last commit in it.
    fn at(&self) -> u64;

    fn get<'a>(&'a self, key: &'a [u8]) -> Answer<'a, Option<Vec<u8>>>;

    /// Says whether reading blocks the thread, such as for a file. What blocks is ready when it is first polled.
    fn blocks(&self) -> bool {
        false
    }

    /// At most `limit` rows of the span in key order, or in reverse.
    fn scan<'a>(&'a self, span: &'a Span, back: bool, limit: usize) -> Answer<'a, Rows>;
}

/// The writer's view: the state that its changes will follow.
pub(crate) trait Batch {
    fn at(&self) -> u64;

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    fn scan(&self, span: &Span, back: bool, limit: usize) -> Result<Rows>;

    /// Writes all changes or none. When `durable`, they and all earlier ones are on disk on return.
    fn commit(self: Box<Self>, changes: Changes, at: u64, durable: bool) -> Result<()>;
}

/// Rows of a scan, one behind the other in a single buffer: a row costs no allocation.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    bytes: Vec<u8>,
    ends: Vec<(usize, usize)>,
}

impl Rows {
    pub(crate) fn push(&mut self, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(key);
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((middle, self.bytes.len()));
    }

    pub(crate) fn truncate(&mut self, rows: usize) {
        if rows < self.ends.len() {
            self.ends.truncate(rows);
            self.bytes.truncate(self.ends.last().map_or(0, |row| row.1));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Rows in the order they were read.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        (0..self.len()).map(|at| self.row(at))
    }

    /// The key of the last row.
    pub(crate) fn last(&self) -> Option<&[u8]> {
        self.len().checked_sub(1).map(|at| self.row(at).0)
    }

    fn row(&self, at: usize) -> (&[u8], &[u8]) {
        let start = if at == 0 { 0 } else { self.ends[at - 1].1 };
        let (middle, end) = self.ends[at];
        (&self.bytes[start..middle], &self.bytes[middle..end])
    }
}
