//! What can go wrong on the way from a client to the store, as one enum.

use std::borrow::Cow;

use crate::site::{Failure, Panicked};

/// The result of a handler.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Why an event, a page or the start of a node failed.
///
/// [`User`](Error::User), [`Later`](Error::Later) and [`Denied`](Error::Denied) are shown to the user as they are.
/// Everything else costs the user an incident number and is logged with it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A sentence for the user, who can do something about it; nothing was changed.
    #[error("{0}")]
    User(Cow<'static, str>),
    /// A sentence for the user, who may try the same again later: nothing was changed, and nothing that was given
    /// is wrong, so that it is not to be shown at an input.
    #[error("{0}")]
    Later(Cow<'static, str>),
    /// The visitor has no right to this page or event; offer a login.
    #[error("access denied")]
    Denied,
    /// The record or page does not exist; answered like an unknown path.
    #[error("not found")]
    NotFound,
    /// The visitor is sent elsewhere instead; only meaningful before a page is rendered.
    #[error("redirect to {0}")]
    Redirect(String),
    /// The store refused; its message says what to do.
    #[error("store: {0}")]
    Store(#[from] kvs::Error),
    /// A value of a session or a page does not encode or decode; its type changed or is not serialisable.
    #[error("encoding of {what}: {reason}")]
    Encoding {
        /// What was being encoded or decoded.
        what: &'static str,
        /// What the codec said.
        reason: String,
    },
    /// A seal was forged, moved, or has expired; the client is told, and the page drawn afresh when it expired.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The event does not fit the page: its element is gone or disabled, or its values do not fit.
    #[error("event refused: {0}")]
    Refused(&'static str),
    /// Two protocols of one endpoint answer the same messages; give one of them another kind.
    #[error("the messages of kind {kind} are claimed by two protocols: {first:?} and {second:?}")]
    Claimed {
        /// The kind of the messages.
        kind: u8,
        /// The protocol that was declared first.
        first: &'static str,
        /// The other one.
        second: &'static str,
    },
    /// The keys cannot be used; the message says what is expected of them.
    #[error("keys from {from}: {reason}")]
    Keys {
        /// The file or the environment variable.
        from: String,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// A handler panicked; the panic's message is in the log.
    #[error("handler panicked: {0}")]
    Panic(Panicked),
    /// A handler has not ended within [`Limits::handler`](crate::Limits::handler) and was dropped; nothing of it
    /// has happened. Work that takes longer belongs into a task of its own.
    #[error("the handler has not ended within {0:?} and was dropped")]
    Timeout(std::time::Duration),
    /// The server stops, and a handler was not waited for; nothing of it has happened.
    #[error("the server stops; the handler was dropped")]
    Stopping,
    /// Something that is kept for a client is over its limit, and was not kept.
    #[error("{what} takes {size} bytes, and the limit is {limit}; keep less, or raise it in Limits")]
    TooLarge {
        /// The thing that is kept.
        what: &'static str,
        /// Its size, in bytes.
        size: usize,
        /// The most that is kept of it, in bytes.
        limit: usize,
    },
    /// Any other error of a handler.
    #[error(transparent)]
    Other(Failure),
}

/// Why a seal was not opened. Forged, foreign and damaged seals are not told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The seal is not one that this server made for this session, page and element.
    #[error("seal refused")]
    Refused,
    /// The seal was genuine once; draw the page afresh.
    #[error("seal expired")]
    Expired,
    /// The seal was to be bound to more than 128 bytes, with their lengths; nothing was sealed.
    #[error("a seal is bound to at most 128 bytes")]
    TooLong,
    /// The key has made as many seals as it may; another one follows within 512 seconds.
    #[error("the key has made all seals that it may")]
    Exhausted,
}

/// Takes an error of any kind for a failure of the handler.
pub trait OrFail<T> {
    /// What [`Error::other`] makes of an error, with the line of this call for whoever develops the application, which
    /// `map_err(Error::other)` cannot tell.
    ///
    /// ```
    /// # use n2o::{OrFail, Result};
    /// fn age(text: &str) -> Result<u32> {
    ///     text.parse().or_fail()
    /// }
    ///
    /// assert_eq!(age("7").ok(), Some(7));
    /// assert!(age("seven").is_err());
    /// ```
    fn or_fail(self) -> Result<T>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> OrFail<T> for std::result::Result<T, E> {
    #[track_caller]
    fn or_fail(self) -> Result<T> {
        match self {
            Ok(done) => Ok(done),
            Err(error) => Err(Error::other(error)),
        }
    }
}

impl Error {
    /// A sentence for the user.
    pub fn user(text: impl Into<Cow<'static, str>>) -> Self {
        Error::User(text.into())
    }

    /// A sentence for the user, who may try the same again later.
    pub fn later(text: impl Into<Cow<'static, str>>) -> Self {
        Error::Later(text.into())
    }

    /// Wraps any other error; it costs the user an incident number. One of these and one of the store stay what they
    /// are, so that a conflict is still one.
    #[track_caller]
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let error = match error.into().downcast::<Error>() {
            Ok(error) => return *error,
            Err(error) => error,
        };
        match error.downcast::<kvs::Error>() {
            Ok(error) => Error::Store(*error),
            Err(error) => Error::Other(Failure::new(error)),
        }
    }

    /// The line of the source where it came up, if known.
    pub(crate) fn site(&self) -> Option<String> {
        match self {
            Error::Panic(panicked) => panicked.site().map(str::to_owned),
            Error::Other(failure) => failure.site(),
            _ => None,
        }
    }

    /// Whether the same call may succeed when made again, because only the moment was wrong.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Error::Store(kvs::Error::Conflict { .. }))
    }

    /// Whether it is not known if what was written is in the store: neither report it as undone nor repeat it.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Error::Store(error) if error.is_unknown())
    }

    pub(crate) fn encoding(what: &'static str, reason: impl std::fmt::Display) -> Self {
        Error::Encoding { what, reason: reason.to_string() }
    }
}
