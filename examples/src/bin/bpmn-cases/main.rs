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
mod tests {
    use std::path::PathBuf;

    /// Runs the shared cases where there are some; a folder that is named but not there fails.
    #[test]
    fn shared_cases_pass() {
        let Some(shared) = std::env::var_os("N2O_SHARED") else { return };
        let report = super::report::run(&PathBuf::from(shared).join("bpmn/cases.json")).unwrap();
        assert!(!report.failed(), "{report}");
    }
}
