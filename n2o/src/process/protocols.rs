//! The protocols of one page: which of them answers a message, their life cycle, and their state as one.

use crate::{
    cx::Dispatch,
    error::{Error, Result},
    frame::Event,
    message::Message,
    protocol::{Later, Protocol},
    site::catch,
    timers::{Timer, Timers},
};

/// The method of a protocol that is called; kept while it runs, so that it can be called again after a conflict.
#[derive(Clone, Copy, Debug)]
pub(super) enum Call<'a> {
    Init { restored: bool },
    Refresh,
    Event(&'a Event<'a>),
    Info(&'a Message),
    Time(&'a Timer),
}

/// The state of a page's protocols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The page's, and behind it those of the application's protocols, each as the first kind that it claims, its
    /// length, and what it saved.
    pub(super) bytes: Vec<u8>,
    /// The bytes of it, at its end, that are not the page's.
    pub(super) own: usize,
    pub(super) timers: Timers,
}

/// The protocols of one page.
pub(super) struct Protocols {
    /// The page first.
    all: Vec<Box<dyn Protocol>>,
}

impl Protocols {
    pub(super) fn new(all: Vec<Box<dyn Protocol>>) -> Self {
        Protocols { all }
    }

    /// The name of the protocol that answers messages of a kind.
    pub(super) fn name(&self, kind: u8) -> Option<&'static str> {
        self.all.iter().find(|one| one.claims().contains(&kind)).map(|one| one.name())
    }

    /// Calls the protocol that answers a message, or all of them.
    pub(super) fn call<'a>(&'a mut self, call: Call<'a>, cx: &'a mut Dispatch) -> Later<'a> {
        let kind = match call {
            Call::Event(event) => Some(event.kind),
            Call::Time(timer) => Some(timer.kind),
            _ => None,
        };
        match (kind, &mut self.all[..]) {
            (Some(kind), all) => match all.iter_mut().find(|protocol| protocol.claims().contains(&kind)) {
                Some(protocol) => one(&mut **protocol, call, cx),
                None => Box::pin(async { Err(Error::Refused("no protocol knows it")) }),
            },
            (None, [page]) => one(&mut **page, call, cx),
            (None, all) => Box::pin(async move {
                for protocol in all {
                    one(&mut **protocol, call, cx).await?;
                }
                Ok(())
            }),
        }
    }

    /// Writes the state of all into `state`.
    pub(super) fn save(&self, state: &mut State) -> Result {
        let State { bytes, own, .. } = state;
        bytes.clear();
        guarded(|| {
            let Some((page, others)) = self.all.split_first() else { return Ok(()) };
            page.save(bytes)?;
            let of_page = bytes.len();
            for other in others {
                bytes.extend_from_slice(&[other.claims().first().copied().unwrap_or(0), 0, 0, 0, 0]);
                let begin = bytes.len();
                other.save(bytes)?;
                let size = (bytes.len() - begin) as u32;
                bytes[begin - 4..begin].copy_from_slice(&size.to_be_bytes());
            }
            *own = bytes.len() - of_page;
            Ok(())
        })
    }

    /// Takes all of them back to a state; those that it knows nothing of begin anew.
    pub(super) fn restore(&mut self, state: &State) -> Result {
        guarded(|| {
            let at = state.bytes.len().saturating_sub(state.own);
            let (of_page, mut own) = state.bytes.split_at(at);
            let Some((page, others)) = self.all.split_first_mut() else { return Ok(()) };
            let restored = page.restore(of_page);
            while let Some(([kind, size @ ..], rest)) = own.split_first_chunk::<5>() {
                let saved = rest.split_at_checked(u32::from_be_bytes(*size) as usize);
                let (saved, rest) = saved.ok_or_else(|| Error::other("the saved state has been cut"))?;
                if let Some(other) = others.iter_mut().find(|other| other.claims().first() == Some(kind)) {
                    other.restore(saved)?;
                }
                own = rest;
            }
            restored
        })
    }

    /// Takes all that was done as final.
    pub(super) fn settle(&mut self) -> Result {
        guarded(|| {
            self.all.iter_mut().for_each(|protocol| protocol.settle());
            Ok(())
        })
    }
}

fn one<'a>(protocol: &'a mut dyn Protocol, call: Call<'a>, cx: &'a mut Dispatch) -> Later<'a> {
    match call {
        Call::Init { restored } => protocol.init(restored, cx),
        Call::Refresh => protocol.refresh(cx),
        Call::Event(event) => protocol.event(event, cx),
        Call::Info(message) => protocol.info(message, cx),
        Call::Time(timer) => protocol.time(&timer.what, cx),
    }
}

/// Runs code of an application. When it panics it has failed; its process lives on.
fn guarded(work: impl FnOnce() -> Result) -> Result {
    catch(work).flatten()
}
