//! Sites of failures: in a debug build the log and the browser say where in the source something failed, in a
//! release build the browser does not.

use std::{
    cell::{Cell, RefCell},
    error::Error,
    fmt,
    future::{Future, poll_fn},
    panic::{self, AssertUnwindSafe, Location},
    pin::pin,
    sync::{Mutex, Once, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

use crate::{cx::Cx, error::Result};

/// Failures are told with their sites.
const ON: bool = cfg!(debug_assertions);

/// Time in which a panic at one place of the source is printed once, when it is caught: a client that causes it at will
/// does not fill the log.
const QUIET: Duration = Duration::from_mins(1);
/// Most places that are told apart.
const PLACES: usize = 200;

thread_local! {
    /// The site of the last panic of this thread.
    static PANICKED: RefCell<Option<String>> = const { RefCell::new(None) };
    /// Code of an application runs, whose panics are caught and logged.
    static CAUGHT: Cell<u32> = const { Cell::new(0) };
}

/// The places of panics that were printed, and when. Held for one look-up.
static PRINTED: Mutex<Vec<(String, Instant)>> = Mutex::new(Vec::new());

/// Sees to it that panics leave their sites, in front of what else the program does with them.
pub(crate) fn watch_panics() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let site = info.location().map(written).unwrap_or_default();
            // A thread that ends has no room for it any more.
            let _ = PANICKED.try_with(|last| last.replace(Some(site.clone())));
            let is_caught = CAUGHT.try_with(Cell::get).is_ok_and(|depth| depth > 0);
            if !is_caught || is_new(site, Instant::now()) {
                before(info);
            }
        }));
    });
}

/// Nothing was printed of this place for a while.
fn is_new(site: String, now: Instant) -> bool {
    let mut printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner);
    printed.retain(|(_, at)| now.saturating_duration_since(*at) < QUIET);
    let is_new = printed.len() < PLACES && !printed.iter().any(|(known, _)| *known == site);
    if is_new {
        printed.push((site, now));
    }
    is_new
}

/// Runs code of an application. When it panics it has failed with [`Error::Panic`](crate::Error::Panic).
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T> {
    let count = |by: i32| CAUGHT.set(CAUGHT.get().saturating_add_signed(by));
    count(1);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    count(-1);
    done.map_err(|panic| crate::Error::Panic(Panicked::caught(&*panic)))
}

/// Awaits code of an application. When it panics it has failed with [`Error::Panic`](crate::Error::Panic), and the log
/// has the place once in a minute.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let quarter = |of: u32| std::future::ready(100 / of);
/// let done = n2o::caught(async { quarter(0).await }).await;
/// assert!(matches!(done, Err(n2o::Error::Panic(_))));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub async fn caught<T>(work: impl Future<Output = T>) -> Result<T> {
    let mut work = pin!(work);
    poll_fn(|cx| match catch(|| work.as_mut().poll(cx)) {
        Ok(done) => done.map(Ok),
        Err(error) => Poll::Ready(Err(error)),
    })
    .await
}

fn written(location: &Location<'_>) -> String {
    format!("{}:{}", location.file(), location.line())
}

/// The message of a panic, and its site, which is for the log.
#[derive(Debug)]
pub struct Panicked {
    reason: String,
    site: Option<String>,
}

impl Panicked {
    /// Takes what a panic has left; to be called by the thread that caught it.
    pub(crate) fn caught(panic: &(dyn std::any::Any + Send)) -> Self {
        Panicked { reason: reason(panic), site: PANICKED.take() }
    }

    /// The message of the panic.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    pub(crate) fn site(&self) -> Option<&str> {
        self.site.as_deref().filter(|_| ON)
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.site {
            Some(site) => write!(f, "{} at {site}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

fn reason(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| String::from("no reason"))
}

/// Any error, with the line where a handler took it for its own.
#[derive(Debug)]
pub struct Failure {
    error: Box<dyn Error + Send + Sync>,
    location: &'static Location<'static>,
}

impl Failure {
    #[track_caller]
    pub(crate) fn new(error: Box<dyn Error + Send + Sync>) -> Self {
        Failure { error, location: Location::caller() }
    }

    /// The error itself.
    #[must_use]
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// The site, unless the error was wrapped by a function of the standard library, such as `map_err`.
    pub(crate) fn site(&self) -> Option<String> {
        (ON && !self.location.file().contains("library/core/")).then(|| written(self.location))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// The site where a handler runs, such as `login::Login, button#enter`, as its page has said; noted in debug
/// builds only.
#[derive(Debug, Default)]
pub(crate) struct Site(#[cfg(debug_assertions)] Option<Box<str>>);

impl Site {
    fn set(&mut self, site: impl FnOnce(&str) -> String) {
        #[cfg(debug_assertions)]
        {
            self.0 = Some(site(self.0.as_deref().unwrap_or_default()).into());
        }
        #[cfg(not(debug_assertions))]
        drop(site);
    }

    fn noted(&self) -> Option<String> {
        #[cfg(debug_assertions)]
        let noted = self.0.as_deref().map(str::to_owned);
        #[cfg(not(debug_assertions))]
        let noted = None;
        noted
    }

    fn of(&self, error: &crate::Error) -> String {
        let parts = [self.noted(), error.site()];
        parts.into_iter().flatten().filter(|_| ON).collect::<Vec<_>>().join(", at ")
    }
}

impl Cx {
    /// Says, in a debug build, where the handler runs, for the log and the browser of whoever develops it; `site`
    /// is told what was said before.
    pub fn set_site(&mut self, site: impl FnOnce(&str) -> String) {
        self.site.set(site);
    }

    /// The site where the handler runs, as it was said; empty in a release build.
    #[must_use]
    pub fn site(&self) -> String {
        self.site.noted().unwrap_or_default()
    }

    /// The site of a failure of this handler: page, component, element, line of the source. Empty in a release
    /// build, whose users it does not concern.
    #[must_use]
    pub fn site_of(&self, error: &crate::Error) -> String {
        self.site.of(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_printed_once_in_a_while_and_no_more_places_than_are_told_apart() {
        let now = Instant::now();
        let place = |number: usize| format!("application.rs:{number}");
        assert!(is_new(place(0), now) && !is_new(place(0), now));
        assert!(is_new(place(0), now + QUIET));
        let printed = (1..10_000).filter(|number| is_new(place(*number), now + QUIET)).count();
        assert!(printed < PLACES, "{printed}");
    }
}
