//! Holders of one component.

use std::{
    any::TypeId,
    fmt::{self, Display, Write},
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};

use super::{At, Component, keyed::id_of};
use crate::id::state_of;

/// A number that no other child has had, also in another run of the program.
pub(crate) fn serial() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    state_of(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A component in a page or in another component.
///
/// Whoever writes to it touches it: it is rendered again at the next refresh.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Child<C> {
    pub(crate) it: C,
    pub(crate) serial: u64,
    #[serde(skip)]
    pub(crate) held: Held,
}

/// The part of a holder that is not saved.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The name of the field.
    pub(crate) name: &'static str,
    /// The key, as it stands in ids.
    pub(crate) id: String,
    /// Another one for each state.
    pub(crate) version: u64,
    /// The place on the page, made when it is first asked for.
    at: Option<Arc<At>>,
    pub(crate) loaded: bool,
    /// The [rights](n2o::Cx::rights) with which the visitor was last let in.
    pub(crate) admitted: Option<u64>,
    /// The last round in which its holder named it and the visitor was let in.
    pub(crate) round: u64,
}

impl Default for Held {
    fn default() -> Self {
        let version = serial();
        Held { name: "", id: String::new(), version, at: None, loaded: false, admitted: None, round: 0 }
    }
}

impl Held {
    /// The name of the field and the key by which the holder names the component.
    pub(crate) fn name(&mut self, name: &'static str, id: String) {
        if self.name != name || self.id != id {
            (self.name, self.id, self.at) = (name, id, None);
        }
    }

    /// The same for a component under a key.
    pub(crate) fn name_of_key(&mut self, name: &'static str, key: &impl Display, serial: u64) {
        if self.name != name || !is_written(key, &self.id) {
            self.name(name, id_of(key, serial));
        }
    }

    /// The visitor was let in with these rights, unless they are unknown.
    pub(crate) fn is_let_in(&self, rights: Option<u64>) -> bool {
        self.admitted.is_some() && self.admitted == rights
    }

    /// The place, if it is known and seen from that of the holder.
    pub(crate) fn place(&self, outer: Option<&Arc<At>>) -> Option<&Arc<At>> {
        self.at.as_ref().filter(|at| at.is_in(outer))
    }
}

impl<C> Child<C> {
    /// Holds a component, under a serial of its own.
    pub fn new(it: C) -> Self {
        Child { it, serial: serial(), held: Held::default() }
    }

    pub(crate) fn touch(&mut self) {
        self.held.version = serial();
    }
}

impl<C: Component> Child<C> {
    /// Its place, seen from that of its holder; `None` is the page.
    pub(crate) fn place(&mut self, outer: Option<&Arc<At>>) -> Arc<At> {
        if let Some(known) = self.held.place(outer) {
            return Arc::clone(known);
        }
        let Held { name, id, at, .. } = &mut self.held;
        let made = Arc::new(At::step(outer, name, id, self.serial, TypeId::of::<C::Event>()));
        Arc::clone(at.insert(made))
    }

    /// Its place, once the page was looked through.
    pub(crate) fn at(&self) -> Option<&Arc<At>> {
        self.held.at.as_ref()
    }
}

impl<C: Default> Default for Child<C> {
    fn default() -> Self {
        Child::new(C::default())
    }
}

impl<C> Deref for Child<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.it
    }
}

impl<C> DerefMut for Child<C> {
    fn deref_mut(&mut self) -> &mut C {
        self.touch();
        &mut self.it
    }
}

/// One component or none. A component that holds one of its own kind, as a comment holds its answers, holds it in a
/// `Box<Slot<Comment>>`, or in a [`Keyed`](crate::Keyed), which needs no box.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Slot<C>(pub(crate) Option<Child<C>>);

impl<C> Default for Slot<C> {
    fn default() -> Self {
        Slot(None)
    }
}

impl<C> Slot<C> {
    /// Holds this component from now on; what was sealed for the one before is refused.
    pub fn open(&mut self, it: C) {
        self.0 = Some(Child::new(it));
    }

    /// Holds none from now on.
    pub fn close(&mut self) -> Option<C> {
        self.0.take().map(|child| child.it)
    }

    /// The component.
    #[must_use]
    pub fn get(&self) -> Option<&Child<C>> {
        self.0.as_ref()
    }

    /// The component, to be written to.
    pub fn get_mut(&mut self) -> Option<&mut C> {
        self.0.as_deref_mut()
    }
}

/// Something is displayed as this text.
fn is_written(it: &impl Display, text: &str) -> bool {
    struct Rest<'a>(&'a str);
    impl Write for Rest<'_> {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(part).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let mut rest = Rest(text);
    write!(rest, "{it}").is_ok() && rest.0.is_empty()
}
