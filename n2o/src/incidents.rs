//! Incidents: the numbers under which failures are logged and told to users. A failure that comes again and
//! again keeps its number for a while, so that a client which causes it at will does not fill the log.

use std::{
    collections::HashMap,
    fmt::Display,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};

use crate::{clock::Clock, shown::Shown};

/// Most failures that are told apart at a time; further ones share a number.
const MOST: usize = 200;

/// The incidents of a node.
#[derive(Debug)]
pub(crate) struct Incidents {
    /// Milliseconds for which a failure keeps its number.
    window: u64,
    hasher: RandomState,
    // A std lock: held for one map access, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: u32,
    known: HashMap<u64, Known>,
}

#[derive(Debug)]
struct Known {
    number: String,
    since: u64,
    /// Times that it came again and was not logged.
    held: u64,
}

impl Incidents {
    pub(crate) fn new(window: u64) -> Self {
        Incidents { window, hasher: RandomState::new(), state: Mutex::default() }
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A number that no other failure has.
    pub(crate) fn number(&self, clock: &Clock) -> String {
        self.with(|state| state.number(clock))
    }

    /// The number of a failure of `what` at `path`; logs it, unless it was logged within the window.
    pub(crate) fn failure(&self, clock: &Clock, path: &str, what: &str, error: &dyn Display) -> String {
        let (path, what, error) = (Shown(path), Shown(what), Shown(error).to_string());
        let place = path.0.split('?').next().unwrap_or_default();
        let mut key = self.hasher.hash_one((place, what.0, &error));
        let now = clock.millis();
        let (number, repeated) = self.with(|state| {
            if state.known.len() >= MOST && !state.known.contains_key(&key) {
                state.known.retain(|_, known| now.saturating_sub(known.since) < self.window);
                if state.known.len() >= MOST {
                    key = 0;
                }
            }
            let fresh = |known: &&mut Known| known.since <= now && now - known.since < self.window;
            if let Some(known) = state.known.get_mut(&key).filter(fresh) {
                known.held += 1;
                return (known.number.clone(), None);
            }
            let number = state.number(clock);
            let known = Known { number: number.clone(), since: now, held: 0 };
            let held = state.known.insert(key, known).map_or(0, |known| known.held);
            (number, Some(held))
        });
        if let Some(repeated) = repeated {
            tracing::error!(incident = %number, page.path = %path, what = %what, %error, repeated, "handler failed");
        }
        number
    }
}

impl State {
    fn number(&mut self, clock: &Clock) -> String {
        self.last = self.last.wrapping_add(1);
        format!("{:x}-{}", clock.secs(), self.last)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_failure_that_comes_again_keeps_its_number_for_a_window() {
        let (incidents, clock) = (Incidents::new(60_000), Clock::fixed(1_000_000));
        let fail = |path: &str, error: &str| incidents.failure(&clock, path, "event save", &error);
        let first = fail("/a?b=1", "broken");
        assert_eq!(fail("/a?b=2", "broken"), first, "the query is the client's");
        assert_ne!(fail("/a", "otherwise"), first);
        assert_ne!(fail("/c", "broken"), first);
        clock.advance(Duration::from_mins(1));
        assert_ne!(fail("/a", "broken"), first);
    }

    #[test]
    fn failures_that_are_all_different_share_a_number_in_the_end() {
        let (incidents, clock) = (Incidents::new(60_000), Clock::fixed(1_000_000));
        let fail = |error: usize| incidents.failure(&clock, "/", "event", &error);
        let numbers: std::collections::HashSet<_> = (0..10_000).map(fail).collect();
        assert_eq!(numbers.len(), MOST + 1);
        assert_eq!(incidents.with(|state| state.known.len()), MOST + 1);
    }
}
