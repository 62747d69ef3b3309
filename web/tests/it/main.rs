//! The server as browsers and programs meet it, and the screens of processes, headless.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod filling;
mod framing;
mod front;
mod guards;
mod guests;
mod http;
mod leave;
mod native;
mod operate;
mod own;
mod process;
mod protocol;
mod rate;
mod ready;
mod rest;
mod rights;
mod roles;
mod served;
mod server;
mod socket;
