//! Sites of failures: in a debug build the log and the browser say where in the source something failed, in a
//! release build the browser does not.

use std::{
    cell::RefCell,
    error::Error,
    fmt,
    panic::{self, Location},
    sync::Once,
};

use crate::cx::Cx;

/// Failures are told with their sites.
const ON: bool = cfg!(debug_assertions);

thread_local! {
    /// The site of the last panic of this thread.
    static PANICKED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Sees to it that panics leave their sites, in front of what else the program does with them.
pub(crate) fn watch_panics() {
    static WATCHED: Once = Once::new();
    if !ON {
        return;
    }
    WATCHED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // A thread that ends has no room for it any more.
            let _ = PANICKED.try_with(|site| site.replace(info.location().map(written)));
            before(info);
        }));
    });
}

fn written(location: &Location<'_>) -> String {
    format!("{}:{}", location.file(), location.line())
}

/// The message of a panic, and in a debug build its site.
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
        self.site.as_deref()
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
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
