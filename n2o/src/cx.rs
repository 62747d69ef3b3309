//! The context of a page: everything a handler may do that is not about the document.

mod login;
mod seal;
mod values;

use std::{any::Any, net::IpAddr, sync::Arc};

use kvs::Txn;
use serde::{Serialize, de::DeserializeOwned};

use self::login::{Login, Proof, Roles};
pub use self::values::SessionValues;
use crate::{
    audit,
    error::Result,
    formatter::Out,
    inbox::Inbox,
    message::Message,
    node::Node,
    owner::Owner,
    pages::{PageId, Saved as SavedPage},
    session::{self, Changes, Session},
    sessions::Ticket,
    soon::Soon,
};

/// What a handler gets to work with.
///
/// Everything it does through the context is one transaction: reads see its own writes, and messages
/// are sent and the answer goes out when the transaction is on disk. When the handler fails, nothing
/// of it has happened. What it writes with [`kvs`](Cx::kvs) happens exactly once for each event, however
/// often the client sends it, and whichever node takes it.
///
/// What goes round the context is not undone and may happen again: a transaction of its own, a mail, a
/// request to another service. A handler runs again after a conflict, after a kill, and on another node to
/// which the page has moved. So it is written down with `kvs`, under an id of its own, and done by whoever
/// reads that, such as a service task of a process; or the other side is given an id that makes it once.
#[derive(Debug)]
pub struct Cx {
    node: Node,
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
    /// The account whose password this handler was given; in a box of its own, as the transaction is.
    proof: Option<Box<Proof>>,
    /// In a box, because few pages have one.
    pub(crate) soon: Option<Box<Soon>>,
    part: Option<Box<dyn Any + Send + Sync>>,
    /// The ops of the answer.
    pub out: Out,
    /// The page's state, as last saved by [`Msg::Save`](crate::Msg::Save).
    pub state: Vec<u8>,
}

impl Cx {
    /// The context of one page, at a path with parameters that its route has read from it.
    #[must_use]
    pub fn new(
        node: &Node,
        session: Arc<Session>,
        page: PageId,
        path: &str,
        params: Vec<(String, String)>,
        lang: &str,
    ) -> Self {
        Cx {
            node: node.clone(),
            session,
            page,
            params,
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
            part: None,
            out: Out::new(crate::Format::default()),
            state: Vec::new(),
        }
    }

    /// Says from which address the request for the page comes.
    #[must_use]
    pub fn from_address(self, address: Option<IpAddr>) -> Self {
        self.inbox.comes_from(address);
        self
    }

    /// The address that the client comes from: that of its connection, or what a trusted proxy says of it.
    /// `None` where nobody knows, as in a test.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.inbox.address()
    }

    /// The node that the page lives on.
    #[must_use]
    pub fn node(&self) -> &Node {
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

    /// Whether the handler has changed the user, so that the browser has to be sent away with a ticket.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.login.is_some()
    }

    /// The ticket that carries a login or logout of this handler to the browser, which must be sent
    /// where it is traded, and then to `to`. `None` when the user stays the same.
    pub async fn ticket(&mut self, to: &str) -> Result<Option<Ticket>> {
        let Some(login) = &self.login else { return Ok(None) };
        if let Some(ticket) = &login.ticket {
            return Ok(Some(ticket.clone()));
        }
        let (node, user, roles) = (self.node.clone(), login.user.clone(), login.roles.clone());
        let owner = login.owner.clone();
        let mut txn = self.txn.take().unwrap_or_else(|| Box::new(node.store().txn()));
        let mut saved = node.sessions().saved(&mut txn, &self.session).await?;
        if login.drops(saved.user.as_deref(), saved.owner.as_ref()) {
            saved.values.clear();
        }
        if user.is_some() {
            let changes = std::mem::take(&mut self.changes);
            session::apply(&mut saved, &changes, node.limits().session_values)?;
        } else {
            self.changes.clear();
            txn.delete::<session::Saved>(&self.session.key);
        }
        (saved.user, saved.roles, saved.owner) = (user, roles, owner);
        let ticket = node.sessions().rotate(&mut txn, &self.session, saved, to).await?;
        self.txn = Some(txn);
        if let Some(login) = &mut self.login {
            login.ticket = Some(ticket.clone());
        }
        Ok(Some(ticket))
    }

    /// What the page's protocol keeps beside the page, made when it is first asked for; one type per page.
    pub fn part<T: Any + Default + Send + Sync>(&mut self) -> &mut T {
        let known = self.part.as_ref().is_some_and(|part| part.is::<T>());
        if !known {
            self.part = None;
        }
        let part = self.part.get_or_insert_with(|| Box::<T>::default());
        match part.downcast_mut() {
            Some(part) => part,
            None => unreachable!("the part was just made of this type"),
        }
    }

    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// Undoes what the handler did through this context.
    pub fn rollback(&mut self) {
        self.txn = None;
        self.sends.clear();
        self.changes.clear();
        self.login = None;
        self.roles = None;
        self.proof = None;
        if let Some(soon) = &mut self.soon {
            soon.rollback();
        }
        self.out.clear();
        self.left.clear();
        let joined = std::mem::take(&mut self.joined);
        self.leave(&joined);
    }

    /// Whether the handler changed anything that has to be on disk before it is answered.
    #[must_use]
    pub(crate) fn wrote(&self) -> bool {
        !self.changes.is_empty()
            || self.login.is_some()
            || self.roles.is_some()
            || self.txn.as_ref().is_some_and(|txn| txn.wrote())
    }

    /// Commits what the handler did, together with the page's record, and sends its messages.
    pub async fn commit(&mut self) -> Result {
        self.commit_with(None).await.map(|_| ())
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

    /// Commits only while the page's record is what this page last saved or read, of the version given with
    /// it (0 for none), and answers the version that it has now.
    pub(crate) async fn commit_with(&mut self, page: Option<(&SavedPage, u64)>) -> Result<u64> {
        let mut version = 0;
        if self.wrote() || page.is_some() {
            // In a box of its own: every idle page would keep room for it, and few commit at the same time.
            version = Box::pin(self.write(page)).await?;
        } else {
            self.txn = None;
            for message in self.sends.drain(..) {
                self.node.registry().publish(message);
            }
            if let Some(soon) = &mut self.soon {
                soon.settle();
            }
        }
        self.joined.clear();
        self.proof = None;
        let left = std::mem::take(&mut self.left);
        self.leave(&left);
        Ok(version)
    }

    async fn write(&mut self, page: Option<(&SavedPage, u64)>) -> Result<u64> {
        let mut txn = self.txn.take().unwrap_or_else(|| Box::new(self.node.store().txn()));
        let now = self.node.clock().secs();
        let mut saved = None;
        if let Some(login) = self.login.as_deref().filter(|login| login.ticket.is_none()) {
            // Nobody is told where to go. What was meant for the next session is not for this one, and a
            // logout ends it all the same.
            self.changes.clear();
            if login.user.is_none() {
                txn.delete::<session::Saved>(&self.session.key);
            }
        }
        let roles = self.roles.take().filter(|_| self.login.is_none()).map(|roles| roles.0);
        let before = roles.as_ref().map(|_| self.session.roles());
        if !self.changes.is_empty() || roles.is_some() {
            let mut record = self.node.sessions().saved(&mut txn, &self.session).await?;
            record.seen = now;
            session::apply(&mut record, &self.changes, self.node.limits().session_values)?;
            if let Some(roles) = &roles {
                record.roles.clone_from(roles);
            }
            txn.put(&record)?;
            saved = Some(record);
        }
        if let Some((page, version)) = page {
            txn.put_at(page, version)?;
        }
        if !self.sends.is_empty() {
            // Sent by the writer, in the order of the commits, so that a topic's messages come in the order of its feed.
            let (node, sends) = (self.node.clone(), std::mem::take(&mut self.sends));
            txn.on_commit(move |_| sends.into_iter().for_each(|message| node.registry().publish(message)));
        }
        if let Some(soon) = &self.soon {
            soon.write(&mut txn);
        }
        let version = txn.commit().await?.at;
        if let Some(soon) = &mut self.soon {
            soon.done();
        }
        self.changes.clear();
        if let Some(saved) = saved {
            self.session.committed(saved);
        }
        if let (Some(before), Some(roles)) = (before, roles)
            && before != roles
        {
            audit::roles_changed(self, &before, &roles);
        }
        if let Some(login) = self.login.take() {
            login.tell(self);
            if login.user.is_none() {
                self.session.end(Some(&self.inbox));
            }
        }
        Ok(version)
    }
}

impl Drop for Cx {
    fn drop(&mut self) {
        for topic in &self.topics {
            self.node.registry().unreg(topic, &self.inbox);
        }
    }
}
