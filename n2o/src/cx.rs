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

use self::login::{Login, Roles};
pub use self::{dispatch::Dispatch, values::SessionValues};
use crate::{
    error::{Error, Result},
    inbox::Inbox,
    message::Message,
    name::Name,
    saved::PageId,
    services::Services,
    session::{Changes, Session},
    soon::Soon,
    text,
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
    params: Vec<(String, String)>,
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
    /// In a box, because few pages have one.
    soon: Option<Box<Soon>>,
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

    /// A parameter of the route or else of the query, decoded; empty when there is none.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
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

    /// The visitor's session.
    pub fn session(&mut self) -> SessionValues<'_> {
        let dropped = self.login.as_ref().is_some_and(|login| login.drops(self.session.user().as_deref()));
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

    /// Logs the visitor in, or makes them another user. The session gets another id; the browser is sent
    /// through an address that sets the new cookie, and then where `redirect` says.
    ///
    /// The values of the session stay when the visitor had no name yet, or has the same one again. They are
    /// dropped, those of this handler excepted, when somebody else was logged in: what was kept of one user,
    /// such as that they gave a password, is not true of another.
    ///
    /// The name is a [`Name`], without the blanks around it; what is wrong with one is told to the user.
    pub async fn login(&mut self, user: &str) -> Result {
        self.login_as(user, &[]).await
    }

    /// Logs the visitor in like [`login`](Cx::login), with roles that hold as long as the session. More often than
    /// [`Limits`](crate::Limits) let a session and an address do so, the user is told to wait.
    #[expect(
        clippy::unused_async,
        reason = "a store of rights may have to be asked; handlers await it already"
    )]
    pub async fn login_as(&mut self, user: &str, roles: &[&str]) -> Result {
        let name = Name::new(user.trim()).map_err(|error| Error::user(text::name(&self.lang, error)))?;
        let (random, now) = (&self.session.sid.random, self.node.clock().millis());
        if !self.node.logins().allow(random, self.address(), now) {
            return Err(Error::user(text::tries(&self.lang)));
        }
        let roles = roles.iter().map(|role| String::from(*role)).collect();
        self.login = Some(Box::new(Login { user: Some(name.to_string()), roles, ticket: None }));
        Ok(())
    }

    /// Logs the visitor out: the session and its values are gone, its other pages are closed.
    pub fn logout(&mut self) {
        self.login = Some(Box::new(Login { user: None, roles: Vec::new(), ticket: None }));
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
