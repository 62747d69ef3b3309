//! A brake on log lines that a client can cause at will: one line a window, with the number of those left out.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Allows one line in each window of time, and counts what it holds back.
///
/// ```
/// let repeats = n2o::Repeats::new(60_000);
/// assert_eq!(repeats.tell(0), Some(0), "the first is told");
/// assert_eq!(repeats.tell(10), None);
/// assert_eq!(repeats.tell(20), None);
/// assert_eq!(repeats.tell(60_000), Some(2), "and the next with the two that were not");
/// ```
#[derive(Debug)]
pub struct Repeats {
    window: u64,
    // A std lock: held for two numbers, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The time from which the next line may be written.
    next: Option<u64>,
    held: u64,
}

impl Repeats {
    /// A brake whose windows last `window` milliseconds.
    #[must_use]
    pub const fn new(window: u64) -> Self {
        Repeats { window, state: Mutex::new(State { next: None, held: 0 }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_within(&self, state: &State, millis: u64) -> bool {
        state.next.is_some_and(|next| millis < next && next - millis <= self.window)
    }

    /// The number of lines that were held back, when the window is over at `millis`.
    pub(crate) fn over(&self, millis: u64) -> Option<u64> {
        let state = self.state();
        (!self.is_within(&state, millis)).then_some(state.held)
    }

    /// Counts lines that were held back elsewhere.
    pub(crate) fn hold(&self, lines: u64) {
        self.state().held += lines;
    }

    /// `Some(n)` when a line may be written at `millis`, in milliseconds of any one clock; `n` is the number
    /// of lines that were held back since the last one. A clock that was set back allows a line.
    pub fn tell(&self, millis: u64) -> Option<u64> {
        let mut state = self.state();
        if self.is_within(&state, millis) {
            state.held += 1;
            return None;
        }
        state.next = Some(millis.saturating_add(self.window));
        Some(std::mem::take(&mut state.held))
    }
}
