//! Timers: what the protocols of a page are to be called with when a time has come.

use std::{future::pending, pin::Pin, time::Duration};

use serde::{Deserialize, Serialize};

use crate::clock::Clock;

/// One timer of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timer {
    /// The kind of messages that its protocol claims.
    pub(crate) kind: u8,
    /// When it is due, in milliseconds since 1970.
    at: u64,
    /// The milliseconds that it was set for.
    delay: u64,
    /// What it tells its protocol.
    #[serde(with = "crate::blob")]
    pub(crate) what: Vec<u8>,
}

impl Timer {
    /// The bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Timer>() + self.what.len()
    }
}

/// The timers of a page, the first to be due at the front. Most pages have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::box_collection, reason = "three of them stand in every idle page")]
pub(crate) struct Timers(Option<Box<Vec<Timer>>>);

impl Timers {
    /// Those that were saved.
    pub(crate) fn restored(timers: Vec<Timer>) -> Self {
        Timers(Some(timers).filter(|timers| !timers.is_empty()).map(Box::new))
    }

    /// Those that are to be saved.
    pub(crate) fn saved(&self) -> Vec<Timer> {
        self.0.as_deref().cloned().unwrap_or_default()
    }

    /// The bytes that they take.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().flat_map(|timers| timers.iter()).map(Timer::bytes).sum()
    }

    /// Sets a timer; one that would tell the same is set anew.
    pub(crate) fn set(&mut self, kind: u8, what: Vec<u8>, delay: Duration, now: u64) {
        self.cancel(kind, &what);
        let delay = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.insert(Timer { kind, at: now.saturating_add(delay), delay, what });
    }

    fn insert(&mut self, timer: Timer) {
        let timers = self.0.get_or_insert_default();
        let place = timers.partition_point(|known| known.at <= timer.at);
        timers.insert(place, timer);
    }

    /// Gives up the timer that would tell this.
    pub(crate) fn cancel(&mut self, kind: u8, what: &[u8]) {
        self.retain(|timer| timer.kind != kind || timer.what != what);
    }

    /// Gives up all timers that are not wanted.
    pub(crate) fn retain(&mut self, is_wanted: impl FnMut(&Timer) -> bool) {
        let Some(timers) = &mut self.0 else { return };
        timers.retain(is_wanted);
        if timers.is_empty() {
            self.0 = None;
        }
    }

    /// When the first is due. A clock that was set back to before it was set makes no one wait for longer than
    /// what it was set for.
    pub(crate) fn next(&mut self, now: u64) -> Option<u64> {
        let timers = self.0.as_mut()?;
        if timers.iter().any(|timer| timer.at.saturating_sub(timer.delay) > now) {
            timers.iter_mut().for_each(|timer| timer.at = timer.at.min(now.saturating_add(timer.delay)));
            timers.sort_by_key(|timer| timer.at);
        }
        timers.first().map(|timer| timer.at)
    }

    /// Takes out the first that is due.
    pub(crate) fn take_due(&mut self, now: u64) -> Option<Timer> {
        let timers = self.0.as_mut()?;
        timers.first().filter(|timer| timer.at <= now)?;
        let due = timers.remove(0);
        if timers.is_empty() {
            self.0 = None;
        }
        Some(due)
    }

    /// Puts one back that could not be told.
    pub(crate) fn put_back(&mut self, timer: &Timer, delay: Duration, now: u64) {
        let wait = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.insert(Timer { at: now.saturating_add(wait), delay: wait, ..timer.clone() });
    }
}

/// What wakes a page for the first of its timers.
#[derive(Default)]
pub(crate) struct Alarm(Option<(u64, Wait)>);

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Alarm {
    /// Sets the alarm for a time of the clock, or for none.
    pub(crate) fn set(&mut self, at: Option<u64>, clock: &Clock) {
        match at {
            None => self.0 = None,
            Some(at) if self.0.as_ref().is_some_and(|(set, _)| *set == at) => {}
            Some(at) => {
                let clock = clock.clone();
                self.0 = Some((at, Box::pin(async move { clock.reaches(at).await })));
            }
        }
    }

    /// Waits until the time has come, and gives it up.
    pub(crate) async fn rings(&mut self) {
        match &mut self.0 {
            Some((_, wait)) => wait.await,
            None => pending().await,
        }
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn told(timers: &mut Timers, now: u64) -> Vec<u8> {
        std::iter::from_fn(|| timers.take_due(now)).map(|timer| timer.what[0]).collect()
    }

    #[test]
    fn timers_are_told_in_the_order_of_their_times() {
        let mut timers = Timers::default();
        timers.set(1, vec![b'c'], 3 * SECOND, 0);
        timers.set(1, vec![b'a'], SECOND, 0);
        timers.set(1, vec![b'b'], SECOND, 0);
        assert_eq!(timers.next(0), Some(1_000));
        assert_eq!(told(&mut timers, 999), b"");
        assert_eq!(told(&mut timers, 3_000), b"abc");
        assert_eq!(timers, Timers::default());
    }

    #[test]
    fn the_same_timer_is_set_anew_and_another_one_is_not() {
        let mut timers = Timers::default();
        timers.set(1, vec![b'a'], SECOND, 0);
        timers.set(2, vec![b'a'], SECOND, 0);
        timers.set(1, vec![b'a'], SECOND, 500);
        assert_eq!(told(&mut timers, 1_000), b"a");
        assert_eq!(told(&mut timers, 1_500), b"a");
        timers.set(1, vec![b'a'], SECOND, 0);
        timers.cancel(2, b"a");
        timers.cancel(1, b"a");
        assert_eq!(timers.next(0), None);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nobody_wait_for_longer_than_they_asked() {
        let day = 86_400_000;
        let mut timers = Timers::default();
        timers.set(1, vec![b'b'], 3 * SECOND, 2 * day);
        timers.set(1, vec![b'a'], SECOND, 2 * day + 2_500);
        assert_eq!(timers.next(day), Some(day + 1_000));
        assert_eq!(told(&mut timers, day + 3_000), b"ab");
        timers.set(1, vec![b'c'], Duration::MAX, day);
        assert_eq!(timers.next(day), Some(u64::MAX));
    }

    #[test]
    fn what_is_saved_comes_back() {
        let mut timers = Timers::default();
        assert_eq!(Timers::restored(timers.saved()), timers);
        timers.set(1, vec![b'a'; 100], SECOND, 0);
        assert_eq!(Timers::restored(timers.saved()), timers);
        assert!((100..300).contains(&timers.bytes()));
    }
}
