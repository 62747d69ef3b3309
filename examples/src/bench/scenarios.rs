//! The scenarios, one after the other, as often as runs were asked for.

use std::{
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use super::{
    Failure,
    args::Args,
    board::Board,
    child::{self, Server, Side},
    load::{self, Act, Rate, Target},
    room, usage,
};

/// How often a measurement is repeated when other work held the server's core.
const REPEATS: usize = 3;
/// From which part of the time on that counts.
const DISTURBED: f64 = 0.04;
/// Bytes of a click, which is what the echo of it carries.
const CLICK: usize = 50;
/// Bytes of a form's answer.
const FORM: usize = 780;
/// Pages that are open before memory is measured, so that what a server needs once does not count.
const FIRST: usize = 200;
/// Time for a server to come to rest.
const REST: Duration = Duration::from_millis(700);
/// Time after which pages are idle: the server has looked twice for what it can put away.
const IDLE: Duration = Duration::from_millis(10_700);

/// What is measured together, because it needs the same server.
#[derive(Clone, Copy, Debug)]
struct Scenario {
    name: &'static str,
    echo: Option<Measure>,
    ours: Measure,
}

#[derive(Clone, Copy, Debug)]
enum Measure {
    /// Clients that act again and again; the rows for the rate and for the processor time.
    Turns { path: &'static str, act: fn() -> Act, clients: usize, rows: &'static [&'static str] },
    /// One client's round trips.
    Wait { path: &'static str, act: fn() -> Act },
    /// Memory of each of many pages.
    Memory { path: &'static str, act: fn() -> Act, row: &'static str, all: bool },
    /// The room.
    Room,
    /// Visits.
    Visits,
}

const fn turns(
    path: &'static str,
    act: fn() -> Act,
    clients: usize,
    rows: &'static [&'static str],
) -> Measure {
    Measure::Turns { path, act, clients, rows }
}

fn inc() -> Act {
    Act::Click("inc")
}

fn nothing() -> Act {
    Act::Click("")
}

fn echo() -> Act {
    Act::Echo(CLICK)
}

const COUNTER: &str = "/bench/counter";
const LIST: &str = "/bench/list";

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "counter-64",
        echo: Some(turns("/", echo, 64, &["counter-64", "cpu", "touch", "append"])),
        ours: turns(COUNTER, inc, 64, &["counter-64", "cpu"]),
    },
    Scenario {
        name: "counter-1000",
        echo: Some(turns("/", echo, 1000, &["counter-1000", "", "room"])),
        ours: turns(COUNTER, inc, 1000, &["counter-1000"]),
    },
    Scenario {
        name: "counter-1",
        echo: Some(Measure::Wait { path: "/", act: echo }),
        ours: Measure::Wait { path: COUNTER, act: inc },
    },
    Scenario {
        name: "form",
        echo: Some(turns("/", || Act::Echo(FORM), 64, &["form"])),
        ours: turns("/bench/form", || Act::Click("recalc"), 64, &["form", "", "bytes"]),
    },
    Scenario { name: "list-touch", echo: None, ours: turns(LIST, || Act::Click("touch"), 64, &["touch"]) },
    Scenario { name: "list-append", echo: None, ours: turns(LIST, || Act::Click("append"), 64, &["append"]) },
    Scenario {
        name: "list-memory",
        echo: None,
        ours: Measure::Memory { path: LIST, act: nothing, row: "viewer", all: false },
    },
    Scenario { name: "room", echo: None, ours: Measure::Room },
    Scenario { name: "visit", echo: Some(Measure::Visits), ours: Measure::Visits },
    Scenario {
        name: "idle",
        echo: Some(Measure::Memory { path: "/", act: echo, row: "idle", all: true }),
        ours: Measure::Memory { path: COUNTER, act: nothing, row: "idle", all: true },
    },
];

/// Runs all scenarios that were asked for, and prints the table.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if args.child {
        child::end_with_parent();
    }
    if !child::raise() {
        eprintln!("bench: the priority of the scheduling group could not be raised; other work will disturb");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut board = Board::default();
    for run in 1..=args.runs {
        for scenario in SCENARIOS.iter().filter(|scenario| args.wants(scenario.name)) {
            eprint!("\rrun {run} of {}: {:<20}", args.runs, scenario.name);
            for (side, measure) in [(Side::Echo, scenario.echo), (Side::Ours, Some(scenario.ours))] {
                let Some(measure) = measure else { continue };
                let told = |error| format!("{} ({side:?}): {error}", scenario.name);
                runtime.block_on(take(side, measure, args, &mut board)).map_err(told)?;
            }
        }
    }
    eprint!("\r{:<40}\r", "");
    if args.wants("script") {
        board.note(Side::Ours, "script", web::SCRIPT.len() as f64);
        if let Some(size) = brotli(web::SCRIPT) {
            board.note(Side::Ours, "brotli", size);
        }
    }
    board.print(args);
    if let Some(file) = &args.json {
        std::fs::write(file, board.json(args)?)?;
    }
    Ok(())
}

/// Takes one measurement with a server of its own, again when it was disturbed.
async fn take(side: Side, measure: Measure, args: &Args, board: &mut Board) -> Result<(), Failure> {
    for repeat in 0..=REPEATS {
        let server = Server::start(side, args)?;
        let target = Target::of(side, &server);
        let rate = once(target, measure, args, board, repeat == REPEATS).await?;
        if rate.is_none_or(|rate| rate.waited < DISTURBED) {
            break;
        }
    }
    Ok(())
}

/// Measures, and notes the figures unless the measurement was disturbed and may be repeated.
async fn once(
    target: Target,
    measure: Measure,
    args: &Args,
    board: &mut Board,
    last: bool,
) -> Result<Option<Rate>, Failure> {
    let side = target.side;
    let good = |rate: &Rate| last || rate.waited < DISTURBED;
    match measure {
        Measure::Turns { path, act, clients, rows } => {
            let clients = load::open(target, path, act(), clients).await?;
            let (rate, clients) = load::turns(target, clients, args.time).await?;
            if good(&rate) {
                for row in rows.iter().filter(|row| !["", "cpu", "bytes"].contains(*row)) {
                    board.rate(side, row, &rate);
                }
                if let Some(micros) = rate.micros.filter(|_| rows.contains(&"cpu")) {
                    board.note(side, "cpu", micros);
                }
                if let Some(client) = clients.first().filter(|_| rows.contains(&"bytes")) {
                    let (down, up) = client.bytes();
                    board.note(side, "form-down", down);
                    board.note(side, "form-up", up);
                }
            }
            Ok(Some(rate))
        }
        Measure::Wait { path, act } => {
            let mut clients = load::open(target, path, act(), 1).await?;
            if let Some(client) = clients.first_mut() {
                let (p50, p99) = load::wait(client, args.time).await?;
                board.note(side, "p50", p50);
                board.note(side, "p99", p99);
            }
            let (rate, _) = load::turns(target, clients, args.time.div_f64(3.0)).await?;
            board.rate(side, "counter-1", &rate);
            Ok(None)
        }
        Measure::Memory { path, act, row, all } => {
            let Some(pid) = target.pid else { return Ok(None) };
            let count = if all { args.pages } else { args.pages / 10 };
            let mut clients = load::open(target, path, act(), FIRST).await?;
            tokio::time::sleep(if side == Side::Ours { IDLE } else { REST }).await;
            let before = usage::memory(pid);
            clients.extend(load::open(target, path, act(), count).await?);
            tokio::time::sleep(if side == Side::Ours { IDLE } else { REST }).await;
            if let Some((before, after)) = before.zip(usage::memory(pid)) {
                board.note(side, row, (after - before) / count as f64);
            }
            Ok(None)
        }
        Measure::Room => {
            let rate = room::deliveries(target, "/bench/room", 1000, args.time).await?;
            if good(&rate) {
                board.rate(side, "room", &rate);
            }
            Ok(Some(rate))
        }
        Measure::Visits => {
            let rate = load::visits(target, COUNTER, args.time).await?;
            if good(&rate) {
                board.rate(side, "visit", &rate);
            }
            Ok(Some(rate))
        }
    }
}

/// The size of the script as a server in front may send it; needs node.
fn brotli(script: &str) -> Option<f64> {
    let program = "process.stdout.write(String(require('zlib').brotliCompressSync(require('fs').readFileSync(0)).length))";
    let mut node = Command::new("node")
        .args(["-e", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    node.stdin.take()?.write_all(script.as_bytes()).ok()?;
    String::from_utf8(node.wait_with_output().ok()?.stdout).ok()?.parse().ok()
}
