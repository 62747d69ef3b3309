//! Pages: what an application developer writes.

use std::future::Future;

use maud::Markup;
use n2o::{Error, Message, Result};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    component::Children,
    cx::{Cx, Ui},
    event::Event,
    state::Old,
};

/// Who may see a page at all; [`Page::authorize`] decides further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Every visitor.
    Anyone,
    /// Visitors who are logged in; others are sent to the login page.
    User,
    /// Visitors who are logged in with this role.
    Role(&'static str),
}

impl Access {
    /// Whether the visitor may, as far as this says.
    pub(crate) fn allows(self, cx: &n2o::Cx) -> bool {
        match self {
            Access::Anyone => true,
            Access::User => cx.user().is_some(),
            Access::Role(role) => cx.has_role(role),
        }
    }
}

/// What stands around every page of an application, such as its bar and its foot, as a service of the node: it gets the
/// page's content, and is rendered and compared with it. It has no events, but may have links.
#[derive(Clone, Copy, Debug)]
pub struct Layout(pub fn(&n2o::Cx, &Markup) -> Markup);

/// A page: a value that lives on the server while somebody looks at it.
///
/// Its fields are its state; they are saved, and restored after a lost connection or a restart.
///
/// The life of a page:
///
/// 1. A visitor opens its path: the page is made by `Default`, [`authorize`](Page::authorize) and
///    [`load`](Page::load) run, and [`render`](Page::render) makes the document.
/// 2. The browser connects: `authorize` runs again, then [`init`](Page::init), once.
/// 3. The user does something: `authorize` runs again, then [`event`](Page::event). A message comes:
///    [`info`](Page::info), after `authorize` when the visitor's [rights](n2o::Cx::rights) have changed.
/// 4. After a restart of the server the state is restored, and `authorize`, `load` and `init` run again.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a page", note = "implement `nitro::Page` for it")]
pub trait Page: Default + Serialize + DeserializeOwned + Send + 'static {
    /// The page's events; [`Never`](crate::Never) when it has none.
    type Event: Event;

    /// Who may see the page.
    const ACCESS: Access;

    /// The version of the page's state: raise it when the fields, or what they mean, are changed.
    const VERSION: u32 = 0;

    /// Makes the page of a state that another version has saved, so that whoever has it open across a deploy keeps
    /// it. A page that cannot be made is fetched anew, and its user is told of clicks that were lost.
    fn migrate(old: Old<'_>) -> Result<Self> {
        let _ = old;
        Err(Error::NotFound)
    }

    /// Looks, when the application starts, whether what the page's type declares can work, and panics where it cannot.
    fn declare() {}

    /// The [components](crate::Component) in the page: those that it names here, and no others, are shown and heard.
    fn children(&mut self) -> Children<'_, Self::Event> {
        Children::none()
    }

    /// The document's title.
    fn title(&self, ui: &Ui<'_, Self>) -> String {
        let _ = ui;
        String::new()
    }

    /// Whether this visitor may see this page: `Err(Error::Denied)` or a redirect when not. Runs before
    /// anything is loaded, when the browser connects and before each event, and must not rely on the page's own
    /// state. An event of a visitor who may not any more is refused, also where this would redirect them: they keep
    /// what they have typed. A message ends their page (4403).
    fn authorize(&mut self, cx: &mut Cx<'_, Self>) -> impl Future<Output = Result> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Brings what the page shows up to date: before it is rendered, and when it was restored, after a restart
    /// of the server or because a handler failed. What is `#[serde(skip)]` belongs here: it is not saved.
    fn load(&mut self, cx: &mut Cx<'_, Self>) -> impl Future<Output = Result> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// The browser has connected: register with topics here, and catch up on what was missed since `load`.
    fn init(&mut self, cx: &mut Cx<'_, Self>) -> impl Future<Output = Result> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// The content of the document's body.
    fn render(&self, ui: &Ui<'_, Self>) -> Markup;

    /// The user did something.
    fn event(&mut self, event: Self::Event, cx: &mut Cx<'_, Self>) -> impl Future<Output = Result> + Send;

    /// A message of a topic came. `Err(Error::Denied)` ends the page: its visitor may see no more of it.
    fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> impl Future<Output = Result> + Send {
        let _ = (message, cx);
        async { Ok(()) }
    }
}
