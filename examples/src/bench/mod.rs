//! The benchmark: pages that load tools drive, and a load of our own that measures them beside a bare echo.
//!
//! 1. `bench` starts itself again, pinned to one core, in a scheduling group of its own, as the load.
//! 2. For each row of each run the load starts two servers on the other core, one after the other:
//!    a bare axum WebSocket echo, and the pages of [`pages`].
//! 3. It drives them with raw frames, looks at each answer, and reads the server's processor time and memory from
//!    `/proc`. A row one of whose events was refused, or did not show what it should, has no figure.
//! 4. A measurement during which other work held the server's core is repeated.
//! 5. Medians of all runs are printed beside the echo of the same run, and what is to be reached of it.

mod acts;
mod args;
mod board;
mod child;
mod client;
mod frames;
mod http;
mod load;
mod measure;
mod pages;
mod postgres;
mod room;
mod rows;
mod run;
mod scenarios;
mod seals;
mod serve;
mod socket;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod usage;

use std::process::ExitCode;

pub use pages::{limits, open, pages};

use args::{Args, Role};

/// Runs the benchmark as the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let done = Args::read(std::env::args().skip(1)).map_err(Into::into).and_then(|args| match &args.role {
        Role::Help => {
            println!("{}\n\nrows:", args::HELP);
            for row in rows::ROWS {
                println!("  {:<22}{}", row.id, row.name);
            }
            Ok(())
        }
        Role::Serve(address) => serve::pages(address, &args),
        Role::Echo(address) => serve::echo(address, &args),
        Role::Start => child::load(),
        Role::Load => run::run(&args),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What can go wrong is told to the person at the terminal, and nothing else is done about it.
type Failure = Box<dyn std::error::Error + Send + Sync>;
