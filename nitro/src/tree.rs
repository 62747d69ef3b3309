//! What the server remembers of a page it has sent: no HTML, a tree of hashes of the elements with ids.

use crate::{
    hash,
    scope::{BOUND, DISABLED, REQUIRED},
};

/// An element with an id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Of what the element is, without its value and without the elements with ids inside it.
    pub(crate) hash: u64,
    /// Of its value.
    pub(crate) value: u64,
    /// Of its id.
    pub(crate) id: u32,
    /// How many nodes it and those inside it are.
    pub(crate) size: u16,
    pub(crate) flags: u8,
    /// Which uninterrupted row of elements it belongs to, among those of its parent.
    pub(crate) run: u8,
}

/// The element has a value, which is compared apart.
pub(crate) const VALUED: u8 = 128;

/// Something without an id stands before the first element inside.
pub(crate) const HEADED: u8 = 8;
/// Something without an id stands behind the last element inside.
pub(crate) const TAILED: u8 = 16;

/// The elements of a page in document order, parents before children; the first is the page itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
}

/// Where new nodes go, seen from an existing one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Top,
    Bottom,
    Before,
    After,
}

/// The short hash of an id.
pub(crate) fn key(id: &str) -> u32 {
    (hash::of(id.as_bytes()) >> 32) as u32
}

impl Tree {
    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        let key = key(id);
        self.nodes.iter().skip(1).position(|node| node.id == key).map(|at| at + 1)
    }

    fn has(&self, id: &str, flag: u8) -> bool {
        self.find(id).and_then(|at| self.nodes.get(at)).is_some_and(|node| node.flags & flag != 0)
    }

    /// Whether the element is on the page, bound and enabled.
    pub(crate) fn can_fire(&self, id: &str) -> bool {
        self.has(id, BOUND) && self.is_enabled(id)
    }

    /// Whether the element is on the page, and neither it nor an element around it is disabled.
    pub(crate) fn is_enabled(&self, id: &str) -> bool {
        let Some(at) = self.find(id) else { return false };
        let around = self
            .nodes
            .iter()
            .enumerate()
            .take(at + 1)
            .filter(|(other, node)| other + usize::from(node.size) > at);
        around.into_iter().all(|(_, node)| node.flags & DISABLED == 0)
    }

    pub(crate) fn is_required(&self, id: &str) -> bool {
        self.has(id, REQUIRED)
    }

    /// Whether something without an id stands where the first or last child of the element would be inserted.
    pub(crate) fn is_bordered(&self, id: &str, place: Place) -> bool {
        match place {
            Place::Top => self.has(id, HEADED),
            Place::Bottom => self.has(id, TAILED),
            Place::Before | Place::After => false,
        }
    }

    /// The children of a node.
    pub(crate) fn children(nodes: &[Node], parent: usize) -> impl Iterator<Item = usize> {
        let end = nodes.get(parent).map_or(0, |node| parent + usize::from(node.size));
        let mut at = parent + 1;
        std::iter::from_fn(move || {
            let node = nodes.get(at).filter(|_| at < end)?;
            let child = at;
            at += usize::from(node.size).max(1);
            Some(child)
        })
    }

    /// Puts `new` in the place of `remove` nodes at `at`, inside the nodes around it.
    fn splice(&mut self, at: usize, remove: usize, new: &[Node]) {
        for (index, node) in self.nodes.iter_mut().enumerate().take(at) {
            if index + usize::from(node.size) > at {
                let size = (usize::from(node.size) + new.len()).saturating_sub(remove);
                node.size = u16::try_from(size).unwrap_or(u16::MAX);
            }
        }
        self.nodes.splice(at..at + remove, new.iter().copied());
    }

    /// Notes that the element and all inside it were replaced by `new`.
    pub(crate) fn replace(&mut self, id: &str, new: &[Node]) {
        let Some(at) = self.find(id) else { return };
        let (size, run) = (usize::from(self.nodes[at].size), self.nodes[at].run);
        self.splice(at, size, new);
        self.renumber(at, at + new.len(), run);
    }

    /// Notes that `new` was inserted.
    pub(crate) fn insert(&mut self, id: &str, place: Place, new: &[Node]) {
        let Some(at) = self.find(id) else { return };
        let size = usize::from(self.nodes[at].size);
        let (to, inside) = match place {
            Place::Top => (at + 1, true),
            Place::Bottom => (at + size, true),
            Place::Before => (at, false),
            Place::After => (at + size, false),
        };
        let run = match place {
            Place::Before | Place::After => self.nodes[at].run,
            Place::Top => self.nodes.get(at + 1).filter(|_| size > 1).map_or(1, |node| node.run),
            Place::Bottom => Self::children(&self.nodes, at).last().map_or(1, |last| self.nodes[last].run),
        };
        let grown = if inside { at + 1 } else { at };
        for (index, node) in self.nodes.iter_mut().enumerate().take(grown) {
            // Those that contain the element, and for an insertion inside it the element itself.
            if index + usize::from(node.size) > at {
                node.size = node.size.saturating_add(u16::try_from(new.len()).unwrap_or(u16::MAX));
            }
        }
        self.nodes.splice(to..to, new.iter().copied());
        self.renumber(to, to + new.len(), run);
    }

    /// Gives the outermost of the new nodes the row that they have come into.
    fn renumber(&mut self, from: usize, to: usize, run: u8) {
        let mut at = from;
        while let Some(node) = self.nodes.get_mut(at).filter(|_| at < to) {
            node.run = run;
            at += usize::from(node.size).max(1);
        }
    }

    /// Notes that the element is gone.
    pub(crate) fn remove(&mut self, id: &str) {
        if let Some(at) = self.find(id) {
            self.splice(at, usize::from(self.nodes[at].size), &[]);
        }
    }

    /// Notes that the element is empty.
    pub(crate) fn clear(&mut self, id: &str) {
        if let Some(at) = self.find(id) {
            let size = usize::from(self.nodes[at].size);
            self.splice(at + 1, size - 1, &[]);
            // What the element now is has not been rendered, so that the next refresh sends it again.
            self.nodes[at].hash = 0;
            self.nodes[at].value = hash::of(b"");
        }
    }

    /// Notes a value that was set.
    pub(crate) fn set(&mut self, id: &str, value: u64) {
        let Some(at) = self.find(id) else { return };
        if self.nodes[at].flags & VALUED == 0 {
            // The text has taken the place of whatever was in the element.
            self.clear(id);
        }
        self.nodes[at].value = value;
    }

    /// Notes that what stands beside an element is not known exactly, so that the element around it has to be
    /// sent again.
    pub(crate) fn blur(&mut self, id: &str, place: Place) {
        let Some(at) = self.find(id) else { return };
        let inside = matches!(place, Place::Top | Place::Bottom);
        let around = (0..at).rev().find(|other| other + usize::from(self.nodes[*other].size) > at);
        if let Some(node) = self.nodes.get_mut(if inside { at } else { around.unwrap_or(0) }) {
            node.hash = 0;
        }
    }
}
