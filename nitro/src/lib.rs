//! Typed elements, DOM operations and pages that live on the server.
//!
//! A page is a struct; what the user sees is its [`render`](Page::render), and what the user does comes
//! back as a typed [`Event`]. The browser runs one fixed script that shows what the server says.
//!
//! # The life of an event
//!
//! 1. [`Page::render`] writes structure with `html!` and elements with the functions of [`tags`].
//! 2. An element that is [bound](El::postback) carries its event sealed: encrypted, authenticated, and good
//!    for this session, page and element only.
//! 3. The user clicks. The client sends the seal back, with the values of the inputs that the event reads.
//! 4. The server looks whether the element is on the page and not disabled, opens the seal, and reads the
//!    values into the types that the event declares. What does not fit is shown at its input.
//! 5. [`Page::event`] runs. What it does to the document are ops ([`Dom`]): it names an id and says what
//!    changes, or calls [`refresh`](Dom::refresh), and the difference is found.
//! 6. What it wrote to the store is committed, and the ops go out.
//!
//! # Example
//!
//! ```
//! use maud::html;
//! use nitro::prelude::*;
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Counter {
//!     n: u64,
//! }
//!
//! #[derive(Event)]
//! enum Press {
//!     Inc,
//! }
//!
//! impl Page for Counter {
//!     type Event = Press;
//!     const ACCESS: Access = Access::Anyone;
//!
//!     fn render(&self, ui: &Ui<'_, Self>) -> Markup {
//!         html! {
//!             (span().id("n").text(self.n.to_string()))
//!             (button("More").id("inc").postback(ui.on(Press::inc())).repeat())
//!         }
//!     }
//!
//!     async fn event(&mut self, press: Press, cx: &mut Cx<'_, Self>) -> Result {
//!         let Press::Inc = press;
//!         self.n += 1;
//!         cx.refresh();
//!         Ok(())
//!     }
//! }
//!
//! # use nitro::test::TestApp;
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let app = TestApp::new().page::<Counter>("/counter");
//! let mut page = app.open("/counter").await;
//! page.click("inc").await;
//! assert_eq!(page.text("n"), "1");
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod attr;
mod check;
mod component;
mod cx;
mod doc;
mod document;
mod draft;
mod el;
mod escape;
#[doc(hidden)]
pub mod event;
mod fields;
mod hash;
mod id;
mod inputs;
mod keep;
mod known;
mod lang;
mod list;
mod live;
mod node;
mod nodes;
mod op;
mod page;
mod refresh;
mod route;
mod scope;
mod state;
pub mod tags;
#[cfg(feature = "test")]
pub mod test;
mod tree;
mod url;
mod visit;
mod write;

pub use attr::Attr;
pub use component::{Child, Children, Component, Keyed, Slot, silent};
pub use cx::{Cx, Ui};
pub use document::Document;
pub use el::{El, On};
pub use escape::Raw;
pub use event::{Binding, Bound, Event, Never, Postback, Source, Variant};
#[doc(hidden)]
pub use fields::{__Codec, __Fields, __Sealed, __codec};
pub use inputs::Inputs;
pub use keep::memo;
pub use live::{Live, Rendered, SESSION_PATH, live};
pub use nitro_derive::{Event, url};
pub use op::Dom;
pub use page::{Access, Layout, Page};
pub use route::{BadRoute, Found, Routes};
pub use scope::page_id;
pub use state::Old;
pub use url::Url;
#[doc(hidden)]
pub use url::{__encode, __segment};
pub use visit::{Answer, Failed, Opened, Visit};

/// What a page needs: `use nitro::prelude::*;`, and `maud::html`, which cannot be passed on.
pub mod prelude {
    pub use crate::{
        Access, Attr, Child, Children, Cx, Dom, El, Event, Keyed, Never, On, Page, Raw, Slot, Ui, Url, attr,
        silent, tags::*, url,
    };
    pub use maud::{Markup, Render};
    pub use n2o::{Error, Message, OrFail, Presence, Result};
    pub use serde::{Deserialize, Serialize};
}
