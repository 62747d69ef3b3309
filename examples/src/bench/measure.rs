//! One measurement: what clients of a server that was just started find.

use std::{
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use super::{
    Failure,
    args::Args,
    client::Role,
    load::{self, Rate, Span, Target, Visit},
    room,
    scenarios::{Crowd, Echo, Ours},
    usage,
};

/// Pages that are open before memory is measured, so that what a server needs once does not count.
const FIRST: usize = 200;
/// Time for the echo to come to rest.
const REST: Duration = Duration::from_millis(700);
/// Time after which pages are idle: the server has looked twice for what it can put away.
const IDLE: Duration = Duration::from_millis(10_700);
/// Turns of each client of a quick run, in which it uses one element of many twice.
const QUICK: usize = 2 * super::pages::PAIRS + 6;
/// Most clients and pages, and most rows of a list, of a quick run.
const FEW: usize = 3;
const SHORT: usize = 40;

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// The figure that the measurement is about; none where the system does not tell it.
    pub(crate) value: Option<f64>,
    pub(crate) rate: Option<Rate>,
    /// Bytes of one turn, down and up.
    pub(crate) bytes: Option<(f64, f64)>,
    /// By rows.
    also: Vec<(&'static str, f64)>,
}

impl Found {
    fn rate(rate: Rate) -> Self {
        Found { value: Some(rate.per_second), rate: Some(rate), ..Found::default() }
    }

    /// The figure of a row that goes with the measurement.
    pub(crate) fn figure(&self, row: &str) -> Option<f64> {
        match row {
            "cpu" => self.rate.and_then(|rate| rate.micros),
            "form-down" => self.bytes.map(|(down, _)| down),
            "form-up" => self.bytes.map(|(_, up)| up),
            _ => self.also.iter().find(|(id, _)| *id == row).map(|(_, value)| *value),
        }
    }
}

fn span(args: &Args) -> Span {
    if args.quick { Span::Turns(QUICK) } else { Span::Time(args.time) }
}

fn few(args: &Args, count: usize) -> usize {
    if args.quick { count.min(FEW) } else { count }
}

fn role(args: &Args, crowd: Crowd) -> Role {
    let rows = if args.quick { crowd.rows.min(SHORT) } else { crowd.rows };
    Role { path: crowd.path.replace("{rows}", &rows.to_string()), format: crowd.format, act: crowd.act }
}

/// Measures the pages.
pub(crate) async fn ours(measure: Ours, target: Target, args: &Args) -> Result<Found, Failure> {
    match measure {
        Ours::Turns(crowd) => turns(target, &role(args, crowd), crowd.clients, args).await,
        Ours::Wait(crowd) => wait(target, &role(args, crowd), args).await,
        Ours::Both(crowd) => {
            let mut clients = load::open(target, &role(args, crowd), 1).await?;
            let client = clients.first_mut().ok_or("no client")?;
            let (odd, even) = load::both(client, span(args)).await?;
            let bytes = Some(client.bytes());
            Ok(Found { value: Some(odd), bytes, also: vec![("restore", even)], ..Found::default() })
        }
        Ours::Memory(crowd) => {
            let pages = if crowd.clients == 0 { args.pages } else { crowd.clients };
            memory(target, &role(args, crowd), pages, IDLE, args).await
        }
        Ours::Room(members) => {
            let members = if args.quick { members.min(2 * FEW) } else { members };
            room::deliveries(target, "/bench/room", members, span(args)).await.map(Found::rate)
        }
        Ours::Visits(path) => load::visits(target, &Visit::Page(path), span(args)).await.map(Found::rate),
        Ours::Script => Ok(script()),
    }
}

/// Measures the echo.
pub(crate) async fn echo(measure: Echo, target: Target, args: &Args) -> Result<Found, Failure> {
    let found = match measure {
        Echo::Turns { bytes, clients } => turns(target, &Role::echo(bytes), clients, args).await,
        Echo::Wait { bytes } => wait(target, &Role::echo(bytes), args).await,
        Echo::Memory => memory(target, &Role::echo(0), args.pages, REST, args).await,
        Echo::Visits { document, bytes } => {
            load::visits(target, &Visit::Echo { document, bytes }, span(args)).await.map(Found::rate)
        }
    };
    // It says back what it is told, and how much that is says nothing.
    Ok(Found { bytes: None, ..found? })
}

async fn turns(target: Target, role: &Role, clients: usize, args: &Args) -> Result<Found, Failure> {
    let clients = load::open(target, role, few(args, clients)).await?;
    let (rate, clients) = load::turns(target, clients, span(args)).await?;
    let bytes = clients.first().map(|client| client.bytes());
    Ok(Found { bytes, ..Found::rate(rate) })
}

async fn wait(target: Target, role: &Role, args: &Args) -> Result<Found, Failure> {
    let mut clients = load::open(target, role, 1).await?;
    let client = clients.first_mut().ok_or("no client")?;
    let (p50, p99) = load::wait(client, span(args)).await?;
    let shorter = if args.quick { span(args) } else { Span::Time(args.time.div_f64(3.0)) };
    let (rate, clients) = load::turns(target, clients, shorter).await?;
    let bytes = clients.first().map(|client| client.bytes());
    Ok(Found { bytes, also: vec![("p50", p50), ("p99", p99)], ..Found::rate(rate) })
}

async fn memory(
    target: Target,
    role: &Role,
    pages: usize,
    rest: Duration,
    args: &Args,
) -> Result<Found, Failure> {
    let (first, pages) = (few(args, FIRST), few(args, pages));
    let rest = if args.quick { Duration::ZERO } else { rest };
    let mut clients = load::open(target, role, first).await?;
    tokio::time::sleep(rest).await;
    let before = target.pid.and_then(usage::memory);
    clients.extend(load::open(target, role, pages).await?);
    tokio::time::sleep(rest).await;
    let after = target.pid.and_then(usage::memory);
    let value = before.zip(after).map(|(before, after)| (after - before) / pages.max(1) as f64);
    Ok(Found { value, ..Found::default() })
}

/// The size of the script, as it is and as a server in front may send it; the latter needs node.
pub(crate) fn script() -> Found {
    let program = "process.stdout.write(String(require('zlib').brotliCompressSync(require('fs').readFileSync(0)).length))";
    let size = || {
        let mut node = Command::new("node")
            .args(["-e", program])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        node.stdin.take()?.write_all(web::SCRIPT.as_bytes()).ok()?;
        String::from_utf8(node.wait_with_output().ok()?.stdout).ok()?.parse().ok()
    };
    let also = size().map(|size| ("brotli", size)).into_iter().collect();
    Found { value: Some(web::SCRIPT.len() as f64), also, ..Found::default() }
}
