//! A page's state: taken after each event, saved with what the event wrote or a little later, restored.

use kvs::Record;
use tokio::time::Instant;

use super::{End, Process, State};
use crate::{
    delivery::Delivery,
    error::{Error, Result},
    formatter::Format,
    saved::{self, Saved},
    timers::Timers,
};

impl Process {
    pub(super) async fn restore(&mut self, answered: u64, format: Format) -> Result {
        let id = saved::record_id(self.cx.page());
        let saved = match self.node().store().txn().get_versioned::<Saved>(&id).await {
            Err(error @ kvs::Error::Decode { .. }) => return Err(self.outdated(&error)),
            saved => saved?,
        };
        self.lost = answered > saved.as_ref().map_or(0, |(_, saved)| saved.last);
        self.delivery = match saved {
            Some((version, saved)) => {
                self.version = version;
                self.cx.timers = Timers::restored(saved.timers);
                self.fresh = State { bytes: saved.state, own: saved.own, timers: self.cx.timers.clone() };
                if let Err(error) = self.protocols.restore(&self.fresh) {
                    return Err(self.outdated(&error));
                }
                let kept = if saved.json { Format::Json } else { Format::Cbor };
                Delivery::restored(saved.last.max(answered), kept, saved.answers)
            }
            // Nothing was ever saved of this page, so none of its events wrote to the store: what the
            // client has seen answered is all there is.
            None => Delivery::restored(answered, format, Vec::new()),
        };
        Ok(())
    }

    /// The page was saved by another version of the program, whose state this one cannot read: the client
    /// fetches the page anew.
    fn outdated(&self, error: &dyn std::fmt::Display) -> Error {
        tracing::warn!(page.path = self.cx.path(), %error, "saved page is of another version");
        Error::NotFound
    }

    /// Takes the state of a page that has just begun as what later failures are taken back to.
    pub(super) fn snapshot(&mut self) -> Result {
        self.take()?;
        self.settled();
        Ok(())
    }

    /// Takes the state as a handler has left it.
    pub(super) fn take(&mut self) -> Result {
        self.protocols.save(&mut self.fresh)?;
        self.fresh.timers.clone_from(&self.cx.timers);
        self.is_small()
    }

    /// Takes what the page now is as what later failures are taken back to.
    pub(super) fn settled(&mut self) {
        std::mem::swap(&mut self.state, &mut self.fresh);
        if let Err(error) = self.protocols.settle() {
            tracing::error!(page.path = self.cx.path(), %error, "page could not be settled");
        }
    }

    /// The record of the page as it is between two turns.
    pub(super) fn present(&self) -> Saved {
        let last = self.delivery.last;
        self.record(last, self.delivery.answers(last, self.node().limits()))
    }

    pub(super) fn record(&self, last: u64, answers: Vec<(u64, Vec<u8>)>) -> Saved {
        Saved {
            id: saved::record_id(self.cx.page()),
            session: self.cx.session_handle().key.clone(),
            at: self.node().clock().secs(),
            state: self.fresh.bytes.clone(),
            own: self.fresh.own,
            timers: self.fresh.timers.saved(),
            last,
            json: self.delivery.format().is_text(),
            answers,
        }
    }

    /// Notes that the state differs from what is saved, when it does.
    pub(super) fn changed(&mut self) {
        if self.save_at.is_none() && (self.fresh != self.state || self.cx.has_soon()) {
            self.save_at = Some(Instant::now() + self.node().limits().save);
        }
    }

    /// Saves the state when it has changed since it was last saved.
    pub(super) async fn save(&mut self) -> Result<(), End> {
        if self.save_at.is_none() {
            return Ok(());
        }
        self.fresh.clone_from(&self.state);
        let saved = self.present();
        if !self.cx.has_soon() && !self.has_room(&saved) {
            self.save_at = None;
            return Ok(());
        }
        if let Err(error) = self.commit_saved(saved).await {
            self.cx.undo();
            if error.is_conflict() {
                // In a box of its own: every save would have room for what hardly ever happens.
                Box::pin(self.still_here()).await?;
            }
            if let Some(repeated) = self.node().unsaved() {
                tracing::warn!(page.path = self.cx.path(), %error, repeated, "page could not be saved; will try again");
            }
            self.save_at = Some(Instant::now() + self.node().limits().save);
        }
        Ok(())
    }

    /// Commits what the handler wrote together with the page's record, if that is still what this process
    /// last saved: of two nodes that have the same page, one commits.
    pub(super) async fn commit_saved(&mut self, saved: Saved) -> Result {
        self.version = self.cx.commit_with(Some((&saved, self.version))).await?;
        self.save_at = None;
        let (node, page) = (self.node(), self.cx.page());
        let gone = node.quota().saved(&saved.session, page, saved.bytes(), node.limits());
        if !gone.is_empty() {
            let node = node.clone();
            self.node().tasks().spawn("quota", async move {
                if let Err(error) = saved::delete(node.store(), &gone).await
                    && let Some(repeated) = node.unsaved()
                {
                    tracing::warn!(%error, repeated, "saved pages beyond their session's quota were not deleted");
                }
            });
        }
        Ok(())
    }

    /// Says whether there is room for a page that has changed nothing else in the store.
    fn has_room(&self, saved: &Saved) -> bool {
        let node = self.node();
        let room = node.quota().has_room(&saved.session, self.cx.page(), saved.bytes(), node.limits());
        if !room && let Some(repeated) = node.refusals() {
            tracing::warn!(
                limit = node.limits().pages_bytes,
                repeated,
                "the saved pages of all sessions are over Limits::pages_bytes; a page was not saved"
            );
        }
        room
    }

    /// Says that the state which the page has just given is within its bound.
    fn is_small(&self) -> Result {
        let size = self.fresh.bytes.len() + self.fresh.timers.bytes();
        let limit = self.node().limits().state;
        if size <= limit { Ok(()) } else { Err(Error::TooLarge { what: "the page's state", size, limit }) }
    }

    /// After a conflict: ends the page when it has gone on in another process, which its client is told to
    /// look for.
    pub(super) async fn still_here(&mut self) -> Result<(), End> {
        let id = saved::record_id(self.cx.page());
        match self.node().store().txn().get_raw(Saved::TABLE, &id).await {
            Ok(Some(saved)) if saved.version != self.version => {
                tracing::info!(page.path = self.cx.path(), page.id = %id, "page goes on in another process");
                self.cx.undo();
                self.save_at = None;
                Err(End::Close(1001, "the page goes on elsewhere"))
            }
            // It was too old to be kept; nobody has restored it since.
            Ok(None) => {
                self.version = 0;
                Ok(())
            }
            // What cannot be read now is in the way again at the next try.
            Ok(Some(_)) | Err(_) => Ok(()),
        }
    }
}
