//! The context of a page: everything a handler may do that is not about the document, and in `dispatch` what the
//! machinery does with it.

mod commit;
mod dispatch;
mod login;
mod seal;
mod soon;
mod values;

use std::{net::IpAddr, sync::Arc};

use kvs::Txn;
use serde::{Serialize, de::DeserializeOwned};

use self::login::{Login, Proof, Roles};
pub use self::{dispatch::Dispatch, values::SessionValues};
use crate::{
    inbox::Inbox,
    message::Message,
    meter::Meter,
    owner::Owner,
    params::Params,
    saved::PageId,
    services::Services,
    session::{Changes, Session},
    site::Site,
    soon::Soon,
    timers::Timers,
};

/// The context of a handler.
///
/// Everything it does through the context is one transaction: reads see its own writes, and messages
/// are sent and the answer goes out when the transaction is on disk. When the handler fails, nothing
/// of it has happened, and so it cannot commit itself. What it writes with [`kvs`](Cx::kvs) happens exactly once
/// for each event, however often the client sends it, and whichever node takes it.
///
/// What goes round the context is not undone and may happen again: a transaction of its own, a mail, a
/// request to another service. A handler runs again after a conflict, after a kill, and on another node to
/// which the page has moved. So it is written down with `kvs`, under an id of its own, and done by whoever
/// reads that, such as a service task of a process; or the other side is given an id that makes it once.
#[derive(Debug)]
pub struct Cx {
    node: Services,
    session: Arc<Session>,
    page: PageId,
    /// Few pages have any; in a box of their own, as the transaction is.
    pub(crate) params: Option<Box<Params>>,
    lang: String,
    inbox: Arc<Inbox>,
    topics: Vec<Arc<str>>,
    /// The topics that this handler has registered with, should it fail.
    joined: Vec<Arc<str>>,
    /// The topics that this handler leaves, should it end well.
    left: Vec<Arc<str>>,
    /// In a box of its own: every idle page would keep room for it.
    txn: Option<Box<Txn>>,
    sends: Vec<Message>,
    changes: Changes,
    /// In a box of its own, as the transaction is.
    login: Option<Box<Login>>,
    /// The roles that this handler gives the user; in a box of their own, as the transaction is.
    roles: Option<Box<Roles>>,
    /// The account whose password this handler was given; in a box of its own, as the transaction is.
    proof: Option<Box<Proof>>,
    /// In a box, because few pages have one.
    soon: Option<Box<Soon>>,
    pub(crate) timers: Timers,
    pub(crate) site: Site,
}

impl Cx {
    /// The address that the client comes from: that of its connection, or what a trusted proxy says of it.
    /// `None` where nobody knows, as in a test.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.inbox.address()
    }

    /// The services of the node that the page lives on.
    #[must_use]
    pub fn node(&self) -> &Services {
        &self.node
    }

    /// The page's id.
    #[must_use]
    pub fn page(&self) -> PageId {
        self.page
    }

    /// The path and query that the page was opened with, such as `/chat/lobby?from=7`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.inbox.path()
    }

    /// The visitor's language as a lower-case BCP 47 primary tag, such as `en` or `uk`.
    #[must_use]
    pub fn lang(&self) -> &str {
        &self.lang
    }

    /// Now, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.node.clock().millis()
    }

    /// The user who is logged in.
    #[must_use]
    pub fn user(&self) -> Option<String> {
        match &self.login {
            Some(login) => login.user.clone(),
            None => self.session.user(),
        }
    }

    /// Whom that belongs to which is kept for the user. Any visitor may call themselves by a name that
    /// [`login`](Cx::login) takes, so that what nobody else is to read is kept under this and not under the name.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        match &self.login {
            Some(login) => login.owner.clone(),
            None => self.session.owner(),
        }
    }

    /// Whether the user has proven who they are: with the password of an account, when
    /// [`Accounts`](crate::Accounts) was asked in the handler that logged them in, or as
    /// [`login_proven`](Cx::login_proven) says.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.owner().is_some_and(|owner| owner.is_proven())
    }

    /// The roles of the user: those that [`login_as`](Cx::login_as) or [`set_roles`](Cx::set_roles) gave.
    /// Every right by role, on pages, in forms, processes and REST, looks here.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        match (&self.login, &self.roles) {
            (Some(login), _) => login.roles.clone(),
            (None, Some(roles)) => roles.0.clone(),
            (None, None) => self.session.roles(),
        }
    }

    /// Whether the user has a role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles().iter().any(|known| known == role)
    }

    /// A number that grows when the user's roles or a value of the session have changed: what was decided by them
    /// is to be decided again. `None` while this handler changes them.
    #[must_use]
    pub fn rights(&self) -> Option<u64> {
        let changes = self.login.is_some() || self.roles.is_some() || !self.changes.is_empty();
        (!changes).then(|| self.session.version())
    }

    /// The visitor's session.
    pub fn session(&mut self) -> SessionValues<'_> {
        let dropped = self
            .login
            .as_ref()
            .is_some_and(|login| login.drops(self.session.user().as_deref(), self.session.owner().as_ref()));
        SessionValues { session: &self.session, changes: &mut self.changes, dropped }
    }

    /// The session behind the cookie, shared by all pages of the browser.
    #[must_use]
    pub fn session_handle(&self) -> &Arc<Session> {
        &self.session
    }

    /// The transaction of this handler.
    pub fn kvs(&mut self) -> &mut Txn {
        self.txn.get_or_insert_with(|| Box::new(self.node.store().txn()))
    }

    /// Registers this page with a topic: `info` receives what is sent there.
    pub fn reg(&mut self, topic: &str) {
        let topic = self.node.registry().reg(topic, &self.inbox, None);
        self.remember(topic);
    }

    /// Registers like [`reg`](Cx::reg), and is present there as `name`; the others are told by
    /// [`Presence`](crate::Presence) when the first page of that name comes and when the last one goes.
    pub fn join(&mut self, topic: &str, name: &str) {
        let topic = self.node.registry().reg(topic, &self.inbox, Some(name));
        self.remember(topic);
    }

    /// Says whether more messages of the topic wait for this page. A handler whose work the next message
    /// repeats can leave it to that one.
    #[must_use]
    pub fn expects(&self, topic: &str) -> bool {
        self.inbox.expects(topic)
    }

    fn remember(&mut self, topic: Arc<str>) {
        self.left.retain(|left| *left != topic);
        if !self.topics.contains(&topic) {
            self.joined.push(Arc::clone(&topic));
            self.topics.push(topic);
        }
    }

    /// Ends a registration, when the handler has ended well.
    pub fn unreg(&mut self, topic: &str) {
        self.left.extend(self.topics.iter().find(|known| ***known == *topic).cloned());
    }

    fn leave(&mut self, topics: &[Arc<str>]) {
        for topic in topics {
            self.topics.retain(|known| known != topic);
            self.node.registry().unreg(topic, &self.inbox);
        }
    }

    /// The names present in a topic, in order.
    #[must_use]
    pub fn present(&self, topic: &str) -> Vec<String> {
        self.node.registry().present(topic)
    }

    /// Sends to every page that is registered with the topic, this one included, when the transaction is on disk.
    pub fn send<T: Serialize + DeserializeOwned + Send + Sync + 'static>(&mut self, topic: &str, body: T) {
        self.sends.push(Message::new(topic, body));
    }

    /// The meter of the page's work, for its session and its client's address.
    pub(crate) fn meter(&self) -> Meter {
        Meter::new(self.node.clone(), Arc::clone(&self.inbox), Arc::clone(&self.session))
    }

    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// Whether the handler changed anything that has to be on disk before it is answered.
    #[must_use]
    pub(crate) fn wrote(&self) -> bool {
        !self.changes.is_empty()
            || self.login.is_some()
            || self.roles.is_some()
            || self.txn.as_ref().is_some_and(|txn| txn.wrote())
    }

    /// Notes that the user is active. The store learns of it once a minute, and not on the user's time.
    pub(crate) fn seen(&self) {
        let now = self.node.clock().secs();
        if self.session.touch(now) {
            let (node, session) = (self.node.clone(), Arc::clone(&self.session));
            self.node.tasks().spawn("seen", async move {
                if let Err(error) = node.sessions().seen(&session, now).await {
                    tracing::debug!(%error, "activity of a session was not noted; another change of it came first");
                }
            });
        }
    }
}

impl Drop for Cx {
    fn drop(&mut self) {
        for topic in &self.topics {
            self.node.registry().unreg(topic, &self.inbox);
        }
    }
}
