//! Places that are counted for each of many keys, such as client addresses and sessions.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Places of which each key may have so many at a time. Nothing is kept of a key that has none.
#[derive(Debug)]
pub(crate) struct Places {
    most: AtomicUsize,
    // A std lock: held for one look at the map, never across an await.
    taken: Mutex<HashMap<u64, usize>>,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    key: u64,
}

impl Places {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Places { most: AtomicUsize::new(most), taken: Mutex::default() })
    }

    /// Gives each key at most so many from now on.
    pub(crate) fn limit(&self, most: usize) {
        self.most.fetch_min(most, Ordering::Relaxed);
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<u64, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for this key, or `None` when it has as many as it may.
    pub(crate) fn take(self: &Arc<Self>, key: u64) -> Option<Place> {
        let mut taken = self.taken();
        let count = taken.entry(key).or_default();
        if *count >= self.most.load(Ordering::Relaxed) {
            return None;
        }
        *count += 1;
        Some(Place { places: Arc::clone(self), key })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        let count = taken.get_mut(&self.key).map(|count| {
            *count -= 1;
            *count
        });
        if count == Some(0) {
            taken.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_so_many_places_and_gives_them_back() {
        let places = Places::new(2);
        let first = places.take(1).expect("a place");
        let _second = places.take(1).expect("another");
        assert!(places.take(1).is_none());
        let other = places.take(2).expect("a key of its own");
        drop(first);
        assert!(places.take(1).is_some());
        drop(other);
        assert_eq!(places.taken().len(), 1, "nothing is kept of a key without places");
    }
}
