//! redb's code, run so that its panics are errors: damaged pages make it panic, and that is an error of the
//! file, not of the program. And how its errors are called here.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Once},
    thread,
};

use ::redb::{Database, StorageError, WriteTransaction};

use crate::{
    error::{Error, Result},
    options::Options,
};

/// An open database, which closes without a panic.
pub(crate) struct Handle(Option<Database>);

impl Handle {
    pub(crate) fn new(database: Database) -> Self {
        Self(Some(database))
    }

    pub(crate) fn get(&self) -> Result<&Database, StorageError> {
        self.0.as_ref().ok_or(StorageError::DatabaseClosed)
    }

    /// Closes it, and says whether that went well.
    pub(crate) fn close(mut self, place: &str) -> Result<()> {
        let Some(database) = self.0.take() else { return Ok(()) };
        guarded(place, || Ok(database.close()?))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let database = self.0.take();
        // It was given up, or is damaged; what it still had to write does not count.
        let _ = caught(|| drop(database));
    }
}

thread_local! {
    /// Whether a panic of this thread is caught, and told as an error.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Runs redb's code, and answers the words of its panic, which is not printed.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    // The hook cannot be replaced by a thread that panics.
    if !thread::panicking() {
        HOOK.call_once(|| {
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if !CAUGHT.get() {
                    usual(info);
                }
            }));
        });
    }
    let outer = CAUGHT.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(outer);
    done.map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
    })
}

/// How a durable commit is made.
pub(crate) fn careful(txn: &mut WriteTransaction, options: &Options) {
    txn.set_two_phase_commit(options.two_phase);
    // With it redb keeps its list of free pages in each commit, and need not walk all pages for it after a
    // crash. It takes a commit in two phases for granted.
    txn.set_quick_repair(options.two_phase && options.quick_repair);
}

/// Runs redb's code. It checks its pages where it repairs, not where it reads, so damaged pages can make
/// it panic: that is an error of the file, not of the program.
pub(crate) fn guarded<T>(place: &str, work: impl FnOnce() -> Result<T, ::redb::Error>) -> Result<T> {
    match caught(work) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(convert(place, error)),
        Err(panic) => {
            tracing::debug!(store.path = place, panic, "the pages of the store cannot be read");
            Err(Error::corrupt(place, "its pages do not match their check sums"))
        }
    }
}

pub(crate) fn convert(place: &str, error: ::redb::Error) -> Error {
    match error {
        ::redb::Error::Io(error) => Error::io(place, error),
        ::redb::Error::DatabaseAlreadyOpen => {
            Error::Locked { path: place.into(), holder: "another process".to_owned() }
        }
        error @ (::redb::Error::PreviousIo
        | ::redb::Error::DatabaseClosed
        | ::redb::Error::LockPoisoned(_)) => Error::Io { place: place.to_owned(), source: Arc::new(error) },
        error => Error::corrupt(place, error.to_string()),
    }
}
