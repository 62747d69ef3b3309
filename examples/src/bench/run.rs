//! The runs: all scenarios that were asked for, one after the other, as often as was asked for.

use std::{collections::HashMap, time::Duration};

use tokio::runtime::{Builder, Runtime};

use super::{
    Failure,
    args::Args,
    board::Board,
    child::{self, Server, Side},
    load::Target,
    measure::{self, Found},
    scenarios::{Echo, Ours, SCENARIOS, Scenario},
    store::Stores,
    table,
};

/// How often a measurement is repeated when other work held the server's core.
const REPEATS: usize = 3;
/// From which part of the time on that counts.
const DISTURBED: f64 = 0.04;
/// Longest time of a measurement beyond that of the command line: a server that does not answer has failed.
const LONGEST: Duration = Duration::from_secs(120);

/// What the runs need and find.
struct Runs<'a> {
    args: &'a Args,
    runtime: Runtime,
    stores: Stores,
    board: Board,
    /// What was found of the echo in this run.
    echoes: HashMap<Echo, Found>,
}

/// Runs the scenarios, and prints the table. A row without a figure is a failure, told when all is done.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if args.child {
        child::end_with_parent();
    }
    // A quick run is no reason to disturb others.
    if !args.quick && !child::raise() {
        eprintln!("bench: the priority of the scheduling group could not be raised; other work will disturb");
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (stores, board, echoes) = (Stores::default(), Board::default(), HashMap::new());
    let mut runs = Runs { args, runtime, stores, board, echoes };
    for run in 1..=args.runs {
        runs.echoes.clear();
        for scenario in SCENARIOS.iter().filter(|scenario| is_wanted(args, scenario)) {
            // One that has failed once has no figure any more.
            if runs.board.has_failed(scenario.row) {
                continue;
            }
            eprint!("\rrun {run} of {}: {:<22}", args.runs, scenario.row);
            if let Err(error) = runs.scenario(scenario) {
                runs.board.fail(scenario.row, error.to_string());
            }
        }
    }
    eprint!("\r{:<40}\r", "");
    let figures = runs.board.figures();
    table::print(&figures, args);
    if let Some(file) = &args.json {
        std::fs::write(file, table::json(&figures, args)?)?;
    }
    let failed = figures.iter().filter(|row| row.failed.is_some()).count();
    if failed == 0 { Ok(()) } else { Err(format!("{failed} rows have failed").into()) }
}

fn is_wanted(args: &Args, scenario: &Scenario) -> bool {
    let store = scenario.store;
    let has_store = if args.against.is_some() {
        store.is_none_or(|kind| kind == args.store())
    } else {
        store.is_none_or(|kind| args.stores.contains(&kind))
    };
    has_store && (args.wants(scenario.row) || scenario.also.iter().any(|row| args.wants(row)))
}

impl Runs<'_> {
    fn scenario(&mut self, scenario: &Scenario) -> Result<(), Failure> {
        if let Some(echo) = scenario.echo {
            let found = match self.echoes.get(&echo) {
                Some(found) => found.clone(),
                None => self.echo(echo)?,
            };
            self.note(Side::Echo, scenario, &found);
            self.echoes.insert(echo, found);
        }
        let found = self.ours(scenario)?;
        self.note(Side::Ours, scenario, &found);
        Ok(())
    }

    fn note(&mut self, side: Side, scenario: &Scenario, found: &Found) {
        self.board.note(side, scenario.row, found);
        for row in scenario.also {
            if let Some(value) = found.figure(row) {
                self.board.value(side, row, value);
            }
        }
    }

    fn echo(&mut self, echo: Echo) -> Result<Found, Failure> {
        let args = self.args;
        self.undisturbed(|runs| {
            let server = Server::echo(args)?;
            runs.within(measure::echo(echo, Target::of(&server), args))
        })
        .map_err(|error| format!("the echo: {error}").into())
    }

    fn ours(&mut self, scenario: &Scenario) -> Result<Found, Failure> {
        let (args, ours) = (self.args, scenario.ours);
        if let Ours::Script = ours {
            return Ok(measure::script());
        }
        self.undisturbed(|runs| {
            let server = match &args.against {
                Some(address) => Server::running(address, args.pid)?,
                None => {
                    Server::pages(runs.stores.place(scenario.store.unwrap_or(args.store()), args)?, args)?
                }
            };
            runs.within(measure::ours(ours, Target::of(&server), args))
        })
    }

    /// Measures with a server of its own each time, again when it was disturbed.
    fn undisturbed(
        &mut self,
        mut measure: impl FnMut(&mut Self) -> Result<Found, Failure>,
    ) -> Result<Found, Failure> {
        for _ in 0..if self.args.quick { 0 } else { REPEATS } {
            let found = measure(self)?;
            if found.rate.is_none_or(|rate| rate.waited < DISTURBED) {
                return Ok(found);
            }
        }
        measure(self)
    }

    fn within(&mut self, measure: impl Future<Output = Result<Found, Failure>>) -> Result<Found, Failure> {
        let most = LONGEST + self.args.time * 4;
        let ended = self.runtime.block_on(async { tokio::time::timeout(most, measure).await });
        ended.unwrap_or_else(|_| Err(format!("not done within {} s", most.as_secs()).into()))
    }
}
