//! Watching: the changes of a table, a feed or a subtree, read from the change log in commit order. A
//! watcher has no buffer that could overflow; one that is too slow finds the log trimmed, and is told.

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::watch;

use crate::{
    backend::Backend,
    error::{Error, Result},
    key::{self, Span},
    store::Store,
    value::{self, Value},
};

/// How many commits are read from the log at once.
const COMMITS: usize = 128;

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every record and every feed.
    All,
    /// The records of a table.
    Table(String),
    /// Exactly this feed.
    Feed(String),
    /// This feed and those below it.
    Subtree(String),
}

/// Where to watch from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The next commit.
    Now,
    /// The first commit after this one.
    Commit(u64),
}

/// A committed change. It says what changed, not what it is now: that is read when it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The commit's number, to watch from later.
    pub at: u64,
    /// What it changed.
    pub what: Changed,
    /// Whether it is gone: deleted, removed, or cut off.
    pub gone: bool,
}

/// What a change was of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Changed {
    /// A record was put or deleted.
    Record {
        /// Its table.
        table: String,
        /// Its id.
        id: String,
    },
    /// An entry was appended, updated or removed.
    Entry {
        /// Its feed.
        feed: String,
        /// Its position.
        position: u64,
    },
    /// A feed was cut.
    Feed {
        /// Its path.
        feed: String,
    },
}

/// A stream of changes; see [`Store::watch`].
pub struct Watch {
    backend: Arc<dyn Backend>,
    last: watch::Receiver<u64>,
    scope: Scope,
    /// The last commit whose changes were read.
    seen: u64,
    ready: VecDeque<Change>,
}

impl Store {
    /// Watches committed changes, in commit order.
    ///
    /// ```
    /// use kvs::{Changed, Scope, Since, Store};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> kvs::Result<()> {
    /// let store = Store::open("memory:").await?;
    /// let mut watch = store.watch(Scope::Subtree("/chat".into()), Since::Now);
    /// let mut txn = store.txn();
    /// txn.append("/chat/hall", &"hello")?;
    /// let commit = txn.commit().await?;
    /// let change = watch.next().await?;
    /// assert_eq!(change.at, commit.at);
    /// assert_eq!(change.what, Changed::Entry { feed: "/chat/hall".into(), position: 1 });
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn watch(&self, scope: Scope, since: Since) -> Watch {
        let last = self.inner.last.clone();
        let seen = match since {
            Since::Now => *last.borrow(),
            Since::Commit(at) => at,
        };
        Watch { backend: self.inner.backend.clone(), last, scope, seen, ready: VecDeque::new() }
    }
}

impl Watch {
    /// Waits for the next change. [`Error::Lagged`] says that changes are missing; the call after it goes
    /// on with the oldest that are left. [`Error::Closed`] says that the store is. Dropping the future
    /// loses nothing.
    pub async fn next(&mut self) -> Result<Change> {
        loop {
            if let Some(change) = self.ready.pop_front() {
                return Ok(change);
            }
            let last = *self.last.borrow_and_update();
            if last <= self.seen {
                self.last.changed().await.map_err(|_| Error::Closed)?;
                continue;
            }
            self.read(last).await?;
        }
    }

    /// Reads a stretch of the log.
    async fn read(&mut self, last: u64) -> Result<()> {
        let snapshot = self.backend.snapshot().await?;
        let span = Span { start: key::log(self.seen + 1), end: key::successor(&[key::LOG]) };
        let rows = snapshot.scan(&span, false, COMMITS).await?;
        let first = rows.iter().next().map(|(key, _)| key::position(key));
        match first {
            Some(first) if first == self.seen + 1 => {}
            first => {
                self.seen = first.map_or(last, |first| first - 1);
                return Err(Error::Lagged { resume: self.seen });
            }
        }
        for (key, stored) in rows.iter() {
            let at = key::position(key);
            for change in value::unpack(Value::open(key, stored)?.bytes) {
                let Some((gone, key)) = change.split_first() else { continue };
                let Some(what) = changed(key).filter(|what| self.scope.has(what)) else { continue };
                self.ready.push_back(Change { at, what, gone: *gone != 0 });
            }
            self.seen = at;
        }
        Ok(())
    }
}

fn changed(key: &[u8]) -> Option<Changed> {
    match key::parse(key)? {
        (key::RECORD, table, id) => Some(Changed::Record { table, id: String::from_utf8(id.to_vec()).ok()? }),
        (key::ENTRY, feed, _) => Some(Changed::Entry { feed, position: key::position(key) }),
        (key::FEED, feed, _) => Some(Changed::Feed { feed }),
        _ => None,
    }
}

impl Scope {
    fn has(&self, what: &Changed) -> bool {
        match (self, what) {
            (Self::All, _) => true,
            (Self::Table(watched), Changed::Record { table, .. }) => watched == table,
            (Self::Feed(watched), Changed::Entry { feed, .. } | Changed::Feed { feed }) => watched == feed,
            (Self::Subtree(root), Changed::Entry { feed, .. } | Changed::Feed { feed }) => {
                let below = feed.strip_prefix(root.as_str());
                below.is_some_and(|rest| {
                    rest.is_empty() || root.is_empty() || root.ends_with('/') || rest.starts_with('/')
                })
            }
            _ => false,
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("scope", &self.scope).field("seen", &self.seen).finish_non_exhaustive()
    }
}
