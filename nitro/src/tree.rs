//! What the server remembers of a page it has sent: no HTML, but which elements with ids there are.

use std::sync::Arc;

use crate::{
    hash,
    id::Keying,
    node::{self, FIELD, GIVEN, HEADED, KEPT, Node, TAILED, VALUED, has_value, is_stream},
    nodes::Nodes,
    scope::{BOUND, DISABLED},
};

/// The elements of a page; the first is the page itself.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Shared with a rendering in progress.
    nodes: Arc<Nodes>,
    keying: Keying,
    /// The changes since [`settle`](Tree::settle).
    log: Vec<Step>,
}

/// A change, by what was there before.
#[derive(Debug)]
enum Step {
    /// A node had another value.
    Value { at: u32, was: u64 },
    /// A node held another number of nodes.
    Size { at: u32, was: u32 },
    /// A node was there, of those that the next step is about.
    Node(Node),
    /// As many nodes as were noted before it stood where now these are.
    Nodes { at: u32, is: u32 },
}

/// Where new nodes go, seen from an existing one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Top,
    Bottom,
    Before,
    After,
}

impl Tree {
    pub(crate) fn new(nodes: Nodes, keying: Keying) -> Self {
        Tree { nodes: Arc::new(nodes), keying, log: Vec::new() }
    }

    pub(crate) fn nodes(&self) -> &Arc<Nodes> {
        &self.nodes
    }

    /// The way from ids to the keys of the nodes.
    pub(crate) fn keying(&self) -> Keying {
        self.keying
    }

    /// All elements with an id: one, unless the page is wrong.
    fn all(&self, id: &str) -> impl Iterator<Item = usize> {
        self.nodes.find(self.keying.key(id))
    }

    fn find(&self, id: &str) -> Option<usize> {
        self.all(id).next()
    }

    /// The flags of an element, if it is on the page. One inside a disabled element is disabled, too, and so is
    /// one whose key another element has that is disabled: of two that cannot be told apart, neither may do
    /// what one of them may not.
    ///
    /// Nothing in a stream is remembered; its ids begin with the stream's.
    pub(crate) fn state(&self, id: &str) -> Option<u8> {
        self.state_of(id).or_else(|| {
            let around = id.match_indices('.').filter_map(|(dot, _)| self.state_of(&id[..dot]));
            let stream = around.filter(|flags| is_stream(*flags)).reduce(|one, other| one | other);
            stream.map(|flags| BOUND | flags & DISABLED)
        })
    }

    fn state_of(&self, id: &str) -> Option<u8> {
        self.all(id).map(|at| self.state_at(at)).reduce(|one, other| (one & other) | (one | other) & DISABLED)
    }

    fn state_at(&self, at: usize) -> u8 {
        let around = || self.nodes.around(at).any(|outer| self.nodes.flags(outer) & DISABLED != 0);
        let flags = self.nodes.flags(at);
        if flags & DISABLED == 0 && around() { flags | DISABLED } else { flags }
    }

    /// Whether the element is on the page, bound and enabled.
    pub(crate) fn can_fire(&self, id: &str) -> bool {
        self.state(id).is_some_and(|flags| flags & (BOUND | DISABLED) == BOUND)
    }

    /// Whether something without an id stands where the first or last child of the element would be inserted.
    pub(crate) fn is_bordered(&self, id: &str, place: Place) -> bool {
        let flag = match place {
            Place::Top => HEADED,
            Place::Bottom => TAILED,
            Place::Before | Place::After => return false,
        };
        self.find(id).is_some_and(|at| self.nodes.flags(at) & flag != 0)
    }

    /// The id of the root of an element, if it is on the page.
    pub(crate) fn root(&self, id: &str) -> Option<String> {
        self.find(id).map(|at| node::root(id, self.nodes.is_field(at)))
    }

    /// The one way by which nodes change, so that all of it can be undone.
    fn edit(&mut self, at: usize, remove: usize, new: &[Node]) {
        match remove {
            0 => {}
            1 => self.log.extend(self.nodes.get(at).map(Step::Node)),
            _ => self.log.extend(self.nodes.range(at..at + remove).map(Step::Node)),
        }
        self.log.push(Step::Nodes { at: at as u32, is: new.len() as u32 });
        Arc::make_mut(&mut self.nodes).splice(at..at + remove, new);
    }

    fn change(&mut self, at: usize, change: impl FnOnce(&mut Node)) {
        let Some(mut node) = self.nodes.get(at) else { return };
        change(&mut node);
        self.edit(at, 1, &[node]);
    }

    fn set_value(&mut self, at: usize, value: u64) {
        let was = Arc::make_mut(&mut self.nodes).set_value(at, value);
        self.log.push(Step::Value { at: at as u32, was });
    }

    fn set_size(&mut self, at: usize, size: usize) {
        match Arc::make_mut(&mut self.nodes).set_size(at, size) {
            Some(was) => self.log.push(Step::Size { at: at as u32, was: was as u32 }),
            None => self.change(at, |node| node.size = size as u32),
        }
    }

    /// Notes that an element, and those around it, are not as their states made them any more.
    fn touch(&mut self, at: usize) {
        let made = |at: &usize| self.nodes.flags(*at) & KEPT != 0;
        let around: Vec<usize> = self.nodes.around(at).chain([at]).filter(made).collect();
        for at in around {
            if self.nodes.flags(at) & VALUED != 0 {
                self.set_value(at, 0);
            } else {
                self.change(at, |node| node.hash &= FIELD);
            }
        }
    }

    /// Nothing in the element is remembered.
    pub(crate) fn is_stream(&self, id: &str) -> bool {
        self.find(id).is_some_and(|at| is_stream(self.nodes.flags(at)))
    }

    /// What was done to the tree is final.
    pub(crate) fn settle(&mut self) {
        self.log = Vec::new();
    }

    /// Takes back what was done to the tree since it was made or settled.
    pub(crate) fn undo(&mut self) {
        let mut log = std::mem::take(&mut self.log);
        while let Some(step) = log.pop() {
            match step {
                Step::Value { at, was } => _ = Arc::make_mut(&mut self.nodes).set_value(at as usize, was),
                Step::Size { at, was } => {
                    Arc::make_mut(&mut self.nodes).set_size(at as usize, was as usize);
                }
                Step::Node(_) => {}
                Step::Nodes { at, is } => {
                    let is_node = |step: &Step| matches!(step, Step::Node(_));
                    let first = log.len() - log.iter().rev().take_while(|step| is_node(step)).count();
                    let was = log.drain(first..).filter_map(|step| match step {
                        Step::Node(node) => Some(node),
                        _ => None,
                    });
                    let was: Vec<Node> = was.collect();
                    Arc::make_mut(&mut self.nodes).splice(at as usize..(at + is) as usize, &was);
                }
            }
        }
    }

    /// Puts `new` in the place of some nodes, and adapts the nodes around them: those around `of`, and that node
    /// itself when it is `inside` of it that something happens. The outermost of the new nodes get the row.
    fn splice(
        &mut self,
        at: usize,
        remove: usize,
        (mut new, run): (Vec<Node>, u32),
        (of, inside): (usize, bool),
    ) {
        let mut around: Vec<usize> = Vec::new();
        if new.len() != remove {
            around.extend(self.nodes.around(of));
            around.extend(inside.then_some(of));
        }
        let mut outermost = 0;
        while let Some(node) = new.get_mut(outermost) {
            node.run = run;
            outermost += (node.size as usize).max(1);
        }
        self.edit(at, remove, &new);
        for outer in around {
            self.set_size(outer, self.nodes.size(outer) + new.len() - remove);
        }
    }

    /// Notes that the element and all inside it were replaced by `new`.
    pub(crate) fn replace(&mut self, id: &str, new: Vec<Node>) {
        let Some((at, node)) = self.find_node(id) else { return };
        self.touch(at);
        self.splice(at, node.size as usize, (new, node.run), (at, false));
    }

    fn find_node(&self, id: &str) -> Option<(usize, Node)> {
        let at = self.find(id)?;
        Some((at, self.nodes.get(at)?))
    }

    /// Notes that the element is gone.
    pub(crate) fn remove(&mut self, id: &str) {
        self.replace(id, Vec::new());
    }

    /// Notes that `new` was inserted.
    pub(crate) fn insert(&mut self, id: &str, place: Place, new: Vec<Node>) {
        let Some((at, node)) = self.find_node(id) else { return };
        let inside = matches!(place, Place::Top | Place::Bottom);
        if inside && is_stream(node.flags) {
            return;
        }
        self.touch(at);
        let end = at + node.size as usize;
        let (to, run) = match place {
            Place::Top => (at + 1, self.nodes.ends(at).map_or(1, |(first, _)| first.run)),
            Place::Bottom => (end, self.nodes.ends(at).map_or(1, |(_, last)| last.run)),
            Place::Before => (at, node.run),
            Place::After => (end, node.run),
        };
        self.splice(to, 0, (new, run), (at, inside));
    }

    /// Notes that the element is empty.
    pub(crate) fn clear(&mut self, id: &str) {
        let Some((at, node)) = self.find_node(id) else { return };
        if is_stream(node.flags) {
            return;
        }
        self.touch(at);
        self.splice(at + 1, node.size as usize - 1, (Vec::new(), 1), (at, true));
        // What the element now is has not been rendered, so that the next refresh sends it again.
        self.change(at, |node| (node.hash, node.value) = (node.hash & FIELD, hash::of(b"")));
    }

    /// Notes a value that was set.
    pub(crate) fn set(&mut self, id: &str, value: u64) {
        let Some(at) = self.find(id) else { return };
        if !has_value(self.nodes.flags(at)) {
            // The text has taken the place of whatever was in the element.
            return self.clear(id);
        }
        self.touch(at);
        self.set_value(at, value);
    }

    /// Notes that the user has changed an input to another value than the page gave it, so that the next refresh
    /// says what the page gives it, though it may be what it was.
    pub(crate) fn typed(&mut self, id: &str, value: u64) {
        let Some(at) = self.find(id) else { return };
        let flags = self.nodes.flags(at);
        if has_value(flags) && flags & GIVEN != 0 && self.nodes.value(at) != Some(value) {
            self.touch(at);
            self.set_value(at, 0);
        }
    }

    /// Notes that what stands beside an element is not known exactly, so that the element around it has to be
    /// sent again.
    pub(crate) fn blur(&mut self, id: &str, place: Place) {
        let Some(at) = self.find(id) else { return };
        let inside = matches!(place, Place::Top | Place::Bottom);
        if let Some(blurred) = if inside { Some(at) } else { self.nodes.around(at).next_back() } {
            self.change(blurred, |node| node.hash &= FIELD);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn node(id: &str, size: u32, run: u32) -> Node {
        let flags = if id.starts_with('v') { VALUED | BOUND } else { BOUND };
        let value = if flags & VALUED == 0 { 0 } else { hash::of(b"value") };
        Node { hash: hash::of(id.as_bytes()) >> 16, value, key: Keying::default().key(id), size, flags, run }
    }

    fn tree(nodes: &[Node]) -> Tree {
        let mut list = Nodes::with_capacity(nodes.len(), 0, 1);
        nodes.iter().for_each(|node| list.push(node));
        Tree::new(list, Keying::default())
    }

    fn nodes(tree: &Tree) -> Vec<Node> {
        tree.nodes.iter().collect()
    }

    fn page() -> Vec<Node> {
        let mut page = Node { size: 8, run: 1, ..Node::default() };
        page.flags = HEADED | TAILED;
        let inside =
            [("a", 4, 1), ("v1", 1, 1), ("b", 2, 1), ("v2", 1, 1), ("c", 1, 2), ("v3", 1, 2), ("d", 1, 2)];
        std::iter::once(page).chain(inside.map(|(id, size, run)| node(id, size, run))).collect()
    }

    fn list(rows: u32) -> Tree {
        let page = Node { size: rows + 1, run: 1, ..Node::default() };
        let rows: Vec<Node> = (0..rows).map(|row| node(&format!("r{row}"), 1, 1)).collect();
        tree(&[&[page][..], &rows].concat())
    }

    /// Every node ends where the one around it ends, or before.
    fn is_whole(nodes: &[Node]) -> bool {
        let end = |at: usize| at + nodes[at].size as usize;
        let inner = |at: usize| at + 1..end(at);
        (0..nodes.len()).all(|at| inner(at).all(|inner| end(inner) <= end(at))) && end(0) == nodes.len()
    }

    #[test]
    fn what_is_put_in_comes_back() {
        assert_eq!(nodes(&tree(&page())), page());
        assert!(nodes(&Tree::default()).is_empty());
    }

    #[test]
    fn a_row_of_a_list_takes_13_bytes() {
        let page = 13 + 12;
        assert_eq!(list(1_000).nodes.bytes(), 13_000 + page);
    }

    #[test]
    fn more_elements_than_16_bits_count_come_and_go() {
        let mut tree = list(1);
        let rows = |from: u32| -> Vec<Node> {
            (from..from + 35_000).map(|row| node(&format!("n{row}"), 1, 1)).collect()
        };
        tree.insert("r0", Place::Bottom, rows(0));
        tree.insert("r0", Place::Bottom, rows(35_000));
        tree.insert("r0", Place::Bottom, vec![node("button", 1, 1)]);
        assert!(tree.can_fire("button"));
        tree.clear("r0");
        assert!(!tree.can_fire("button"), "it is not on the page any more");
        assert_eq!(tree.nodes.len(), 2);
    }

    #[test]
    fn of_two_with_one_key_neither_may_do_what_one_may_not() {
        let mut tree = list(3);
        assert!(tree.can_fire("r1"));
        let mut twin = node("r1", 1, 1);
        twin.flags |= DISABLED;
        tree.insert("r2", Place::After, vec![twin]);
        assert!(!tree.can_fire("r1"));
    }

    proptest! {
        #[test]
        fn whatever_is_done_is_known_and_can_be_undone(
            ops in prop::collection::vec((0..8_u8, 0..7_usize, 0..3_u16), 1..12)
        ) {
            let mut tree = tree(&page());
            for (number, (op, at, new)) in ops.into_iter().enumerate() {
                let id = ["a", "v1", "b", "v2", "c", "v3", "d"][at];
                let (is_there, before) = (tree.find(id).is_some(), tree.nodes.len());
                let count = usize::from(new);
                let new: Vec<Node> = (0..new).map(|new| node(&format!("n{number}.{new}"), 1, 1)).collect();
                match op {
                    0 => tree.insert(id, Place::Top, new),
                    1 => tree.insert(id, Place::Bottom, new),
                    2 => tree.insert(id, Place::Before, new),
                    3 => tree.insert(id, Place::After, new),
                    4 => tree.replace(id, new),
                    5 => tree.clear(id),
                    6 => tree.set(id, 7),
                    _ => tree.blur(id, Place::After),
                }
                let nodes = nodes(&tree);
                prop_assert!(is_whole(&nodes), "{nodes:?}");
                if is_there && op < 4 {
                    prop_assert_eq!(nodes.len(), before + count);
                }
            }
            tree.undo();
            prop_assert_eq!(&tree.nodes, &super::tests::tree(&page()).nodes);
        }
    }
}
