//! The demo as its users meet it: the real binary, real browsers, and clients written from `PROTOCOL.md`.
//! One binary, because linking is what tests wait for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod common;
mod desk;
mod story;
