//! The children of a component, by name, with what their owner makes of what they say.

use std::{fmt::Display, mem, sync::Arc};

use n2o::{Dispatch, Later, Message};

use super::{
    At, Child, Component, Keyed, Slot,
    fire::{Click, fire, told, wake},
};
use crate::{doc::Doc, event::Never};

/// The children of a component, whose events are `E`.
///
/// What a child says needs a function that makes an event of it; one that says something is not [`silent`]:
///
/// ```compile_fail,E0631
/// # use nitro::{Component, prelude::*};
/// # #[derive(Event)] enum Act { Heard }
/// # struct Saved;
/// # #[derive(Serialize, Deserialize)] struct Card;
/// # impl Component for Card {
/// #     type Event = Never; type Said = Saved; const ACCESS: Access = Access::Anyone;
/// #     fn render(&self, _: &Ui<'_, Self>) -> Markup { span().render() }
/// #     async fn event(&mut self, never: Never, _: &mut Cx<'_, Self>) -> Result { match never {} }
/// # }
/// fn children(card: &mut Child<Card>) -> Children<'_, Act> {
///     Children::none().child("card", card, silent)
/// }
/// ```
pub struct Children<'a, E>(pub(crate) Vec<Branch<'a, E>>);

/// One child.
pub(crate) struct Branch<'a, E> {
    pub(crate) name: &'static str,
    pub(crate) serial: u64,
    pub(crate) node: Box<dyn Node<E> + 'a>,
}

impl<E> std::fmt::Debug for Children<'_, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|branch| (branch.name, branch.serial))).finish()
    }
}

/// For children that say nothing.
pub fn silent<E>(never: Never) -> E {
    match never {}
}

impl<'a, E: 'a> Children<'a, E> {
    /// No children.
    #[must_use]
    pub fn none() -> Self {
        Children(Vec::new())
    }

    /// A child, the name of its field, and the event that what it says becomes.
    #[must_use]
    #[track_caller]
    pub fn child<C: Component>(
        mut self,
        name: &'static str,
        child: &'a mut Child<C>,
        hear: impl Fn(C::Said) -> E + Send + 'a,
    ) -> Self {
        C::declare();
        self.take(name);
        child.held.name(name, String::new());
        self.push(name, child, hear);
        self
    }

    /// A child that is there or not.
    #[must_use]
    #[track_caller]
    pub fn slot<C: Component>(
        mut self,
        name: &'static str,
        slot: &'a mut Slot<C>,
        hear: impl Fn(C::Said) -> E + Send + 'a,
    ) -> Self {
        C::declare();
        self.take(name);
        if let Some(child) = &mut slot.0 {
            child.held.name(name, String::new());
            self.push(name, child, hear);
        }
        self
    }

    /// Children by key.
    #[must_use]
    #[track_caller]
    pub fn keyed<K: Display + Clone + Send + 'a, C: Component>(
        mut self,
        name: &'static str,
        keyed: &'a mut Keyed<K, C>,
        hear: impl Fn(K, C::Said) -> E + Copy + Send + 'a,
    ) -> Self {
        C::declare();
        self.take(name);
        self.0.reserve(keyed.0.len());
        for (key, child) in &mut keyed.0 {
            child.held.name_of_key(name, key, child.serial);
            let key = key.clone();
            self.push(name, child, move |said| hear(key.clone(), said));
        }
        self
    }

    /// The name of another field, which is in ids and seals and stands for one child.
    #[track_caller]
    fn take(&self, name: &str) {
        let is_taken = self.0.iter().any(|branch| branch.name == name);
        debug_assert!(
            !is_taken,
            "`children` names {name:?} twice: give each child the name of its own field"
        );
    }

    fn push<C: Component>(
        &mut self,
        name: &'static str,
        child: &'a mut Child<C>,
        hear: impl Fn(C::Said) -> E + Send + 'a,
    ) {
        let serial = child.serial;
        self.0.push(Branch { name, serial, node: Box::new(Held { child, hear }) });
    }
}

/// Looks at what is declared by the types of a component and of those in it; see [`Component::declare`].
pub(crate) fn declare<C: Component>(it: &mut C) {
    C::declare();
    it.children().0.iter_mut().for_each(|branch| branch.node.declare());
}

/// A child of any type.
pub(crate) trait Node<E>: Send {
    /// Its place, seen from its owner's.
    fn at(&mut self, outer: Option<&Arc<At>>) -> Arc<At>;

    /// Looks at what is declared by the types of those in it.
    fn declare(&mut self);

    /// Runs an event of it or of one in it, and returns what its owner makes of what it said.
    fn fire<'b>(
        &'b mut self,
        at: &'b Arc<At>,
        click: &'b Click<'b>,
        dispatch: &'b mut Dispatch,
        doc: &'b mut Doc,
    ) -> Later<'b, Vec<E>>;

    /// Meets it and those in it, when there is nothing else to do with any of them for a visitor with these rights.
    fn rests(&mut self, outer: Option<&Arc<At>>, rights: Option<u64>, begin: bool, doc: &mut Doc) -> bool;

    /// Loads and begins what was not yet, and names all.
    fn wake<'b>(
        &'b mut self,
        at: &'b Arc<At>,
        begin: bool,
        dispatch: &'b mut Dispatch,
        doc: &'b mut Doc,
    ) -> Later<'b, Vec<E>>;

    /// Tells a message.
    fn tell<'b>(
        &'b mut self,
        at: &'b Arc<At>,
        message: &'b Message,
        dispatch: &'b mut Dispatch,
        doc: &'b mut Doc,
    ) -> Later<'b, Vec<E>>;
}

struct Held<'a, C: Component, F> {
    child: &'a mut Child<C>,
    hear: F,
}

impl<C: Component, F> Held<'_, C, F> {
    /// Touches the child when something in it has changed; `around` says whether something beside it had before.
    fn stir(&mut self, around: bool, doc: &mut Doc) {
        let stirred = &mut doc.parts().stirred;
        if *stirred {
            self.child.touch();
        }
        *stirred |= around;
    }

    /// All that the child said, as its owner's events; what its siblings said before stays.
    fn heard<E>(&self, outer: Vec<Box<dyn std::any::Any + Send>>, doc: &mut Doc) -> Vec<E>
    where
        F: Fn(C::Said) -> E,
    {
        let said = mem::replace(&mut doc.parts().said, outer);
        said.into_iter().filter_map(|said| said.downcast().ok()).map(|said| (self.hear)(*said)).collect()
    }
}

impl<C: Component, E, F: Fn(C::Said) -> E + Send> Node<E> for Held<'_, C, F> {
    fn at(&mut self, outer: Option<&Arc<At>>) -> Arc<At> {
        self.child.place(outer)
    }

    fn declare(&mut self) {
        declare(&mut self.child.it);
    }

    fn fire<'b>(
        &'b mut self,
        at: &'b Arc<At>,
        click: &'b Click<'b>,
        dispatch: &'b mut Dispatch,
        doc: &'b mut Doc,
    ) -> Later<'b, Vec<E>> {
        Box::pin(async move {
            let outer = mem::take(&mut doc.parts().said);
            self.child.touch();
            fire(self.child, at, click, dispatch, doc).await?;
            Ok(self.heard(outer, doc))
        })
    }

    fn rests(&mut self, outer: Option<&Arc<At>>, rights: Option<u64>, begin: bool, doc: &mut Doc) -> bool {
        let Child { it, held, serial } = &mut *self.child;
        if !(held.loaded && held.is_let_in(rights) && (!begin || doc.has_begun(*serial))) {
            return false;
        }
        held.round = doc.meet(*serial);
        let at = held.place(outer);
        at.is_some() && it.children().0.iter_mut().all(|branch| branch.node.rests(at, rights, begin, doc))
    }

    fn wake<'b>(
        &'b mut self,
        at: &'b Arc<At>,
        begin: bool,
        dispatch: &'b mut Dispatch,
        doc: &'b mut Doc,
    ) -> Later<'b, Vec<E>> {
        Box::pin(async move {
            let outer = mem::take(&mut doc.parts().said);
            let around = mem::take(&mut doc.parts().stirred);
            wake(self.child, at, begin, dispatch, doc).await?;
            self.stir(around, doc);
            Ok(self.heard(outer, doc))
        })
    }

    fn tell<'b>(
        &'b mut self,
        at: &'b Arc<At>,
        message: &'b Message,
        dispatch: &'b mut Dispatch,
        doc: &'b mut Doc,
    ) -> Later<'b, Vec<E>> {
        Box::pin(async move {
            let outer = mem::take(&mut doc.parts().said);
            let around = mem::take(&mut doc.parts().stirred);
            told(self.child, at, message, dispatch, doc).await?;
            self.stir(around, doc);
            Ok(self.heard(outer, doc))
        })
    }
}
