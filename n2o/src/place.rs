//! Places: a bounded number of something that is taken and given back.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A place among a limited number, given back when dropped; such as that of a connection, or the room for a
/// frame that waits for its handler.
#[derive(Debug)]
pub struct Place {
    taken: Arc<AtomicUsize>,
    size: usize,
}

impl Place {
    /// Takes `size` of at most `limit`; `None` when there is not so much left.
    pub(crate) fn take(taken: &Arc<AtomicUsize>, size: usize, limit: usize) -> Option<Self> {
        let before = taken.fetch_add(size, Ordering::Relaxed);
        let place = Place { taken: Arc::clone(taken), size };
        (before.saturating_add(size) <= limit).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.size, Ordering::Relaxed);
    }
}
