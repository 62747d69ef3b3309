//! Work: the processor time that the handlers of a session use, and how long the next one has to wait for it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{inbox::Inbox, limit::Limits, network::network, node::Node, rate::Rate, session::Session};

/// The work of one session.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Work was counted. Whoever never has is spared the clock.
    spent: AtomicBool,
    // A std lock: held for a few numbers, never across an await. Nothing in it before the first work is
    // counted, and in a box, because most sessions never have a handler that waits.
    rate: Mutex<Option<Box<Rate>>>,
}

impl Work {
    pub(crate) fn spend(&self, limits: &Limits, millis: u64, time: Duration) {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let rate =
            rate.get_or_insert_with(|| Box::new(Rate::share(limits.session_work, limits.session_work_burst)));
        rate.spend(millis, time);
        self.spent.store(true, Ordering::Relaxed);
    }

    pub(crate) fn wait(&self, millis: u64) -> Duration {
        let rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        rate.as_deref().map_or(Duration::ZERO, |rate| rate.wait(millis))
    }
}

/// Counts the work of one page's handlers for its session and for its client's address.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) node: Node,
    pub(crate) inbox: Arc<Inbox>,
    session: Arc<Session>,
}

impl Meter {
    pub(crate) fn new(node: Node, inbox: Arc<Inbox>, session: Arc<Session>) -> Self {
        Meter { node, inbox, session }
    }

    /// Says, without looking at a clock, whether work was counted of the session or of its client's network, so
    /// that there may be something to wait for.
    pub(crate) fn has_spent(&self) -> bool {
        let of_client = |address| self.node.address_work().contains(&network(address));
        self.session.work.spent.load(Ordering::Relaxed)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_used_his_share_waits_and_is_free_again() {
        let limits =
            Limits { session_work: 100, session_work_burst: Duration::from_millis(500), ..Limits::default() };
        let work = Work::default();
        for _ in 0..5 {
            work.spend(&limits, 0, Duration::from_millis(100));
        }
        assert_eq!(work.wait(0), Duration::ZERO, "half a second at once");
        work.spend(&limits, 0, Duration::from_millis(20));
        assert_eq!(work.wait(0), Duration::from_millis(200), "a tenth of a processor");
        assert_eq!(work.wait(150), Duration::from_millis(50));
        assert_eq!(work.wait(200), Duration::ZERO);
    }
}
