//! Looking after a store, whoever has it open: what `kvs` can be asked for, done in this process, or in the
//! one that has the store, which listens on a socket beside it.

mod call;
mod control;
mod work;

use std::{
    path::{Path, PathBuf},
    pin::pin,
};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

pub(crate) use control::Control;

use crate::{
    error::{Error, Result},
    options::Options,
    store::Store,
};

/// What can be asked of a store, in use or not; see [`Care::run`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Care {
    /// Size, tables and how many records, number of feeds.
    Stat,
    /// Feeds at and below a path, with their counts.
    Feeds {
        /// The path.
        root: String,
    },
    /// A record.
    Get {
        /// Its table.
        table: String,
        /// Its id.
        id: String,
    },
    /// Records by id.
    Range {
        /// The table.
        table: String,
        /// What their ids begin with.
        prefix: String,
    },
    /// The newest entries of a feed.
    Feed {
        /// The feed.
        path: String,
        /// How many.
        count: usize,
    },
    /// Everything is read and compared.
    Check,
    /// A chained feed is checked, and its state told.
    Verify {
        /// The feed.
        feed: String,
    },
    /// The present state is written into a file.
    Backup {
        /// The file.
        file: PathBuf,
    },
    /// Unused space is given back.
    Compact,
    /// Everything as lines of JSON.
    Dump,
}

/// What is told of the work, in the order it comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Said {
    /// A line of the result.
    Line(String),
    /// A line that is not the result: why something is not there.
    Note(String),
    /// How far long work is.
    Progress(u64, String),
}

/// The exit status of work that found something wrong, or found nothing.
const WRONG: u8 = 3;
const NOTHING: u8 = 1;

/// Where the work says what it has to say; whoever hears it is waited for.
pub(crate) type Teller = mpsc::Sender<Said>;

/// How many lines may wait to be heard.
const LINES: usize = 256;

impl Care {
    /// Does what is asked of the store that the URL names, tells `said` of it, and answers an exit status: 0
    /// for done, 1 for nothing found, 3 for something wrong. A redb store that another process has open is
    /// looked after by that process, without being closed; any other is opened and closed here. Only
    /// [`Compact`](Self::Compact) writes to it then: for the others it may be on a file system that is
    /// read-only, or a file that this process may only read, and what a killed process left to be repaired is
    /// repaired in memory.
    pub async fn run(
        &self,
        url: &str,
        options: Options,
        mut said: impl FnMut(Said) -> std::io::Result<()>,
    ) -> Result<u8> {
        let care = self.absolute()?;
        if let Some(path) = url.strip_prefix("redb:").map(Path::new) {
            if let Some(status) = call::call(path, &care, &mut said)? {
                return Ok(status);
            }
            // One that only looks must not make what it was asked to look at.
            match path.try_exists() {
                Ok(true) => {}
                Ok(false) => return Err(Error::NoStore { path: path.to_owned() }),
                Err(error) => return Err(Error::io(&path.display().to_string(), error)),
            }
        }
        let options = options.control(false).pause(0).looks(!matches!(care, Self::Compact));
        let store = Store::open_with(url, options).await?;
        let (teller, mut told) = mpsc::channel(LINES);
        let mut work = pin!(work::work(&store, &care, teller));
        loop {
            tokio::select! {
                biased;
                Some(words) = told.recv() => said(words).map_err(hearer)?,
                outcome = &mut work => {
                    // What was said is heard before the end is.
                    while let Ok(words) = told.try_recv() {
                        said(words).map_err(hearer)?;
                    }
                    return outcome;
                }
            }
        }
    }

    /// The same with paths that mean the same in another process.
    fn absolute(&self) -> Result<Self> {
        match self {
            Self::Backup { file } => {
                let file = std::path::absolute(file)
                    .map_err(|error| Error::io(&file.display().to_string(), error))?;
                Ok(Self::Backup { file })
            }
            care => Ok(care.clone()),
        }
    }

    /// Whether it reads or writes everything, so that one of its kind at a time is enough.
    fn is_long(&self) -> bool {
        matches!(self, Self::Check | Self::Backup { .. } | Self::Compact | Self::Dump | Self::Verify { .. })
    }
}

/// Whoever reads the output may have seen enough.
fn hearer(error: std::io::Error) -> Error {
    Error::io("the output", error)
}
