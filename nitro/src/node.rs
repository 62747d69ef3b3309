//! What is remembered of one element.

use crate::hash::Hash;

/// An element with an id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Of its id.
    pub(crate) key: u64,
    /// Of what the element is, without its value and without the elements with ids inside it; 0 when that is
    /// not known.
    pub(crate) hash: u64,
    /// Of its value; 0 when it has none.
    pub(crate) value: u64,
    /// The number of nodes that it and those inside it are.
    pub(crate) size: u32,
    /// The number of its uninterrupted row of elements, among those of its parent.
    pub(crate) run: u32,
    pub(crate) flags: u8,
}

impl Node {
    /// Its root is a field.
    pub(crate) fn is_field(&self) -> bool {
        self.hash & FIELD != 0
    }
}

/// Something without an id stands before the first element inside.
pub(crate) const HEADED: u8 = 8;
/// Of an element whose value the user can change: the page gives it one. Nothing stands inside such an element.
pub(crate) const GIVEN: u8 = HEADED;
/// Something without an id stands behind the last element inside.
pub(crate) const TAILED: u8 = 16;
/// The element is made from a state that is known: with a value, its hash is the value, else it is the hash.
pub(crate) const KEPT: u8 = 32;
/// The element has a value, which is compared apart.
pub(crate) const VALUED: u8 = 128;

/// The element has a value of its own, and not the state that it is made from in its place.
pub(crate) fn has_value(flags: u8) -> bool {
    flags & (VALUED | KEPT) == VALUED && !is_stream(flags)
}

/// Nothing in the element is remembered. No other element has a value and something behind what is in it.
pub(crate) fn is_stream(flags: u8) -> bool {
    flags & (VALUED | TAILED | KEPT) == STREAM
}

/// The flags of an element whose inside is not remembered.
pub(crate) const STREAM: u8 = VALUED | TAILED;

/// The bit of a hash that says that the root of the element is its field: what stands around a labelled input.
pub(crate) const FIELD: u64 = 1 << 47;
/// The end of the id of a field, behind that of its input.
pub(crate) const FIELD_ID: &str = ".f";

/// The id of the root of an element, which for a labelled input is its field.
pub(crate) fn root(id: &str, is_field: bool) -> String {
    if is_field { format!("{id}{FIELD_ID}") } else { id.to_owned() }
}

/// The hash of a node: 47 bits which are not 0, as 0 stands for what is not known, and whether its root is a field.
pub(crate) fn short(hash: Hash, is_field: bool) -> u64 {
    shorten(hash.end() >> 16, is_field)
}

/// The same of the state that the node is made from.
pub(crate) fn shorten(state: u64, is_field: bool) -> u64 {
    let hash = (state & (FIELD - 1)).max(1);
    if is_field { hash | FIELD } else { hash }
}

/// A node is made from this state.
pub(crate) fn is_made_from(node: u64, state: u64) -> bool {
    node & !FIELD == shorten(state, false)
}
