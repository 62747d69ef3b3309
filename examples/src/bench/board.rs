//! The figures: medians of all runs, beside the echo of the same runs and what is to be reached.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    child::Side,
    measure::Found,
    rows::{Better, ROWS, Row},
};

/// From which part of its core on a side is at its limit.
const FULL: f64 = 0.95;

/// Figures by row.
#[derive(Debug, Default)]
pub(crate) struct Board(BTreeMap<&'static str, Cells>);

/// What the runs have found for a row.
#[derive(Debug, Default)]
struct Cells {
    ours: Vec<f64>,
    echo: Vec<f64>,
    micros: Vec<f64>,
    down: Vec<f64>,
    up: Vec<f64>,
    notes: BTreeMap<(bool, &'static str), f64>,
    failed: Option<String>,
}

/// What is written about a row.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) ours: Option<f64>,
    pub(crate) echo: Option<f64>,
    pub(crate) of_echo: Option<f64>,
    pub(crate) target: Option<f64>,
    pub(crate) target_of_echo: Option<f64>,
    pub(crate) met: Option<bool>,
    /// The server's processor time for each event.
    pub(crate) micros: Option<f64>,
    /// Bytes of each event.
    pub(crate) down: Option<f64>,
    pub(crate) up: Option<f64>,
    pub(crate) ours_runs: Vec<f64>,
    pub(crate) echo_runs: Vec<f64>,
    pub(crate) notes: Vec<String>,
    pub(crate) failed: Option<String>,
}

impl Board {
    /// Notes one run's figure.
    pub(crate) fn value(&mut self, side: Side, row: &'static str, value: f64) {
        let cells = self.0.entry(row).or_default();
        if side == Side::Ours { cells.ours.push(value) } else { cells.echo.push(value) }
    }

    /// Notes what one run has found, and what other than the server bounded it.
    pub(crate) fn note(&mut self, side: Side, row: &'static str, found: &Found) {
        if let Some(value) = found.value {
            self.value(side, row, value);
        }
        let cells = self.0.entry(row).or_default();
        if let Some(rate) = found.rate {
            let key = |what| (side == Side::Ours, what);
            if rate.load > FULL && rate.server < FULL {
                cells.notes.insert(key("the load was the bottleneck, server at"), rate.server);
            }
            if rate.waited > 1.0 - FULL {
                cells.notes.insert(key("disturbed, server waited for its core"), rate.waited);
            }
        }
        if side == Side::Ours {
            cells.micros.extend(found.rate.and_then(|rate| rate.micros));
            cells.down.extend(found.bytes.map(|(down, _)| down));
            cells.up.extend(found.bytes.map(|(_, up)| up));
        }
    }

    /// Notes why a row has no figure.
    pub(crate) fn fail(&mut self, row: &'static str, why: String) {
        self.0.entry(row).or_default().failed = Some(why);
    }

    pub(crate) fn has_failed(&self, row: &str) -> bool {
        self.0.get(row).is_some_and(|cells| cells.failed.is_some())
    }

    /// The rows that were measured, in order.
    pub(crate) fn figures(&self) -> Vec<Figures> {
        ROWS.iter().filter_map(|row| Some(figures(row, self.0.get(row.id)?))).collect()
    }
}

fn figures(row: &'static Row, cells: &Cells) -> Figures {
    // What runs before a failure have found is not what was asked for.
    let ours = if cells.failed.is_some() { None } else { median(&cells.ours) };
    let echo = median(&cells.echo);
    let of_echo = ours.zip(echo).map(|(ours, echo)| ours / echo);
    // The part of the echo's figure is what machines have in common; without an echo the figure itself.
    let compared = of_echo.zip(row.share).or(ours.zip(row.target));
    let met = compared.map(|(is, wanted)| match row.better {
        Better::More => is >= wanted,
        Better::Less => is <= wanted,
    });
    let side = |ours| if ours { "ours" } else { "echo" };
    let note = |((ours, what), part): (&(bool, &str), &f64)| {
        format!("{}: {what} {:.0} % of the time", side(*ours), part * 100.0)
    };
    Figures {
        id: row.id,
        name: row.name,
        unit: row.unit,
        ours,
        echo,
        of_echo,
        target: row.target,
        target_of_echo: row.share,
        met,
        micros: median(&cells.micros),
        down: median(&cells.down),
        up: median(&cells.up),
        ours_runs: cells.ours.clone(),
        echo_runs: cells.echo.clone(),
        notes: cells.notes.iter().map(note).collect(),
        failed: cells.failed.clone(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn one(board: &Board) -> Figures {
        board.figures().pop().unwrap()
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn shares_are_compared_and_figures_where_there_are_none() {
        let mut board = Board::default();
        board.value(Side::Ours, "p50", 24.0);
        board.value(Side::Echo, "p50", 20.0);
        assert_eq!((one(&board).of_echo, one(&board).met), (Some(1.2), Some(true)));
        board.value(Side::Ours, "viewer", 20_001.0);
        assert_eq!((one(&board).of_echo, one(&board).met), (None, Some(false)));
    }

    #[test]
    fn a_row_that_has_failed_has_no_figure() {
        let mut board = Board::default();
        board.value(Side::Ours, "counter-64", 1.0);
        board.fail("counter-64", "refused".into());
        assert!(board.has_failed("counter-64") && !board.has_failed("many"));
        assert_eq!(
            (one(&board).ours, one(&board).met, one(&board).failed),
            (None, None, Some("refused".into()))
        );
    }
}
