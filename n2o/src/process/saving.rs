//! A page's state: taken after each event, saved with what the event wrote or a little later, restored.

use tokio::time::Instant;

use super::Process;
use crate::{
    delivery::Delivery,
    error::{Error, Result},
    formatter::Format,
    pages::{self, Saved},
    protocol::{self, Msg},
};

impl Process {
    pub(super) async fn restore(&mut self, answered: u64, format: Format) -> Result {
        let id = pages::record_id(self.cx.page());
        let saved = match self.node().store().txn().get::<Saved>(&id).await {
            Err(error @ kvs::Error::Decode { .. }) => return Err(self.outdated(&error)),
            saved => saved?,
        };
        self.delivery = match saved {
            Some(saved) => {
                if let Err(error) =
                    protocol::push(&mut self.chain, Msg::Restore(&saved.state), &mut self.cx).await
                {
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
    pub(super) async fn snapshot(&mut self) -> Result {
        protocol::push(&mut self.chain, Msg::Save, &mut self.cx).await?;
        self.settled().await;
        Ok(())
    }

    /// Takes what the page now is as what later failures are taken back to.
    pub(super) async fn settled(&mut self) {
        std::mem::swap(&mut self.state, &mut self.cx.state);
        if let Err(error) = protocol::push(&mut self.chain, Msg::Final, &mut self.cx).await {
            tracing::error!(page.path = self.cx.path(), %error, "page could not be settled");
        }
    }

    pub(super) fn record(&self, last: u64, answers: Vec<(u64, Vec<u8>)>) -> Saved {
        Saved {
            id: pages::record_id(self.cx.page()),
            at: self.node().clock().secs(),
            state: self.cx.state.clone(),
            last,
            json: self.delivery.format().is_text(),
            answers,
        }
    }

    /// Notes that the state differs from what is saved, when it does.
    pub(super) fn changed(&mut self) {
        if self.save_at.is_none() && self.cx.state != self.state {
            self.save_at = Some(Instant::now() + self.node().limits().save);
        }
    }

    /// Saves the state when it has changed since it was last saved.
    pub(super) async fn save(&mut self) {
        if self.save_at.take().is_none() {
            return;
        }
        self.cx.state.clone_from(&self.state);
        let saved =
            self.record(self.delivery.last, self.delivery.answers(self.delivery.last, self.node().limits()));
        if let Err(error) = self.cx.commit_with(Some(&saved)).await {
            tracing::warn!(page.path = self.cx.path(), %error, "page could not be saved; will try again");
            self.cx.rollback();
            self.save_at = Some(Instant::now() + self.node().limits().save);
        }
    }
}
