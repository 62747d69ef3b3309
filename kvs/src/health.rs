//! Whether a store can be relied upon now: what became of its last writes, of its file, of its backups. Not
//! how any of it is mended.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use crate::{
    backend::{
        Backend,
        disk::{self, Identity},
    },
    error::{Error, Result},
    scrub::Scrubbed,
    store::Store,
};

/// How often the file's name is looked up.
const LOOK: Duration = Duration::from_secs(1);

/// What became of a file that another has changed.
const WRITTEN: &str = "was cut or written over";

/// How often a trouble that lasts is logged again.
const AGAIN: Duration = Duration::from_secs(60);

/// What [`Store::health`] answers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// Why the store cannot be relied upon now; `None` when it can.
    pub trouble: Option<Trouble>,
    /// Why the last backup of [`Store::backups`] failed, until one succeeds. The store serves all the same.
    pub backup: Option<Error>,
}

/// Why a store cannot be relied upon.
///
/// Its text names no path and no server, so that it may be told to strangers; the error in it says the rest.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// The last write failed. The store tries by itself, once a second, and this ends when a write succeeds.
    #[error("the store cannot be written: {}", cause(.0))]
    Writes(Error),
    /// The file has lost its name while it is open, or another has changed it, see [`Error::Gone`].
    #[error(
        "the store's file was deleted, moved, replaced, cut or written over; save it with `kvs backup` before it is \
         closed"
    )]
    File(Error),
    /// The server does not answer.
    #[error("the store does not answer: {}", cause(.0))]
    Away(Error),
    /// So many problems were found: by the last [`Store::check`], by the check in the background since then, or
    /// by whoever read a page that did not match its check sum.
    #[error(
        "the store is damaged: {0} problems; `kvs check` lists them; save it with `kvs backup`, or restore a backup"
    )]
    Damage(u64),
}

/// The kind of an error in words that name no place.
fn cause(error: &Error) -> &'static str {
    match error {
        Error::Full { .. } => "no space is left",
        Error::ReadOnly { .. } => "it is read-only",
        Error::Denied { .. } => "there is no permission",
        Error::Files { .. } => "too many files are open",
        Error::Corrupt { .. } => "it is damaged",
        Error::Unresolved { .. } => "its host cannot be resolved",
        Error::Login { .. } => "the login is refused",
        Error::NoDatabase { .. } => "there is no such database",
        Error::Away { .. } => "the server cannot be reached",
        Error::Busy { .. } => "all connections are in use",
        Error::Unknown { source } => cause(source),
        _ => "the log says why",
    }
}

impl Store {
    /// Says whether the store can be relied upon: whether its last write succeeded, its file has its name,
    /// its server answers, and no check and no reading found damage. It costs no disk write, and answers within
    /// [`Options::ping`](crate::Options::ping). It needs a tokio runtime with time only for a server.
    pub async fn health(&self) -> Health {
        let condition = &self.inner.condition;
        condition.look();
        let (mut trouble, backup) = condition.told(&self.inner.backend.scrubbed());
        if trouble.is_none() {
            let asked = self.inner.backend.ping(self.inner.options.ping).await;
            trouble = asked.err().map(Trouble::Away);
        }
        Health { trouble, backup }
    }
}

/// What is known of a store's condition; one for each open store.
#[derive(Debug)]
pub(crate) struct Condition {
    file: Option<PathBuf>,
    /// The open store, which it must not keep open.
    store: Weak<dyn Backend>,
    /// Held for a few fields, never across an await or a look at the disk.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Device and inode of the open file; `None` while a compaction gives its name to another.
    identity: Option<Identity>,
    looked: Option<Instant>,
    lost: Option<&'static str>,
    failed: Option<Error>,
    /// The number of writes in a row that have failed.
    failures: u32,
    lines: Lines,
    /// Problems that the last check found, and those that the check in the background had found by then.
    damaged: u64,
    known: u64,
    backup: Option<Error>,
    /// When the lost file was last logged.
    told: Option<Instant>,
    /// When work that damage stands against was last logged, by what is left undone.
    left: BTreeMap<&'static str, Instant>,
}

/// The lines that say whether the store can be written: on a disk that is nearly full it may change with every
/// commit.
#[derive(Debug, Default)]
struct Lines {
    /// The last one says that it cannot.
    fails: bool,
    /// The times at which either was last written.
    failed: Option<Instant>,
    well: Option<Instant>,
}

impl Lines {
    /// Says whether a line is due: one that says something else than the last one, and no more than one of its kind
    /// in [`AGAIN`]. What was not written then is when it still holds.
    fn due(&mut self, fails: bool, now: Instant) -> bool {
        let last = if fails { &mut self.failed } else { &mut self.well };
        let due = self.fails != fails && last.is_none_or(|last| now >= last + AGAIN);
        if due {
            self.fails = fails;
            *last = Some(now);
        }
        due
    }
}

impl Condition {
    /// The condition of a store that has just opened this file.
    pub(crate) fn new(file: Option<PathBuf>, store: &Arc<dyn Backend>) -> Self {
        let state = State { identity: store.identity(), ..State::default() };
        Self { file, store: Arc::downgrade(store), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks, at most once a second, whether the file's name still means the open file.
    pub(crate) fn look(&self) {
        let now = Instant::now();
        let due = |state: &State| state.looked.is_none_or(|looked| now >= looked + LOOK);
        if self.file.is_some() && due(&self.state()) {
            self.look_now();
        }
    }

    /// Looks, and answers what the file has become when it has lost its name, or another has changed it.
    pub(crate) fn look_now(&self) -> Option<Error> {
        let path = self.file.as_deref()?;
        let expected = {
            let mut state = self.state();
            state.looked = Some(Instant::now());
            state.identity?
        };
        let found = match identity(path) {
            Ok(found) if found == expected => {
                Some(self.store.upgrade().filter(|store| store.is_strange()).map(|_| WRITTEN))
            }
            Ok(_) => Some(Some("was replaced")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(Some("was deleted or moved")),
            // A folder that cannot be looked into says nothing about the file.
            Err(_) => None,
        };
        let mut state = self.state();
        // A compaction may have begun meanwhile.
        if let Some(lost) = found.filter(|_| state.identity == Some(expected)) {
            state.lost = lost;
        }
        state.lost.map(|found| Error::Gone { path: path.to_owned(), found })
    }

    /// Runs what gives the file's name to another file of this store's own. It is not run when the name
    /// means a stranger's file already. `identity` says which file is the open one then.
    pub(crate) fn replacing<T>(
        &self,
        work: impl FnOnce() -> Result<T>,
        identity: impl FnOnce() -> Option<Identity>,
    ) -> Result<T> {
        let Some(path) = &self.file else { return work() };
        let foreign = |error: &Error| matches!(error, Error::Gone { .. }) && path.exists();
        if let Some(error) = self.look_now().filter(foreign) {
            return Err(error);
        }
        self.state().identity = None;
        let done = work();
        let mut state = self.state();
        state.identity = identity();
        state.lost = None;
        done
    }

    /// Logs, once in a while, that the file has lost its name.
    pub(crate) fn warn(&self) {
        let now = Instant::now();
        let mut state = self.state();
        let Some((path, found)) = self.file.as_ref().zip(state.lost) else {
            state.told = None;
            return;
        };
        if state.told.is_none_or(|told| now >= told + AGAIN) {
            state.told = Some(now);
            let error = Error::Gone { path: path.clone(), found };
            tracing::error!(store.path = %path.display(), error = %error, "the store's file is not as the store left it");
        }
    }

    /// Notes what became of a write, and logs where that changes.
    pub(crate) fn wrote(&self, outcome: std::result::Result<(), &Error>) {
        let mut state = self.state();
        let before = std::mem::replace(&mut state.failed, outcome.err().cloned());
        state.failures = if outcome.is_err() { state.failures.saturating_add(1) } else { 0 };
        let due = state.lines.due(outcome.is_err(), Instant::now());
        // What was a failure of the disk may turn out to be one of the file.
        let worse = matches!(state.failed, Some(Error::Corrupt { .. }))
            && before.is_some_and(|before| !matches!(before, Error::Corrupt { .. }));
        match &state.failed {
            Some(error) if due || worse => tracing::error!(error = %error, "the store cannot be written"),
            None if due => tracing::info!("the store can be written again"),
            _ => {}
        }
    }

    /// The error by which a commit is refused without a try, for the last ones failed on the disk. One failure may be the last;
    /// and damage stands against some commits, and not against others.
    pub(crate) fn refuses(&self) -> Option<Error> {
        let state = self.state();
        let error = state.failed.as_ref().filter(|_| state.failures > 1)?;
        // Nothing is tried, so that what becomes of it is known.
        let error = if let Error::Unknown { source } = error { source } else { error };
        (!matches!(error, Error::Corrupt { .. })).then(|| error.clone())
    }

    /// Logs, once in a while, work of the store's own that is left undone for damage.
    pub(crate) fn left(&self, undone: &'static str, error: &Error) {
        let now = Instant::now();
        let mut state = self.state();
        if state.left.get(undone).is_none_or(|told| now >= *told + AGAIN) {
            state.left.insert(undone, now);
            tracing::error!(error = %error, undone, "damage: run `kvs check`");
        }
    }

    /// Whether the last write failed.
    pub(crate) fn fails(&self) -> bool {
        self.state().failed.is_some()
    }

    /// Notes what a check found, which is also about what the one in the background had found by then.
    pub(crate) fn checked(&self, problems: u64, scrubbed: &Scrubbed) {
        let mut state = self.state();
        (state.damaged, state.known) = (problems, scrubbed.wrong);
    }

    pub(crate) fn backed_up(&self, outcome: std::result::Result<(), &Error>) {
        self.state().backup = outcome.err().cloned();
    }

    fn told(&self, scrubbed: &Scrubbed) -> (Option<Trouble>, Option<Error>) {
        let state = self.state();
        let lost = self.file.as_ref().zip(state.lost);
        let lost = lost.map(|(path, found)| Trouble::File(Error::Gone { path: path.clone(), found }));
        let failed = || state.failed.clone().map(Trouble::Writes);
        // One damage may be found in each of these ways.
        let found = scrubbed.wrong.saturating_sub(state.known).max(scrubbed.pages).max(state.damaged);
        let damaged = || (found > 0).then_some(Trouble::Damage(found));
        (lost.or_else(failed).or_else(damaged), state.backup.clone())
    }
}

fn identity(path: &Path) -> std::io::Result<Identity> {
    fs::metadata(path).map(|found| disk::identity(&found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_can_and_cannot_be_written_in_turn_is_told_of_once_a_minute_and_as_it_is_in_the_end() {
        let start = Instant::now();
        let mut lines = Lines::default();
        let mut due = |fails, millis| lines.due(fails, start + Duration::from_millis(millis));
        assert!(!due(false, 0), "that it can be written goes without saying");
        let told: Vec<_> = (0..10_000).filter(|step| due(step % 2 == 0, *step)).collect();
        assert_eq!(told, [0, 1]);
        assert!(!due(true, 50_000), "within the minute");
        assert!(due(true, 61_000) && !due(true, 200_000), "it lasts");
        assert!(due(false, 201_000));
    }
}
