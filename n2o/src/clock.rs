//! Time and randomness, which come from the node so that a test can fix them.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::sync::Notify;

/// The wall clock, in milliseconds since 1970-01-01 UTC.
///
/// It may be set back. The rule for whatever compares with it: a time that is still to come counts as now. So
/// nobody is refused and nothing is thrown away because the clock went back; what has a limit in time lasts
/// longer by as much as it went back, and a brake is let go rather than kept on.
///
/// ```
/// let clock = n2o::Clock::fixed(1_000);
/// clock.advance(std::time::Duration::from_secs(1));
/// assert_eq!(clock.millis(), 2_000);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Fixed>>);

/// A clock that stands still.
#[derive(Debug)]
struct Fixed {
    now: AtomicU64,
    moved: Notify,
}

impl Clock {
    /// A clock that stands still until [`advance`](Clock::advance) moves it.
    #[must_use]
    pub fn fixed(millis: u64) -> Self {
        Clock(Some(Arc::new(Fixed { now: AtomicU64::new(millis), moved: Notify::new() })))
    }

    /// Now, in milliseconds since 1970.
    #[must_use]
    pub fn millis(&self) -> u64 {
        match &self.0 {
            Some(fixed) => fixed.now.load(Ordering::Relaxed),
            None => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
            }
        }
    }

    /// How far the clock went wrong while so much time passed, in milliseconds; `None` when that is next to nothing,
    /// and of a fixed clock.
    pub(crate) fn jump(&self, before: u64, passed: Duration) -> Option<i64> {
        let is_fixed = self.0.is_some();
        jump(before, self.millis(), passed).filter(|_| !is_fixed)
    }

    /// Now, in seconds since 1970; enough until the year 2106.
    #[must_use]
    pub fn secs(&self) -> u32 {
        u32::try_from(self.millis() / 1000).unwrap_or(u32::MAX)
    }

    /// Sets a fixed clock back; the system's clock is left alone.
    pub fn set_back(&self, by: Duration) {
        if let Some(fixed) = &self.0 {
            fixed.now.fetch_sub(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// Moves a fixed clock; the system's clock is left alone.
    pub fn advance(&self, by: Duration) {
        if let Some(fixed) = &self.0 {
            fixed.now.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
            fixed.moved.notify_waiters();
        }
    }

    /// Waits until it is so late. It waits for as long as that is from now, also when the system's clock is set
    /// meanwhile; a fixed clock has to be moved there.
    pub(crate) async fn reaches(&self, at: u64) {
        let Some(fixed) = &self.0 else {
            return tokio::time::sleep(Duration::from_millis(at.saturating_sub(self.millis()))).await;
        };
        loop {
            let moved = fixed.moved.notified();
            if at <= self.millis() {
                return;
            }
            moved.await;
        }
    }
}

/// The least that a clock has to be moved for it to be told, in milliseconds.
const JUMP: i64 = 60_000;

fn jump(before: u64, now: u64, passed: Duration) -> Option<i64> {
    let passed = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
    let went = now.cast_signed().wrapping_sub(before.cast_signed());
    Some(went.saturating_sub(passed)).filter(|jump| jump.saturating_abs() >= JUMP)
}

/// The source of ids, nonces and keys: the thread's CSPRNG, or a seeded one in tests.
#[derive(Clone, Default)]
pub struct Random(Option<Arc<Mutex<StdRng>>>);

impl Random {
    /// The same bytes for the same seed; for tests only.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Random(Some(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))))
    }

    /// `N` random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.0 {
            Some(seeded) => seeded.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
            None => rand::rng().fill_bytes(&mut bytes),
        }
        bytes
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Random(seeded)" } else { "Random" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_a_minute_is_told_and_a_slow_step_is_not() {
        let step = Duration::from_secs(5);
        assert_eq!(jump(1_000_000, 1_005_000, step), None);
        assert_eq!(jump(1_000_000, 1_000_000, step), None);
        assert_eq!(jump(1_000_000, 1_000_000 + 65_000, step), Some(60_000));
        assert_eq!(jump(100_000_000, 100_000_000 - 46_800_000, step), Some(-46_805_000));
        assert_eq!(jump(0, u64::MAX, step), None, "no time is that late");
        assert_eq!(Clock::fixed(7).jump(1_000_000, step), None);
    }
}
