//! How a store is opened: limits and the trade between speed and caution. The defaults suit production.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Settings of a store; see [`Store::open_with`](crate::Store::open_with).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kvs::Result<()> {
/// let options = kvs::Options::new().max_value(64 * 1024);
/// let store = kvs::Store::open_with("memory:", options).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Sync the data before the commit slot is switched, and again after it. On by default: a commit then
    /// stands on what the disk confirmed, not on a check sum. Off, a commit costs one sync instead of two,
    /// and a crash in the middle is told apart by check sums, which only an attacker who chooses the data
    /// and the moment of the crash can defeat.
    pub two_phase: bool,
    /// Keep the list of free pages of a redb store in each durable commit, so that opening it after a crash
    /// takes no longer the larger it is. On by default. It adds to each durable commit 12 KiB to write, and
    /// 128 KiB for each GiB of the file. Off, or without [`two_phase`](Self::two_phase), all pages are read
    /// after a crash: some 10 s for each GiB.
    pub quick_repair: bool,
    /// The most bytes an id or a feed's path may have. 4,096 by default.
    pub max_id: usize,
    /// The most bytes an encoded value may have. 16 MiB by default.
    pub max_value: usize,
    /// How many connections to a PostgreSQL server may be open for reading; the writer and the listener have
    /// one more each. Each state that is still being read takes one. 16 by default.
    pub connections: u32,
    /// How long a statement on a PostgreSQL server may take, and how long a reader waits for a connection.
    /// 30 s by default.
    pub statement: Duration,
    /// Memory for cached pages of a redb store, in bytes. 256 MiB by default.
    pub cache: usize,
    /// How many long reads of a redb store, those of many rows at once, may run at a time on threads of their
    /// own beside the runtime's; further ones wait. 4 by default.
    pub readers: usize,
    /// How long a transaction committed with [`Txn::behind`](crate::Txn::behind) may stay off the disk.
    /// 100 ms by default.
    pub behind: Duration,
    /// How many of the newest commits a watcher may read back to. 65,536 by default; the change log is
    /// trimmed behind them.
    pub history: u64,
    /// Verify the pages of a redb file. On by default: the header of a file that was closed is held against
    /// its seal when it is opened, and each page against its check sum when it is read from the disk, so
    /// that what is damaged is an error and not an answer. Off, damage may be taken for data, except that
    /// each value is still held against its own check sum. Turn it off to save what is left of a damaged
    /// store.
    pub verify: bool,
    /// Make a new store where there was one and there is none now, or an empty file in its place. Off by
    /// default: a store that is missing is answered with [`Error::Missing`](crate::Error::Missing), because
    /// to begin anew without a word would look like the loss of everything.
    pub anew: bool,
    /// Answer the tool `kvs`, and other processes of the same user, over a socket beside a redb store while
    /// it is open. On by default.
    pub control: bool,
    /// How long a backup rests after each step, as a multiple of the time that the step took, so that
    /// commits meanwhile are hardly slower. 1 by default: half of the time it rests. 0 is as quick as can be.
    pub pause: u32,
    /// How long [`Store::health`](crate::Store::health) waits for a PostgreSQL server. 900 ms by default.
    pub ping: Duration,
    /// How many bytes a second are read by the check that goes through a redb store in the background after
    /// it is opened; see [`Store::scrubbed`](crate::Store::scrubbed). 4 MiB by default, at which a store of
    /// 1 GiB takes four minutes; 0 switches it off.
    pub scrub: u64,
    /// What tells the time, for records that expire; the system's clock by default.
    pub clock: Clock,
    /// Open a redb store to read it, without writing to its file or beside it. Off by default; see
    /// [`Care::run`](crate::Care::run).
    pub(crate) looks: bool,
}

/// Tells the time. A test sets its own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(crate) fn millis(&self) -> u64 {
        millis((self.0)())
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(SystemTime::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Milliseconds since 1970, never 0, which stands for never.
pub(crate) fn millis(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| (since.as_millis() as u64).max(1))
}

impl Default for Options {
    fn default() -> Self {
        Self {
            two_phase: true,
            quick_repair: true,
            max_id: 4096,
            max_value: 16 << 20,
            connections: 16,
            statement: Duration::from_secs(30),
            cache: 256 << 20,
            readers: 4,
            behind: Duration::from_millis(100),
            history: 65_536,
            verify: true,
            anew: false,
            control: true,
            pause: 1,
            ping: Duration::from_millis(900),
            scrub: 4 << 20,
            clock: Clock::default(),
            looks: false,
        }
    }
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// See [`two_phase`](Self::two_phase).
    #[must_use]
    pub fn two_phase(self, two_phase: bool) -> Self {
        Self { two_phase, ..self }
    }

    /// See [`quick_repair`](Self::quick_repair).
    #[must_use]
    pub fn quick_repair(self, quick_repair: bool) -> Self {
        Self { quick_repair, ..self }
    }

    /// See [`max_id`](Self::max_id).
    #[must_use]
    pub fn max_id(self, max_id: usize) -> Self {
        Self { max_id, ..self }
    }

    /// See [`max_value`](Self::max_value).
    #[must_use]
    pub fn max_value(self, max_value: usize) -> Self {
        Self { max_value, ..self }
    }

    /// See [`connections`](Self::connections).
    #[must_use]
    pub fn connections(self, connections: u32) -> Self {
        Self { connections, ..self }
    }

    /// See [`statement`](Self::statement).
    #[must_use]
    pub fn statement(self, statement: Duration) -> Self {
        Self { statement, ..self }
    }

    /// See [`cache`](Self::cache).
    #[must_use]
    pub fn cache(self, cache: usize) -> Self {
        Self { cache, ..self }
    }

    /// See [`readers`](Self::readers).
    #[must_use]
    pub fn readers(self, readers: usize) -> Self {
        Self { readers, ..self }
    }

    /// See [`behind`](Self::behind).
    #[must_use]
    pub fn behind(self, behind: Duration) -> Self {
        Self { behind, ..self }
    }

    /// See [`history`](Self::history).
    #[must_use]
    pub fn history(self, history: u64) -> Self {
        Self { history, ..self }
    }

    /// See [`verify`](Self::verify).
    #[must_use]
    pub fn verify(self, verify: bool) -> Self {
        Self { verify, ..self }
    }

    /// See [`anew`](Self::anew).
    #[must_use]
    pub fn anew(self, anew: bool) -> Self {
        Self { anew, ..self }
    }

    /// See [`control`](Self::control).
    #[must_use]
    pub fn control(self, control: bool) -> Self {
        Self { control, ..self }
    }

    /// See [`pause`](Self::pause).
    #[must_use]
    pub fn pause(self, pause: u32) -> Self {
        Self { pause, ..self }
    }

    /// See [`ping`](Self::ping).
    #[must_use]
    pub fn ping(self, ping: Duration) -> Self {
        Self { ping, ..self }
    }

    /// See [`scrub`](Self::scrub).
    #[must_use]
    pub fn scrub(self, scrub: u64) -> Self {
        Self { scrub, ..self }
    }

    /// See [`clock`](Self::clock).
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// See the field.
    #[must_use]
    pub(crate) fn looks(self, looks: bool) -> Self {
        Self { looks, ..self }
    }
}
