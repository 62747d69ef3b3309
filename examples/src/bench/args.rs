//! The command line of `bench`.

use std::time::Duration;

pub(crate) const HELP: &str = "\
Measures the server beside a bare WebSocket echo, and prints a table.

usage: bench [OPTION...]
  --runs N          runs, of which medians are taken (default 3)
  --seconds S       how long each measurement takes (default 1.5)
  --only WORD       only scenarios whose name contains WORD; may be given several times
  --pages N         idle pages (default 10000)
  --redb            keep the store on disk instead of in memory
  --cores S,L       the cores of the server and of the load (default: the first two)
  --json FILE       write the figures to FILE too
  --against ADDR    drive the pages of a server that runs already, such as `demo --bench`;
                    its processor time and memory are read when --pid is given too
  --pid PID         the process of that server
  --serve ADDR      only serve the pages
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
    pub(crate) redb: bool,
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
    #[error("{0} needs a value; see --help")]
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
            redb: false,
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
                "--redb" => args.redb = true,
                "--runs" => args.runs = number(&word, &text()?)?,
                "--pages" => args.pages = number(&word, &text()?)?,
                "--pid" => args.pid = Some(number(&word, &text()?)?),
                "--seconds" => {
                    let seconds = number(&word, &text()?)?;
                    args.time =
                        Duration::try_from_secs_f64(seconds).map_err(|_| Wrong::Value(word.clone()))?;
                }
                "--only" => args.only.push(text()?),
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

    /// Whether a scenario was asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| name.contains(word.as_str()))
    }
}

fn number<T: std::str::FromStr>(option: &str, text: &str) -> Result<T, Wrong> {
    text.trim().parse().map_err(|_| Wrong::Value(option.to_owned()))
}
