//! Transactions: what was read, what is to be written, and the commit. The verbs for
//! records are in `records`, those for feeds in `feed`.

use std::{
    ops::Bound,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use serde::Serialize;
use tokio::{runtime::Handle, sync::oneshot};

use crate::{
    backend::{Rows, Snapshot},
    codec,
    commit::{self, Commit, Hook, Reads, Request, SpanRead, Writes},
    error::{Error, Result},
    key::{self, Span},
    store::Inner,
    value::Value,
};

/// Rows that a transaction reads before others have a turn; so many at once are read on a thread of their own.
const TURN: usize = 128;
/// Most rows that are read at once; a span that has more is read in pieces.
const MOST: usize = 512;

/// An optimistic transaction.
///
/// It reads one unchanging state, the newest at its first read, and its own writes over it. Writes are
/// buffered. [`commit`](Self::commit) checks that nothing it read was changed meanwhile; a transaction that
/// only reads always commits. Dropped, it is as if it had never been.
///
/// ```
/// # use std::borrow::Cow;
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Account { id: String, cents: i64 }
/// # impl kvs::Record for Account {
/// #     const TABLE: &'static str = "account";
/// #     fn id(&self) -> Cow<'_, str> { Cow::Borrowed(&self.id) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kvs::Result<()> {
/// # let store = kvs::Store::open("memory:").await?;
/// let mut txn = store.txn();
/// txn.put(&Account { id: "alice".into(), cents: 100 })?;
/// txn.append("/bank/log", &("alice", 100))?;
/// let commit = txn.commit().await?;
/// assert_eq!(commit.positions, [1]);
///
/// let mut txn = store.txn();
/// let alice: Account = txn.get("alice").await?.expect("it was put");
/// assert_eq!(alice.cents, 100);
/// # Ok(())
/// # }
/// ```
pub struct Txn {
    pub(crate) inner: Arc<Inner>,
    /// The state it reads, taken at the first read.
    snapshot: Option<Arc<dyn Snapshot>>,
    pub(crate) reads: Reads,
    pub(crate) writes: Writes,
    hooks: Vec<Hook>,
    durable: bool,
    /// Rows read since others had a turn.
    rows: usize,
}

impl Txn {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self {
            inner,
            snapshot: None,
            reads: Reads::default(),
            writes: Writes::default(),
            hooks: Vec::new(),
            durable: true,
            rows: 0,
        }
    }

    /// Runs `f` once the transaction is committed, on the writer's thread: in commit order, after the data
    /// is on disk, before the commit is answered and before anything of a later commit. It must not block,
    /// and must not wait for this store, but may spawn tasks: it runs in the runtime of the one who commits.
    /// When it panics that is logged, and the commit, its other hooks and the writer go on. It is dropped unrun
    /// when the transaction is not committed.
    pub fn on_commit(&mut self, f: impl FnOnce(&Commit) + Send + 'static) {
        self.hooks.push(Box::new(f));
    }

    /// Whether committing would write anything.
    #[must_use]
    pub fn wrote(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Lets the commit be answered before it is on disk. It is written behind within
    /// [`Options::behind`](crate::Options::behind), in order: a crash loses the newest such commits,
    /// never one in the middle, and nothing that a later durable commit followed.
    pub fn behind(&mut self) {
        self.durable = false;
    }

    /// Makes the commit wait, even when it writes nothing, until all that was committed before is on disk.
    pub fn flush(&mut self) {
        self.on_commit(|_| ());
        self.durable = true;
    }

    /// Commits. It answers when the data is on disk, or with [`Error::Conflict`] when something that was
    /// read has been changed by another commit; then nothing was written. A future that is dropped while it
    /// waits leaves the commit to happen or not.
    pub async fn commit(self) -> Result<Commit> {
        if self.writes.is_empty() && self.hooks.is_empty() {
            let at =
                self.snapshot.as_ref().map_or_else(|| *self.inner.last.borrow(), |snapshot| snapshot.at());
            return Ok(Commit::new(at, Vec::new()));
        }
        let place = self.inner.queue.place().await?;
        let (answer, answered) = oneshot::channel();
        let Self { inner, snapshot, reads, writes, hooks, durable, .. } = self;
        // Without a snapshot nothing was read, and any state will do.
        let base = snapshot.as_ref().map_or(0, |snapshot| snapshot.at());
        // The old state is let go before the wait, so that its space can be used again.
        drop(snapshot);
        let runtime = if hooks.is_empty() { None } else { Handle::try_current().ok() };
        let request = Request { base, reads, writes, hooks, runtime, durable, answer, _place: place };
        inner.queue.push(request)?;
        // A writer that ended in the middle has left no word.
        answered.await.map_err(|_| Error::Unknown { source: Arc::new(Error::Closed) })?
    }

    /// Milliseconds since 1970 by the store's clock.
    pub(crate) fn now(&self) -> u64 {
        self.inner.options.clock.millis()
    }

    /// Reads one of the store's own values and notes it.
    pub(crate) async fn read(&mut self, key: Vec<u8>) -> Result<Option<Vec<u8>>> {
        let stored = self.snapshot().await?.get(&key).await?;
        let version =
            stored.as_deref().map_or(Ok(0), |stored| Value::open(&key, stored).map(|v| v.version))?;
        self.reads.keys.insert(key, version);
        Ok(stored)
    }

    /// The state this transaction reads.
    pub(crate) async fn snapshot(&mut self) -> Result<Arc<dyn Snapshot>> {
        if let Some(snapshot) = &self.snapshot {
            return Ok(snapshot.clone());
        }
        let snapshot = self.inner.backend.snapshot().await?;
        Ok(self.snapshot.insert(snapshot).clone())
    }

    /// Reads rows and notes them, so that a change of the range they cover is a conflict.
    pub(crate) async fn chunk(&mut self, span: Span, back: bool, limit: usize) -> Result<Chunk> {
        let limit = limit.min(MOST);
        let (span, rows) = self.scan(span, back, limit).await?;
        self.rows += rows.len();
        if self.rows >= TURN {
            self.rows = 0;
            tokio::task::yield_now().await;
        }
        let cut = rows.last().filter(|_| rows.len() == limit).map(<[u8]>::to_vec);
        let (read, left) = match cut {
            None => (span, None),
            Some(last) if back => {
                let left = Span { start: span.start, end: Some(last.clone()) };
                (Span { start: last, end: span.end }, Some(left))
            }
            Some(last) => {
                let middle = key::after(last);
                let left = Span { start: middle.clone(), end: span.end };
                (Span { start: span.start, end: Some(middle) }, Some(left))
            }
        };
        let digest = commit::digest(&rows, back);
        self.reads.spans.push(SpanRead { span: read.clone(), rows: rows.len(), digest });
        Ok(Chunk { rows, read, left: left.filter(|left| !left.is_empty()) })
    }

    /// Reads rows, many at once on a thread of their own when that blocks.
    async fn scan(&mut self, span: Span, back: bool, limit: usize) -> Result<(Span, Rows)> {
        let snapshot = self.snapshot().await?;
        if limit < TURN || !snapshot.blocks() || Handle::try_current().is_err() {
            let rows = snapshot.scan(&span, back, limit).await?;
            return Ok((span, rows));
        }
        let place = self.inner.readers.clone().acquire_owned().await.map_err(|_| Error::Closed)?;
        let read = tokio::task::spawn_blocking(move || {
            let done =
                snapshot.scan(&span, back, limit).as_mut().poll(&mut Context::from_waker(Waker::noop()));
            drop((place, snapshot));
            // What blocks is ready at once, whoever polls it.
            let Poll::Ready(rows) = done else { return Err(Error::Closed) };
            rows.map(|rows| (span, rows))
        });
        // Only the end of the runtime takes the thread away.
        read.await.map_err(|_| Error::Closed)?
    }

    pub(crate) fn encode<T: Serialize>(&self, value: &T, what: impl Fn() -> String) -> Result<Vec<u8>> {
        let bytes = codec::encode(value, &what)?;
        let limit = self.inner.options.max_value;
        if bytes.len() > limit {
            return Err(Error::TooLarge { what: what(), size: bytes.len(), limit });
        }
        Ok(bytes)
    }

    /// Checks the length of an id or a path.
    pub(crate) fn fits(&self, name: &str, what: impl FnOnce() -> String) -> Result<()> {
        let limit = self.inner.options.max_id;
        if name.len() > limit {
            return Err(Error::TooLarge { what: what(), size: name.len(), limit });
        }
        Ok(())
    }
}

/// Rows that were read, the span they cover, and what is left of the span asked for.
pub(crate) struct Chunk {
    pub(crate) rows: Rows,
    pub(crate) read: Span,
    pub(crate) left: Option<Span>,
}

pub(crate) fn bounds(span: &Span) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (Bound::Included(&span.start), span.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded))
}

impl std::fmt::Debug for Txn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.snapshot.as_ref().map(|snapshot| snapshot.at());
        f.debug_struct("Txn").field("at", &at).field("writes", &self.writes).finish_non_exhaustive()
    }
}
