//! What the server remembers of a page it has sent: no HTML, a tree of hashes of the elements with ids.

use std::ops::Range;

use crate::{
    hash,
    scope::{BOUND, DISABLED},
};

/// An element with an id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Of what the element is, without its value and without the elements with ids inside it.
    pub(crate) hash: u64,
    /// Of its value; 0 when it has none.
    pub(crate) value: u64,
    /// Of its id.
    pub(crate) id: u32,
    /// How many nodes it and those inside it are.
    pub(crate) size: u16,
    pub(crate) flags: u8,
    /// Which uninterrupted row of elements it belongs to, among those of its parent.
    pub(crate) run: u8,
}

/// Something without an id stands before the first element inside.
pub(crate) const HEADED: u8 = 8;
/// Something without an id stands behind the last element inside.
pub(crate) const TAILED: u8 = 16;
/// The node is packed with its size and row, which are 1 otherwise.
const WIDE: u8 = 64;
/// The element has a value, which is compared apart.
pub(crate) const VALUED: u8 = 128;

/// Packed bytes of the flags, the id and the hash, which every node has.
const NARROW: usize = 13;

/// The elements of a page in document order, parents before children; the first is the page itself.
///
/// Packed, because it is what a viewer of a long list costs: 13 bytes for an element, 8 more for a value, and
/// 3 more for one that has elements inside it or does not stand in the first row.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    bytes: Vec<u8>,
    /// What was changed since [`settle`](Tree::settle): the bytes that were there, where, and how many they
    /// were and have become.
    log: Vec<u8>,
}

/// Where new nodes go, seen from an existing one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Top,
    Bottom,
    Before,
    After,
}

/// Where a node is: its first byte, and how many nodes come before it.
#[derive(Clone, Copy, Debug)]
struct Spot {
    at: usize,
    number: usize,
}

impl Spot {
    const PAGE: Spot = Spot { at: 0, number: 0 };
}

/// The short hash of an id.
pub(crate) fn key(id: &str) -> u32 {
    (hash::of(id.as_bytes()) >> 32) as u32
}

/// How many bytes a node with these flags is packed in.
fn len(flags: u8) -> usize {
    if flags & (VALUED | WIDE) == 0 { NARROW } else { long_len(flags) }
}

// Apart, so that a walk over many equal nodes need not wait for the length of each.
#[inline(never)]
fn long_len(flags: u8) -> usize {
    NARROW + if flags & VALUED == 0 { 0 } else { 8 } + if flags & WIDE == 0 { 0 } else { 3 }
}

/// Packs nodes; the outermost ones get the row `run`, if there is one to get.
fn pack(nodes: &[Node], run: Option<u8>) -> Vec<u8> {
    let wide = |node: &Node| if (node.size, node.run) == (1, 1) { 0 } else { WIDE };
    let mut out = Vec::with_capacity(nodes.iter().map(|node| len(node.flags | wide(node))).sum());
    let mut outermost = 0;
    for (number, node) in nodes.iter().enumerate() {
        let mut node = *node;
        if number == outermost {
            outermost += usize::from(node.size).max(1);
            node.run = run.unwrap_or(node.run);
        }
        let flags = node.flags & !WIDE | wide(&node);
        let mut narrow = [flags; NARROW];
        narrow[1..5].copy_from_slice(&node.id.to_le_bytes());
        narrow[5..].copy_from_slice(&node.hash.to_le_bytes());
        out.extend_from_slice(&narrow);
        if flags & VALUED != 0 {
            out.extend_from_slice(&node.value.to_le_bytes());
        }
        if flags & WIDE != 0 {
            let [low, high] = node.size.to_le_bytes();
            out.extend_from_slice(&[low, high, node.run]);
        }
    }
    out
}

/// Takes the first bytes away.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

/// Takes the first of packed nodes away.
fn unpack(bytes: &mut &[u8]) -> Option<Node> {
    let [flags] = take(bytes)?;
    let mut node = Node { size: 1, run: 1, flags: flags & !WIDE, ..Node::default() };
    node.id = u32::from_le_bytes(take(bytes)?);
    node.hash = u64::from_le_bytes(take(bytes)?);
    if flags & VALUED != 0 {
        node.value = u64::from_le_bytes(take(bytes)?);
    }
    if flags & WIDE != 0 {
        let [low, high, run] = take(bytes)?;
        (node.size, node.run) = (u16::from_le_bytes([low, high]), run);
    }
    Some(node)
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

impl Tree {
    pub(crate) fn new(nodes: &[Node]) -> Self {
        Tree { bytes: pack(nodes, None), log: Vec::new() }
    }

    /// How many nodes there are.
    pub(crate) fn count(&self) -> usize {
        self.node(Spot::PAGE).map_or(0, |page| usize::from(page.size))
    }

    pub(crate) fn nodes(&self) -> Vec<Node> {
        let mut nodes = Vec::with_capacity(self.count());
        nodes.extend(self.unpacked());
        nodes
    }

    fn unpacked(&self) -> impl Iterator<Item = Node> {
        let mut bytes = &self.bytes[..];
        std::iter::from_fn(move || unpack(&mut bytes))
    }

    fn node(&self, spot: Spot) -> Option<Node> {
        unpack(&mut self.bytes.get(spot.at..)?)
    }

    fn spots(&self) -> impl Iterator<Item = Spot> {
        let mut next = Spot::PAGE;
        std::iter::from_fn(move || {
            let (spot, flags) = (next, self.bytes.get(next.at)?);
            next = Spot { at: spot.at + len(*flags), number: spot.number + 1 };
            Some(spot)
        })
    }

    fn find(&self, id: &str) -> Option<(Spot, Node)> {
        let key = key(id).to_le_bytes();
        let spot = self.spots().skip(1).find(|spot| self.bytes[spot.at + 1..].starts_with(&key))?;
        Some((spot, self.node(spot)?))
    }

    fn has(&self, id: &str, flag: u8) -> bool {
        self.find(id).is_some_and(|(_, node)| node.flags & flag != 0)
    }

    /// Those that a node is inside of, outermost first.
    fn around(&self, spot: Spot) -> impl Iterator<Item = (Spot, Node)> {
        let before = self.spots().take(spot.number).filter(|other| self.bytes[other.at] & WIDE != 0);
        before
            .filter_map(|other| Some((other, self.node(other)?)))
            .filter(move |(other, node)| other.number + usize::from(node.size) > spot.number)
    }

    /// Whether the element is on the page, bound and enabled.
    pub(crate) fn can_fire(&self, id: &str) -> bool {
        self.find(id).is_some_and(|(spot, node)| {
            node.flags & (BOUND | DISABLED) == BOUND
                && self.around(spot).all(|(_, node)| node.flags & DISABLED == 0)
        })
    }

    /// The ids and flags of all elements. One inside a disabled element is disabled, too.
    pub(crate) fn states(&self) -> Vec<(u32, u8)> {
        let mut disabled = 0;
        let state = |(number, node): (usize, Node)| {
            if node.flags & DISABLED != 0 {
                disabled = disabled.max(number + usize::from(node.size));
            }
            (node.id, node.flags | if number < disabled { DISABLED } else { 0 })
        };
        self.unpacked().enumerate().skip(1).map(state).collect()
    }

    /// Whether something without an id stands where the first or last child of the element would be inserted.
    pub(crate) fn is_bordered(&self, id: &str, place: Place) -> bool {
        match place {
            Place::Top => self.has(id, HEADED),
            Place::Bottom => self.has(id, TAILED),
            Place::Before | Place::After => false,
        }
    }

    /// Where the elements inside a node begin and end, and the rows of the first and the last of them.
    fn inside(&self, spot: Spot, node: Node) -> (Range<usize>, u8, u8) {
        let start = spot.at + len(self.bytes[spot.at]);
        let (mut end, mut child, mut first, mut last) = (start, 1, 1, 1);
        for number in 1..usize::from(node.size) {
            let Some(flags) = self.bytes.get(end) else { break };
            if number == child {
                let node = unpack(&mut &self.bytes[end..]).unwrap_or_default();
                last = node.run;
                first = if number == 1 { last } else { first };
                child += usize::from(node.size).max(1);
            }
            end += len(*flags);
        }
        (start..end, first, last)
    }

    /// The one way by which anything changes, so that all of it can be undone.
    fn edit(&mut self, range: Range<usize>, new: &[u8]) {
        self.log.reserve(range.len() + 3 * size_of::<usize>());
        self.log.extend_from_slice(&self.bytes[range.clone()]);
        let numbers = [range.start, range.len(), new.len()].map(usize::to_le_bytes);
        self.log.extend_from_slice(numbers.as_flattened());
        self.put(range, new);
    }

    fn put(&mut self, range: Range<usize>, new: &[u8]) {
        if range.len() == new.len() {
            return self.bytes[range].copy_from_slice(new);
        }
        let more = new.len().saturating_sub(range.len());
        if more > self.bytes.capacity() - self.bytes.len() {
            // Not doubled, as a vector would be: there are many pages, and most grow little.
            self.bytes.reserve_exact(more + self.bytes.len() / 16);
        }
        self.bytes.splice(range, new.iter().copied());
    }

    /// What was done to the tree is final.
    pub(crate) fn settle(&mut self) {
        self.log = Vec::new();
    }

    /// Takes back what was done to the tree since it was made or settled.
    pub(crate) fn undo(&mut self) {
        let mut log = std::mem::take(&mut self.log);
        let number = |log: &mut Vec<u8>| {
            let last = log.last_chunk().map_or(0, |bytes| usize::from_le_bytes(*bytes));
            log.truncate(log.len().saturating_sub(size_of::<usize>()));
            last
        };
        while !log.is_empty() {
            let (is, was, at) = (number(&mut log), number(&mut log), number(&mut log));
            let old = log.split_off(log.len().saturating_sub(was));
            self.put(at..at + is, &old);
        }
    }

    fn change(&mut self, spot: Spot, change: impl FnOnce(&mut Node)) {
        let Some(mut node) = self.node(spot) else { return };
        change(&mut node);
        let end = spot.at + len(self.bytes[spot.at]);
        self.edit(spot.at..end, &pack(&[node], None));
    }

    /// Puts `new` in the place of `remove` nodes, which are these bytes, and adapts the nodes around them:
    /// those around a node, and that node itself when it is `inside` of it that something happens.
    fn splice(
        &mut self,
        range: Range<usize>,
        remove: usize,
        (new, run): (&[Node], u8),
        (spot, inside): (Spot, bool),
    ) {
        self.edit(range, &pack(new, Some(run)));
        if new.len() == remove {
            return;
        }
        let mut around: Vec<Spot> = self.around(spot).map(|(spot, _)| spot).collect();
        around.extend(inside.then_some(spot));
        // The innermost first, so that those before it stay where they are.
        for spot in around.into_iter().rev() {
            self.change(spot, |node| {
                let size = (usize::from(node.size) + new.len()).saturating_sub(remove);
                node.size = u16::try_from(size).unwrap_or(u16::MAX);
            });
        }
    }

    /// Notes that the element and all inside it were replaced by `new`.
    pub(crate) fn replace(&mut self, id: &str, new: &[Node]) {
        let Some((spot, node)) = self.find(id) else { return };
        let (inside, ..) = self.inside(spot, node);
        self.splice(spot.at..inside.end, node.size.into(), (new, node.run), (spot, false));
    }

    /// Notes that the element is gone.
    pub(crate) fn remove(&mut self, id: &str) {
        self.replace(id, &[]);
    }

    /// Notes that `new` was inserted.
    pub(crate) fn insert(&mut self, id: &str, place: Place, new: &[Node]) {
        let Some((spot, node)) = self.find(id) else { return };
        let (inside, first, last) = self.inside(spot, node);
        let (to, run) = match place {
            Place::Top => (inside.start, first),
            Place::Bottom => (inside.end, last),
            Place::Before => (spot.at, node.run),
            Place::After => (inside.end, node.run),
        };
        self.splice(to..to, 0, (new, run), (spot, matches!(place, Place::Top | Place::Bottom)));
    }

    /// Notes that the element is empty.
    pub(crate) fn clear(&mut self, id: &str) {
        let Some((spot, node)) = self.find(id) else { return };
        let (inside, ..) = self.inside(spot, node);
        self.splice(inside, usize::from(node.size) - 1, (&[], 1), (spot, true));
        // What the element now is has not been rendered, so that the next refresh sends it again.
        self.change(spot, |node| (node.hash, node.value) = (0, hash::of(b"")));
    }

    /// Notes a value that was set.
    pub(crate) fn set(&mut self, id: &str, value: u64) {
        let Some((spot, node)) = self.find(id) else { return };
        if node.flags & VALUED == 0 {
            // The text has taken the place of whatever was in the element.
            return self.clear(id);
        }
        self.edit(spot.at + NARROW..spot.at + NARROW + 8, &value.to_le_bytes());
    }

    /// Notes that what stands beside an element is not known exactly, so that the element around it has to be
    /// sent again.
    pub(crate) fn blur(&mut self, id: &str, place: Place) {
        let Some((spot, _)) = self.find(id) else { return };
        let inside = matches!(place, Place::Top | Place::Bottom);
        let beside = || self.around(spot).last().map(|(spot, _)| spot);
        if let Some(blurred) = if inside { Some(spot) } else { beside() } {
            self.change(blurred, |node| node.hash = 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn node(id: &str, size: u16, run: u8) -> Node {
        let flags = if id.starts_with('v') { VALUED | BOUND } else { BOUND };
        let value = if flags & VALUED == 0 { 0 } else { hash::of(b"value") };
        Node { hash: hash::of(id.as_bytes()), value, id: key(id), size, flags, run }
    }

    fn page() -> Vec<Node> {
        let mut page = Node { size: 8, run: 1, ..Node::default() };
        page.flags = HEADED | TAILED;
        let inside =
            [("a", 4, 1), ("v1", 1, 1), ("b", 2, 1), ("v2", 1, 1), ("c", 1, 2), ("v3", 1, 2), ("d", 1, 2)];
        std::iter::once(page).chain(inside.map(|(id, size, run)| node(id, size, run))).collect()
    }

    /// Every node ends where the one around it ends, or before.
    fn is_whole(nodes: &[Node]) -> bool {
        let end = |at: usize| at + usize::from(nodes[at].size);
        nodes.iter().enumerate().all(|(at, _)| children(nodes, at).all(|child| end(child) <= end(at)))
            && end(0) == nodes.len()
    }

    #[test]
    fn what_is_packed_comes_back() {
        assert_eq!(Tree::new(&page()).nodes(), page());
        assert_eq!(Tree::new(&page()).count(), 8);
        assert!(Tree::default().nodes().is_empty());
    }

    #[test]
    fn a_row_of_a_list_takes_13_bytes() {
        let rows: Vec<Node> = (0..100).map(|row| node(&format!("r{row}"), 1, 1)).collect();
        assert_eq!(Tree::new(&rows).bytes.capacity(), 1_300);
    }

    proptest! {
        #[test]
        fn whatever_is_done_is_known_and_can_be_undone(
            ops in prop::collection::vec((0..8_u8, 0..7_usize, 0..3_u16), 1..12)
        ) {
            let mut tree = Tree::new(&page());
            for (number, (op, at, new)) in ops.into_iter().enumerate() {
                let id = ["a", "v1", "b", "v2", "c", "v3", "d"][at];
                let (is_there, before) = (tree.find(id).is_some(), tree.nodes().len());
                let new: Vec<Node> = (0..new).map(|new| node(&format!("n{number}.{new}"), 1, 1)).collect();
                match op {
                    0 => tree.insert(id, Place::Top, &new),
                    1 => tree.insert(id, Place::Bottom, &new),
                    2 => tree.insert(id, Place::Before, &new),
                    3 => tree.insert(id, Place::After, &new),
                    4 => tree.replace(id, &new),
                    5 => tree.clear(id),
                    6 => tree.set(id, 7),
                    _ => tree.blur(id, Place::After),
                }
                let nodes = tree.nodes();
                prop_assert!(is_whole(&nodes), "{nodes:?}");
                if is_there && op < 4 {
                    prop_assert_eq!(nodes.len(), before + new.len());
                }
            }
            tree.undo();
            prop_assert_eq!(tree.nodes(), page());
            prop_assert_eq!(tree.bytes, Tree::new(&page()).bytes);
        }
    }
}
