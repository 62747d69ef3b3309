//! The figures: medians of all runs, beside what is to be reached, as a table and as JSON.

use std::{collections::BTreeMap, fmt::Write};

use serde::Serialize;

use super::{
    args::Args,
    child::{self, Side},
    load::Rate,
    rows::{Better, ROWS, Row},
    usage,
};

/// From which part of its core on a side is at its limit.
const FULL: f64 = 0.95;

/// Figures by row.
#[derive(Debug, Default)]
pub(crate) struct Board {
    ours: BTreeMap<&'static str, Vec<f64>>,
    echo: BTreeMap<&'static str, Vec<f64>>,
    /// Rows in whose measurement the load was at its limit and the server was not.
    load_bound: BTreeMap<(bool, &'static str), f64>,
    /// Rows in whose measurement other work held the server's core.
    disturbed: BTreeMap<(bool, &'static str), f64>,
}

/// What is written about a row.
#[derive(Debug, Serialize)]
struct Figures {
    id: &'static str,
    name: &'static str,
    unit: &'static str,
    ours: Option<f64>,
    echo: Option<f64>,
    of_echo: Option<f64>,
    target: Option<f64>,
    target_of_echo: Option<f64>,
    met: Option<bool>,
    ours_runs: Vec<f64>,
    echo_runs: Vec<f64>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    processor: String,
    runs: usize,
    seconds: f64,
    store: &'static str,
    rows: Vec<Figures>,
}

impl Board {
    /// Notes one run's figure.
    pub(crate) fn note(&mut self, side: Side, row: &'static str, value: f64) {
        let figures = if side == Side::Ours { &mut self.ours } else { &mut self.echo };
        figures.entry(row).or_default().push(value);
    }

    /// Notes one run's rate, and whether something other than the server bounded it.
    pub(crate) fn rate(&mut self, side: Side, row: &'static str, rate: &Rate) {
        self.note(side, row, rate.per_second);
        let key = (side == Side::Ours, row);
        if rate.load > FULL && rate.server < FULL {
            self.load_bound.insert(key, rate.server);
        }
        if rate.waited > 1.0 - FULL {
            self.disturbed.insert(key, rate.waited);
        }
    }

    fn figures(&self, row: &'static Row) -> Option<Figures> {
        let runs = |of: &BTreeMap<&str, Vec<f64>>| of.get(row.id).cloned().unwrap_or_default();
        let (ours_runs, echo_runs) = (runs(&self.ours), runs(&self.echo));
        let (ours, echo) = (median(&ours_runs), median(&echo_runs));
        ours?;
        let of_echo = ours.zip(echo).map(|(ours, echo)| ours / echo);
        // The part of the echo's figure is what machines have in common; without an echo the figure itself.
        let compared = of_echo.zip(row.share).or(ours.zip(row.target.filter(|_| row.share.is_none())));
        let met = compared.map(|(is, wanted)| match row.better {
            Better::More => is >= wanted,
            Better::Less => is <= wanted,
        });
        let mut notes = Vec::new();
        for (side, name) in [(true, "ours"), (false, "echo")] {
            if let Some(server) = self.load_bound.get(&(side, row.id)) {
                notes.push(format!("{name}: the load was the bottleneck, server at {:.0} %", server * 100.0));
            }
            if let Some(waited) = self.disturbed.get(&(side, row.id)) {
                notes.push(format!("{name}: disturbed, server waited {:.0} % for its core", waited * 100.0));
            }
        }
        Some(Figures {
            id: row.id,
            name: row.name,
            unit: row.unit,
            ours,
            echo,
            of_echo,
            target: row.target,
            target_of_echo: row.share,
            met,
            ours_runs,
            echo_runs,
            notes,
        })
    }

    /// Prints the table.
    pub(crate) fn print(&self, args: &Args) {
        let (server, load) = child::cores(args);
        let core = |core: Option<usize>| core.map_or("any".to_owned(), |core| core.to_string());
        println!(
            "{}; server on core {}, load on core {}; store {}; medians of {} runs of {:.1} s\n",
            usage::processor(),
            core(server),
            core(load),
            store(args),
            args.runs,
            args.time.as_secs_f64()
        );
        println!("| | unit | ours | echo | ours / echo | at least | of the echo | met |");
        println!("|---|---|--:|--:|--:|--:|--:|---|");
        let mut notes = String::new();
        for row in ROWS.iter().filter_map(|row| self.figures(row)) {
            let met = row.met.map_or("", |met| if met { "yes" } else { "no" });
            println!(
                "| {} | {} | {} | {} | {} | {} | {} | {met} |",
                row.name,
                row.unit,
                figure(row.ours),
                figure(row.echo),
                ratio(row.of_echo),
                figure(row.target),
                ratio(row.target_of_echo),
            );
            for note in row.notes {
                let _ = writeln!(notes, "- {}: {note}", row.name);
            }
        }
        if !notes.is_empty() {
            println!("\n{notes}");
        }
    }

    /// The figures as JSON.
    pub(crate) fn json(&self, args: &Args) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(&Report {
            processor: usage::processor(),
            runs: args.runs,
            seconds: args.time.as_secs_f64(),
            store: store(args),
            rows: ROWS.iter().filter_map(|row| self.figures(row)).collect(),
        })
    }
}

fn store(args: &Args) -> &'static str {
    if args.redb { "redb" } else { "memory" }
}

fn median(runs: &[f64]) -> Option<f64> {
    let mut runs = runs.to_vec();
    runs.sort_by(f64::total_cmp);
    let middle = runs.len() / 2;
    match runs.len() {
        0 => None,
        len if len % 2 == 1 => Some(runs[middle]),
        _ => Some((runs[middle - 1] + runs[middle]) / 2.0),
    }
}

/// A figure with as many digits as mean something.
fn figure(value: Option<f64>) -> String {
    match value {
        None => String::from("-"),
        Some(value) if value < 100.0 => format!("{value:.1}"),
        Some(value) => {
            let digits = format!("{value:.0}");
            let mut grouped = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at) % 3 == 0 {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            grouped
        }
    }
}

fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| String::from("-"), |value| format!("{value:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_can_be_read() {
        assert_eq!(figure(Some(1_234_567.4)), "1,234,567");
        assert_eq!(figure(Some(5.34)), "5.3");
        assert_eq!(figure(None), "-");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
