//! A scope: where tokens move and variables live. Scopes nest as sub-processes, calls and loops do.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::feel::{Context, Names, Value};
use crate::model::{FlowId, NodeId};
use crate::state::{Key, State};

/// A scope.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Scope {
    /// The scope around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Key>,
    /// The token around it, at the activity this is the inside of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Key>,
    /// Which of the state's processes it runs.
    pub(crate) process: u16,
    /// The sub-process or repeated activity it is the inside of; none for a whole process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// What it is for.
    pub kind: ScopeKind,
    /// Its variables.
    #[serde(default, skip_serializing_if = "Context::is_empty")]
    pub variables: Context,
    /// How many tokens move in it.
    pub(crate) tokens: u32,
    /// The tokens held at joining gateways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) arrived: Vec<Arrival>,
    /// What was done in it and can be undone, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) done: Vec<Compensation>,
    /// In a called process: the variables set since it began. Only these come back, so that what the caller
    /// changed meanwhile is not overwritten by the copy it passed in.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) written: BTreeSet<Arc<str>>,
    /// Whether an event sub-process interrupted it: then no other one starts in it.
    #[serde(default, skip_serializing_if = "crate::state::is_false")]
    pub(crate) interrupted: bool,
}

/// What a scope is for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ScopeKind {
    /// A process, a sub-process or an event sub-process.
    Body,
    /// The instances of a repeated activity.
    Loop(Rounds),
    /// A completed sub-process, opened again to be compensated.
    Restored,
}

/// How far a repeated activity is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rounds {
    /// How many there will be; none for a loop that asks a condition.
    pub total: Option<usize>,
    /// The items, if it runs over a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) items: Option<Arc<Vec<Value>>>,
    /// How many were begun.
    pub begun: usize,
    /// How many are complete.
    pub completed: usize,
    /// What they gave, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) outputs: Vec<Value>,
}

/// A token held at a joining gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Arrival {
    pub(crate) node: NodeId,
    pub(crate) via: Option<FlowId>,
    pub(crate) token: Key,
}

/// A completed activity that can be undone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Compensation {
    /// The activity.
    pub node: NodeId,
    /// Its variables as they were at its end.
    #[serde(default, skip_serializing_if = "Context::is_empty")]
    pub(crate) variables: Context,
    /// What was done inside it, if it is a sub-process without handler of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) nested: Vec<Compensation>,
}

impl Scope {
    pub(crate) fn new(parent: Option<Key>, token: Option<Key>, process: u16, node: Option<NodeId>) -> Self {
        Self {
            parent,
            token,
            process,
            node,
            kind: ScopeKind::Body,
            variables: Context::new(),
            tokens: 0,
            arrived: Vec::new(),
            done: Vec::new(),
            written: BTreeSet::new(),
            interrupted: false,
        }
    }

    /// Whether this holds the instances of the activity `node`.
    pub(crate) fn repeats(&self, node: NodeId) -> bool {
        matches!(self.kind, ScopeKind::Loop(_)) && self.node == Some(node)
    }
}

/// What an expression sees from a token or a scope: the nearest variable of each name, up to the process
/// called.
pub(crate) struct View<'a> {
    pub(crate) state: &'a State,
    pub(crate) token: Option<Key>,
    pub(crate) scope: Key,
}

impl Names for View<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        let state = self.state;
        let (mut token, mut scope) = (self.token, Some(self.scope));
        loop {
            if let Some(found) = token.and_then(|token| state.tokens.get(&token)?.variables.get(name)) {
                return Some(found.clone());
            }
            let here = state.scopes.get(&scope?)?;
            if let Some(found) = here.variables.get(name) {
                return Some(found.clone());
            }
            if here.is_process() {
                return None;
            }
            (token, scope) = (here.token, here.parent);
        }
    }
}

impl Scope {
    /// Whether this is a whole process, started or called, beyond which no variable is visible.
    pub(crate) fn is_process(&self) -> bool {
        self.node.is_none()
    }
}

impl State {
    /// Everything visible from a token, nearest first.
    pub fn visible(&self, token: Key) -> Context {
        let mut all = Context::new();
        let mut at = Some(token);
        let mut scope = self.tokens.get(&token).map(|token| token.scope);
        while let Some(key) = scope {
            let token = at.and_then(|token| self.tokens.get(&token));
            let Some(here) = self.scopes.get(&key) else { break };
            for (name, value) in token.iter().flat_map(|token| &token.variables).chain(&here.variables) {
                all.entry(name.clone()).or_insert_with(|| value.clone());
            }
            if here.is_process() {
                break;
            }
            (at, scope) = (here.token, here.parent);
        }
        all
    }

    /// Sets a variable where the nearest one of that name is, or else at the outermost scope of the process.
    pub(crate) fn set(&mut self, token: Option<Key>, scope: Key, name: &Arc<str>, value: Value) {
        let (mut token, mut at) = (token, scope);
        loop {
            if let Some(token) = token.and_then(|token| self.tokens.get_mut(&token))
                && let Some(slot) = token.variables.get_mut(name)
            {
                *slot = value;
                return;
            }
            let Some(here) = self.scopes.get_mut(&at) else { return };
            if here.is_process() && here.token.is_some() {
                here.written.insert(name.clone());
            }
            let slot = here.variables.get_mut(name);
            match (slot, here.parent) {
                (Some(slot), _) => {
                    *slot = value;
                    return;
                }
                (None, Some(parent)) if here.node.is_some() => (token, at) = (here.token, parent),
                (None, _) => {
                    here.variables.insert(name.clone(), value);
                    return;
                }
            }
        }
    }
}
