//! The step: one input changes the state of one instance until nothing can move. It is a pure function. The
//! clock, the store and the network are its caller's; given the same definition, state, input and time it
//! does the same.

mod activity;
mod call;
mod compensate;
mod event;
mod gateway;
mod input;
mod kill;
mod repeat;
mod run;
mod subscribe;
mod throw;
mod variables;

pub use input::{Input, start, step};
