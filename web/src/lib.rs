//! HTTP, WebSocket, the client script and the pages' way into a browser.
//!
//! This is the only crate that knows HTTP.
//!
//! # The life of a request
//!
//! 1. [`Server`] accepts a connection and reads a request within its time and size.
//! 2. A path of the application's own router is answered there; the client script, style sheets,
//!    `/live` and `/ready` are answered here; anything else is looked up among the pages.
//! 3. A page is opened for the session of the cookie: rights, data, document. It then waits for its
//!    connection, for a bounded time.
//! 4. `/ws` checks Origin, format, cookie and page token before anything is decoded, and gives the
//!    connection to the page, which is not rendered again.
//! 5. Every answer carries the security headers; a page works under them or not at all.
//! 6. On SIGTERM or SIGINT the server stops accepting, tells its clients to come back, finishes events,
//!    commits, and ends. SIGHUP reloads the keys.
//!
//! # Example
//!
//! ```
//! use maud::html;
//! use nitro::prelude::*;
//! use web::App;
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Hello;
//!
//! impl Page for Hello {
//!     type Event = Never;
//!     const ACCESS: Access = Access::Anyone;
//!
//!     fn render(&self, ui: &Ui<'_, Self>) -> Markup {
//!         html! { h1 { "Hello, " (ui.param("name")) "!" } }
//!     }
//!
//!     async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result {
//!         match never {}
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # use n2o::{Clock, Keys, Limits, Node, Random};
//! let store = kvs::Store::open("memory:").await?;
//! let random = Random::default();
//! let node = Node::new(store, Keys::random(&random), Limits::default(), Clock::default(), random);
//! // A router like any other of axum's: merge it with your own, or serve it with `web::Server`.
//! let router = App::new(node).page::<Hello>("/hello/{name}").router();
//! # let request = axum::http::Request::get("/hello/%3Cb%3E").body(axum::body::Body::empty())?;
//! # let response = tower::ServiceExt::oneshot(router, request).await?;
//! # let body = axum::body::to_bytes(response.into_body(), 65_536).await?;
//! # assert!(String::from_utf8(body.to_vec())?.contains("Hello, &lt;b&gt;!"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod app;
mod asset;
mod caller;
mod client;
mod cookie;
mod files;
mod folder;
mod frames;
mod front;
mod get;
mod headers;
mod host;
mod native;
mod network;
mod notice;
mod pace;
mod places;
mod post;
mod problem;
mod request;
mod reserve;
#[cfg(feature = "rest")]
pub mod rest;
mod server;
mod slow;
mod socket;
mod stream;
mod user;
mod visitor;
mod ws;

pub use app::App;
pub use client::ClientAddress;
pub use network::{BadNetwork, Network};
pub use server::{ServeError, Server};
pub use user::User;

/// The client script, minified.
pub const SCRIPT: &str = include_str!("../js/n2o.min.js");

/// The modules that the client script loads when a page needs them, with their names.
pub const MODULES: [(&str, &str); 3] = [
    ("input.js", include_str!("../js/input.min.js")),
    ("morph.js", include_str!("../js/morph.min.js")),
    ("time.js", include_str!("../js/time.min.js")),
];
