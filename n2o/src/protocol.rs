//! The protocol chain: each protocol is asked in turn, the first answer wins.

use std::{any::Any, future::Future, panic::AssertUnwindSafe, pin::Pin};

use futures_util::FutureExt;

use crate::{
    cx::Cx,
    error::{Error, Result},
    frame::Event,
    message::Message,
    place::Panicked,
};

/// What happens to a page.
#[derive(Clone, Copy, Debug)]
pub enum Msg<'a> {
    /// The page has its first connection in this process.
    /// `restored` when it came from its saved state or its path, and the client's document is not known.
    Init {
        /// Whether the client's document may differ from what the page last sent.
        restored: bool,
    },
    /// The client has lost track: make its document current.
    Refresh,
    /// The user did something.
    Event(&'a Event<'a>),
    /// A message of a topic came.
    Info(&'a Message),
    /// A heartbeat of the client.
    Ping(u64),
    /// Write the page's state to [`Cx::state`](crate::Cx::state).
    Save,
    /// What was done since the last such message is final.
    Final,
    /// Take the page's state back to these bytes: what was done since the last [`Final`](Msg::Final) is undone.
    Restore(&'a [u8]),
}

/// A protocol's answer.
pub enum Info<'a> {
    /// Not for this protocol; ask the next one.
    Unknown,
    /// Done; the ops are in the context.
    Done(Result),
    /// Answer `PONG`.
    Pong,
    /// Will be done.
    Later(Pin<Box<dyn Future<Output = Result> + Send + 'a>>),
}

impl std::fmt::Debug for Info<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Info::Unknown => "Unknown",
            Info::Done(_) => "Done",
            Info::Pong => "Pong",
            Info::Later(_) => "Later",
        })
    }
}

/// A protocol of the chain; one value serves one page.
pub trait Protocol: Send {
    /// Answers a message, or passes it on.
    fn info<'a>(&'a mut self, msg: Msg<'a>, cx: &'a mut Cx) -> Info<'a>;
}

/// What the chain made of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Pong,
    Unknown,
}

/// Asks the protocols in turn. A protocol that panics has failed; its process lives on.
pub(crate) async fn push(chain: &mut [Box<dyn Protocol>], msg: Msg<'_>, cx: &mut Cx) -> Result<Answer> {
    let asked = AssertUnwindSafe(ask(chain, msg, cx)).catch_unwind().await;
    asked.unwrap_or_else(|panic| Err(Error::Panic(Panicked::caught(&*panic))))
}

pub(crate) fn reason(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason".to_owned())
}

async fn ask(chain: &mut [Box<dyn Protocol>], msg: Msg<'_>, cx: &mut Cx) -> Result<Answer> {
    for protocol in chain {
        match protocol.info(msg, cx) {
            Info::Unknown => {}
            Info::Pong => return Ok(Answer::Pong),
            Info::Done(done) => return done.map(|()| Answer::Done),
            Info::Later(later) => return later.await.map(|()| Answer::Done),
        }
    }
    Ok(Answer::Unknown)
}

/// Answers heartbeats.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heart;

impl Protocol for Heart {
    fn info<'a>(&'a mut self, msg: Msg<'a>, _: &'a mut Cx) -> Info<'a> {
        if matches!(msg, Msg::Ping(_)) { Info::Pong } else { Info::Unknown }
    }
}
