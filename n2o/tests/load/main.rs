//! What clients and handlers do to a server that they share with others: handlers that do not end, what a
//! client makes the server keep, floods, log lines, and work.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without is a failure of the test")]

mod ends;
mod floods;
mod house;
mod keeps;
mod works;
