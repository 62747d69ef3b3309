//! Declarative forms and the screens made from them.
//!
//! A record is declared once. From the declaration come its list with search, filters and order, the
//! screens to make, look at, edit and delete it, the checks in the browser and on the server, its history,
//! and what REST needs. The same declaration as data is a [`Document`], which a program can build, and
//! read and write as JSON.
//!
//! # The life of a form
//!
//! 1. [`#[derive(Form)]`](derive@Form) turns a struct into a [`Document`]: fields with types, rules,
//!    conditions, defaults, rights, and labels from a [table](Labels). A field that the record lacks, a
//!    missing label, and computed fields in a circle do not compile.
//! 2. A [`Sheet`] shows the document's fields to somebody for a purpose, its [`Kind`]. What they
//!    [may not see](Who) is not in it; rules become attributes, so that the browser can check them too.
//! 3. The page around it reads the inputs by [`Spec::names`], which are sealed with its event.
//! 4. [`Spec::read`] takes over what may be entered, computes what is computed, and runs every rule. Numbers are
//!    read and shown as the language of the page has them; see [`Field::typed`]. What does not fit is a [`Fault`]
//!    of its field, and what was typed stays, in a draft that outlives the server.
//! 5. [`table`] writes the record when it still has the version that the user began with. If not, they are
//!    told field by field what is theirs and mine, and choose; nothing is overwritten silently.
//! 6. Each write leaves an entry in the record's [history](audit), is told to the pages that show it, and
//!    commits with them.
//!
//! # Example
//!
//! The label table is best a file of its own, with `include_str!`.
//!
//! ```
//! use form::{Card, Form, Labels, List};
//! use nitro::test::TestApp;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Form)]
//! #[form(table = "client", labels = LABELS, public)]
//! struct Client {
//!     #[form(id, auto)]
//!     number: u32,
//!     #[form(required, title, length = 2..=80)]
//!     name: String,
//!     #[form(options = ["new", "vip"])]
//!     kind: String,
//!     #[form(range = 1..=50, visible = kind == "vip")]
//!     discount: Option<u32>,
//! }
//! const LABELS: Labels = Labels::new(
//!     "key             | en
//!      client          | Clients
//!      number          | Number
//!      name            | Name
//!      kind            | Kind
//!      client.kind.new | New
//!      client.kind.vip | VIP
//!      discount        | Discount, %",
//! );
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let app = TestApp::new().page::<List<Client>>("/clients").page::<Card<Client>>("/clients/{id}");
//! let mut page = app.open("/clients").await;
//! page.press("New").await;
//! page.press("Create").await;
//! assert_eq!(page.text("name.e"), "Please fill in this field.");
//! page.fill("name", "Ada");
//! page.press("Create").await;
//! assert_eq!(page.path(), "/clients/1");
//! assert_eq!(page.text("name"), "Ada");
//! # });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A form in a page of one's own
//!
//! A page that shows a form, as a user task of a process does, renders a [`Sheet`], binds an event that
//! [reads](nitro::Postback::reads) its names, and calls [`Spec::read`]:
//!
//! ```
//! use form::{Data, Faults, Form, Kind, Sheet, Spec, Typed, Who};
//! use maud::html;
//! use nitro::{Inputs, prelude::*};
//!
//! #[derive(Event)]
//! enum Task {
//!     Done { #[source] form: Inputs },
//! }
//!
//! fn show<P: Page<Event = Task>>(ui: &Ui<'_, P>, spec: &Spec, who: &Who, data: &Data, faults: &Faults) -> Markup {
//!     html! {
//!         (form().id("f.form").postback(ui.on(Task::done().reads(spec.names(who, Kind::Edit)))).body(html! {
//!             (Sheet::new(spec, who, Kind::Edit, data, ui.lang()).faults(faults))
//!             (submit("Done").id("f.done"))
//!         }))
//!     }
//! }
//!
//! fn done(spec: &Spec, who: &Who, form: &Inputs, lang: &str, data: &mut Data) -> Faults {
//!     let filled = spec.read(who, Kind::Edit, Typed::new(form, lang), data);
//!     *data = filled.data;
//!     filled.faults
//! }
//! # fn used<P: Page<Event = Task>>() { let _ = (show::<P>, done); }
//! ```

pub mod access;
pub mod audit;
mod characters;
mod collation;
mod condition;
mod conflict;
mod contact;
mod document;
#[cfg(feature = "screens")]
mod draft;
mod error;
mod fault;
mod field;
mod filling;
mod form;
mod index;
mod label;
#[macro_use]
mod lang;
pub mod list;
mod lookup;
mod number;
#[cfg(feature = "process")]
pub mod process;
mod read;
mod records;
#[cfg(feature = "rest")]
pub mod rest;
mod right;
mod rule;
pub mod schema;
#[cfg(feature = "screens")]
mod screen;
pub mod show;
mod spec;
pub mod table;
#[cfg(feature = "screens")]
mod typed;
mod value;
#[cfg(feature = "screens")]
mod view;

pub use access::{Act, Rights, Who};
pub use condition::{Condition, Op};
pub use conflict::Conflict;
pub use document::Document;
pub use error::{Error, Result};
pub use fault::{Fault, Faults};
pub use field::{Field, Fits, Type};
pub use filling::{Ended, Filling};
#[doc(hidden)]
pub use form::__table;
pub use form::{Form, to_data, to_record};
pub use form_derive::Form;
pub use index::{index, index_version};
pub use label::Labels;
pub use lookup::{Choice, Choices, Lookup};
pub use read::{Filled, Kind};
pub use records::Records;
pub use right::{Denial, Grant, Grants};
pub use rule::Rule;
#[cfg(feature = "screens")]
pub use screen::{Binds, Browse, Card, Do, List, Opened, Outcome};
pub use spec::{Functions, Spec};
#[cfg(feature = "screens")]
pub use typed::Typed;
pub use value::Data;
#[doc(hidden)]
pub use value::{computed, get};
#[cfg(feature = "screens")]
pub use view::Sheet;

// The types of dates and amounts, so that an application needs no further dependency for them.
pub use {jiff::civil::Date, rust_decimal::Decimal};

/// A style sheet for the screens: `app.style("form.css", form::STYLE)`. An application's own may follow it.
pub const STYLE: &str = include_str!("form.css");

// What the derive's output names, so that an application needs no further dependency.
#[doc(hidden)]
pub use kvs;
#[cfg(feature = "screens")]
#[doc(hidden)]
pub use nitro;
