//! A flow node: event, activity or gateway.

use std::sync::Arc;

use super::event::Trigger;
use super::expression::Expression;
use super::process::{Body, FlowId, NodeId};
use crate::Position;

/// A node and how it is connected.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Node {
    /// The id in the file.
    pub id: Arc<str>,
    /// The name people read.
    pub name: Box<str>,
    /// What it is.
    pub kind: NodeKind,
    /// The sub-process it stands in.
    pub parent: Option<NodeId>,
    /// The flows that end here.
    pub incoming: Vec<FlowId>,
    /// The flows that begin here, in the order of the file.
    pub outgoing: Vec<FlowId>,
    /// The flow taken when no condition holds.
    pub default: Option<FlowId>,
    /// The boundary events attached to it.
    pub boundaries: Vec<NodeId>,
    /// How often the activity is repeated.
    pub repeat: Option<Loop>,
    /// Variables made for the activity when it begins.
    pub inputs: Vec<Mapping>,
    /// Variables made around the activity when it ends.
    pub outputs: Vec<Mapping>,
    /// Whether it runs only to compensate.
    pub for_compensation: bool,
    /// The activity that undoes this one.
    pub handler: Option<NodeId>,
    /// Where it stands in its file.
    pub position: Position,
}

/// The kinds of node.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NodeKind {
    /// A start event of a process, a sub-process or an event sub-process.
    Start {
        /// What starts it.
        trigger: Trigger,
        /// Whether, in an event sub-process, it stops what runs around it.
        interrupting: bool,
    },
    /// An end event.
    End(Trigger),
    /// An intermediate event that waits.
    Catch(Trigger),
    /// An intermediate event that acts.
    Throw(Trigger),
    /// An event on the border of an activity.
    Boundary {
        /// What it waits for.
        trigger: Trigger,
        /// The activity it is attached to.
        attached: NodeId,
        /// Whether it stops that activity.
        interrupting: bool,
    },
    /// A task.
    Task(TaskKind, Box<Work>),
    /// A sub-process.
    SubProcess {
        /// What is inside.
        body: Body,
        /// Which kind it is.
        kind: SubProcessKind,
    },
    /// A call of another process.
    Call(Box<Called>),
    /// A gateway.
    Gateway(GatewayKind),
}

/// The kinds of task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskKind {
    /// `task`, of no particular kind.
    Undefined,
    /// Done by a person through a form.
    User,
    /// Done by a person without the engine.
    Manual,
    /// Done by a program.
    Service,
    /// Like a service; the script in the file is never run.
    Script,
    /// Sends a message; done by a program.
    Send,
    /// Asks for a decision; done by a program.
    BusinessRule,
    /// Waits for a message; no job.
    Receive,
}

/// The kinds of sub-process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubProcessKind {
    /// Part of the flow.
    Embedded,
    /// Started by its start event.
    Event,
    /// Part of the flow, and can be cancelled.
    Transaction,
}

/// The kinds of gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GatewayKind {
    /// One flow.
    Exclusive,
    /// All flows.
    Parallel,
    /// All flows whose condition holds.
    Inclusive,
    /// The flow whose event comes first.
    EventBased,
}

/// Who does a task, and with what.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Work {
    /// The kind of service worker, the id of the task if the file names none.
    pub kind: Box<str>,
    /// How often a failed job is tried before it becomes an incident.
    pub retries: Option<u32>,
    /// The form of a user task.
    pub form: Option<Box<str>>,
    /// The person a user task is for.
    pub assignee: Option<Expression>,
    /// The roles that may do a user task.
    pub groups: Vec<Box<str>>,
    /// The people who may do a user task.
    pub users: Vec<Box<str>>,
    /// The name of the innermost lane, which is a role too.
    pub lane: Option<Box<str>>,
    /// What a receive task waits for.
    pub message: Option<Trigger>,
}

/// A variable made from an expression.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Mapping {
    /// What is evaluated.
    pub source: Expression,
    /// The name it gets; `a.b` sets an entry of a context.
    pub target: Box<str>,
}

/// What a call activity calls.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Called {
    /// The id of the process.
    pub process: Expression,
    /// Whether the called process starts with all variables of the caller.
    pub all_in: bool,
    /// Whether all variables of the called process come back.
    pub all_out: bool,
}

/// How an activity is repeated.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Loop {
    /// One after another while a condition holds.
    Standard {
        /// Whether the condition is asked before the first time too.
        before: bool,
        /// The condition to go on; none means once more until the maximum.
        condition: Option<Expression>,
        /// How often at most.
        maximum: Option<u32>,
    },
    /// Once per number or item.
    Multi {
        /// One after another instead of all at once.
        sequential: bool,
        /// How many.
        cardinality: Option<Expression>,
        /// Or: the list of items.
        collection: Option<Expression>,
        /// The variable that holds the item.
        element: Option<Box<str>>,
        /// The variable that collects the results.
        output: Option<Box<str>>,
        /// What is collected.
        output_element: Option<Expression>,
        /// When it is enough.
        completion: Option<Expression>,
    },
}

impl Node {
    /// Whether this is a task, a sub-process or a call.
    pub fn is_activity(&self) -> bool {
        matches!(self.kind, NodeKind::Task(..) | NodeKind::SubProcess { .. } | NodeKind::Call(_))
    }

    /// What an event waits for or does.
    pub fn trigger(&self) -> Option<&Trigger> {
        match &self.kind {
            NodeKind::Start { trigger, .. } | NodeKind::Boundary { trigger, .. } => Some(trigger),
            NodeKind::End(trigger) | NodeKind::Catch(trigger) | NodeKind::Throw(trigger) => Some(trigger),
            NodeKind::Task(_, work) => work.message.as_ref(),
            _ => None,
        }
    }

    /// The name of the element in BPMN.
    pub fn element(&self) -> &'static str {
        match &self.kind {
            NodeKind::Start { .. } => "startEvent",
            NodeKind::End(_) => "endEvent",
            NodeKind::Catch(_) => "intermediateCatchEvent",
            NodeKind::Throw(_) => "intermediateThrowEvent",
            NodeKind::Boundary { .. } => "boundaryEvent",
            NodeKind::Task(kind, _) => kind.element(),
            NodeKind::SubProcess { kind: SubProcessKind::Transaction, .. } => "transaction",
            NodeKind::SubProcess { .. } => "subProcess",
            NodeKind::Call(_) => "callActivity",
            NodeKind::Gateway(GatewayKind::Exclusive) => "exclusiveGateway",
            NodeKind::Gateway(GatewayKind::Parallel) => "parallelGateway",
            NodeKind::Gateway(GatewayKind::Inclusive) => "inclusiveGateway",
            NodeKind::Gateway(GatewayKind::EventBased) => "eventBasedGateway",
        }
    }

    /// The event sub-process flag, which changes how the node is entered.
    pub(crate) fn is_event_sub(&self) -> bool {
        matches!(self.kind, NodeKind::SubProcess { kind: SubProcessKind::Event, .. })
    }
}

impl TaskKind {
    /// The name of the element in BPMN.
    pub fn element(self) -> &'static str {
        match self {
            Self::Undefined => "task",
            Self::User => "userTask",
            Self::Manual => "manualTask",
            Self::Service => "serviceTask",
            Self::Script => "scriptTask",
            Self::Send => "sendTask",
            Self::BusinessRule => "businessRuleTask",
            Self::Receive => "receiveTask",
        }
    }

    pub(crate) fn of(element: &str) -> Option<Self> {
        let kinds = [
            Self::Undefined,
            Self::User,
            Self::Manual,
            Self::Service,
            Self::Script,
            Self::Send,
            Self::BusinessRule,
            Self::Receive,
        ];
        kinds.into_iter().find(|kind| kind.element() == element)
    }
}
