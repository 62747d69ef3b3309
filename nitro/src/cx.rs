//! The contexts of a component: what its handlers may do, and what its rendering may see.

use std::{
    any::type_name,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use maud::{Markup, PreEscaped};
use n2o::Dispatch;

use crate::{
    El, check,
    component::{Child, Component, Keyed, seal},
    doc::Doc,
    event::{Bind, Bound, Postback},
    hash, id, keep, scope,
    tags::panel,
};

/// The context of a handler of the component `C`: all that an [`n2o::Cx`] can, and the document, by the verbs
/// of [`Dom`](crate::Dom).
pub struct Cx<'a, C> {
    pub(crate) dispatch: &'a mut Dispatch,
    pub(crate) doc: &'a mut Doc,
    of: PhantomData<fn(C)>,
}

impl<'a, C> Cx<'a, C> {
    pub(crate) fn new(dispatch: &'a mut Dispatch, doc: &'a mut Doc) -> Self {
        Cx { dispatch, doc, of: PhantomData }
    }

    /// The same context for another page, which this one holds and shows as its own.
    pub fn lend<D>(&mut self) -> Cx<'_, D> {
        Cx::new(self.dispatch, self.doc)
    }

    /// Binds an event of this component to an element that a verb shows; see [`Ui::on`].
    #[must_use]
    pub fn on(&self, event: Postback<C::Event>) -> Bound
    where
        C: Component,
    {
        Bound(event.bind)
    }

    /// The context of a rendering: for a function that makes a part of the page, and is called by
    /// [`render`](crate::Component::render) and by a handler.
    #[must_use]
    pub fn ui(&self) -> Ui<'_, C> {
        Ui { cx: self.dispatch, of: PhantomData }
    }

    /// The component is the page, and stands in no other.
    #[must_use]
    pub fn is_page(&self) -> bool {
        self.doc.at().is_none()
    }

    /// Says something to the one that holds this component, who hears it when the handler has ended.
    /// Nobody hears a page.
    pub fn say(&mut self, said: C::Said)
    where
        C: Component,
    {
        self.doc.parts().said.push(Box::new(said));
    }

    /// Sets a timer: an event of this component happens when `delay` has passed. The same event, with the same sealed
    /// fields, is set anew when it is set already. An event that reads inputs cannot be set.
    ///
    /// A timer is a part of the page's state. It is gone when the handler that sets it fails, when the component is
    /// closed, and when it has happened, whether its handler ends well or not; what needs to happen again is set again
    /// there. It runs while the page lives, also while its client is away, and a page that is restored after it was
    /// due is told then, once.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use nitro::prelude::*;
    /// # #[derive(Event)] enum Act { Tick }
    /// # #[derive(Default, Serialize, Deserialize)] struct Countdown { left: u32 }
    /// # impl Page for Countdown {
    /// #     type Event = Act;
    /// #     const ACCESS: Access = Access::Anyone;
    /// #     fn render(&self, _: &Ui<'_, Self>) -> Markup { panel().id("left").text(self.left.to_string()).render() }
    /// async fn event(&mut self, Act::Tick: Act, cx: &mut Cx<'_, Self>) -> Result {
    ///     self.left = self.left.saturating_sub(1);
    ///     if self.left > 0 {
    ///         cx.after(Duration::from_secs(1), Act::tick());
    ///     }
    ///     cx.refresh();
    ///     Ok(())
    /// }
    /// # }
    /// ```
    pub fn after(&mut self, delay: Duration, event: Postback<C::Event>)
    where
        C: Component,
    {
        let bind = event.bind;
        if bind.names().next().is_some() {
            let wrong = format!("a timer of {} cannot read the inputs of its event", type_name::<C>());
            return check::tell(self, Some(wrong));
        }
        let what = self.sealed(&bind);
        self.dispatch.after(delay, n2o::EVENT, what);
    }

    /// Gives up a timer.
    pub fn cancel(&mut self, event: &Postback<C::Event>)
    where
        C: Component,
    {
        let what = self.sealed(&event.bind);
        self.dispatch.cancel(n2o::EVENT, &what);
    }

    /// An event with the way to this component, as a timer keeps it.
    fn sealed(&self, bind: &Bind) -> Vec<u8> {
        seal(bind.variant, bind.print, self.doc.at().map_or(&[], |at| &at.path), &bind.sealed)
    }

    /// [`n2o::Cx::reg`] for this component: a message of the topic comes to those that have registered with it.
    pub fn reg(&mut self, topic: &str) {
        self.doc.note(topic);
        self.dispatch.reg(topic);
    }

    /// [`n2o::Cx::join`] for this component.
    pub fn join(&mut self, topic: &str, name: &str) {
        self.doc.note(topic);
        self.dispatch.join(topic, name);
    }

    /// [`n2o::Cx::unreg`] for this component: the page goes on to hear the topic for the others.
    pub fn unreg(&mut self, topic: &str) {
        if self.doc.forget(topic) {
            self.dispatch.unreg(topic);
        }
    }
}

impl<C> Deref for Cx<'_, C> {
    type Target = n2o::Cx;

    fn deref(&self) -> &n2o::Cx {
        self.dispatch
    }
}

impl<C> DerefMut for Cx<'_, C> {
    fn deref_mut(&mut self) -> &mut n2o::Cx {
        self.dispatch
    }
}

impl<C> std::fmt::Debug for Cx<'_, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cx").field("path", &self.path()).finish_non_exhaustive()
    }
}

/// The context of the rendering of the component `C`: all that can be read from an [`n2o::Cx`].
pub struct Ui<'a, C> {
    cx: &'a n2o::Cx,
    of: PhantomData<fn(C)>,
}

impl<C: Component> Ui<'_, C> {
    /// Binds an event of this component to an element, and of no other.
    ///
    /// ```compile_fail,E0308
    /// # use nitro::{Component, prelude::*};
    /// # #[derive(Event)] enum Mine { Go }
    /// # #[derive(Event)] enum Other { Go }
    /// # #[derive(Serialize, Deserialize)] struct Card;
    /// # impl Component for Card {
    /// #     type Event = Mine; type Said = Never; const ACCESS: Access = Access::Anyone;
    /// fn render(&self, ui: &Ui<'_, Self>) -> Markup {
    ///     button("Go").postback(ui.on(Other::go())).render() // expected `Postback<Mine>`
    /// }
    /// #     async fn event(&mut self, _: Mine, _: &mut Cx<'_, Self>) -> Result { Ok(()) }
    /// # }
    /// ```
    #[must_use]
    pub fn on(&self, event: Postback<C::Event>) -> Bound {
        Bound(event.bind)
    }
}

impl<C> Ui<'_, C> {
    /// The component is the page, and stands in no other.
    #[must_use]
    pub fn is_page(&self) -> bool {
        scope::at().is_none()
    }

    /// Shows a child, in an element that has the child's name for its id. It is rendered when it was touched, or
    /// when the visitor's name, roles or language are others, and left out otherwise. Nothing is shown of a child
    /// that the visitor may not see, nor of one that `children` has not named in this turn.
    #[track_caller]
    pub fn place<D: Component>(&self, child: &Child<D>) -> Markup {
        let mut out = String::new();
        self.place_in(child, check::At::here(), &mut out);
        PreEscaped(out)
    }

    fn place_in<D: Component>(&self, child: &Child<D>, line: check::At, out: &mut String) {
        let held = &child.held;
        if held.name.is_empty() {
            let child = type_name::<D>();
            tracing::error!(
                page.path = self.path(),
                child,
                "a child is placed that `children` does not name"
            );
            debug_assert!(false, "a child is placed that `children` does not name: {child}");
            return;
        }
        let is_met = scope::round().is_none_or(|round| round == held.round);
        let Some(at) = child.at().filter(|_| is_met && held.loaded && held.admitted.is_some()) else {
            return;
        };
        let state = hash::of_all([child.serial, held.version, scope::viewer(self)]) >> (64 - id::BITS);
        keep::component(&at.own, state, out, || {
            let inside = scope::under(Arc::clone(at), || child.it.render(&self.lend()));
            El { at: line, ..panel().body(inside) }
        });
    }

    /// Shows all children of a holder.
    #[track_caller]
    pub fn place_all<K: PartialEq, D: Component>(&self, children: &Keyed<K, D>) -> Markup {
        let (line, mut out) = (check::At::here(), String::new());
        children.iter().for_each(|(_, child)| self.place_in(child, line, &mut out));
        PreEscaped(out)
    }

    /// The same for the rendering of another page, which this one holds and shows as its own.
    #[must_use]
    pub fn lend<D>(&self) -> Ui<'_, D> {
        Ui { cx: self.cx, of: PhantomData }
    }
}

impl<C> Deref for Ui<'_, C> {
    type Target = n2o::Cx;

    fn deref(&self) -> &n2o::Cx {
        self.cx
    }
}

impl<C> std::fmt::Debug for Ui<'_, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ui").field("path", &self.path()).finish_non_exhaustive()
    }
}
