//! The one error of the crate. Each variant says what happened, to what, and what to do about it.

use std::{error::Error as StdError, io, path::PathBuf, sync::Arc};

/// What kvs functions answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The system's number for "too many open files" of a process; the standard library has no kind for it.
const EMFILE: i32 = 24;
/// The same of the whole system.
const ENFILE: i32 = 23;

/// Why the store could not do what was asked.
///
/// It is `Clone`, because one failed disk write answers every transaction that was gathered in it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL names no store this build knows. Use `memory:`, `redb:PATH`, or, with the feature
    /// `postgres`, `postgres://USER@HOST/DATABASE`.
    #[error(
        "{url:?} names no store: use `memory:`, `redb:PATH` or, with the feature `postgres`, `postgres://...`"
    )]
    Url {
        /// The URL as it was given.
        url: String,
    },
    /// Another process has the store open. Stop that process, or open a backup of the store.
    #[error("{} is in use by {holder}: stop that process first", path.display())]
    Locked {
        /// The store's file.
        path: PathBuf,
        /// Who holds it: process id, host and time, as noted beside the file.
        holder: String,
    },
    /// The stored bytes are not what was written. Restore the newest backup; `kvs check` lists what is
    /// damaged, and `kvs --unverified dump` saves what is still readable.
    #[error(
        "{place} is corrupt: {detail}; restore a backup, or save what is left with `kvs --unverified dump`"
    )]
    Corrupt {
        /// The file, or the place in the key space.
        place: String,
        /// What was found there.
        detail: String,
    },
    /// A newer version of kvs wrote the store, in a layout that this one does not know. Nothing was changed.
    /// Use that version, or a newer one; `kvs dump` of that version writes what this one can load.
    #[error(
        "{place} has version {version} of the format, and this build knows no more than {known}: use the version of kvs that wrote it, or a newer one"
    )]
    Newer {
        /// The file, the server, or the place in the key space.
        place: String,
        /// The version that the store has.
        version: u32,
        /// The newest version that this build knows.
        known: u32,
    },
    /// There is no file of this name, and whoever only looks does not make one. Check the path.
    #[error("there is no store {}: check the path", path.display())]
    NoStore {
        /// The path that was given.
        path: PathBuf,
    },
    /// There is no store where there was one, or an empty file in its place: what stands beside it says so.
    /// Restore a backup with `kvs restore`, or open it with [`Options::anew`](crate::Options::anew).
    #[error(
        "the store {} {found}, though there was one: {}restore a backup with `kvs restore`, or begin anew on \
         purpose", path.display(), instead(rescued.as_ref())
    )]
    Missing {
        /// The store's file.
        path: PathBuf,
        /// What is there instead: `is missing` or `is empty`.
        found: &'static str,
        /// The file beside it into which it was rescued when it was closed without its own, if there is one.
        rescued: Option<PathBuf>,
    },
    /// The store's file was deleted, moved, replaced, cut or written over while the store is open. The open store
    /// still has everything, or of a file that was changed what it keeps in memory: make a backup with `kvs backup`
    /// before it is closed. When it is closed it writes itself into a file of another name beside.
    #[error(
        "the file {} {found} while it was in use; nothing is lost yet: save it with `kvs backup redb:{} FILE` \
         before the program that has it open ends", path.display(), path.display()
    )]
    Gone {
        /// The store's file.
        path: PathBuf,
        /// What became of it: `was deleted or moved`, `was replaced` or `was cut or written over`.
        found: &'static str,
    },
    /// A file of this name is there already, and nothing is written over it. Choose another name, or move
    /// the file away.
    #[error("{} is there already, and is not written over: choose another name, or move it away", path.display())]
    Occupied {
        /// The file.
        path: PathBuf,
    },
    /// A file is in the way of one that is being made, under the name that this has until it is complete, and
    /// it may hold something. Look at it, then move it away or delete it; nothing else was touched.
    #[error(
        "{} is in the way: {found}. Look at it, then move it away or delete it, and try again", path.display()
    )]
    Leftover {
        /// The file in the way.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// The disk is full. Nothing was written by a commit that is answered with this, and nothing
    /// acknowledged is lost; free some space and try again, no restart is needed.
    #[error("no space left for {place}: free some space, the store resumes by itself")]
    Full {
        /// The store's file, or the server.
        place: String,
    },
    /// The file system is mounted read-only, or the server accepts no writes. Mount it writable, or name the
    /// server that is written to; no restart is needed.
    #[error("{place} is read-only: mount its file system writable, or name the server that takes writes")]
    ReadOnly {
        /// The store's file, or the server.
        place: String,
    },
    /// The file or its folder may not be read or written by this user. Change its owner or mode; on a
    /// server, grant the right.
    #[error("no permission for {}: change its owner or mode, or grant the right", path.display())]
    Denied {
        /// The store's file or folder, or the server.
        path: PathBuf,
    },
    /// The process, or the system, has as many files open as it may. Raise the limit, see `ulimit -n`.
    #[error("too many open files to open {place}: raise the limit, see `ulimit -n`")]
    Files {
        /// The file or the server.
        place: String,
    },
    /// The server's name has no address. Correct the name, or the system's resolver.
    #[error("the host of {place} cannot be resolved: check the name, and the system's name service")]
    Unresolved {
        /// The server.
        place: String,
    },
    /// The server cannot be reached, or takes no connections. Start it, or check host and port; the store
    /// resumes by itself when the server does.
    #[error(
        "{place} does not answer: {source}; start it, or check host and port, the store resumes by itself"
    )]
    Away {
        /// The server.
        place: String,
        /// What the operating system or the server said.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// The server refuses the user or the password. Correct them in the URL, or in the server's accounts.
    #[error("{place} refuses the user or the password: correct them in the URL, or on the server")]
    Login {
        /// The server.
        place: String,
    },
    /// The server has no such database. Create it, as with `createdb`, or correct its name in the URL.
    #[error("there is no database {place}: create it with `createdb`, or correct its name in the URL")]
    NoDatabase {
        /// The server and the database.
        place: String,
    },
    /// The disk or the connection failed. Nothing was written by a commit that is answered with this. The
    /// store resumes by itself when the disk or the server does.
    #[error("{place}: {source}; the store resumes by itself when the disk or the server does")]
    Io {
        /// The file or the server.
        place: String,
        /// What the operating system said.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// A commit was given to the disk or the server, which then failed, and nothing tells whether it was
    /// done. Never run the same transaction again blindly: begin a new one, and read before writing.
    #[error("it is not known whether the commit was done: {source}; read before trying again")]
    Unknown {
        /// What failed.
        source: Arc<Error>,
    },
    /// Another backup, restore, check or compaction of this store is under way. Wait until it has ended.
    #[error("{what} is under way already: wait until it has ended")]
    Underway {
        /// What is under way.
        what: String,
    },
    /// The answer of another process over its control socket broke off: one of the two has ended, or the
    /// answer was not read for minutes. Ask again; write into a file what takes long to read.
    #[error("the answer of {place} broke off: {why}; ask again, into a file if reading it takes long")]
    BrokenOff {
        /// Who was asked.
        place: String,
        /// Who went away, or did not read for how long.
        why: String,
    },
    /// The program that has the store open could not do what `kvs` asked it for; its own words say why.
    #[error("{text}")]
    Remote {
        /// The other program's words.
        text: String,
    },
    /// All connections to the server are in use by transactions that are still reading. End those that are
    /// held open, or raise [`Options::connections`](crate::Options::connections).
    #[error("{place}: all connections are in use: end transactions that are held open, or allow more")]
    Busy {
        /// The server.
        place: String,
    },
    /// Something this transaction read was changed by another one before this one committed. Nothing was
    /// written. Run the transaction again, as [`Store::transact`](crate::Store::transact) does.
    #[error("{what} was changed by another transaction: run this one again")]
    Conflict {
        /// What was read and then changed.
        what: String,
    },
    /// The stored bytes do not decode into the type asked for. Raise the record's `VERSION` and write a
    /// `migrate`, or read them raw.
    #[error("{what} does not decode: {source}; write a migration, or read it raw")]
    Decode {
        /// The table and id, or the feed and position.
        what: String,
        /// What the decoder said.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// The value cannot be written as CBOR. Its `Serialize` reports an error: correct that.
    #[error("{what} cannot be encoded: {source}")]
    Encode {
        /// The table and id, or the feed.
        what: String,
        /// What the encoder said.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// An id, a path or a value is over the limit set in [`Options`](crate::Options). Store less, or raise it.
    #[error("{what} has {size} bytes, the limit is {limit}")]
    TooLarge {
        /// The table and id, or the feed.
        what: String,
        /// How large it is.
        size: usize,
        /// How large it may be.
        limit: usize,
    },
    /// A record that was put as new is there already. Read it, or choose another id.
    #[error("{what} exists already: read it, or choose another id")]
    Exists {
        /// The table and id.
        what: String,
    },
    /// A key of a unique index belongs to another record. Choose another value.
    #[error("{what} would share its key in the unique index {index:?} with record {holder:?}")]
    Taken {
        /// The table and id of the record that was put.
        what: String,
        /// The index.
        index: String,
        /// The id of the record that has the key.
        holder: String,
    },
    /// The record type declares no such index. Name one of `Record::INDEXES`.
    #[error("table {table:?} declares no index {index:?}")]
    NoIndex {
        /// The table.
        table: &'static str,
        /// The name that was asked for.
        index: String,
    },
    /// The index was declared after the table got its records. Build it with
    /// [`Store::reindex`](crate::Store::reindex).
    #[error("index {index:?} of table {table:?} is not built: call `Store::reindex` once")]
    NotIndexed {
        /// The table.
        table: &'static str,
        /// The index.
        index: &'static str,
    },
    /// The feed has no such entry: it was removed, cut off, or never there.
    #[error("feed {feed:?} has no entry {position}")]
    NoEntry {
        /// The feed.
        feed: String,
        /// The position asked for.
        position: u64,
    },
    /// A chained feed only grows: it can be neither changed nor cut, and a feed becomes chained only while
    /// it has never had an entry. Append a correction, or begin another feed.
    #[error("feed {feed:?} cannot be changed: {why}")]
    Chained {
        /// The feed.
        feed: String,
        /// What stands against it.
        why: &'static str,
    },
    /// A chained feed is not what was appended to it. Keep the store as it is, for evidence, and compare it
    /// with a backup.
    #[error("feed {feed:?} was tampered with at entry {position}: {why}")]
    Broken {
        /// The feed.
        feed: String,
        /// The first position that is not as it was.
        position: u64,
        /// What is wrong there.
        why: &'static str,
    },
    /// The watcher asked for changes that are no longer in the log, or read too slowly. Read the present
    /// state, and watch again from `resume`.
    #[error("the changes before commit {resume} are no longer kept: read the state and watch from there")]
    Lagged {
        /// The number of the oldest commit that is still kept, less one: what to watch from.
        resume: u64,
    },
    /// The store was closed, or its writer ended. Open it again.
    #[error("the store is closed: open it again")]
    Closed,
}

/// What may be done first where a store was rescued.
fn instead(rescued: Option<&PathBuf>) -> String {
    rescued.map_or_else(String::new, |file| {
        format!("what it held is in {}: move that to its name, or ", file.display())
    })
}

impl Error {
    /// Whether it is not known if the commit was done: neither report it as undone nor repeat it blindly.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Whether running the same transaction again can succeed at once.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    /// Tells whether the store cannot be written or reached for now, and resumes by itself when its disk or its
    /// server does: nothing was written, and the same can be tried again later.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::ReadOnly { .. } | Self::Away { .. } | Self::Io { .. })
    }

    /// Sorts an operating system's error into the variants a caller treats differently.
    pub(crate) fn io(place: &str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { place: place.to_owned() }
            }
            io::ErrorKind::PermissionDenied => Self::Denied { path: place.into() },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { place: place.to_owned() },
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
                Self::Corrupt { place: place.to_owned(), detail: error.to_string() }
            }
            _ if matches!(error.raw_os_error(), Some(EMFILE | ENFILE)) => {
                Self::Files { place: place.to_owned() }
            }
            _ => Self::Io { place: place.to_owned(), source: Arc::new(error) },
        }
    }

    /// What names no store, without the user and the password that it may hold.
    pub(crate) fn url(url: &str) -> Self {
        let hidden = match (url.split_once("://"), url.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
            _ => url.to_owned(),
        };
        let hidden = hidden.split_once('?').map_or(hidden.as_str(), |(url, _)| url);
        Self::Url { url: hidden.to_owned() }
    }

    /// The same, but that damage found while reading a file also says what was read.
    pub(crate) fn reading(self, key: &[u8]) -> Self {
        match self {
            Self::Corrupt { place, detail } => {
                Self::Corrupt { place, detail: format!("{detail}, at {}", crate::key::describe(key)) }
            }
            error => error,
        }
    }

    pub(crate) fn corrupt(place: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Corrupt { place: place.into(), detail: detail.into() }
    }
}
