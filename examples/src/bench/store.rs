//! The stores that a server under measurement may have, each new and gone with the server.

use std::{fs, io, path::PathBuf, str::FromStr};

use super::{Failure, args::Args, child, postgres::Postgres};

/// Where a server keeps its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Memory,
    Redb,
    Postgres,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Kind::Memory => "memory",
            Kind::Redb => "redb",
            Kind::Postgres => "postgres",
        }
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [Kind::Memory, Kind::Redb, Kind::Postgres].into_iter().find(|kind| kind.name() == name).ok_or(())
    }
}

/// A store that nobody has used.
#[derive(Debug)]
pub(crate) struct Place {
    /// As `kvs` opens it.
    pub(crate) url: String,
    folder: Option<PathBuf>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Makes stores, and has the PostgreSQL server for them once one is wanted.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    made: usize,
    postgres: Option<Postgres>,
}

impl Stores {
    /// A new store of a kind.
    pub(crate) fn place(&mut self, kind: Kind, args: &Args) -> Result<Place, Failure> {
        self.made += 1;
        match kind {
            Kind::Memory => Ok(Place { url: String::from("memory:"), folder: None }),
            Kind::Redb => {
                let folder = folder(&self.made.to_string())?;
                let url = format!("redb:{}", folder.join("bench.redb").display());
                Ok(Place { url, folder: Some(folder) })
            }
            Kind::Postgres => {
                let server = match self.postgres.take() {
                    Some(server) => server,
                    None => Postgres::start(child::cores(args).0)?,
                };
                let url = self.postgres.insert(server).fresh(self.made)?;
                Ok(Place { url, folder: None })
            }
        }
    }
}

/// A new folder for what does not outlive this process.
pub(crate) fn folder(name: &str) -> io::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("n2o-bench-{}-{name}", std::process::id()));
    fs::create_dir(&folder)?;
    Ok(folder)
}
