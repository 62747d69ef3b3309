//! The demo as its users meet it: the real binary, real browsers, and clients written from `PROTOCOL.md`.
//! One binary, because linking is what tests wait for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod bad;
mod bench;
mod common;
mod config;
mod desk;
mod files;
mod history;
mod network;
mod payloads;
mod policy;
mod press;
mod same;
mod script;
mod small;
mod stop;
mod storm;
mod story;
mod xss;
