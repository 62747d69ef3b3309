//! The ops that turn one list of elements into another, found in one pass over each.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use crate::{node::Node, op};

/// Elements among the nodes of a page.
pub(crate) trait Items {
    /// The number of elements.
    fn len(&self) -> usize;
    /// The number of an element among the nodes.
    fn place(&self, item: usize) -> usize;
    /// An element.
    fn node(&self, item: usize) -> &Node;
}

/// Elements by their numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List<'a> {
    pub(crate) nodes: &'a [Node],
    pub(crate) items: &'a [usize],
}

impl Items for List<'_> {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn place(&self, item: usize) -> usize {
        self.items[item]
    }

    fn node(&self, item: usize) -> &Node {
        &self.nodes[self.items[item]]
    }
}

/// An op on the list; nodes are those of the new page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// All elements are removed.
    Clear,
    /// The one beside an element that stays is removed.
    Remove { beside: usize, before: bool },
    /// An element is inserted, seen from another one.
    Insert { code: u8, at: usize, node: usize },
}

/// The ops, and the elements that stay, in the old page and the new.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) kept: Vec<(usize, usize)>,
}

/// The way from `old` to `new`, inside the node `parent`, which is `bare` when nothing but elements with ids
/// is in it. `None` when the order cannot be kept or no neighbour names the place: then the parent is sent.
pub(crate) fn plan(old: &impl Items, new: &impl Items, parent: usize, bare: bool) -> Option<Plan> {
    let kept = pairs(old, new)?;
    let mut plan = Plan::default();
    if kept.is_empty() {
        // Of a list that becomes another one the parent is shorter; the page itself has no id to name.
        if !bare || parent == 0 || !(old.len() == 0 || new.len() == 0) {
            return None;
        }
        if old.len() > 0 {
            plan.steps.push(Step::Clear);
        }
        let insert = |at| Step::Insert { code: op::INSERT_BOTTOM, at: parent, node: new.place(at) };
        plan.steps.extend((0..new.len()).map(insert));
        return Some(plan);
    }
    remove(old, new, &kept, &mut plan.steps)?;
    insert(new, &kept, &mut plan.steps)?;
    plan.kept = kept.iter().map(|(was, is)| (old.place(*was), new.place(*is))).collect();
    Some(plan)
}

/// The items that stay, in order; `None` when their order, their rows or their fields have changed.
fn pairs(old: &impl Items, new: &impl Items) -> Option<Vec<(usize, usize)>> {
    let (was, is) = (old.len(), new.len());
    let most = was.min(is);
    let same = |was: usize, is: usize| old.node(was).key == new.node(is).key;
    let front = (0..most).take_while(|at| same(*at, *at)).count();
    let back = (1..=most - front).take_while(|at| same(was - at, is - at)).count();
    let mut kept = Vec::with_capacity(most);
    kept.extend((0..front).map(|at| (at, at)));
    if front + back < most {
        let gone = front..was - back;
        let mut places: HashMap<u64, usize, BuildHasherDefault<Itself>> = HashMap::default();
        places.reserve(gone.len());
        for at in gone.clone() {
            if places.insert(old.node(at).key, at).is_some() {
                return None;
            }
        }
        for at in front..is - back {
            let Some(place) = places.get(&new.node(at).key) else { continue };
            if kept.last().is_some_and(|(last, _)| last >= place) {
                return None;
            }
            kept.push((*place, at));
        }
    }
    kept.extend((1..=back).rev().map(|at| (was - at, is - at)));
    let same_place = |(was, is): &(usize, usize)| {
        let (was, is) = (old.node(*was), new.node(*is));
        was.run == is.run && was.is_field() == is.is_field()
    };
    kept.iter().all(same_place).then_some(kept)
}

/// Removes what is gone. Ids of elements are not kept, so an element that goes is named by the neighbour that
/// stays; in an uninterrupted row the next one is the next one.
fn remove(old: &impl Items, new: &impl Items, kept: &[(usize, usize)], steps: &mut Vec<Step>) -> Option<()> {
    let mut stays = kept.iter().copied().peekable();
    let (mut row, mut before, mut waiting) = (0, None, 0);
    for at in 0..old.len() {
        let run = old.node(at).run;
        if run != row {
            if waiting > 0 {
                return None;
            }
            (row, before) = (run, None);
        }
        match (stays.next_if(|(was, _)| *was == at), before) {
            (Some((_, is)), _) => {
                let beside = new.place(is);
                steps.extend((0..waiting).map(|_| Step::Remove { beside, before: true }));
                (before, waiting) = (Some(beside), 0);
            }
            (None, Some(beside)) => steps.push(Step::Remove { beside, before: false }),
            (None, None) => waiting += 1,
        }
    }
    (waiting == 0).then_some(())
}

/// Inserts what is new: behind the one before it, or before the next one that stays.
fn insert(new: &impl Items, kept: &[(usize, usize)], steps: &mut Vec<Step>) -> Option<()> {
    let mut stays = kept.iter().map(|(_, is)| *is).peekable();
    for at in 0..new.len() {
        if stays.next_if_eq(&at).is_some() {
            continue;
        }
        let run = new.node(at).run;
        let in_row = |other: usize| (new.node(other).run == run).then(|| new.place(other));
        let before = at.checked_sub(1).and_then(in_row);
        let (code, beside) = match before {
            Some(before) => (op::INSERT_AFTER, before),
            None => (op::INSERT_BEFORE, stays.peek().copied().and_then(in_row)?),
        };
        steps.push(Step::Insert { code, at: beside, node: new.place(at) });
    }
    Some(())
}

/// A hasher for keys, which are hashes already.
#[derive(Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, key: u64) {
        // The table looks at the lowest bits and at the highest.
        self.0 = key.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A list that counts how often it is looked at.
    struct Counted {
        nodes: Vec<Node>,
        looks: Cell<usize>,
    }

    impl Counted {
        fn of(keys: impl Iterator<Item = u64>) -> Self {
            let node = |key| Node { key, size: 1, run: 1, ..Node::default() };
            Counted { nodes: keys.map(node).collect(), looks: Cell::new(0) }
        }
    }

    impl Items for Counted {
        fn len(&self) -> usize {
            self.nodes.len()
        }

        fn place(&self, item: usize) -> usize {
            item
        }

        fn node(&self, item: usize) -> &Node {
            self.looks.set(self.looks.get() + 1);
            &self.nodes[item]
        }
    }

    /// The number of ops between two lists, and of looks for each element of them.
    fn cost(old: impl Iterator<Item = u64>, new: impl Iterator<Item = u64>) -> (usize, usize) {
        let (old, new) = (Counted::of(old), Counted::of(new));
        let plan = plan(&old, &new, 1, true).expect("a plan");
        (plan.steps.len(), (old.looks.get() + new.looks.get()) / (old.len() + new.len()))
    }

    #[test]
    fn a_list_is_looked_through_a_few_times_whatever_changes() {
        for rows in [100, 100_000_u64] {
            let half = || (1..=rows).step_by(2);
            for (steps, looks) in [
                cost(1..=rows, half()),
                cost(half(), 1..=rows),
                cost(1..=rows, rows / 2..=rows),
                cost(1..=rows, (1..=rows).filter(|row| row % 7 > 0).chain(rows + 1..=rows + 5)),
                cost(1..=rows, (0..=0).chain(1..=rows)),
                cost(1..=rows, 1..=rows),
                cost(std::iter::empty(), 1..=rows),
                cost(1..=rows, std::iter::empty()),
            ] {
                assert!(looks <= 6 && steps <= rows as usize, "{steps} ops, {looks} looks at each of {rows}");
            }
        }
    }
}
