//! The end of a handler: what it did is committed as one, or undone.

use super::Cx;
use crate::{audit, error::Result, saved::Saved, session, sessions::Ticket};

impl Cx {
    /// Makes the ticket of a change of user, once.
    pub(super) async fn make_ticket(&mut self, to: &str) -> Result<Option<Ticket>> {
        let Some(login) = &self.login else { return Ok(None) };
        if let Some(ticket) = &login.ticket {
            return Ok(Some(ticket.clone()));
        }
        let (node, user, roles) = (self.node.clone(), login.user.clone(), login.roles.clone());
        let owner = login.owner.clone();
        let mut txn = self.txn.take().unwrap_or_else(|| Box::new(node.store().txn()));
        let mut saved = node.sessions().saved(&mut txn, &self.session).await?;
        if login.drops(saved.user.as_deref(), saved.owner.as_ref()) {
            saved.values.clear();
        }
        if user.is_some() {
            let changes = std::mem::take(&mut self.changes);
            session::apply(&mut saved, &changes, node.limits().session_values)?;
        } else {
            self.changes.clear();
            txn.delete::<session::Saved>(&self.session.key);
        }
        (saved.user, saved.roles, saved.owner) = (user, roles, owner);
        let ticket = node.sessions().rotate(&mut txn, &self.session, saved, to).await?;
        self.txn = Some(txn);
        if let Some(login) = &mut self.login {
            login.ticket = Some(ticket.clone());
        }
        Ok(Some(ticket))
    }

    /// Undoes what the handler did.
    pub(super) fn undo(&mut self) {
        self.txn = None;
        self.sends.clear();
        self.changes.clear();
        self.login = None;
        self.roles = None;
        self.proof = None;
        if let Some(soon) = &mut self.soon {
            soon.rollback();
        }
        self.left.clear();
        let joined = std::mem::take(&mut self.joined);
        self.leave(&joined);
    }

    /// Commits only while the page's record is what this page last saved or read, of the version given with
    /// it (0 for none), and answers the version that it has now.
    pub(super) async fn finish(&mut self, page: Option<(&Saved, u64)>) -> Result<u64> {
        let mut version = 0;
        if self.wrote() || page.is_some() {
            // In a box of its own: every idle page would keep room for it, and few commit at the same time.
            version = Box::pin(self.write(page)).await?;
        } else {
            self.txn = None;
            for message in self.sends.drain(..) {
                self.node.registry().publish(message);
            }
            if let Some(soon) = &mut self.soon {
                soon.settle();
            }
        }
        self.joined.clear();
        self.proof = None;
        let left = std::mem::take(&mut self.left);
        self.leave(&left);
        Ok(version)
    }

    async fn write(&mut self, page: Option<(&Saved, u64)>) -> Result<u64> {
        let mut txn = self.txn.take().unwrap_or_else(|| Box::new(self.node.store().txn()));
        let now = self.node.clock().secs();
        let mut saved = None;
        if let Some(login) = self.login.as_deref().filter(|login| login.ticket.is_none()) {
            // Nobody is told where to go. What was meant for the next session is not for this one, and a
            // logout ends it all the same.
            self.changes.clear();
            if login.user.is_none() {
                txn.delete::<session::Saved>(&self.session.key);
            }
        }
        let roles = self.roles.take().filter(|_| self.login.is_none()).map(|roles| roles.0);
        let before = roles.as_ref().map(|_| self.session.roles());
        if !self.changes.is_empty() || roles.is_some() {
            let mut record = self.node.sessions().saved(&mut txn, &self.session).await?;
            record.seen = now;
            session::apply(&mut record, &self.changes, self.node.limits().session_values)?;
            if let Some(roles) = &roles {
                record.roles.clone_from(roles);
            }
            txn.put(&record)?;
            saved = Some(record);
        }
        if let Some((page, version)) = page {
            txn.put_at(page, version)?;
        }
        if !self.sends.is_empty() {
            // Sent by the writer, in the order of the commits, so that a topic's messages come in the order of its feed.
            let (node, sends) = (self.node.clone(), std::mem::take(&mut self.sends));
            txn.on_commit(move |_| sends.into_iter().for_each(|message| node.registry().publish(message)));
        }
        if let Some(soon) = &self.soon {
            soon.write(&mut txn);
        }
        let version = txn.commit().await?.at;
        if let Some(soon) = &mut self.soon {
            soon.done();
        }
        self.changes.clear();
        if let Some(saved) = saved {
            self.session.committed(saved);
        }
        if let (Some(before), Some(roles)) = (before, roles)
            && before != roles
        {
            audit::roles_changed(self, &before, &roles);
        }
        if let Some(login) = self.login.take() {
            login.tell(self);
            if login.user.is_none() {
                self.session.end(Some(&self.inbox));
            }
        }
        Ok(version)
    }
}
