//! A rate limit: the generic cell rate algorithm (ITU-T I.371), one number of state.

use std::time::Duration;

/// Allows `rate` cells a second on average and `burst` at once.
///
/// ```
/// let mut gate = n2o::Rate::new(10, 2);
/// assert!(gate.allow(0) && gate.allow(0));
/// assert!(!gate.allow(0), "two at once, not three");
/// assert!(gate.allow(100), "one more after a tenth of a second");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Microseconds between cells.
    step: u64,
    /// Microseconds that the schedule may run ahead.
    ahead: u64,
    /// The time, in microseconds, at which the next cell is due.
    pub(crate) due: u64,
}

impl Rate {
    /// A gate of `rate` cells a second and `burst` at once; both at least one.
    #[must_use]
    pub fn new(rate: u32, burst: u32) -> Self {
        let step = 1_000_000 / u64::from(rate.max(1));
        Rate { step, ahead: step * u64::from(burst.max(1) - 1), due: 0 }
    }

    /// A gate of one cell every `millis` on average and `burst` at once.
    #[must_use]
    pub fn every(millis: u64, burst: u32) -> Self {
        let step = millis.max(1) * 1000;
        Rate { step, ahead: step * u64::from(burst.max(1) - 1), due: 0 }
    }

    /// A gate for work: `thousandths` of the time on average, and `burst` of work at once.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut gate = n2o::Rate::share(100, Duration::from_millis(50));
    /// gate.spend(0, Duration::from_millis(60));
    /// assert_eq!(gate.wait(0), Duration::from_millis(100), "10 ms too many, at a tenth of the time");
    /// assert_eq!(gate.wait(100), Duration::ZERO);
    /// ```
    #[must_use]
    pub fn share(thousandths: u32, burst: Duration) -> Self {
        let step = 1_000_000 / u64::from(thousandths.max(1));
        Rate { step, ahead: micros(burst).saturating_mul(step) / 1000, due: 0 }
    }

    /// Counts work of a gate made by [`share`](Rate::share) that was done at `millis`.
    pub fn spend(&mut self, millis: u64, time: Duration) {
        self.due = self.due.max(millis * 1000).saturating_add(micros(time).saturating_mul(self.step) / 1000);
    }

    /// The time, seen from `millis`, until more work may be done.
    #[must_use]
    pub fn wait(&self, millis: u64) -> Duration {
        Duration::from_micros(self.due.saturating_sub(millis * 1000).saturating_sub(self.ahead))
    }

    /// Whether the gate is as if it had never been used.
    #[must_use]
    pub fn is_calm(&self, millis: u64) -> bool {
        self.due_at(millis * 1000) <= millis * 1000
    }

    /// When the next cell is due. No schedule runs ahead further than a burst does: one that seems to was
    /// made by a clock that was set back since, and begins anew.
    fn due_at(&self, now: u64) -> u64 {
        if self.due > now.saturating_add(self.ahead + self.step) { now } else { self.due.max(now) }
    }

    /// Whether one more cell may pass at `millis`; a cell that may not pass costs nothing. A clock that was
    /// set back refuses nobody for longer than the rate does.
    pub fn allow(&mut self, millis: u64) -> bool {
        let now = millis * 1000;
        let due = self.due_at(now);
        let allowed = due - now <= self.ahead;
        if allowed {
            self.due = due + self.step;
        }
        allowed
    }

    /// Takes back a cell that [`allow`](Rate::allow) has let pass.
    pub(crate) fn give_back(&mut self) {
        self.due = self.due.saturating_sub(self.step);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A number of tries at once, and the time in which one more is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// Tries that may come at once; at least one.
    pub burst: u32,
    /// The time after which one more is allowed.
    pub every: Duration,
}

impl Tries {
    /// `burst` tries at once, and then one in each `every`.
    #[must_use]
    pub const fn new(burst: u32, every: Duration) -> Self {
        Tries { burst, every }
    }

    pub(crate) fn rate(self) -> Rate {
        Rate::every(u64::try_from(self.every.as_millis()).unwrap_or(u64::MAX / 2000), self.burst)
    }
}
