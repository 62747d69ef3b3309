//! Elements in document order, as arrays: what a page's memory and a rendering are compared by.

use std::ops::Range;

use crate::node::{FIELD, KEPT, Node, VALUED};

/// The size and the row of the node are kept, which are 1 otherwise.
const WIDE: u8 = 64;
/// Bits of a hash that are kept; the others of the word hold the upper part of the key.
const HASH: u64 = (1 << 48) - 1;

/// Nodes in document order, parents before children.
///
/// A viewer of a long list costs this: 13 bytes for an element, 8 more for a value, and 12 more for one that
/// has elements inside it or does not stand in the first row. The parts of a node that are looked through
/// stand in arrays of their own, so that looking through them is fast.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nodes {
    /// The lower halves of the keys.
    low: Vec<u32>,
    /// The upper parts of the keys, above the hashes.
    rest: Vec<u64>,
    flags: Vec<u8>,
    /// The values of those that have one.
    values: Vec<u64>,
    /// The sizes and rows of those for which they are kept.
    wide: Vec<Wide>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wide {
    at: u32,
    size: u32,
    run: u32,
}

/// A difference between two lists of nodes that hold the same elements in the same places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The element is another one now.
    Element(usize),
    /// It has another value.
    Value(usize),
}

fn rest(node: &Node) -> u64 {
    (node.key >> 32) << 48 | node.hash & HASH
}

/// The first place where two lists differ.
fn first(one: &[u64], other: &[u64]) -> Option<usize> {
    one.iter().zip(other).position(|(one, other)| one != other)
}

/// Puts `new` in the place of a range. Vectors are not doubled: there are many pages, and most grow little.
fn put<T: Copy>(vec: &mut Vec<T>, range: Range<usize>, new: impl ExactSizeIterator<Item = T>) {
    let more = new.len().saturating_sub(range.len());
    if more > vec.capacity() - vec.len() {
        vec.reserve_exact(more + vec.len() / 16);
    }
    vec.splice(range, new);
}

impl Nodes {
    /// No nodes.
    pub(crate) const fn none() -> Self {
        Nodes { low: Vec::new(), rest: Vec::new(), flags: Vec::new(), values: Vec::new(), wide: Vec::new() }
    }

    /// No nodes, and room for some.
    pub(crate) fn with_capacity(nodes: usize, values: usize, wide: usize) -> Self {
        Nodes {
            low: Vec::with_capacity(nodes),
            rest: Vec::with_capacity(nodes),
            flags: Vec::with_capacity(nodes),
            values: Vec::with_capacity(values),
            wide: Vec::with_capacity(wide),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.low.len()
    }

    /// No nodes, and room for some that are much like others.
    pub(crate) fn like(others: &Nodes, nodes: usize) -> Self {
        Nodes::with_capacity(nodes, others.values.len(), others.wide.len())
    }

    /// Gives back room that is not needed.
    pub(crate) fn fit(&mut self) {
        fn fit<T>(vec: &mut Vec<T>) {
            if vec.capacity() > vec.len() + vec.len() / 16 {
                vec.shrink_to_fit();
            }
        }
        fit(&mut self.low);
        fit(&mut self.rest);
        fit(&mut self.flags);
        fit(&mut self.values);
        fit(&mut self.wide);
    }

    pub(crate) fn push(&mut self, node: &Node) {
        let mut flags = node.flags & !WIDE;
        if (node.size, node.run) != (1, 1) {
            flags |= WIDE;
            self.wide.push(Wide { at: self.low.len() as u32, size: node.size, run: node.run });
        }
        if flags & VALUED != 0 {
            self.values.push(node.value);
        }
        self.low.push(node.key as u32);
        self.rest.push(rest(node));
        self.flags.push(flags);
    }

    /// Appends nodes of other ones, whose outermost get a row.
    pub(crate) fn extend(&mut self, others: &Nodes, range: Range<usize>, run: u32) {
        let wide = &others.wide[others.wide_of(range.start)..others.wide_of(range.end)];
        if run == 1 && wide.iter().all(|wide| wide.run == 1) {
            return self.copy(others, range);
        }
        if let Some(node) = others.get(range.start).filter(|node| node.size as usize == range.len()) {
            self.push(&Node { run, ..node });
            return self.copy(others, range.start + 1..range.end);
        }
        let mut outermost = range.start;
        for (at, mut node) in range.clone().zip(others.range(range)) {
            if at == outermost {
                outermost = at + node.size as usize;
                node.run = run;
            }
            self.push(&node);
        }
    }

    /// Appends nodes of other ones as they are.
    fn copy(&mut self, others: &Nodes, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let (more, less) = (self.low.len() as u32, range.start as u32);
        let wide = &others.wide[others.wide_of(range.start)..others.wide_of(range.end)];
        self.wide.extend(wide.iter().map(|wide| Wide { at: wide.at + more - less, ..*wide }));
        let values = others.value_of(range.start)..others.value_of(range.end);
        self.values.extend_from_slice(&others.values[values]);
        self.low.extend_from_slice(&others.low[range.clone()]);
        self.rest.extend_from_slice(&others.rest[range.clone()]);
        self.flags.extend_from_slice(&others.flags[range]);
    }

    /// Says of a node that was pushed, behind which its inside was pushed, what it has become.
    pub(crate) fn close(&mut self, at: usize, hash: u64, flags: u8) {
        let size = (self.low.len() - at) as u32;
        self.rest[at] = self.rest[at] & !HASH | hash & HASH;
        self.flags[at] |= flags;
        if self.flags[at] & WIDE != 0 {
            let wide = self.wide_of(at);
            self.wide[wide].size = size;
        } else if size != 1 {
            let wide = self.wide_of(at);
            self.wide.insert(wide, Wide { at: at as u32, size, run: 1 });
            self.flags[at] |= WIDE;
        }
    }

    /// The first of the kept sizes that is not before a node.
    fn wide_of(&self, at: usize) -> usize {
        self.wide.partition_point(|wide| (wide.at as usize) < at)
    }

    fn wide_at(&self, at: usize) -> Option<Wide> {
        if self.flags.get(at)? & WIDE == 0 { None } else { self.wide.get(self.wide_of(at)).copied() }
    }

    /// The number of values before a node.
    fn value_of(&self, at: usize) -> usize {
        self.values_in(0..at)
    }

    /// The number of values of some nodes.
    pub(crate) fn values_in(&self, range: Range<usize>) -> usize {
        /// Flags whose values are counted in a byte, so that the processor can add many at once.
        const BLOCK: usize = 128;
        let values = |block: &[u8]| usize::from(block.iter().map(|flags| flags >> 7).sum::<u8>());
        self.flags[range].chunks(BLOCK).map(values).sum()
    }

    pub(crate) fn key(&self, at: usize) -> u64 {
        self.rest[at] >> 48 << 32 | u64::from(self.low[at])
    }

    pub(crate) fn set_key(&mut self, at: usize, key: u64) {
        self.low[at] = key as u32;
        self.rest[at] = (key >> 32) << 48 | self.rest[at] & HASH;
    }

    pub(crate) fn hash(&self, at: usize) -> u64 {
        self.rest[at] & HASH
    }

    /// The root of a node is a field.
    pub(crate) fn is_field(&self, at: usize) -> bool {
        self.rest.get(at).is_some_and(|rest| rest & FIELD != 0)
    }

    /// The node at a place has this hash, and so the same id.
    pub(crate) fn has_at(&self, at: usize, hash: u64) -> bool {
        self.rest.get(at).is_some_and(|rest| rest & HASH == hash)
    }

    pub(crate) fn flags(&self, at: usize) -> u8 {
        self.flags[at] & !WIDE
    }

    pub(crate) fn size(&self, at: usize) -> usize {
        self.wide_at(at).map_or(1, |wide| wide.size as usize)
    }

    /// The value of a node that has one.
    pub(crate) fn value(&self, at: usize) -> Option<u64> {
        self.values.get(self.value_of(at)).copied().filter(|_| self.flags[at] & VALUED != 0)
    }

    /// A value, by its number among the values.
    pub(crate) fn value_number(&self, number: usize) -> Option<u64> {
        self.values.get(number).copied()
    }

    /// Adds flags to a node.
    pub(crate) fn add_flags(&mut self, at: usize, flags: u8) {
        self.flags[at] |= flags;
    }

    pub(crate) fn get(&self, at: usize) -> Option<Node> {
        let flags = *self.flags.get(at)?;
        let wide = self.wide_at(at);
        Some(Node {
            key: self.key(at),
            hash: self.rest[at] & HASH,
            value: if flags & VALUED == 0 { 0 } else { self.values[self.value_of(at)] },
            size: wide.map_or(1, |wide| wide.size),
            run: wide.map_or(1, |wide| wide.run),
            flags: flags & !WIDE,
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Node> {
        self.range(0..self.len())
    }

    /// Some nodes, one after the other.
    pub(crate) fn range(&self, range: Range<usize>) -> impl Iterator<Item = Node> {
        let mut values = self.values[self.value_of(range.start)..].iter();
        let mut wide = self.wide[self.wide_of(range.start)..].iter();
        range.map(move |at| {
            let flags = self.flags[at];
            let wide = if flags & WIDE == 0 { None } else { wide.next() };
            Node {
                key: self.key(at),
                hash: self.rest[at] & HASH,
                value: if flags & VALUED == 0 { 0 } else { values.next().copied().unwrap_or_default() },
                size: wide.map_or(1, |wide| wide.size),
                run: wide.map_or(1, |wide| wide.run),
                flags: flags & !WIDE,
            }
        })
    }

    /// All nodes with a key, but not the page.
    pub(crate) fn find(&self, key: u64) -> impl Iterator<Item = usize> {
        /// Keys that are looked at together, so that the processor can compare them at once.
        const BLOCK: usize = 64;
        let low = key as u32;
        let blocks = self.low.chunks(BLOCK).enumerate();
        let with_it =
            blocks.filter(move |(_, block)| block.iter().fold(false, |found, other| found | (*other == low)));
        let places = with_it.flat_map(move |(number, block)| {
            let same = block.iter().enumerate().filter(move |(_, other)| **other == low);
            same.map(move |(place, _)| number * BLOCK + place)
        });
        places.filter(move |at| *at > 0 && self.key(*at) == key)
    }

    /// Those that a node is inside of, outermost first.
    pub(crate) fn around(&self, at: usize) -> impl DoubleEndedIterator<Item = usize> {
        let before = self.wide[..self.wide_of(at)].iter();
        before.filter(move |wide| (wide.at + wide.size) as usize > at).map(|wide| wide.at as usize)
    }

    /// The first and the last child of a node.
    pub(crate) fn ends(&self, parent: usize) -> Option<(Node, Node)> {
        let last = parent + self.size(parent) - 1;
        let child = self.around(last).find(|at| *at > parent).unwrap_or(last);
        (last > parent).then(|| Some((self.get(parent + 1)?, self.get(child)?))).flatten()
    }

    /// Gives a node that holds others, and still will, another size, and returns the one it had.
    pub(crate) fn set_size(&mut self, at: usize, size: usize) -> Option<usize> {
        if self.flags[at] & WIDE == 0 || size < 2 {
            return None;
        }
        let wide = self.wide_of(at);
        let kept = self.wide.get_mut(wide).filter(|wide| wide.size > 1)?;
        Some(std::mem::replace(&mut kept.size, size as u32) as usize)
    }

    /// Gives a node that has a value another one, and returns the one it had.
    pub(crate) fn set_value(&mut self, at: usize, value: u64) -> u64 {
        let number = self.value_of(at);
        self.values.get_mut(number).map_or(0, |old| std::mem::replace(old, value))
    }

    /// Gives nodes that have values other ones, in order.
    pub(crate) fn set_values(&mut self, values: impl Iterator<Item = (usize, u64)>) {
        let (mut from, mut number) = (0, 0);
        for (at, value) in values {
            number += self.values_in(from..at);
            from = at;
            if let Some(old) = self.values.get_mut(number) {
                *old = value;
            }
        }
    }

    /// Puts a node in the place of another one, when both are kept in the same arrays and nothing is in them.
    fn put_alike(&mut self, at: usize, new: &Node) -> bool {
        let alike = (self.flags[at] | new.flags) & (WIDE | VALUED) == 0 && (new.size, new.run) == (1, 1);
        if alike {
            (self.low[at], self.rest[at], self.flags[at]) = (new.key as u32, rest(new), new.flags);
        }
        alike
    }

    /// Puts nodes in the place of others.
    pub(crate) fn splice(&mut self, range: Range<usize>, new: &[Node]) {
        if let ([new], 1) = (new, range.len())
            && self.put_alike(range.start, new)
        {
            return;
        }
        let flags = |node: &Node| {
            let wide = if (node.size, node.run) == (1, 1) { 0 } else { WIDE };
            node.flags & !WIDE | wide
        };
        let valued: Vec<u64> =
            new.iter().filter(|node| node.flags & VALUED != 0).map(|node| node.value).collect();
        let wide = |(at, node): (usize, &Node)| {
            let wide = Wide { at: (range.start + at) as u32, size: node.size, run: node.run };
            ((node.size, node.run) != (1, 1)).then_some(wide)
        };
        let wide: Vec<Wide> = new.iter().enumerate().filter_map(wide).collect();
        let first = self.value_of(range.start);
        let gone = self.flags[range.clone()].iter().filter(|flags| **flags & VALUED != 0).count();
        let values = first..first + gone;
        put(&mut self.values, values, valued.into_iter());
        let wides = self.wide_of(range.start)..self.wide_of(range.end);
        let behind = wides.start + wide.len();
        put(&mut self.wide, wides, wide.into_iter());
        let (more, less) = (new.len() as u32, range.len() as u32);
        if more != less {
            self.wide[behind..].iter_mut().for_each(|wide| wide.at = wide.at + more - less);
        }
        put(&mut self.low, range.clone(), new.iter().map(|node| node.key as u32));
        put(&mut self.rest, range.clone(), new.iter().map(rest));
        put(&mut self.flags, range, new.iter().map(flags));
    }

    /// The first pair of nodes with one key of which `differ` says that they differ. Pairs among nodes that
    /// stand where `known`, which has no such pair, has the same are not looked at.
    pub(crate) fn clash(&self, known: &Nodes, differ: impl Fn(usize, usize) -> bool) -> bool {
        /// Most nodes that are new of which each is looked for among all.
        const FEW: usize = 16;
        let same = |at: usize, other: usize| self.key(at) == known.key(other);
        let (ours, theirs) = (self.len(), known.len());
        let most = ours.min(theirs);
        if self.low == known.low && self.bits(known) & !HASH == 0 {
            return false;
        }
        let front = (0..most).take_while(|at| same(*at, *at)).count();
        let back = (1..=most - front).take_while(|at| same(ours - at, theirs - at)).count();
        let new = front..ours - back;
        if new.len() <= FEW {
            return new
                .into_iter()
                .any(|at| self.find(self.key(at)).any(|other| other != at && differ(at, other)));
        }
        let mut sorted: Vec<(u64, usize)> = (1..ours).map(|at| (self.key(at), at)).collect();
        sorted.sort_unstable();
        sorted
            .chunk_by(|one, next| one.0 == next.0)
            .any(|chunk| chunk.iter().skip(1).any(|(_, other)| differ(chunk[0].1, *other)))
    }

    /// The bits in which the upper parts of the keys and the hashes of as many nodes differ.
    fn bits(&self, other: &Nodes) -> u64 {
        self.rest.iter().zip(&other.rest).fold(0, |all, (one, other)| all | (one ^ other))
    }

    /// The changes from `old`, when it holds the same elements in the same places.
    pub(crate) fn changes(&self, old: &Nodes) -> Option<impl Iterator<Item = Change>> {
        let same = self.low == old.low && self.flags == old.flags && self.wide == old.wide;
        if !same || self.low.is_empty() || self.bits(old) & (!HASH | FIELD) != 0 {
            return None;
        }
        let differs =
            |at: usize| first(&self.rest[at..], &old.rest[at..]).map_or(self.len(), |more| at + more);
        // The nodes that were looked at, and their values; and the next element that is another one.
        let (mut at, mut value, mut element) = (0, 0, differs(0));
        Some(std::iter::from_fn(move || {
            loop {
                let more = first(&self.values[value..], &old.values[value..]);
                let valued = more.map_or(self.len(), |more| self.valued(at, more));
                if element <= valued {
                    let now = (element < self.len()).then_some(element)?;
                    let end = now + self.size(now);
                    value += self.values_in(at..end);
                    (at, element) = (end, differs(end));
                    return Some(Change::Element(now));
                }
                value += more.unwrap_or_default() + 1;
                at = valued + 1;
                if self.flags[valued] & KEPT == 0 {
                    return Some(Change::Value(valued));
                }
            }
        }))
    }

    /// From a node on, the one with a value before which as many have one.
    fn valued(&self, from: usize, before: usize) -> usize {
        let flags = self.flags[from..].iter().enumerate().filter(|(_, flags)| **flags & VALUED != 0);
        flags.map(|(more, _)| from + more).nth(before).unwrap_or(self.len())
    }

    /// The bytes that the arrays take.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.low.capacity() * 4
            + self.rest.capacity() * 8
            + self.flags.capacity()
            + self.values.capacity() * 8
            + self.wide.capacity() * size_of::<Wide>()
    }
}
