//! The state of an instance: its scopes, its tokens, and what it waits for. It is plain data; every change to
//! it is made by the step.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::feel::{Context, Value};
use crate::library::Library;
use crate::model::{FlowId, Node, NodeId, Process};
use crate::scope::{Compensation, Scope};
use crate::timer::Schedule;

/// The number of a token, a scope or a subscription within its instance; never used twice.
pub type Key = u64;

/// An instance.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct State {
    /// Whether it still runs.
    pub status: Status,
    /// The processes it runs: its own first, then those it called.
    pub processes: Vec<Pin>,
    /// The scopes, by key. The root scope outlives the instance, so that its variables can be read.
    pub scopes: BTreeMap<Key, Scope>,
    /// The tokens, by key.
    pub tokens: BTreeMap<Key, Token>,
    /// What would wake it, by key.
    pub subscriptions: BTreeMap<Key, Subscription>,
    /// Inclusive gateways that hold tokens, asked again whenever nothing else can move.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) inclusive: BTreeSet<(Key, NodeId)>,
    pub(crate) last: Key,
}

/// Whether an instance runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Status {
    /// It runs or waits.
    #[default]
    Active,
    /// Its last token was consumed.
    Completed,
    /// It was cancelled.
    Terminated,
}

/// The version of a process an instance holds on to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pin {
    /// The id of the process.
    pub id: Arc<str>,
    /// Its version.
    pub version: u32,
}

/// A token: one place where the instance is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Token {
    /// The scope it moves in.
    pub scope: Key,
    /// The node it is at.
    pub node: NodeId,
    /// The flow it came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<FlowId>,
    /// What it waits for.
    pub wait: Wait,
    /// Variables of the activity alone: its inputs, its loop counter.
    #[serde(default, skip_serializing_if = "Context::is_empty")]
    pub variables: Context,
    /// The token that waits until this one has compensated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) compensates: Option<Key>,
    /// Whether it has subscriptions, so that most tokens need not look.
    #[serde(default, skip_serializing_if = "crate::state::is_false")]
    pub(crate) subscribed: bool,
}

/// What a token waits for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Wait {
    /// Nothing: it is about to be moved.
    Ready,
    /// Someone to do its job.
    Job {
        /// How often it may still fail.
        retries: u32,
    },
    /// An event: it is at a catching event, a receive task or an event-based gateway.
    Event,
    /// The other tokens at a joining gateway.
    Join,
    /// What is inside it: a sub-process, a call, or the instances of a repeated activity.
    Scope(Key),
    /// Activities being compensated, this many still to begin.
    Compensation {
        /// The scope they were done in.
        scope: Key,
        /// What is still to be undone; the last one first.
        pending: Vec<Compensation>,
    },
    /// Someone to mend what went wrong.
    Incident(Incident),
}

/// Something that stopped a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Incident {
    /// What went wrong.
    pub what: String,
    /// What to do again when it is mended.
    pub(crate) resume: Resume,
}

/// Where a token goes on after an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Resume {
    /// Enters its node again.
    Enter,
    /// Offers its job again.
    Job,
    /// Completes its activity again.
    Complete,
    /// Leaves its node again.
    Leave,
    /// Subscribes the event sub-process it stands for again.
    Subscribe,
    /// Begins its rounds.
    Repeat,
    /// Ends its round again.
    Round,
}

/// Something that can wake an instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Subscription {
    /// The scope it belongs to.
    pub scope: Key,
    /// The token that waits, or whose activity it can end; none for an event sub-process.
    pub token: Option<Key>,
    /// The node of the event.
    pub node: NodeId,
    /// What it waits for.
    pub on: On,
}

/// What a subscription waits for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum On {
    /// A message of that name and, if it has one, that key.
    Message {
        /// The name.
        name: Arc<str>,
        /// The correlation key.
        key: Option<Value>,
    },
    /// A signal of that name.
    Signal(Arc<str>),
    /// A time.
    Timer(Schedule),
    /// A condition that becomes true.
    Condition {
        /// Whether it was true when last asked.
        was: bool,
    },
    /// Nothing by itself: the file leaves it open.
    Hand,
}

/// What is usual is not written: states are stored at every step.
pub(crate) fn is_false(flag: &bool) -> bool {
    !flag
}

impl State {
    /// The process of a scope, if it is deployed.
    pub fn process<'a>(&self, library: &'a Library, scope: Key) -> Option<&'a Arc<Process>> {
        let pin = self.processes.get(usize::from(self.scopes.get(&scope)?.process))?;
        library.version(&pin.id, pin.version)
    }

    /// The node of a token.
    pub fn node<'a>(&self, library: &'a Library, token: &Token) -> Option<&'a Node> {
        Some(self.process(library, token.scope)?.node(token.node))
    }

    /// The variables of the root scope.
    pub fn variables(&self) -> Option<&Context> {
        self.scopes.first_key_value().map(|(_, root)| &root.variables)
    }

    /// The tokens that are jobs, with their keys.
    pub fn jobs(&self) -> impl Iterator<Item = (Key, &Token)> {
        self.tokens
            .iter()
            .filter(|(_, token)| matches!(token.wait, Wait::Job { .. }))
            .map(|(key, token)| (*key, token))
    }

    /// The tokens that something stopped, with what.
    pub fn incidents(&self) -> impl Iterator<Item = (Key, &Token, &Incident)> {
        self.tokens.iter().filter_map(|(key, token)| match &token.wait {
            Wait::Incident(incident) => Some((*key, token, incident)),
            _ => None,
        })
    }
}
