//! Sessions, sealed events, protocols, channels, processes and pub/sub.
//!
//! `n2o` is the event server: it knows who a visitor is, what was sealed for them, which event is next,
//! and who listens to what. It does not know what a page looks like, and mentions neither HTML nor HTTP.
//!
//! # The life of a page
//!
//! 1. Whoever renders a page makes a [`Dispatch`] for it and a [`Protocol`] that holds it, and leaves both
//!    with [`Node::wait`]. The client gets a [token](Services::token).
//! 2. The client connects; [`Node::connect`] gives its [`Connection`] to the page. From now on one
//!    task owns the page.
//! 3. Every frame is read within [`Limits`], becomes an [`Event`], and goes to the one [`Protocol`] that claims
//!    messages of its kind: the page, or one that the application has [declared](Node::protocol).
//! 4. What a handler wrote is committed together with the event's number, the page's state and the
//!    answer; then messages are sent and the answer goes out.
//! 5. [`Cx::send`] reaches every page that [registered](Cx::reg), through a bounded inbox.
//! 6. When the connection is lost the page waits a while; a client that comes back gets what it missed.
//!    Later, or on another node, the page is restored from its saved state.
//! 7. [`Node::stop`] tells clients to come back, lets handlers finish, and saves the pages.
//!
//! # Example
//!
//! ```
//! use n2o::{Clock, Dispatch, EVENT, Event, Keys, Later, Limits, Node, Protocol, Random};
//!
//! /// A page that counts what happens to it.
//! struct Counter(u64);
//!
//! impl Protocol for Counter {
//!     fn name(&self) -> &'static str {
//!         "page"
//!     }
//!
//!     fn claims(&self) -> &'static [u8] {
//!         &[EVENT]
//!     }
//!
//!     fn event<'a>(&'a mut self, _: &'a Event<'a>, cx: &'a mut Dispatch) -> Later<'a> {
//!         Box::pin(async move {
//!             self.0 += 1;
//!             cx.out.op(8, 2).text("n").text(&self.0.to_string());
//!             Ok(())
//!         })
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let (random, store) = (Random::default(), kvs::Store::open("memory:").await?);
//! let node = Node::new(store, Keys::random(&random), Limits::default(), Clock::default(), random);
//! let session = node.sessions().create();
//! let cx = Dispatch::new(&node, session, node.page_id(), "/counter", Vec::new(), "en");
//! node.wait(Box::new(Counter(0)), cx);
//! assert_eq!(node.pages().waiting(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod audit;
mod auth;
mod bearer;
mod blob;
mod channel;
mod clock;
mod cx;
mod deadline;
mod delivery;
mod error;
mod formatter;
mod frame;
mod inbox;
mod incidents;
mod keys;
mod limit;
mod line;
mod logins;
mod message;
mod meter;
mod name;
mod network;
mod node;
mod opening;
mod owner;
mod pages;
mod params;
mod pickle;
mod place;
mod process;
mod protocol;
mod quota;
mod rate;
mod rates;
mod registry;
mod repeats;
mod saved;
mod services;
mod session;
mod sessions;
mod shown;
mod site;
mod soon;
mod tasks;
mod text;
mod timers;
mod token;
mod value;
mod watchdog;
mod work;

pub use auth::{AccountLimits, Accounts};
pub use bearer::Bearer;
pub use channel::{Channel, Connection, Gone, Incoming};
pub use clock::{Clock, Random};
pub use cx::{Cx, Dispatch, SessionValues};
pub use deadline::Deadline;
pub use error::{Error, OrFail, Result, SealError};
pub use formatter::{Format, Head, Out, error as error_frame, pong as pong_frame, welcome as welcome_frame};
pub use frame::{EVENT, Event, FIRST_FREE, Frame, Malformed, PING, read as read_frame};
pub use inbox::Inbox;
pub use keys::{KEYS_VARIABLE, Keys, Secret};
pub use limit::{Limits, MAX_ID};
pub use message::{Message, Presence};
pub use name::{Name, NameError};
pub use network::network;
pub use node::Node;
pub use owner::Owner;
pub use pages::Pages;
pub use params::Params;
pub use pickle::OVERHEAD as SEAL_OVERHEAD;
pub use place::Place;
pub use protocol::{Later, Protocol};
pub use rate::{Rate, Tries};
pub use rates::Rates;
pub use registry::Registry;
pub use repeats::Repeats;
pub use saved::PageId;
pub use services::Services;
pub use session::Session;
pub use sessions::{Sessions, Ticket};
pub use shown::Shown;
pub use site::{Failure, Panicked, caught};
pub use tasks::Tasks;
pub use token::Token;
pub use value::Value;
