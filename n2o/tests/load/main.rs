//! What clients and handlers do to a server that they share with others: handlers that do not end, what a
//! client makes the server keep, floods, log lines, work, and protocols of the application.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is a failure of the test")]

mod ends;
mod floods;
mod house;
mod keeps;
mod protocols;
mod works;
