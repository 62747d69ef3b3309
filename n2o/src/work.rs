//! Work: the processor time that the handlers of a session use, and how long the next one has to wait for it.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{limit::Limits, node::Node, rate::Rate, session::Session};

/// The work of one session.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Somebody was told to wait, and nobody has found yet that this is over.
    over: AtomicBool,
    // A std lock: held for a few numbers, never across an await. Nothing in it before the first work is counted.
    rate: Mutex<Option<Rate>>,
}

impl Work {
    pub(crate) fn spend(&self, limits: &Limits, millis: u64, time: Duration) {
        let mut rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = rate.get_or_insert_with(|| Rate::share(limits.session_work, limits.session_work_burst));
        rate.spend(millis, time);
        if !rate.wait(millis).is_zero() {
            self.over.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn wait(&self, millis: u64) -> Duration {
        let rate = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = rate.map_or(Duration::ZERO, |rate| rate.wait(millis));
        if wait.is_zero() {
            self.over.store(false, Ordering::Relaxed);
        }
        wait
    }
}

/// Counts the work of one page's handlers for its session and for its client's address.
#[derive(Debug)]
pub(crate) struct Meter {
    session: Arc<Session>,
    address: Option<IpAddr>,
}

impl Meter {
    pub(crate) fn new(session: Arc<Session>, address: Option<IpAddr>) -> Self {
        Meter { session, address }
    }

    /// Says, without looking at a clock, whether there may be something to wait for.
    pub(crate) fn is_over(&self) -> bool {
        self.session.work.over.load(Ordering::Relaxed)
    }

    pub(crate) fn spend(&self, node: &Node, time: Duration) {
        let (limits, now) = (node.limits(), node.uptime());
        self.session.work.spend(limits, now, time);
        if let Some(address) = &self.address {
            node.address_work().spend(address, now, time);
        }
    }

    pub(crate) fn wait(&self, node: &Node) -> Duration {
        let now = node.uptime();
        let by_address = |address: &IpAddr| node.address_work().wait(address, now);
        self.session.work.wait(now).max(self.address.as_ref().map_or(Duration::ZERO, by_address))
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
