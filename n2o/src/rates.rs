//! One rate for each of many keys, such as client addresses or accounts, in bounded memory.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::rate::Rate;

/// Keys up to which nobody looks for calm ones.
const FEW: usize = 64;

/// A [`Rate`] for each key. A key that is not known begins with an unused rate. Keys whose rates are as good as
/// unused are forgotten whenever the keys have doubled in number.
///
/// ```
/// let gates = n2o::Rates::new(n2o::Rate::new(10, 2), 1_000);
/// assert!(gates.allow(&"ann", 0) && gates.allow(&"ann", 0));
/// assert!(!gates.allow(&"ann", 0), "two at once, not three");
/// assert!(gates.allow(&"bob", 0), "another key has a rate of its own");
/// ```
#[derive(Debug)]
pub struct Rates<K> {
    fresh: Rate,
    most: usize,
    // A std lock: held for one look at the map, never across an await.
    known: Mutex<Known<K>>,
}

#[derive(Debug)]
struct Known<K> {
    /// By key, when the next cell is due: all else of a rate is that of `fresh`.
    due: HashMap<K, u64>,
    /// So many keys are looked through for calm ones: twice as many as were left the last time.
    full: usize,
}

impl<K> Default for Known<K> {
    fn default() -> Self {
        Known { due: HashMap::new(), full: FEW }
    }
}

impl<K: Clone + Eq + Hash> Rates<K> {
    /// Rates that begin as `fresh`, for at most `most` keys at a time. Beyond that number the keys that are
    /// calm are forgotten, and where none is, a new key is refused: a crowd of keys must not wash out the
    /// memory of those that are braked.
    #[must_use]
    pub fn new(fresh: Rate, most: usize) -> Self {
        Rates { fresh, most: most.max(1), known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known<K>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rate(&self, due: u64) -> Rate {
        let mut rate = self.fresh;
        rate.due = due;
        rate
    }

    fn make_room(&self, known: &mut Known<K>, millis: u64) {
        if known.due.len() >= self.most.min(known.full) {
            self.calm(known, millis);
        }
    }

    /// Forgets the keys that are calm, and gives the memory back that is not soon needed again.
    fn calm(&self, known: &mut Known<K>, millis: u64) {
        known.due.retain(|_, due| !self.rate(*due).is_calm(millis));
        known.full = (2 * known.due.len()).max(FEW);
        known.due.shrink_to(known.full.min(self.most));
    }

    /// Whether one more cell of this key may pass at `millis`, in milliseconds of any one clock.
    pub fn allow(&self, key: &K, millis: u64) -> bool {
        let mut known = self.known();
        if let Some(due) = known.due.get_mut(key) {
            let mut rate = self.rate(*due);
            let allowed = rate.allow(millis);
            *due = rate.due;
            return allowed;
        }
        self.make_room(&mut known, millis);
        let mut rate = self.fresh;
        let allowed = known.due.len() < self.most && rate.allow(millis);
        if allowed {
            known.due.insert(key.clone(), rate.due);
        }
        allowed
    }

    /// Whether [`allow`](Rates::allow) would let a cell of this key pass, as far as its own rate goes; counts nothing.
    pub(crate) fn may(&self, key: &K, millis: u64) -> bool {
        self.known().due.get(key).is_none_or(|due| self.rate(*due).allow(millis))
    }

    /// Counts work of a key at `millis`, for rates made by [`Rate::share`]. Work of a key for which there is no
    /// room is not counted.
    pub fn spend(&self, key: &K, millis: u64, time: Duration) {
        let mut known = self.known();
        let due = known.due.get(key).copied();
        if due.is_none() {
            self.make_room(&mut known, millis);
        }
        if due.is_some() || known.due.len() < self.most {
            let mut rate = self.rate(due.unwrap_or_default());
            rate.spend(millis, time);
            known.due.insert(key.clone(), rate.due);
        }
    }

    /// The time, seen from `millis`, until more work of this key may be done.
    pub fn wait(&self, key: &K, millis: u64) -> Duration {
        self.known().due.get(key).map_or(Duration::ZERO, |due| self.rate(*due).wait(millis))
    }

    /// Says whether a key is remembered.
    pub fn contains(&self, key: &K) -> bool {
        self.known().due.contains_key(key)
    }

    /// Takes back a cell of a key that [`allow`](Rates::allow) has let pass.
    pub(crate) fn give_back(&self, key: &K) {
        if let Some(due) = self.known().due.get_mut(key) {
            let mut rate = self.rate(*due);
            rate.give_back();
            *due = rate.due;
        }
    }

    /// Forgets a key, as after a right password.
    pub fn forget(&self, key: &K) {
        self.known().due.remove(key);
    }

    /// Forgets the keys that are calm, and gives their memory back.
    pub fn sweep(&self, millis: u64) {
        self.calm(&mut self.known(), millis);
    }

    /// The number of keys that are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known().due.len()
    }

    /// Whether no key is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calm_keys_make_room_and_braked_ones_are_remembered() {
        let rates = Rates::new(Rate::every(1_000, 1), 2);
        assert!(rates.allow(&1, 0) && rates.allow(&2, 0));
        assert!(!rates.allow(&3, 0), "no room: both are braked");
        assert!(!rates.allow(&1, 500), "and a crowd does not free the first");
        assert!(rates.allow(&3, 1_000), "both are calm by now");
        assert_eq!(rates.len(), 1);
        rates.sweep(2_000);
        assert!(rates.is_empty());
    }

    #[test]
    fn calm_keys_do_not_stay_where_nobody_sweeps() {
        let rates = Rates::new(Rate::every(1_000, 1), 100_000);
        for second in 0..10_000 {
            assert!(rates.allow(&second, 1_000 * second), "a key of its own each second");
        }
        assert!(rates.len() <= FEW, "{} keys are remembered", rates.len());
        assert!(rates.known().due.capacity() <= 4 * FEW);
    }

    #[test]
    fn a_forgotten_key_begins_anew() {
        let rates = Rates::new(Rate::every(60_000, 1), 10);
        assert!(rates.allow(&"ann", 0));
        assert!(!rates.allow(&"ann", 1));
        rates.forget(&"ann");
        assert!(rates.allow(&"ann", 1));
    }
}
