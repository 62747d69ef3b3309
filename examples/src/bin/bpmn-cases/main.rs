//! Runs a file of engine-neutral BPMN cases and says which of them the engine passes: `bpmn-cases
//! cases.json`.

mod case;
mod deploy;
mod driver;
mod expect;
mod report;
mod world;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: bpmn-cases PATH/cases.json");
        return ExitCode::from(2);
    };
    match report::run(Path::new(&path)) {
        Ok(report) => {
            print!("{report}");
            if report.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            eprintln!("{path}: {error}");
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests;
