//! The records that a page writes with its next save, as handlers put and read it.

use std::sync::Arc;

use kvs::Record;
use tokio::time::Instant;

use crate::{cx::Cx, error::Result, soon::Soon};

impl Cx {
    /// Writes a record with this handler's transaction, but at most once in
    /// [`Limits::save`](crate::Limits::save): one that comes sooner waits until that has passed, until a
    /// handler writes anything else, or until the client goes, whichever is first. A kill before that loses
    /// it. It is for what changes faster than it is worth writing, such as what a user types: of the records
    /// of one table and id only the last is written, and it replaces what has that id.
    pub fn put_soon<R: Record>(&mut self, record: R) {
        if self.soon.is_none() {
            self.soon = Some(Box::new(Soon::new(self.node.waits())));
        }
        if let Some(soon) = &mut self.soon {
            soon.put(record);
        }
    }

    /// Reads a record that pages of this node write with [`put_soon`](Cx::put_soon). One that waits in another
    /// page is written first.
    pub async fn get_soon<R: Record>(&mut self, id: &str) -> Result<Option<R>> {
        let (waits, store) = (Arc::clone(self.node.waits()), self.node.store().clone());
        if !waits.write(&store, R::TABLE, id).await? {
            return Ok(self.kvs().get(id).await?);
        }
        // The transaction of this handler may have begun before.
        Ok(store.txn().get(id).await?)
    }

    /// Gives up a record of [`put_soon`](Cx::put_soon), unless it is written already.
    pub fn give_up_soon<R: Record>(&mut self, id: &str) {
        if let Some(soon) = &mut self.soon {
            soon.give_up(R::TABLE, id);
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
