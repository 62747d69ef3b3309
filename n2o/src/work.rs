//! Work: the processor time that the handlers of a session use, and how long the next one has to wait for it.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{limit::Limits, rate::Rate};

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
    /// Says, without looking at a clock, whether work was counted.
    pub(crate) fn has_spent(&self) -> bool {
        self.spent.load(Ordering::Relaxed)
    }

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
