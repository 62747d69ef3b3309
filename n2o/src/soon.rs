//! A record that a page writes with its next save: what changes faster than it is worth writing.

use std::{fmt, sync::Arc, time::Duration};

use kvs::{Record, Txn};
use tokio::time::Instant;

use crate::cx::Cx;

type Put = Arc<dyn Fn(&mut Txn) -> kvs::Result<()> + Send + Sync>;

/// The record of a page, as the handlers that ended well left it, and as the one that runs does.
#[derive(Default)]
pub(crate) struct Soon {
    kept: Option<Put>,
    /// `Some(None)` when the handler that runs has given it up.
    fresh: Option<Option<Put>>,
    /// When the last one was written.
    written: Option<Instant>,
}

impl Soon {
    pub(crate) fn put<R: Record + Send + Sync + 'static>(&mut self, record: R) {
        self.fresh = Some(Some(Arc::new(move |txn: &mut Txn| txn.put(&record))));
    }

    pub(crate) fn give_up(&mut self) {
        self.fresh = Some(None);
    }

    /// Takes what the handler did as done.
    pub(crate) fn settle(&mut self) {
        if let Some(fresh) = self.fresh.take() {
            self.kept = fresh;
        }
    }

    pub(crate) fn rollback(&mut self) {
        self.fresh = None;
    }

    pub(crate) fn waits(&self) -> bool {
        self.fresh.as_ref().unwrap_or(&self.kept).is_some()
    }

    /// Says whether the record is to be written now: none was for as long as `pause`.
    pub(crate) fn is_due(&self, now: Instant, pause: Duration) -> bool {
        self.waits() && self.written.is_none_or(|at| now.saturating_duration_since(at) >= pause)
    }

    /// Notes that what waits is written.
    pub(crate) fn done(&mut self) {
        let waited = self.waits();
        (self.kept, self.fresh) = (None, None);
        if waited {
            self.written = Some(Instant::now());
        }
    }

    /// Writes the record into a transaction. One that the store does not take is let go: it would be in the
    /// way of all that comes later.
    pub(crate) fn write(&self, txn: &mut Txn) {
        let put = self.fresh.as_ref().unwrap_or(&self.kept);
        if let Some(Err(error)) = put.as_ref().map(|put| put(txn)) {
            tracing::warn!(error = %crate::Shown(error), "a record that was to be kept is not");
        }
    }
}

impl Cx {
    /// Writes a record with this handler's transaction, but at most once in
    /// [`Limits::save`](crate::Limits::save): one that comes sooner waits until that has passed, until a
    /// handler writes anything else, or until the client goes, whichever is first. A kill before that loses
    /// it. It is for what changes faster than it is worth writing, such as what a user types: of the records
    /// that wait only the last is written, and it replaces whatever has its id.
    pub fn put_soon<R: Record>(&mut self, record: R) {
        self.soon.get_or_insert_default().put(record);
    }

    /// Gives up the record of [`put_soon`](Cx::put_soon), unless it is written already.
    pub fn give_up_soon(&mut self) {
        if let Some(soon) = &mut self.soon {
            soon.give_up();
        }
    }

    /// Says whether a record of [`put_soon`](Cx::put_soon) is to be written now.
    pub(crate) fn soon_is_due(&self, now: Instant) -> bool {
        self.soon.as_ref().is_some_and(|soon| soon.is_due(now, self.node().limits().save))
    }

    /// Says whether a record waits for the next save.
    pub(crate) fn has_soon(&self) -> bool {
        self.soon.as_ref().is_some_and(|soon| soon.waits())
    }
}

impl fmt::Debug for Soon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Soon").field("waits", &self.waits()).finish_non_exhaustive()
    }
}
