//! The document of a page, as far as its protocol has to know it.

use std::{
    any::{Any, TypeId},
    borrow::Cow,
    sync::Arc,
};

use n2o::{Out, Value};

use crate::{
    check::Seen,
    component::At,
    draft::Draft,
    hash::{self, Serials},
    tree::{Place, Tree},
    url::Url,
};

/// The page's protocol's knowledge of the document that its client has.
#[derive(Debug)]
pub(crate) struct Doc {
    pub(crate) tree: Tree,
    /// The state before the handler changed it, should the handler fail.
    pub(crate) before: Option<Before>,
    /// The type of the page's events.
    pub(crate) event: TypeId,
    pub(crate) redirect: Option<Url>,
    pub(crate) refresh: bool,
    /// The number of refreshes to come that write all controls.
    pub(crate) wholes: u8,
    /// The ops that a handler has asked for after a refresh.
    pub(crate) after: Option<Box<Out>>,
    /// The inputs that show an error.
    pub(crate) errors: Vec<String>,
    pub(crate) title: u64,
    /// The place that the visitor was sent to when the page connected: there is no page for them any more.
    pub(crate) away: Option<String>,
    pub(crate) seen: Seen,
    /// In a box, since most pages have no components and no topics.
    parts: Option<Box<Parts>>,
}

/// What is known of the components of a page.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// The component whose handler runs; `None` is the page.
    pub(crate) at: Option<Arc<At>>,
    /// The topics that components have registered with, by serial; 0 is the page.
    pub(crate) topics: Vec<(u64, String)>,
    /// The serials of those whose `init` has run.
    begun: Serials,
    /// The serials of the components that are there, so far as they were met in this round.
    alive: Serials,
    /// The number of the round.
    pub(crate) round: u64,
    /// All that the component has said so far.
    pub(crate) said: Vec<Box<dyn Any + Send>>,
    /// Something was heard in this round, by which components may have been opened or closed.
    pub(crate) heard: bool,
    /// A component has changed in the part of the page that is being told or woken: those around it show it.
    pub(crate) stirred: bool,
}

impl Doc {
    /// The document of a page with events of this type, which nobody has yet.
    pub(crate) fn new(event: TypeId) -> Self {
        Doc {
            tree: Tree::default(),
            before: None,
            event,
            redirect: None,
            refresh: false,
            wholes: 0,
            after: None,
            errors: Vec::new(),
            title: 0,
            away: None,
            seen: Seen::default(),
            parts: None,
        }
    }

    pub(crate) fn parts(&mut self) -> &mut Parts {
        self.parts.get_or_insert_default()
    }

    /// The component whose handler runs; `None` is the page.
    pub(crate) fn at(&self) -> Option<&Arc<At>> {
        self.parts.as_ref()?.at.as_ref()
    }

    /// The number of the round in which the components were last met; `None` when there are none.
    pub(crate) fn round(&self) -> Option<u64> {
        self.parts.as_ref().map(|parts| parts.round)
    }

    fn topics(&self) -> &[(u64, String)] {
        self.parts.as_ref().map_or(&[], |parts| &parts.topics)
    }

    /// The id that an element of the component has on the page.
    pub(crate) fn id<'i>(&self, id: &'i str) -> Cow<'i, str> {
        self.at().map_or(Cow::Borrowed(id), |at| Cow::Owned(at.id(id)))
    }

    /// The serial of the component whose handler runs.
    pub(crate) fn serial(&self) -> u64 {
        self.at().map_or(0, |at| at.serial())
    }

    /// The component whose handler runs has registered with a topic.
    pub(crate) fn note(&mut self, topic: &str) {
        let known = (self.serial(), topic.to_owned());
        if !self.topics().contains(&known) {
            self.change_life().topics.push(known);
        }
    }

    /// The component whose handler runs has left a topic. Says whether it was the last.
    pub(crate) fn forget(&mut self, topic: &str) -> bool {
        let serial = self.serial();
        let topics = &mut self.change_life().topics;
        topics.retain(|(known, name)| *known != serial || name != topic);
        !topics.iter().any(|(_, name)| name == topic)
    }

    /// A component is there, and may be shown. Answers the number of the round.
    pub(crate) fn meet(&mut self, serial: u64) -> u64 {
        let parts = self.parts();
        parts.alive.insert(serial);
        parts.round
    }

    /// The `init` of a component has run.
    pub(crate) fn has_begun(&self, serial: u64) -> bool {
        self.parts.as_ref().is_some_and(|parts| parts.begun.contains(&serial))
    }

    /// Says whether a component is still to begin, which it does then.
    pub(crate) fn begins(&mut self, serial: u64) -> bool {
        !self.has_begun(serial) && self.change_life().begun.insert(serial)
    }

    /// The components, whose topics and beginnings are to be changed by a handler that may fail.
    fn change_life(&mut self) -> &mut Parts {
        self.change();
        let parts = self.parts.get_or_insert_default();
        if let Some(before) = &mut self.before {
            before.life.get_or_insert_with(|| Box::new((parts.topics.clone(), parts.begun.clone())));
        }
        parts
    }

    /// The component of this serial hears the topic. The page also hears what nobody has asked for.
    pub(crate) fn hears(&self, serial: u64, topic: &str) -> bool {
        let of_topic = || self.topics().iter().filter(|(_, known)| known == topic);
        of_topic().any(|(known, _)| *known == serial) || serial == 0 && of_topic().next().is_none()
    }

    /// Begins a turn of the page.
    pub(crate) fn home(&mut self) {
        if let Some(parts) = &mut self.parts {
            (parts.at, parts.stirred, parts.heard) = (None, false, false);
            parts.said.clear();
        }
    }

    /// Begins a round in which all components are met.
    pub(crate) fn go_round(&mut self) {
        self.home();
        if let Some(parts) = &mut self.parts {
            parts.round += 1;
            parts.alive.clear();
        }
    }

    /// Forgets the topics of components that are gone, once all that are there were met, and answers those that
    /// nobody here has asked for any more.
    pub(crate) fn forget_gone(&mut self) -> Vec<String> {
        let Some(parts) = self.parts.as_deref() else { return Vec::new() };
        let is_there = |serial: &u64| *serial == 0 || parts.alive.contains(serial);
        if parts.begun.iter().all(is_there) && parts.topics.iter().all(|(serial, _)| is_there(serial)) {
            return Vec::new();
        }
        let Parts { topics, alive, begun, .. } = self.change_life();
        begun.retain(|serial| alive.contains(serial));
        let is_gone = |(serial, _): &mut (u64, String)| *serial != 0 && !alive.contains(serial);
        let gone: Vec<_> = topics.extract_if(.., is_gone).map(|(_, topic)| topic).collect();
        gone.into_iter().filter(|topic| !topics.iter().any(|(_, known)| known == topic)).collect()
    }

    /// Something was heard in this round.
    pub(crate) fn has_heard(&self) -> bool {
        self.parts.as_ref().is_some_and(|parts| parts.heard)
    }

    /// Says whether all components of a way are there, once all that are there were met.
    pub(crate) fn has(&self, path: &[(String, u64)]) -> bool {
        let alive = self.parts.as_ref().map(|parts| &parts.alive);
        path.iter().all(|(_, serial)| alive.is_some_and(|alive| alive.contains(serial)))
    }

    /// The same, to be changed by a handler that may fail.
    pub(crate) fn change(&mut self) -> &mut Self {
        let Doc { errors, title, .. } = self;
        let before = || Before { tree: None, errors: errors.clone(), title: *title, life: None };
        self.before.get_or_insert_with(before);
        self
    }

    /// Puts another tree in the place of the one that was taken out.
    pub(crate) fn put(&mut self, old: Tree, new: Tree) {
        self.change().tree = new;
        if let Some(Before { tree, .. }) = &mut self.before {
            tree.get_or_insert(old);
        }
    }

    /// Notes what the user had in the sources of an event, and in the [`Inputs`](crate::Inputs) that it read: a refresh
    /// shows there what the page holds, but where the handler has found something wrong, or the page marks the input
    /// as wrong with `aria-invalid`.
    pub(crate) fn typed<'a>(&mut self, values: impl Iterator<Item = (&'a str, &'a Value<'a>)>) {
        if !self.refresh {
            return;
        }
        for (input, value) in values {
            let value = match value {
                Value::Text(text) => hash::of(text.as_bytes()),
                Value::Bool(state) => hash::of_state(*state),
                Value::Null | Value::TooLong | Value::List(_) => continue,
            };
            let id = self.id(input).into_owned();
            if !self.errors.contains(&id) {
                self.change().tree.typed(&id, value);
            }
        }
    }

    /// Takes all that the handler changed as final.
    pub(crate) fn settle(&mut self) {
        self.before = None;
        self.tree.settle();
    }

    /// Takes back what the handler changed.
    pub(crate) fn restore(&mut self) {
        (self.redirect, self.refresh, self.after) = (None, false, None);
        self.seen.forget();
        self.home();
        if let Some(Before { tree, errors, title, life }) = self.before.take() {
            if let (Some(parts), Some(life)) = (&mut self.parts, life) {
                (parts.topics, parts.begun) = *life;
            }
            (self.errors, self.title) = (errors, title);
            self.tree = tree.unwrap_or_else(|| std::mem::take(&mut self.tree));
            self.tree.undo();
        }
    }

    pub(crate) fn insert(&mut self, id: &str, place: Place, draft: &Draft) {
        let tree = &mut self.change().tree;
        if tree.is_stream(id) {
            return;
        }
        if !draft.is_rows || tree.is_bordered(id, place) {
            tree.blur(id, place);
        }
        tree.insert(id, place, draft.inside());
    }
}

/// The state that a failed handler is taken back to.
#[derive(Debug)]
pub(crate) struct Before {
    /// The tree that another one has taken the place of; the tree itself knows what was done to it.
    tree: Option<Tree>,
    errors: Vec<String>,
    title: u64,
    /// The topics of components, and those that have begun.
    life: Option<Box<Life>>,
}

/// The topics of components by serial, and the serials of those that have begun.
type Life = (Vec<(u64, String)>, Serials);
