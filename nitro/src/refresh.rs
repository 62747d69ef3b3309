//! What has changed between two renderings of a page, as the smallest ops.

use std::collections::{HashMap, HashSet};

use n2o::Out;

use crate::{
    draft::{Draft, Value},
    event::Bind,
    op,
    tree::{Node, Tree, children},
};

/// A comparison in progress.
struct Walk<'a> {
    old: &'a [Node],
    new: &'a Draft,
    out: &'a mut Out,
    seal: &'a mut dyn FnMut(&str, &Bind) -> String,
}

/// Writes the ops that turn the page of `old` into that of `new`.
pub(crate) fn refresh(old: &Tree, new: &Draft, out: &mut Out, seal: &mut dyn FnMut(&str, &Bind) -> String) {
    let old = old.nodes();
    let mut walk = Walk { old: &old, new, out, seal };
    if old.is_empty() {
        walk.update(0);
    } else {
        walk.node(0, 0);
    }
}

impl Walk<'_> {
    fn update(&mut self, node: usize) {
        let html = self.new.html(node, self.seal);
        op::html(self.out, op::UPDATE, self.new.id(node), &html);
    }

    fn node(&mut self, old: usize, new: usize) {
        let (was, is) = (self.old[old], self.new.nodes[new]);
        if was.hash != is.hash {
            return self.update(new);
        }
        if was.value != is.value {
            match self.new.value(new) {
                Some(Value::Text(text)) => op::set(self.out, self.new.id(new), &text),
                Some(Value::State(state)) => op::state(self.out, self.new.id(new), state),
                None => return self.update(new),
            }
        }
        if was.size == 1 && is.size == 1 {
            return;
        }
        // Borrowed from beside the walk, which writes while it goes.
        let (was, is) = (self.old, &self.new.nodes);
        let pairs = || children(was, old).zip(children(is, new));
        let count = |nodes, node| children(nodes, node).count();
        if count(was, old) == count(is, new) && pairs().all(|(old, new)| was[old].id == is[new].id) {
            for (old, new) in pairs() {
                self.node(old, new);
            }
        } else if !self.list(old, new) {
            self.update(new);
        }
    }

    /// Compares children by id. `false` when the old order cannot be kept, and the parent has to be sent.
    fn list(&mut self, old: usize, new: usize) -> bool {
        let was: Vec<usize> = children(self.old, old).collect();
        let is: Vec<usize> = children(&self.new.nodes, new).collect();
        let place: HashMap<u32, usize> = was.iter().map(|child| (self.old[*child].id, *child)).collect();
        let stays: HashSet<u32> =
            is.iter().map(|child| self.new.nodes[*child].id).filter(|id| place.contains_key(id)).collect();
        if place.len() != was.len() || stays.is_empty() {
            return false;
        }
        let kept =
            is.iter().filter_map(|child| place.get(&self.new.nodes[*child].id).map(|old| (*old, *child)));
        let kept: Vec<(usize, usize)> = kept.collect();
        let in_order = kept.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let same_runs = kept.iter().all(|(old, new)| self.old[*old].run == self.new.nodes[*new].run);
        if !in_order || !same_runs || kept.len() != stays.len() || !self.remove(&was, &kept) {
            return false;
        }
        for (at, child) in is.iter().enumerate() {
            let node = self.new.nodes[*child];
            if stays.contains(&node.id) {
                continue;
            }
            let run = |other: Option<&usize>| {
                other.filter(|other| self.new.nodes[**other].run == node.run).copied()
            };
            let before = at.checked_sub(1).and_then(|at| run(is.get(at)));
            let after = is[at + 1..].iter().find(|next| stays.contains(&self.new.nodes[**next].id));
            let (code, beside) = match (before, run(after)) {
                (Some(before), _) => (op::INSERT_AFTER, before),
                (None, Some(after)) => (op::INSERT_BEFORE, after),
                (None, None) => return false,
            };
            let html = self.new.html(*child, self.seal);
            op::html(self.out, code, self.new.id(beside), &html);
        }
        for (old, new) in kept {
            self.node(old, new);
        }
        true
    }

    /// Removes what is gone. The ids of elements are not kept, only their hashes, so an element that goes is
    /// named by the neighbour that stays; in an uninterrupted row the next one is the next one.
    fn remove(&mut self, was: &[usize], kept: &[(usize, usize)]) -> bool {
        let mut ops = Vec::new();
        for (at, gone) in was.iter().enumerate() {
            if kept.iter().any(|(old, _)| old == gone) {
                continue;
            }
            let row = self.old[*gone].run;
            let stays =
                |child: &&usize| self.old[**child].run == row && kept.iter().any(|(old, _)| old == *child);
            let beside = |child: &usize| kept.iter().find(|(old, _)| old == child).map(|(_, new)| *new);
            let before = was[..at].iter().rev().take_while(|child| self.old[**child].run == row).find(stays);
            let after = was[at + 1..].iter().take_while(|child| self.old[**child].run == row).find(stays);
            match (before.and_then(beside), after.and_then(beside)) {
                (Some(anchor), _) => ops.push((anchor, false)),
                (None, Some(anchor)) => ops.push((anchor, true)),
                (None, None) => return false,
            }
        }
        for (anchor, before) in ops {
            op::remove_beside(self.out, self.new.id(anchor), before);
        }
        true
    }
}
