//! The page as it was, while it is rendered again: what is known to be as it was is not written, and a stub stands
//! for it.
//!
//! A stub is never sent: when what it is in has to be sent, the page is rendered once more, without stubs.

use std::{ops::Range, sync::Arc};

use crate::{
    escape::unescape,
    hash,
    id::Keying,
    node::{self, FIELD_ID, KEPT, VALUED},
    nodes::Nodes,
};

/// Nodes behind the one before that are looked at for the next, before all are.
const NEAR: usize = 8;
/// Most controls of a rendering that are looked for among all nodes: each takes as long as the page is.
const FAR: u8 = 32;

/// Controls of a stub with other values for which there is room at once.
const ROOM: usize = 16;

/// The page as it was.
#[derive(Debug)]
pub(crate) struct Known {
    nodes: Arc<Nodes>,
    keying: Keying,
    /// The node that is expected next.
    next: usize,
    /// Stubs may stand for controls.
    controls: bool,
    /// The number of controls that were looked for among all nodes.
    far: u8,
    /// A node, and the number of values before it.
    counted: (usize, usize),
}

/// Nodes of the page as it was that are to stay.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) range: Range<usize>,
    /// The id of the root of the first element, and of the last where that is another one.
    pub(crate) first: String,
    pub(crate) last: Option<String>,
    /// They are controls only, and were made.
    pub(crate) is_made: bool,
    /// The controls that have another value, in order.
    pub(crate) values: Vec<Changed>,
    /// The ids and values of these, one after the other.
    pub(crate) texts: String,
}

/// A control of the page as it was that has another value.
#[derive(Clone, Debug)]
pub(crate) struct Changed {
    /// The number of its node among those of the page as it was.
    pub(crate) at: usize,
    /// The hash of the value.
    pub(crate) value: u64,
    pub(crate) id: Range<usize>,
    pub(crate) is: Is,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Is {
    Text(Range<usize>),
    State(bool),
}

/// What a control is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Control<'a> {
    pub(crate) id: &'a str,
    /// Its hash, and the flags of its node.
    pub(crate) hash: u64,
    pub(crate) flags: u8,
}

/// The value of an element.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shown<'a> {
    Nothing,
    Text(&'a str),
    /// Text as it stands in HTML.
    Escaped(&'a str),
    State(bool),
}

impl Shown<'_> {
    pub(crate) fn hash(self) -> u64 {
        match self {
            Shown::Nothing => 0,
            Shown::Text(text) => hash::of(text.as_bytes()),
            Shown::Escaped(text) => hash::of(unescape(text).as_bytes()),
            Shown::State(state) => hash::of_state(state),
        }
    }
}

impl Known {
    pub(crate) fn new(nodes: Arc<Nodes>, keying: Keying, controls: bool) -> Self {
        Known { nodes, keying, next: 0, controls, far: 0, counted: (0, 0) }
    }

    /// The number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The ids of a part of the page begin with that of a stream.
    pub(crate) fn is_stream(&self, id: &str) -> bool {
        self.nodes.find(self.keying.key(id)).any(|at| node::is_stream(self.nodes.flags(at)))
    }

    /// The node is that of a labelled input, around which its field stands.
    pub(crate) fn is_field(&self, at: usize) -> bool {
        self.nodes.is_field(at)
    }

    /// The first of the nodes that are most likely next of which this holds.
    fn near(&self, is: impl Fn(usize) -> bool) -> Option<usize> {
        let end = self.nodes.len().min(self.next + NEAR);
        (self.next.max(1)..end).find(|at| is(*at))
    }

    /// The nodes of an element that is made from a state, if the page has it.
    pub(crate) fn memo(&mut self, id: &str, state: u64) -> Option<Range<usize>> {
        let key = self.keying.key(id);
        let near = self.near(|at| self.nodes.key(at) == key);
        let at = near.or_else(|| self.nodes.find(key).next())?;
        let end = at + self.nodes.size(at);
        let is_kept = self.nodes.flags(at) & KEPT != 0 && self.nodes.value(at) == Some(state);
        self.next = if is_kept { end } else { at + 1 };
        is_kept.then_some(at..end)
    }

    /// The nodes of a row, which a state stands for, if the page has it: most likely behind the one before.
    pub(crate) fn row(&mut self, state: u64, id: impl FnOnce() -> String) -> Option<Range<usize>> {
        let is = |at: usize| {
            let flags = at < self.nodes.len() && self.nodes.flags(at) & (KEPT | VALUED) == KEPT;
            flags && node::is_made_from(self.nodes.hash(at), state)
        };
        let next = |at: &usize| Some(at + self.nodes.size(*at)).filter(|at| *at < self.nodes.len());
        let near = std::iter::successors(Some(self.next), next).take(NEAR).find(|at| is(*at));
        let at = match near {
            Some(at) => at,
            None => self.nodes.find(self.keying.key(&id())).next()?,
        };
        let end = at + self.nodes.size(at);
        let kept = is(at);
        self.next = end;
        kept.then_some(at..end)
    }

    /// The node of a control that is made from the same, if the page has it, and whether it has this value.
    pub(crate) fn control(&mut self, control: &Control<'_>, value: u64) -> Option<(usize, bool)> {
        if !self.controls {
            return None;
        }
        let is = |at: usize| self.nodes.has_at(at, control.hash);
        let at = match self.near(is) {
            Some(at) => at,
            None if self.far < FAR => {
                self.far += 1;
                self.nodes.find(self.keying.key(control.id)).next()?
            }
            None => return None,
        };
        self.next = at + 1;
        if !is(at) || self.nodes.flags(at) != control.flags || self.nodes.size(at) != 1 {
            return None;
        }
        Some((at, control.flags & VALUED == 0 || self.value(at) == Some(value)))
    }

    /// The value of a node, most likely behind the one that was asked for before.
    fn value(&mut self, at: usize) -> Option<u64> {
        let (from, before) = if self.counted.0 <= at { self.counted } else { (0, 0) };
        let number = before + self.nodes.values_in(from..at);
        self.counted = (at, number);
        self.nodes.value_number(number)
    }
}

impl Kept {
    /// A control whose root has this id.
    pub(crate) fn control(at: usize, root: String) -> Self {
        Kept { is_made: true, ..Kept::new(at..at + 1, root, None) }
    }

    /// Nodes, from the one whose root has the id `first` to the one whose root has the id `last`.
    pub(crate) fn new(range: Range<usize>, first: String, last: Option<String>) -> Self {
        Kept { range, first, last, ..Kept::default() }
    }

    /// Puts others behind, none of which has another value.
    pub(crate) fn append(&mut self, others: Kept) {
        self.range.end = others.range.end;
        self.is_made &= others.is_made;
        self.last = others.last.or(Some(others.first));
    }

    /// Puts another node behind.
    pub(crate) fn push(&mut self, at: usize, id: &str, is_field: bool) {
        self.range.end = at + 1;
        let last = self.last.get_or_insert_default();
        last.clear();
        last.push_str(id);
        last.push_str(if is_field { FIELD_ID } else { "" });
    }

    /// Notes that the last node has another value.
    pub(crate) fn set(&mut self, id: &str, value: u64, shown: Shown<'_>) {
        if self.values.is_empty() {
            self.values.reserve(ROOM);
            self.texts.reserve(ROOM * 16);
        }
        let mut put = |text: &str| {
            let from = self.texts.len();
            self.texts.push_str(text);
            from..self.texts.len()
        };
        let id = put(id);
        let is = match shown {
            Shown::Nothing => return,
            Shown::Text(text) => Is::Text(put(text)),
            Shown::Escaped(text) => Is::Text(put(&unescape(text))),
            Shown::State(state) => Is::State(state),
        };
        self.values.push(Changed { at: self.range.end - 1, value, id, is });
    }

    /// The id and the value of a node that has another one.
    pub(crate) fn changed(&self, at: usize) -> Option<(&str, Shown<'_>)> {
        let changed = &self.values[self.values.binary_search_by_key(&at, |changed| changed.at).ok()?];
        let shown = match &changed.is {
            Is::Text(text) => Shown::Text(&self.texts[text.clone()]),
            Is::State(state) => Shown::State(*state),
        };
        Some((&self.texts[changed.id.clone()], shown))
    }
}
