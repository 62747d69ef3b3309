//! The crate's tests by subject. One binary, because linking is what tests wait for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod care;
mod common;
mod crash;
mod damage;
mod feeds;
mod indexes;
mod kept;
mod load;
mod open;
mod records;
mod watching;
