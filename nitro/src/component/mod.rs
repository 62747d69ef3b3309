//! Components: parts of a page with a state, events and a rendering of their own.

pub(crate) mod child;
mod children;
mod fire;
mod keyed;
mod path;

use std::future::Future;

use maud::Markup;
use n2o::{Error, Message, Result};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    cx::{Cx, Ui},
    event::{Event, Never},
    page::{Access, Page},
    state::Old,
};

pub use child::{Child, Slot};
pub(crate) use children::declare;
pub use children::{Children, silent};
pub(crate) use fire::{Click, allowed, call, rouse, run, still_allowed, tell};
pub use keyed::Keyed;
pub(crate) use path::{At, OF_CHILD, PRINT, open, seal};

/// A part of a page: it stands in a [`Child`], a [`Slot`] or a [`Keyed`] of a page or of another component, which
/// names it in its `children`. A page is the outermost component: one that is [`Default`] is served at a path of its
/// own, too.
///
/// The ids of its elements and inputs begin with the way to it, so that it may stand on a page many times. Its
/// rendering is made from its own state, the visitor's name, roles and language, and nothing else: it is left out
/// while those are as they were.
///
/// The prelude does not have this trait: each page is a component, too, and its methods would have two meanings
/// where a page calls its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a component",
    note = "implement `nitro::Component` for it, or `nitro::Page` when nobody hears from it"
)]
pub trait Component: Serialize + DeserializeOwned + Send + 'static {
    /// The component's events; [`Never`] when it has none.
    type Event: Event;

    /// Its outcomes, which it [says](Cx::say) to the one that holds it; [`Never`] when it says nothing.
    type Said: Send + 'static;

    /// Who may see and use it. It is asked when the component is opened, before each of its events and of those in it,
    /// and before a message or a refresh when the [rights](n2o::Cx::rights) of the visitor have changed. A component
    /// that its visitor may not use any more is not shown from the next refresh on; where it is the page, its events
    /// are refused, and a message ends it.
    const ACCESS: Access;

    /// As [`Page::VERSION`]; it counts where the component is a page.
    const VERSION: u32 = 0;

    /// As [`Page::migrate`], where the component is a page.
    fn migrate(old: Old<'_>) -> Result<Self> {
        let _ = old;
        Err(Error::NotFound)
    }

    /// Looks, when the application starts, whether what its type declares can work, and panics where it cannot. It is
    /// called for pages, and for what `children` names, also where none is open.
    fn declare() {}

    /// The components in it.
    fn children(&mut self) -> Children<'_, Self::Event> {
        Children::none()
    }

    /// The document's title, where the component is a page.
    fn title(&self, ui: &Ui<'_, Self>) -> String {
        let _ = ui;
        String::new()
    }

    /// Decides further who may see and use it, as often as [`Component::ACCESS`] is asked.
    fn authorize(&mut self, cx: &mut Cx<'_, Self>) -> impl Future<Output = Result> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Brings what it shows up to date: when it is opened, and when it was restored.
    fn load(&mut self, cx: &mut Cx<'_, Self>) -> impl Future<Output = Result> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// The browser has connected, or the component was opened since.
    fn init(&mut self, cx: &mut Cx<'_, Self>) -> impl Future<Output = Result> + Send {
        let _ = cx;
        async { Ok(()) }
    }

    /// Its content.
    fn render(&self, ui: &Ui<'_, Self>) -> Markup;

    /// The user did something, or a component in it said something.
    fn event(&mut self, event: Self::Event, cx: &mut Cx<'_, Self>) -> impl Future<Output = Result> + Send;

    /// A message of a topic came that the component has [registered](Cx::reg) with. `Err(Error::Denied)` ends the page.
    fn info(&mut self, message: &Message, cx: &mut Cx<'_, Self>) -> impl Future<Output = Result> + Send {
        let _ = (message, cx);
        async { Ok(()) }
    }
}

// Whoever holds something that is no component is not to make a page of it.
#[diagnostic::do_not_recommend]
impl<P: Page> Component for P {
    type Event = P::Event;
    type Said = Never;
    const ACCESS: Access = P::ACCESS;
    const VERSION: u32 = P::VERSION;

    fn migrate(old: Old<'_>) -> Result<P> {
        <P as Page>::migrate(old)
    }

    fn declare() {
        <P as Page>::declare();
    }

    fn title(&self, ui: &Ui<'_, P>) -> String {
        Page::title(self, ui)
    }

    fn children(&mut self) -> Children<'_, P::Event> {
        Page::children(self)
    }

    fn authorize(&mut self, cx: &mut Cx<'_, P>) -> impl Future<Output = Result> + Send {
        Page::authorize(self, cx)
    }

    fn load(&mut self, cx: &mut Cx<'_, P>) -> impl Future<Output = Result> + Send {
        Page::load(self, cx)
    }

    fn init(&mut self, cx: &mut Cx<'_, P>) -> impl Future<Output = Result> + Send {
        Page::init(self, cx)
    }

    fn render(&self, ui: &Ui<'_, P>) -> Markup {
        Page::render(self, ui)
    }

    fn event(&mut self, event: P::Event, cx: &mut Cx<'_, P>) -> impl Future<Output = Result> + Send {
        Page::event(self, event, cx)
    }

    fn info(&mut self, message: &Message, cx: &mut Cx<'_, P>) -> impl Future<Output = Result> + Send {
        Page::info(self, message, cx)
    }
}
