//! Running all cases and summing up.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use bpe::Limits;

use crate::case::{Case, Cases};
use crate::deploy::{Deployed, deploy};
use crate::driver;

/// What became of every case.
#[derive(Debug)]
pub(crate) struct Report {
    results: Vec<(Case, Outcome)>,
}

#[derive(Debug)]
enum Outcome {
    Passed,
    Failed(String),
    /// The engine does not run these elements.
    Needs(Vec<String>),
}

/// Runs the cases of a file.
pub(crate) fn run(path: &Path) -> Result<Report, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let cases: Cases = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if cases.schema != "bpmn-cases/1" {
        return Err(format!("the schema is `{}`, not `bpmn-cases/1`", cases.schema));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let run = |case: Case| {
        let outcome = match deploy(folder, &case, &Limits::default()) {
            Ok(Deployed::Unsupported(elements)) => Outcome::Needs(elements),
            Ok(deployed) => driver::run(&case, deployed).map_or_else(Outcome::Failed, |()| Outcome::Passed),
            Err(why) => Outcome::Failed(why),
        };
        (case, outcome)
    };
    Ok(Report { results: cases.cases.into_iter().map(run).collect() })
}

impl Report {
    /// How many cases there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.results.len()
    }

    /// Whether the engine runs all cases and each gives what it says.
    #[cfg(test)]
    pub(crate) fn all_passed(&self) -> bool {
        self.results.iter().all(|(_, outcome)| matches!(outcome, Outcome::Passed))
    }

    /// Whether a case failed that the engine should pass. Where engines disagree, nothing is counted.
    pub(crate) fn failed(&self) -> bool {
        self.results
            .iter()
            .any(|(case, outcome)| matches!(outcome, Outcome::Failed(_)) && case.disputed.is_null())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut by_element: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        let mut sums = [0; 3];
        for (case, outcome) in &self.results {
            let column = match outcome {
                Outcome::Passed => 0,
                Outcome::Failed(why) => {
                    let disputed = if case.disputed.is_null() { "" } else { " (disputed)" };
                    writeln!(f, "FAILED {}{disputed}: {why}", case.id)?;
                    1
                }
                Outcome::Needs(elements) => {
                    writeln!(f, "NOT RUN {}: needs {}", case.id, elements.join(", "))?;
                    2
                }
            };
            sums[column] += 1;
            for element in &case.elements {
                by_element.entry(element).or_default()[column] += 1;
            }
        }
        writeln!(f, "{:<36} {:>6} {:>6} {:>7}", "element", "passed", "failed", "not run")?;
        for (element, [passed, failed, not_run]) in by_element {
            writeln!(f, "{element:<36} {passed:>6} {failed:>6} {not_run:>7}")?;
        }
        let [passed, failed, not_run] = sums;
        writeln!(f, "{:<36} {passed:>6} {failed:>6} {not_run:>7}", "all cases")
    }
}
