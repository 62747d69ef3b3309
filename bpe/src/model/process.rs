//! A process: its nodes and flows in two flat tables, whatever their nesting.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::expression::Expression;
use super::node::{Node, NodeKind};
use crate::Position;

/// The number of a node within its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub(crate) u32);

/// The number of a sequence flow within its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FlowId(pub(crate) u32);

/// A process as the step runs it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Process {
    /// The id in the file, by which it is started and called.
    pub id: Arc<str>,
    /// The name people read.
    pub name: Box<str>,
    /// The version it got when it was deployed, from 1.
    pub version: u32,
    /// All nodes, those of sub-processes included.
    pub nodes: Vec<Node>,
    /// All sequence flows.
    pub flows: Vec<Flow>,
    /// The outermost level.
    pub body: Body,
    /// The lanes, innermost ones included.
    pub lanes: Vec<Lane>,
    /// The form of its plain start event, by which people start it.
    pub form: Option<Box<str>>,
    /// The roles that may start it; with none, the file does not say.
    pub starters: Vec<Box<str>>,
    /// Where the process stands in its file.
    pub position: Position,
    pub(crate) ids: HashMap<Arc<str>, NodeId>,
    /// Elements the engine does not run, with their ids.
    pub(crate) unsupported: Vec<(Position, Box<str>, Box<str>)>,
}

/// The nodes directly inside a process or a sub-process.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Body {
    /// The nodes, in the order of the file.
    pub nodes: Vec<NodeId>,
    /// Those of them that are event sub-processes.
    pub event_subs: Vec<NodeId>,
}

/// A sequence flow.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Flow {
    /// The id in the file, or `source->target` if it has none.
    pub id: Arc<str>,
    /// Whether the file gives it no id.
    pub anonymous: bool,
    /// The name people read.
    pub name: Box<str>,
    /// Where it begins.
    pub source: NodeId,
    /// Where it ends.
    pub target: NodeId,
    /// Its condition; without one it is always open.
    pub condition: Option<Expression>,
    /// Where it stands in its file.
    pub position: Position,
}

/// A lane: a role, and the nodes that are its work.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Lane {
    /// The id in the file.
    pub id: Box<str>,
    /// The name, which is the role.
    pub name: Box<str>,
    /// Its nodes.
    pub nodes: Vec<NodeId>,
}

impl Process {
    /// The node of that id.
    pub fn find(&self, id: &str) -> Option<NodeId> {
        self.ids.get(id).copied()
    }

    /// The node of that number, which must be of this process.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The flow of that number, which must be of this process.
    pub fn flow(&self, id: FlowId) -> &Flow {
        &self.flows[id.0 as usize]
    }

    /// What is inside a sub-process, or the outermost level.
    pub(crate) fn body_of(&self, node: Option<NodeId>) -> &Body {
        match node.map(|node| &self.node(node).kind) {
            Some(NodeKind::SubProcess { body, .. }) => body,
            _ => &self.body,
        }
    }

    /// Fixes which flows a node takes, whatever its conditions and its default say: a gate set by hand.
    pub fn decide(&mut self, node: NodeId, takes: impl Fn(&Flow) -> bool) {
        let limits = crate::Limits::default();
        let node = &mut self.nodes[node.0 as usize];
        node.default = None;
        for id in &node.outgoing {
            let flow = &mut self.flows[id.0 as usize];
            let answer = if takes(flow) { "true" } else { "false" };
            flow.condition = Some(Expression::feel(answer, &limits));
        }
    }

    /// All nodes with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(at, node)| (NodeId(at as u32), node))
    }
}
