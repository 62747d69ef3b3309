//! The meter of a page: who pays for the processor time that its handlers use.

use std::{sync::Arc, time::Duration};

use crate::{inbox::Inbox, network::network, services::Services, session::Session};

/// Counts the work of one page's handlers for its session and for its client's address.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) node: Services,
    pub(crate) inbox: Arc<Inbox>,
    session: Arc<Session>,
}

impl Meter {
    pub(crate) fn new(node: Services, inbox: Arc<Inbox>, session: Arc<Session>) -> Self {
        Meter { node, inbox, session }
    }

    /// Says, without looking at a clock, whether work was counted of the session or of its client's network, so
    /// that there may be something to wait for.
    pub(crate) fn has_spent(&self) -> bool {
        let of_client = |address| self.node.address_work().contains(&network(address));
        self.session.work.has_spent()
            || (self.node.has_worked() && self.inbox.address().is_some_and(of_client))
    }

    pub(crate) fn spend(&self, time: Duration) {
        let (limits, now) = (self.node.limits(), self.node.uptime());
        self.session.work.spend(limits, now, time);
        if let Some(address) = self.inbox.address() {
            self.node.spend_of(&network(address), now, time);
        }
    }

    pub(crate) fn wait(&self) -> Duration {
        let now = self.node.uptime();
        let of_client =
            self.inbox.address().map(|address| self.node.address_work().wait(&network(address), now));
        self.session.work.wait(now).max(of_client.unwrap_or_default())
    }
}
