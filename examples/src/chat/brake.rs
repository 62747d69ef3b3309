//! The brake on those who write faster than people can read: one gate for each account, and each guest's login.

use std::sync::LazyLock;

use n2o::{Cx, Owner, Rate, Rates};

/// On average one message in so many milliseconds.
const EVERY: u64 = 500;
/// Messages at once.
const BURST: u32 = 20;
/// Writers that are remembered. Beyond that the calm ones are forgotten, and while none is calm, a new one waits.
const REMEMBERED: usize = 10_000;

// Beside the pages, so that opening another one does not loosen it.
static GATES: LazyLock<Rates<Owner>> = LazyLock::new(|| Rates::new(Rate::every(EVERY, BURST), REMEMBERED));

/// Says whether this person may say one more thing now.
pub(crate) fn allows(cx: &Cx, now: u64) -> bool {
    cx.owner().is_some_and(|owner| GATES.allow(&owner, now))
}
