//! Protocols: each answers the messages of an endpoint that it claims, and no two of them claim the same.

use std::{future::Future, pin::Pin};

use crate::{
    cx::Dispatch,
    error::{Error, Result},
    frame::{EVENT, Event, FIRST_FREE, PING},
    message::Message,
};

/// The work of a protocol, done when it is awaited.
pub type Later<'a, T = ()> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A protocol of an endpoint; one value, with a state of its own, serves one page.
///
/// The page is a protocol, and answers [`EVENT`]. An application declares its own with
/// [`Node::protocol`](crate::Node::protocol), before the server starts; their messages are framed as
/// `PROTOCOL.md` says in section 12, numbered together with the events, and answered by
/// [`Dispatch::reply`]. A message is one transaction, as an event is: what it wrote, what it sends and its reply
/// are there when it has ended well, and otherwise nothing of it has happened. Whoever has any page of the node open
/// may send them, so that a protocol looks at [`Cx::user`](crate::Cx::user) and [`Cx::roles`](crate::Cx::roles)
/// itself. It has a context lent, and cannot commit:
///
/// ```compile_fail,E0507
/// # async fn message(cx: &mut n2o::Dispatch) -> n2o::Result {
/// cx.kvs().append("/log", &1)?;
/// cx.commit().await?;
/// # Ok(())
/// # }
/// ```
///
/// ```
/// use n2o::{Dispatch, Error, Event, Later, Protocol, Value};
///
/// /// Adds what it is told, and answers the sum: `[16, 1, ["add", "5"]]`.
/// #[derive(Default)]
/// struct Tally(u64);
///
/// impl Protocol for Tally {
///     fn name(&self) -> &'static str {
///         "tally"
///     }
///
///     fn claims(&self) -> &'static [u8] {
///         &[16]
///     }
///
///     fn event<'a>(&'a mut self, message: &'a Event<'a>, cx: &'a mut Dispatch) -> Later<'a> {
///         Box::pin(async move {
///             let [Value::Text(what), Value::Text(number)] = &message.values[..] else {
///                 return Err(Error::Refused("a tally is told what to do, and a number"));
///             };
///             let number: u64 = number.parse().map_err(|_| Error::user("That is not a number."))?;
///             match &**what {
///                 "add" => self.0 = self.0.saturating_add(number),
///                 _ => return Err(Error::Refused("a tally only adds")),
///             }
///             cx.kvs().append("/tally", &number)?;
///             cx.reply(self.0.to_string());
///             Ok(())
///         })
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # use n2o::{Clock, Keys, Limits, Node, Random};
/// # let (random, store) = (Random::default(), kvs::Store::open("memory:").await?);
/// # let node = Node::new(store, Keys::random(&random), Limits::default(), Clock::default(), random);
/// node.protocol(|| Box::new(Tally::default()))?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Protocol: Send {
    /// The protocol's name, as errors and the log say it.
    fn name(&self) -> &'static str;

    /// The kinds of the messages that it answers; those of an application begin at [`FIRST_FREE`].
    fn claims(&self) -> &'static [u8];

    /// Answers a message.
    fn event<'a>(&'a mut self, event: &'a Event<'a>, cx: &'a mut Dispatch) -> Later<'a>;

    /// The page has its first connection in this process. `restored` when it came from its saved state or its
    /// path, so that the client's document may differ from what the page last sent.
    fn init<'a>(&'a mut self, restored: bool, cx: &'a mut Dispatch) -> Later<'a> {
        let _ = (restored, cx);
        Box::pin(async { Ok(()) })
    }

    /// A message of a topic came.
    fn info<'a>(&'a mut self, message: &'a Message, cx: &'a mut Dispatch) -> Later<'a> {
        let _ = (message, cx);
        Box::pin(async { Ok(()) })
    }

    /// The time of a timer has come that the protocol has set with [`Dispatch::after`].
    fn time<'a>(&'a mut self, what: &'a [u8], cx: &'a mut Dispatch) -> Later<'a> {
        let _ = (what, cx);
        Box::pin(async { Ok(()) })
    }

    /// The client has lost track: its document is to be made current.
    fn refresh<'a>(&'a mut self, cx: &'a mut Dispatch) -> Later<'a> {
        let _ = cx;
        Box::pin(async { Ok(()) })
    }

    /// Appends what is to be saved of the protocol to `state`. A protocol that appends nothing has a state that
    /// neither outlives the page's process nor is taken back when a message fails.
    fn save(&self, state: &mut Vec<u8>) -> Result {
        let _ = state;
        Ok(())
    }

    /// Takes the protocol back to what [`save`](Protocol::save) appended: what was done since the last
    /// [`settle`](Protocol::settle) is undone.
    fn restore(&mut self, state: &[u8]) -> Result {
        let _ = state;
        Ok(())
    }

    /// Takes all that was done since the last such call as final.
    fn settle(&mut self) {}
}

/// Makes a protocol for a page.
type Make = fn() -> Box<dyn Protocol>;

/// The protocols that an endpoint was declared with.
#[derive(Debug, Default)]
pub(crate) struct Endpoint {
    own: Vec<Make>,
}

impl Endpoint {
    /// Adds a protocol, unless one before it claims the same messages.
    pub(crate) fn add(&mut self, make: Make) -> Result {
        let new = make();
        for kind in new.claims().iter().copied() {
            if let Some(first) = self.claimant(kind) {
                return Err(Error::Claimed { kind, first, second: new.name() });
            }
        }
        self.own.push(make);
        Ok(())
    }

    /// The name of the protocol that claims messages of a kind.
    fn claimant(&self, kind: u8) -> Option<&'static str> {
        match kind {
            PING => Some("heartbeat"),
            EVENT => Some("page"),
            2..FIRST_FREE => Some("n2o"),
            _ => {
                let mut own = self.own.iter().map(|make| make());
                own.find(|own| own.claims().contains(&kind)).map(|own| own.name())
            }
        }
    }

    /// The protocols of a new page, which is the first of them.
    pub(crate) fn protocols(&self, page: Box<dyn Protocol>) -> Vec<Box<dyn Protocol>> {
        let mut protocols = Vec::with_capacity(1 + self.own.len());
        protocols.push(page);
        protocols.extend(self.own.iter().map(|make| make()));
        protocols
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Own(&'static str, &'static [u8]);

    impl Protocol for Own {
        fn name(&self) -> &'static str {
            self.0
        }

        fn claims(&self) -> &'static [u8] {
            self.1
        }

        fn event<'a>(&'a mut self, _: &'a Event<'a>, _: &'a mut Dispatch) -> Later<'a> {
            Box::pin(async { Ok(()) })
        }
    }

    #[test]
    fn two_protocols_that_claim_the_same_are_refused_with_both_names() {
        let mut endpoint = Endpoint::default();
        endpoint.add(|| Box::new(Own("files", &[16, 17]))).expect("free kinds");
        endpoint.add(|| Box::new(Own("prices", &[18, 255]))).expect("free kinds");
        let taken: [(Make, _, _); 5] = [
            (|| Box::new(Own("beat", &[0])), 0, "heartbeat"),
            (|| Box::new(Own("mine", &[1])), 1, "page"),
            (|| Box::new(Own("low", &[15])), 15, "n2o"),
            (|| Box::new(Own("upload", &[20, 17])), 17, "files"),
            (|| Box::new(Own("rates", &[255])), 255, "prices"),
        ];
        for (make, kind, first) in taken {
            let error = endpoint.add(make).expect_err("claimed");
            let second = make().name();
            let words =
                format!("the messages of kind {kind} are claimed by two protocols: {first:?} and {second:?}");
            assert_eq!(error.to_string(), words);
        }
        let page = Box::new(Own("page", &[EVENT]));
        let names: Vec<_> = endpoint.protocols(page).iter().map(|one| one.name()).collect();
        assert_eq!(names, ["page", "files", "prices"], "what was refused is not declared");
    }
}
