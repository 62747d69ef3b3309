//! The crate's tests by subject. One binary, because linking is what tests wait for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod care;
mod common;
mod crash;
mod damage;
mod disk;
mod feeds;
mod format;
mod indexes;
mod kept;
mod load;
mod model;
mod open;
mod records;
mod running;
#[cfg(feature = "postgres")]
mod server;
#[cfg(feature = "postgres")]
mod shared;
mod strings;
mod taken;
mod tool;
mod turns;
mod watching;
