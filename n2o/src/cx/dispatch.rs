//! A dispatch: a handler's context in the hands of the machinery, which commits what the handler did, or undoes it,
//! and sends what goes out.

use std::{
    net::IpAddr,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use super::Cx;
use crate::{
    deadline::Deadline,
    error::Result,
    formatter::Out,
    inbox::Inbox,
    params::Params,
    saved::{PageId, Saved},
    services::Services,
    session::{Changes, Session},
    sessions::Ticket,
    site::Site,
    timers::Timers,
    value::Value,
};

/// A page in the hands of the machinery: the [`Cx`] of its handlers, which it gives as its own, and the answer.
///
/// A protocol has it lent while it answers a message, and lends the `Cx` on to a handler. Neither can commit or
/// undo anything: that is done when they have ended, well or not.
#[derive(Debug)]
pub struct Dispatch {
    cx: Cx,
    /// The ops of the answer, or the values of a reply.
    pub out: Out,
}

impl Deref for Dispatch {
    type Target = Cx;

    fn deref(&self) -> &Cx {
        &self.cx
    }
}

impl DerefMut for Dispatch {
    fn deref_mut(&mut self) -> &mut Cx {
        &mut self.cx
    }
}

impl Dispatch {
    /// The context of one page, at a path with parameters that its route has read from it.
    #[must_use]
    pub fn new(
        node: &Services,
        session: Arc<Session>,
        page: PageId,
        path: &str,
        params: impl Into<Params>,
        lang: &str,
    ) -> Self {
        let cx = Cx {
            node: node.clone(),
            session,
            page,
            params: params.into().boxed(),
            lang: lang.to_owned(),
            inbox: Arc::new(Inbox::new(node.limits().inbox, path)),
            topics: Vec::new(),
            joined: Vec::new(),
            left: Vec::new(),
            txn: None,
            sends: Vec::new(),
            changes: Changes::new(),
            login: None,
            roles: None,
            proof: None,
            soon: None,
            timers: Timers::default(),
            site: Site::default(),
        };
        Dispatch { cx, out: Out::new(crate::Format::default()) }
    }

    /// Says from which address the request for the page comes.
    #[must_use]
    pub fn from_address(self, address: Option<IpAddr>) -> Self {
        self.cx.inbox.comes_from(address);
        self
    }

    /// The deadline for a handler of this page that runs outside of the page's task.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        Deadline::new(self.cx.page, self.meter())
    }

    /// Adds a value to the reply of a protocol of the application.
    pub fn reply(&mut self, value: impl Into<Value<'static>>) {
        self.out.value(&value.into());
    }

    /// Sets a timer: after `delay` the page's protocol that claims messages of this kind is told this, in a turn of
    /// its own ([`Protocol::time`](crate::Protocol::time)). A timer that would tell the same is set anew.
    ///
    /// Timers are a part of the page's state: a handler that fails has set none, and one that ends well with writes
    /// has set its timers with them. They run while the page lives, also while its client is away; those of a page that
    /// is restored later than they were due are told then, once each.
    pub fn after(&mut self, delay: Duration, kind: u8, what: Vec<u8>) {
        let now = self.cx.now();
        self.cx.timers.set(kind, what, delay, now);
    }

    /// Gives up the timer that would tell a protocol this.
    pub fn cancel(&mut self, kind: u8, what: &[u8]) {
        self.cx.timers.cancel(kind, what);
    }

    /// Gives up those timers of a protocol that would tell what is not wanted any more.
    pub fn retain_timers(&mut self, kind: u8, mut is_wanted: impl FnMut(&[u8]) -> bool) {
        self.cx.timers.retain(|timer| timer.kind != kind || is_wanted(&timer.what));
    }

    /// Says whether the handler has changed the user, so that the browser has to be sent away with a ticket.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.cx.login.is_some()
    }

    /// The ticket that carries a login or logout of this handler to the browser, which must be sent
    /// where it is traded, and then to `to`. `None` when the user stays the same.
    pub async fn ticket(&mut self, to: &str) -> Result<Option<Ticket>> {
        self.cx.make_ticket(to).await
    }

    /// Commits what was done before the page has a process, such as while it was opened, and sends its messages.
    /// It takes the whole: a protocol, which has it lent, cannot.
    pub async fn commit(mut self) -> Result<Self> {
        self.cx.finish(None).await?;
        Ok(self)
    }

    /// Undoes what was done before the page has a process.
    #[must_use]
    pub fn rollback(mut self) -> Self {
        self.undo();
        self
    }

    /// Commits as a part of the page's process, with the page's record if there is one to be written: only while the
    /// store's is of the version given with it (0 for none). Answers the version that it has now.
    pub(crate) async fn commit_with(&mut self, page: Option<(&Saved, u64)>) -> Result<u64> {
        self.cx.finish(page).await
    }

    /// Undoes what the handler did.
    pub(crate) fn undo(&mut self) {
        self.cx.undo();
        self.out.clear();
    }
}
