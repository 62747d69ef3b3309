//! Work: the processor time that the handlers of a session use, and how long the next one has to wait for it.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{inbox::Inbox, limit::Limits, node::Node, rate::Rate, session::Session};

/// The work of one session.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Somebody was told to wait, and nobody has found yet that this is over.
    over: AtomicBool,
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
        if !rate.wait(millis).is_zero() {
            self.over.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn wait(&self, millis: u64) -> Duration {
        let rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = rate.as_deref().map_or(Duration::ZERO, |rate| rate.wait(millis));
        if wait.is_zero() {
            self.over.store(false, Ordering::Relaxed);
        }
        wait
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

    /// Says, without looking at a clock, whether there may be something to wait for.
    pub(crate) fn is_over(&self) -> bool {
        self.session.work.over.load(Ordering::Relaxed)
    }

    pub(crate) fn spend(&self, time: Duration) {
        let (limits, now) = (self.node.limits(), self.node.uptime());
        self.session.work.spend(limits, now, time);
        if let Some(address) = self.inbox.address() {
            self.node.address_work().spend(&address, now, time);
        }
    }

    pub(crate) fn wait(&self) -> Duration {
        let now = self.node.uptime();
        let by_address = |address: IpAddr| self.node.address_work().wait(&address, now);
        self.session.work.wait(now).max(self.inbox.address().map_or(Duration::ZERO, by_address))
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
        assert!(work.over.load(Ordering::Relaxed));
        assert_eq!(work.wait(0), Duration::from_millis(200), "a tenth of a processor");
        assert_eq!(work.wait(150), Duration::from_millis(50));
        assert_eq!(work.wait(200), Duration::ZERO);
        assert!(!work.over.load(Ordering::Relaxed));
    }
}
