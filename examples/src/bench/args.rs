//! The command line of `bench`.

use std::time::Duration;

use super::{rows::ROWS, store::Kind};

pub(crate) const HELP: &str = "\
Measures the server beside a bare WebSocket echo, and prints a table.

usage: bench [OPTION...]
  --runs N          runs, of which medians are taken (default 3)
  --seconds S       how long each measurement takes (default 1.5)
  --only WORD       only rows whose id contains WORD; may be given several times
  --pages N         idle pages (default 10000)
  --store LIST      stores, separated by commas: memory, redb, and postgres, which is started for it and
                    needs --features postgres (default memory,redb); rows about writing are measured with
                    each, the others with the first
  --quick           a few events of each row on small pages: shows that all work, and not how fast
  --cores S,L       the cores of the server and of the load (default: the first two)
  --json FILE       write the figures to FILE too
  --against ADDR    drive the pages of a server that runs already, such as `demo --bench`;
                    its processor time and memory are read when --pid is given too; its store is the
                    first of --store
  --pid PID         the process of that server
  --serve ADDR      only serve the pages
  --url URL         the store of --serve, as kvs opens it (default memory:)
  --echo ADDR       only serve the echo";

/// What this process is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Explain.
    Help,
    /// Start the load as a process of its own.
    Start,
    /// Be the load.
    Load,
    /// Serve the pages.
    Serve(String),
    /// Serve the echo.
    Echo(String),
}

/// What the command line says.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    pub(crate) role: Role,
    pub(crate) runs: usize,
    pub(crate) time: Duration,
    pub(crate) only: Vec<String>,
    pub(crate) pages: usize,
    pub(crate) stores: Vec<Kind>,
    pub(crate) quick: bool,
    pub(crate) url: String,
    pub(crate) cores: Option<(usize, usize)>,
    pub(crate) json: Option<String>,
    pub(crate) against: Option<String>,
    pub(crate) pid: Option<u32>,
    /// Ends with its parent, which holds the other end of its standard input.
    pub(crate) child: bool,
}

/// The command line makes no sense.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("{0:?} is not an option; see --help")]
    Unknown(String),
    #[error("no row's id contains {0:?}; see --help")]
    Row(String),
    #[error("{0} needs a value, and such as --help says")]
    Value(String),
}

impl Args {
    pub(crate) fn read(words: impl Iterator<Item = String>) -> Result<Self, Wrong> {
        let mut args = Args {
            role: Role::Start,
            runs: 3,
            time: Duration::from_millis(1_500),
            only: Vec::new(),
            pages: 10_000,
            stores: vec![Kind::Memory, Kind::Redb],
            quick: false,
            url: String::from("memory:"),
            cores: None,
            json: None,
            against: None,
            pid: None,
            child: false,
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut text = || words.next().ok_or_else(|| Wrong::Value(word.clone()));
            match word.as_str() {
                "--help" | "-h" => args.role = Role::Help,
                "--load" => args.role = Role::Load,
                "--serve" => args.role = Role::Serve(text()?),
                "--echo" => args.role = Role::Echo(text()?),
                "--child" => args.child = true,
                "--quick" => args.quick = true,
                "--url" => args.url = text()?,
                "--store" => {
                    let kinds = text()?;
                    let kinds = kinds.split(',').map(|kind| kind.trim().parse::<Kind>());
                    args.stores =
                        kinds.collect::<Result<_, ()>>().map_err(|()| Wrong::Value(word.clone()))?;
                }
                "--runs" => args.runs = number(&word, &text()?)?,
                "--pages" => args.pages = number(&word, &text()?)?,
                "--pid" => args.pid = Some(number(&word, &text()?)?),
                "--seconds" => {
                    let seconds = number(&word, &text()?)?;
                    args.time =
                        Duration::try_from_secs_f64(seconds).map_err(|_| Wrong::Value(word.clone()))?;
                }
                "--only" => {
                    let part = text()?;
                    if !ROWS.iter().any(|row| row.id.contains(&part)) {
                        return Err(Wrong::Row(part));
                    }
                    args.only.push(part);
                }
                "--json" => args.json = Some(text()?),
                "--against" => args.against = Some(text()?),
                "--cores" => {
                    let cores = text()?;
                    let (server, load) = cores.split_once(',').ok_or_else(|| Wrong::Value(word.clone()))?;
                    args.cores = Some((number(&word, server)?, number(&word, load)?));
                }
                _ => return Err(Wrong::Unknown(word)),
            }
        }
        Ok(args)
    }

    /// Whether a row was asked for.
    pub(crate) fn wants(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| row.contains(word.as_str()))
    }

    /// The store of rows that are not about writing.
    pub(crate) fn store(&self) -> Kind {
        self.stores.first().copied().unwrap_or(Kind::Memory)
    }
}

fn number<T: std::str::FromStr>(option: &str, text: &str) -> Result<T, Wrong> {
    text.trim().parse().map_err(|_| Wrong::Value(option.to_owned()))
}
