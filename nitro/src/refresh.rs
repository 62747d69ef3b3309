//! What has changed between two renderings of a page, as the smallest ops.

use n2o::Out;

use crate::{
    draft::Draft,
    escape::unescape,
    event::Bind,
    known::Shown,
    list::{self, List, Step},
    node::{KEPT, Node, has_value},
    nodes::{Change, Nodes},
    op,
};

/// An op; nodes are those of the new page.
enum Op {
    /// The HTML of a node is to be put where another one is.
    Html {
        code: u8,
        at: usize,
        node: usize,
    },
    Value(usize),
    Clear(usize),
    Remove {
        beside: usize,
        before: bool,
    },
}

/// Writes the ops that turn the page of `old` into that of `new`; `false`, with nothing written, when that takes
/// what was not rendered.
pub(crate) fn refresh(
    old: &Nodes,
    new: &Draft,
    out: &mut Out,
    seal: &mut dyn FnMut(&str, &Bind) -> String,
) -> bool {
    let ops = ops(old, new);
    let is_there = |op: &Op| !matches!(op, Op::Html { node, .. } if !new.is_whole(*node));
    if !ops.iter().all(is_there) {
        return false;
    }
    for op in ops {
        match op {
            Op::Html { code: op::INSERT_BOTTOM, at, node } => {
                op::html(out, op::INSERT_BOTTOM, new.id(at), &new.html(node, seal));
            }
            Op::Html { code, at, node } => op::html(out, code, new.root(at), &new.html(node, seal)),
            Op::Value(node) => match new.value(node) {
                Some((id, Shown::Text(text))) => op::set(out, id, text),
                Some((id, Shown::Escaped(text))) => op::set(out, id, &unescape(text)),
                Some((id, Shown::State(state))) => op::state(out, id, state),
                Some((_, Shown::Nothing)) | None => {
                    op::html(out, op::UPDATE, new.root(node), &new.html(node, seal));
                }
            },
            Op::Clear(node) => _ = out.op(op::CLEAR, 1).text(new.id(node)),
            Op::Remove { beside, before } => op::remove_beside(out, new.root(beside), before),
        }
    }
    true
}

fn ops(old: &Nodes, new: &Draft) -> Vec<Op> {
    let whole = |node| Op::Html { code: op::UPDATE, at: node, node };
    if old.len() == 0 {
        return vec![whole(0)];
    }
    if let Some(changes) = new.nodes.changes(old) {
        let op = |change| match change {
            Change::Element(node) => whole(node),
            Change::Value(node) => Op::Value(node),
        };
        return changes.map(op).collect();
    }
    let (old, nodes): (Vec<Node>, Vec<Node>) = (old.iter().collect(), new.nodes.iter().collect());
    let mut walk = Walk { old: &old, nodes: &nodes, new, ops: Vec::new() };
    walk.node(0, 0);
    walk.ops
}

/// A comparison in progress.
struct Walk<'a> {
    old: &'a [Node],
    nodes: &'a [Node],
    new: &'a Draft,
    ops: Vec<Op>,
}

impl Walk<'_> {
    fn update(&mut self, node: usize) {
        self.ops.push(Op::Html { code: op::UPDATE, at: node, node });
    }

    fn node(&mut self, was: usize, is: usize) {
        let (before, now) = (&self.old[was], &self.nodes[is]);
        if before.hash != now.hash {
            return self.update(is);
        }
        if before.value != now.value && now.flags & KEPT == 0 {
            if !has_value(now.flags) {
                return self.update(is);
            }
            self.ops.push(Op::Value(is));
        }
        if before.size == 1 && now.size == 1 {
            return;
        }
        let (was_in, is_in) = (children(self.old, was), children(self.nodes, is));
        let (old, new) =
            (List { nodes: self.old, items: &was_in }, List { nodes: self.nodes, items: &is_in });
        let Some(plan) = list::plan(&old, &new, is, self.new.is_bare(is)) else {
            return self.update(is);
        };
        self.ops.extend(plan.steps.into_iter().map(|step| match step {
            Step::Clear => Op::Clear(is),
            Step::Remove { beside, before } => Op::Remove { beside, before },
            Step::Insert { code, at, node } => Op::Html { code, at, node },
        }));
        for (was, is) in plan.kept {
            self.node(was, is);
        }
    }
}

/// The children of a node.
fn children(nodes: &[Node], parent: usize) -> Vec<usize> {
    let end = parent + nodes[parent].size as usize;
    let next = |at: usize| (at < end).then_some(at);
    std::iter::successors(next(parent + 1), |at| next(at + nodes[*at].size as usize)).collect()
}
