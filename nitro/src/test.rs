//! A driver for tests: pages are opened, filled in and clicked as by a user, without a browser and without sockets.
//!
//! It is there with the feature `test`, which belongs into `[dev-dependencies]`.
//!
//! Everything behind the socket is real: sessions, seals, the way to a page ([`Visit`]), the protocol,
//! the page's process, the store (in memory) and the frames. Only the browser is a small one of our own, which applies
//! ops to a small document as `PROTOCOL.md` says; a test of the examples runs one script of actions on it and on
//! three browsers, and compares the documents. Clock and randomness are fixed, so that a test does the same each time.
//!
//! # Example
//!
//! ```
//! use maud::html;
//! use nitro::{prelude::*, test::TestApp};
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Guests {
//!     names: Vec<String>,
//! }
//!
//! #[derive(Event)]
//! enum Act {
//!     Add { #[source] name: String },
//!     Remove(usize),
//! }
//!
//! impl Page for Guests {
//!     type Event = Act;
//!     const ACCESS: Access = Access::Anyone;
//!
//!     fn render(&self, ui: &Ui<'_, Self>) -> Markup {
//!         html! {
//!             (textbox(Act::name).label("Name").required())
//!             (button("Add").postback(ui.on(Act::add())))
//!             (ul().id("guests").body(html! {
//!                 @for (at, name) in self.names.iter().enumerate() {
//!                     (li().id(format!("g{at}")).body(html! {
//!                         (name) (button("x").id(format!("x{at}")).postback(ui.on(Act::remove(at))))
//!                     }))
//!                 }
//!             }))
//!         }
//!     }
//!
//!     async fn event(&mut self, act: Act, cx: &mut Cx<'_, Self>) -> Result {
//!         match act {
//!             Act::Add { name } => self.names.push(name),
//!             Act::Remove(at) => drop(self.names.remove(at)),
//!         }
//!         cx.refresh();
//!         Ok(())
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let app = TestApp::new().page::<Guests>("/guests");
//! let mut page = app.open("/guests").await;
//!
//! page.press("Add").await;
//! assert_eq!(page.text("name.e"), "Please fill in this field.");
//!
//! page.fill("name", "Ann");
//! page.press("Add").await;
//! assert_eq!(page.text("g0"), "Annx");
//! assert_eq!(page.text("name.e"), "");
//!
//! page.click("x0").await;
//! assert!(!page.has("g0"));
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Panics
//!
//! A test that asks for something impossible fails at that line: an element that is not there, is not bound,
//! is disabled or hidden, a page that cannot be opened. The message says what is there instead.

mod apply;
mod client;
mod dom;
mod html;
mod input;
mod op;
mod page;
mod visitor;
mod wire;

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use kvs::Store;
use n2o::{Clock, Error, Keys, Limits, Node, Random};

use crate::{component::Component, route::Routes, visit::Visit};

pub use client::Bound;
pub use op::{Frame, Op};
pub use page::TestPage;
pub use visitor::Visitor;

/// Where the fixed clock begins: 2026-01-01T00:00:00Z.
const BEGIN: u64 = 1_767_225_600_000;

/// An application under test: its pages, a node, and the first visitor.
///
/// It needs a tokio runtime with time, of any kind, such as that of `#[tokio::test]`.
#[derive(Debug)]
pub struct TestApp {
    server: Arc<Server>,
    first: Visitor,
}

/// What visitors and pages share.
#[derive(Debug)]
pub(crate) struct Server {
    // A std lock: held for reads of a few fields, never across an await.
    state: Mutex<State>,
    store: Store,
    keys: Keys,
    clock: Clock,
    random: Random,
}

#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) node: Node,
    pub(crate) routes: Routes,
    login: Option<String>,
    pub(crate) lang: String,
    pub(crate) plugs: Vec<wire::Plug>,
}

impl State {
    /// A visit by the browser with this cookie.
    pub(crate) fn visit<'a>(&'a self, cookie: &'a str) -> Visit<'a> {
        let State { node, routes, login, lang, .. } = self;
        Visit { node, routes, login: login.as_deref(), cookie, lang, address: None }
    }
}

impl Server {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn node(&self) -> Node {
        self.state().node.clone()
    }

    fn fresh(&self, limits: Limits) -> Node {
        let (store, keys) = (self.store.clone(), self.keys.clone());
        Node::new(store, keys, limits, self.clock.clone(), self.random.clone())
    }
}

impl Default for TestApp {
    fn default() -> Self {
        TestApp::new()
    }
}

impl TestApp {
    /// An application without pages, over an empty store in memory.
    #[must_use]
    pub fn new() -> Self {
        // Opening a store in memory never waits.
        let opening = pin!(Store::open("memory:"));
        match opening.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(store)) => Self::over(store),
            other => panic!("the store in memory did not open: {other:?}"),
        }
    }

    /// An application over a store of your choice.
    #[must_use]
    pub fn over(store: Store) -> Self {
        let (clock, random) = (Clock::fixed(BEGIN), Random::seeded(1));
        let keys = Keys::random(&random);
        let node = Node::new(store.clone(), keys.clone(), Limits::default(), clock.clone(), random.clone());
        let (routes, lang) = (Routes::default(), String::from("en"));
        let state = State { node, routes, login: None, lang, plugs: Vec::new() };
        let server = Arc::new(Server { state: Mutex::new(state), store, keys, clock, random });
        TestApp { first: Visitor::new(Arc::clone(&server)), server }
    }

    /// Adds a page at a path, which may have parameters: `/chat/{room}`. Panics as a server's start does where
    /// no page can be found by it.
    #[must_use]
    #[track_caller]
    pub fn page<P: Component + Default>(self, path: &'static str) -> Self {
        let added = self.server.state().routes.add::<P>(path);
        if let Err(error) = added {
            panic!("{error}");
        }
        self
    }

    /// Where visitors are sent who are not logged in and open a page for users.
    #[must_use]
    pub fn login_path(self, path: &str) -> Self {
        self.server.state().login = Some(path.to_owned());
        self
    }

    /// The language that the browsers ask for; `en` otherwise.
    #[must_use]
    pub fn lang(self, lang: &str) -> Self {
        lang.clone_into(&mut self.server.state().lang);
        self
    }

    /// Other limits than the default ones; to be called before the first page is opened.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        let node = self.server.fresh(limits);
        self.server.state().node = node;
        self
    }

    /// The node, with its store, sessions and topics.
    #[must_use]
    pub fn node(&self) -> Node {
        self.server.node()
    }

    /// The fixed clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.server.clock
    }

    /// Lets time pass on the fixed clock. Timers of the runtime are another matter: see `tokio::time::advance`.
    pub fn advance(&self, by: Duration) {
        self.server.clock.advance(by);
    }

    /// Opens a page in the first visitor's browser; all pages that are opened so are of one session.
    pub async fn open(&self, path: &str) -> TestPage {
        self.first.open(path).await
    }

    /// As [`open`](TestApp::open), for a page that may refuse.
    pub async fn try_open(&self, path: &str) -> Result<TestPage, Error> {
        self.first.try_open(path).await
    }

    /// Gets a page's document and does not connect until [`reconnect`](TestPage::reconnect).
    pub async fn fetch(&self, path: &str) -> TestPage {
        self.first.fetch(path).await
    }

    /// Another visitor, with a browser and a session of their own.
    #[must_use]
    pub fn visitor(&self) -> Visitor {
        Visitor::new(Arc::clone(&self.server))
    }

    /// Starts another server over the same store, which gets the connections from now on. The first one goes
    /// on with the pages it has: it is what a page's client leaves that connects again through a balancer.
    pub fn another_node(&self) {
        let node = self.server.fresh(self.node().limits().clone());
        self.server.state().node = node;
    }

    /// Kills the server and starts it again: what was not in the store is gone, and all connections are lost.
    pub async fn restart(&self) {
        let plugs = std::mem::take(&mut self.server.state().plugs);
        plugs.iter().for_each(wire::Plug::pull);
        // What a killed task has handed to the store is on disk or not, but does not come later.
        while !plugs.iter().all(wire::Plug::is_dead) {
            tokio::task::yield_now().await;
        }
        let limits = self.node().limits().clone();
        let node = self.server.fresh(limits);
        self.server.state().node = node;
    }
}
