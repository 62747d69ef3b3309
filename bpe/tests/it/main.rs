//! The tests of the crate from outside, in one program so that they link once.
#![allow(clippy::unwrap_used, reason = "test code")]

mod check;
mod common;
mod crash;
mod diagram;
mod engine;
mod events;
mod feel;
mod functions;
mod fuzz;
mod golden;
mod hostile;
mod replay;
mod scopes;
mod step;
mod xml;
