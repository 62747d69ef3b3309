//! The brake on those who write faster than people can read: one gate for each name.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use n2o::Rate;

/// On average one message in so many milliseconds.
const EVERY: u64 = 500;
/// Messages at once.
const BURST: u32 = 20;
/// Names that are remembered; beyond that the calm ones are forgotten.
const REMEMBERED: usize = 10_000;

// Beside the pages, so that opening another one does not loosen it. A std lock: held for one map access.
static GATES: LazyLock<Mutex<HashMap<String, Rate>>> = LazyLock::new(Mutex::default);

/// Whether this person may say one more thing now.
pub(crate) fn allows(name: &str, now: u64) -> bool {
    let mut gates = GATES.lock().unwrap_or_else(PoisonError::into_inner);
    if gates.len() >= REMEMBERED {
        gates.retain(|_, gate| !gate.is_calm(now));
    }
    gates.entry(name.to_owned()).or_insert_with(|| Rate::every(EVERY, BURST)).allow(now)
}
