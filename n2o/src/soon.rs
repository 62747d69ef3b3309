//! A record that a page writes with its next save: what changes faster than it is worth writing.

use std::{fmt, sync::Arc};

use kvs::{Record, Txn};

type Put = Arc<dyn Fn(&mut Txn) -> kvs::Result<()> + Send + Sync>;

/// The record of a page, as the handlers that ended well left it, and as the one that runs does.
#[derive(Default)]
pub(crate) struct Soon {
    kept: Option<Put>,
    /// `Some(None)` when the handler that runs has given it up.
    fresh: Option<Option<Put>>,
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

    /// Writes the record into a transaction. One that the store does not take is let go: it would be in the
    /// way of all that comes later.
    pub(crate) fn write(&self, txn: &mut Txn) {
        let put = self.fresh.as_ref().unwrap_or(&self.kept);
        if let Some(Err(error)) = put.as_ref().map(|put| put(txn)) {
            tracing::warn!(error = %crate::Shown(error), "a record that was to be kept is not");
        }
    }
}

impl fmt::Debug for Soon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Soon").field("waits", &self.waits()).finish_non_exhaustive()
    }
}
