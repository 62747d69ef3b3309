//! What a step did, for those who have to act on it: the engine, which writes history and keeps its indexes,
//! and tests, which look at it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::feel::{Context, Value};
use crate::state::{Key, Status, Subscription};

/// One thing a step did, in the order it was done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Effect {
    /// For the history.
    Happened(Entry),
    /// A token became a job, or a job failed and is offered again.
    JobOpened(Key),
    /// A job was completed, failed for good, or was left.
    JobClosed(Key),
    /// The instance waits for something new; a timer that repeats opens again under its old key.
    Subscribed(Key),
    /// The instance no longer waits for this.
    Unsubscribed(Key, Subscription),
    /// A signal for every other instance, and for processes it starts.
    Signal {
        /// Its name.
        name: Arc<str>,
        /// What it carries.
        variables: Context,
    },
    /// A message to be correlated.
    Message {
        /// Its name.
        name: Arc<str>,
        /// Its correlation key.
        key: Option<Value>,
        /// What it carries.
        variables: Context,
    },
    /// The instance ended.
    Ended(Status),
}

/// An entry of an instance's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Happened,
    /// The process, which differs from the instance's own inside a call.
    pub process: Arc<str>,
    /// The id of the element; the process itself for its start and end.
    pub element: Arc<str>,
    /// The token or, for a process, the scope.
    pub key: Key,
    /// More words, for incidents and errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What happened to an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Happened {
    /// A process, the instance's own or a called one, began.
    Started,
    /// A process ended.
    Ended,
    /// A process was ended from outside.
    Cancelled,
    /// An activity began, or an event or event-based gateway began to wait.
    Entered,
    /// An activity, event or gateway is done.
    Completed,
    /// An activity or event was left without being done.
    Terminated,
    /// A sequence flow was taken.
    Taken,
    /// An event came.
    Triggered,
    /// An incident stopped a token.
    Raised,
    /// An incident was mended.
    Resolved,
    /// A job failed and will be tried again.
    Failed,
}
