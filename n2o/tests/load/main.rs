//! What clients and handlers do to a server that they share with others: handlers that do not end, what a
//! client makes the server keep, floods, log lines, and work.

mod ends;
mod floods;
mod house;
mod keeps;
mod works;
