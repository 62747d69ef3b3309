//! The server as browsers and programs meet it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod filling;
mod framing;
mod front;
mod guards;
mod guests;
mod http;
#[path = "../../../form/tests/it/leave.rs"]
mod leave;
mod matrix;
mod native;
mod own;
mod protocol;
mod rate;
mod ready;
mod rest;
mod rights;
mod roles;
mod served;
mod server;
mod socket;
