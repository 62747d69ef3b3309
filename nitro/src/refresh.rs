//! What has changed between two renderings of a page, as the smallest ops.

use n2o::Out;

use crate::{
    draft::{Draft, Value},
    event::Bind,
    list::{self, List, Step},
    nodes::{Change, Node, Nodes},
    op,
};

/// A comparison in progress.
struct Walk<'a> {
    new: &'a Draft,
    out: &'a mut Out,
    seal: &'a mut dyn FnMut(&str, &Bind) -> String,
}

/// Writes the ops that turn the page of `old` into that of `new`.
pub(crate) fn refresh(old: &Nodes, new: &Draft, out: &mut Out, seal: &mut dyn FnMut(&str, &Bind) -> String) {
    let mut walk = Walk { new, out, seal };
    if old.len() == 0 {
        return walk.html(op::UPDATE, 0, 0);
    }
    if let Some(changes) = new.nodes.changes(old) {
        for change in changes {
            match change {
                Change::Element(node) => walk.html(op::UPDATE, node, node),
                Change::Value(node) => _ = walk.value(node),
            }
        }
        return;
    }
    let (old, new): (Vec<Node>, Vec<Node>) = (old.iter().collect(), new.nodes.iter().collect());
    walk.node(&old, &new, 0, 0);
}

impl Walk<'_> {
    /// Sends the HTML of a node, to be put where `at` is.
    fn html(&mut self, code: u8, at: usize, node: usize) {
        let html = self.new.html(node, self.seal);
        op::html(self.out, code, self.new.id(at), &html);
    }

    /// Sends the value of a node; `false` when the node has been sent instead, since it has none.
    fn value(&mut self, node: usize) -> bool {
        match self.new.value(node) {
            Some(Value::Text(text)) => op::set(self.out, self.new.id(node), &text),
            Some(Value::State(state)) => op::state(self.out, self.new.id(node), state),
            None => {
                self.html(op::UPDATE, node, node);
                return false;
            }
        }
        true
    }

    fn node(&mut self, old: &[Node], new: &[Node], was: usize, is: usize) {
        let (before, now) = (&old[was], &new[is]);
        if before.hash != now.hash {
            return self.html(op::UPDATE, is, is);
        }
        if before.value != now.value && !self.value(is) {
            return;
        }
        if before.size == 1 && now.size == 1 {
            return;
        }
        let (old_items, new_items) = (children(old, was), children(new, is));
        let lists = [List { nodes: old, items: &old_items }, List { nodes: new, items: &new_items }];
        let Some(plan) = list::plan(&lists[0], &lists[1], is, self.new.is_bare(is)) else {
            return self.html(op::UPDATE, is, is);
        };
        for step in plan.steps {
            match step {
                Step::Clear => _ = self.out.op(op::CLEAR, 1).text(self.new.id(is)),
                Step::Remove { beside, before } => op::remove_beside(self.out, self.new.id(beside), before),
                Step::Insert { code, at, node } => self.html(code, at, node),
            }
        }
        for (was, is) in plan.kept {
            self.node(old, new, was, is);
        }
    }
}

/// The children of a node.
fn children(nodes: &[Node], parent: usize) -> Vec<usize> {
    let end = parent + nodes[parent].size as usize;
    let next = |at: usize| (at < end).then_some(at);
    std::iter::successors(next(parent + 1), |at| next(at + nodes[*at].size as usize)).collect()
}
