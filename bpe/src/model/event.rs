//! What events wait for and do.

use super::expression::Expression;
use super::process::NodeId;

/// The definition of an event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Trigger {
    /// No definition.
    None,
    /// A message.
    Message {
        /// Its name.
        name: Expression,
        /// What a message must carry to be this one's; evaluated when the waiting begins.
        key: Option<Expression>,
    },
    /// A point in time.
    Timer(Timer),
    /// A BPMN error; no code catches every error.
    Error(Option<Box<str>>),
    /// An escalation; no code catches every escalation.
    Escalation(Option<Box<str>>),
    /// A signal.
    Signal(Expression),
    /// Compensation, of one activity or of all in the scope.
    Compensation(Option<NodeId>),
    /// A condition over variables.
    Conditional(Option<Expression>),
    /// A jump to the catching link of the same name.
    Link(Box<str>),
    /// The end of a transaction that failed.
    Cancel,
    /// The end of everything in the scope.
    Terminate,
}

/// When a timer is due.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Timer {
    /// How to read the value.
    pub kind: TimerKind,
    /// ISO 8601 text, or FEEL that gives it; none is never due by itself.
    pub value: Option<Expression>,
}

/// The kinds of timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimerKind {
    /// A date and time.
    Date,
    /// A duration from now.
    Duration,
    /// A repeated interval.
    Cycle,
}

impl Trigger {
    /// The name of the definition in BPMN; empty for none.
    pub fn element(&self) -> &'static str {
        match self {
            Self::None => "",
            Self::Message { .. } => "messageEventDefinition",
            Self::Timer(_) => "timerEventDefinition",
            Self::Error(_) => "errorEventDefinition",
            Self::Escalation(_) => "escalationEventDefinition",
            Self::Signal(_) => "signalEventDefinition",
            Self::Compensation(_) => "compensateEventDefinition",
            Self::Conditional(_) => "conditionalEventDefinition",
            Self::Link(_) => "linkEventDefinition",
            Self::Cancel => "cancelEventDefinition",
            Self::Terminate => "terminateEventDefinition",
        }
    }
}
