//! What the engine keeps in the store: files, instances, and the indexes of what they wait for.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use kvs::{Index, IndexKey, Record};
use serde::{Deserialize, Serialize};

use crate::effect::Entry;
use crate::feel::{Context, Value};
use crate::state::{Key, State, Status, Wait};
use crate::timer::Schedule;

/// A deployed file and the versions its processes got.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct File {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) text: String,
    pub(crate) processes: Vec<Numbered>,
}

/// A process of a file. The ids of its nodes and flows are kept in the order of their numbers, because stored
/// states hold the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Numbered {
    pub(crate) id: Arc<str>,
    pub(crate) version: u32,
    pub(crate) nodes: Vec<Arc<str>>,
    pub(crate) flows: Vec<Arc<str>>,
}

impl File {
    pub(crate) fn of(process: &str, version: u32) -> IndexKey {
        IndexKey::of(process).and(version)
    }
}

impl Record for File {
    const TABLE: &'static str = "bpe_file";
    const INDEXES: &'static [Index<Self>] = &[Index::many("process", |file| {
        file.processes.iter().map(|process| Self::of(&process.id, process.version)).collect()
    })];

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

/// An instance of a process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Instance {
    /// Its id; later instances sort behind earlier ones.
    pub id: String,
    /// The process.
    pub process: Arc<str>,
    /// The version of the process it began with.
    pub version: u32,
    /// When it began.
    pub started: Timestamp,
    /// Who began it.
    pub by: Option<String>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Where it is.
    pub state: State,
}

impl Record for Instance {
    const TABLE: &'static str = "bpe_instance";
    const INDEXES: &'static [Index<Self>] = &[
        Index::many("stage", |one| vec![IndexKey::of(&*one.process).and(one.stage() as u8).and(&one.id)]),
        Index::many("incident", |one| one.state.incidents().take(1).map(|_| IndexKey::of(&one.id)).collect()),
    ];

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

/// A job that waits: a user task for a person, or a service for a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Job {
    /// Its id, the same for every attempt: what a service should use to recognise a repetition.
    pub id: String,
    /// The instance.
    pub instance: String,
    /// Its number within the instance.
    pub key: Key,
    /// The process its element stands in.
    pub process: Arc<str>,
    /// The version of that process.
    pub version: u32,
    /// The id of the element.
    pub element: Arc<str>,
    /// The name of the element.
    pub name: String,
    /// The kind of element: `userTask`, `serviceTask` and so on.
    pub kind: String,
    /// The kind of worker.
    pub worker: String,
    /// The form of a user task.
    pub form: Option<String>,
    /// The roles that may do a user task, its lane included.
    pub roles: Vec<String>,
    /// The people who may do a user task.
    pub users: Vec<String>,
    /// The person who has it.
    pub assignee: Option<String>,
    /// How often it may still fail.
    pub retries: u32,
    /// When it began to wait.
    pub since: Timestamp,
    /// When a failed job is tried again.
    pub again: Option<Timestamp>,
}

impl Job {
    /// Whether a person does it.
    pub fn is_task(&self) -> bool {
        self.kind == "userTask"
    }

    pub(crate) fn name_of(instance: &str, key: Key) -> String {
        format!("{instance}.{key}")
    }

    /// Under whose name a user task is found.
    fn finders(&self) -> Vec<IndexKey> {
        let role = |role: &String| IndexKey::of("role").and(role).and(&self.id);
        let user = |user: &String| IndexKey::of("user").and(user).and(&self.id);
        match (&self.assignee, self.is_task()) {
            (_, false) => vec![IndexKey::of("worker").and(&self.worker).and(&self.id)],
            (Some(assignee), _) => vec![user(assignee)],
            (None, _) if self.roles.is_empty() && self.users.is_empty() => {
                vec![IndexKey::of("any").and(&self.id)]
            }
            (None, _) => self.roles.iter().map(role).chain(self.users.iter().map(user)).collect(),
        }
    }
}

impl Record for Job {
    const TABLE: &'static str = "bpe_job";
    const INDEXES: &'static [Index<Self>] = &[Index::many("for", Self::finders)];

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

/// A timer, named so that the order of names is the order of times.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Timer {
    pub(crate) id: String,
    pub(crate) due: Timestamp,
    pub(crate) of: TimerOf,
}

/// What a timer wakes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum TimerOf {
    Instance { id: String, subscription: Key },
    Start { process: Arc<str>, event: Arc<str>, schedule: Schedule },
}

impl Timer {
    pub(crate) fn new(due: Timestamp, of: TimerOf) -> Self {
        let whose = match &of {
            TimerOf::Instance { id, subscription } => format!("{id}.{subscription}"),
            TimerOf::Start { process, event, .. } => format!("start.{process}.{event}"),
        };
        Self { id: format!("{}.{whose}", Self::order(due)), due, of }
    }

    /// The part of its name that does not stand for the time.
    pub(crate) fn whose(&self) -> &str {
        self.id.split_once('.').map_or(&*self.id, |(_, whose)| whose)
    }

    /// The part of a name that stands for the time.
    pub(crate) fn order(due: Timestamp) -> String {
        format!("{:020}", due.as_microsecond().max(0))
    }
}

impl Timer {
    /// The timers that start a process.
    fn starts(&self) -> Vec<IndexKey> {
        match &self.of {
            TimerOf::Start { process, .. } => vec![IndexKey::of(&**process)],
            TimerOf::Instance { .. } => Vec::new(),
        }
    }
}

impl Record for Timer {
    const TABLE: &'static str = "bpe_timer";
    const INDEXES: &'static [Index<Self>] = &[Index::many("starts", Self::starts)];

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

/// An instance that waits for a message or a signal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) id: String,
    pub(crate) instance: String,
    pub(crate) subscription: Key,
    pub(crate) signal: bool,
    pub(crate) name: Arc<str>,
    pub(crate) key: Option<Value>,
    pub(crate) since: Timestamp,
}

impl Waiting {
    pub(crate) fn name_of(instance: &str, subscription: Key) -> String {
        format!("{instance}.{subscription}")
    }

    /// All that wait for a name.
    pub(crate) fn on(signal: bool, name: &str) -> IndexKey {
        IndexKey::of(if signal { "signal" } else { "message" }).and(name)
    }
}

impl Record for Waiting {
    const TABLE: &'static str = "bpe_waiting";
    const INDEXES: &'static [Index<Self>] =
        &[Index::many("on", |one| vec![Self::on(one.signal, &one.name).and(&one.id)])];

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

/// A message or signal that an instance sent and that is still to be delivered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    /// The instance that sent it.
    pub(crate) from: String,
    pub(crate) signal: bool,
    pub(crate) name: Arc<str>,
    pub(crate) key: Option<Value>,
    pub(crate) variables: Context,
    /// Up to which waiting it has been delivered; a signal can wake more instances than one commit should
    /// hold.
    pub(crate) after: Option<String>,
}

impl Record for Sent {
    const TABLE: &'static str = "bpe_sent";

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

/// A step in the history of an instance: what was put in, by whom, and what it caused.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Who; nobody for timers, messages and services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What was put in: `start`, `complete` and so on.
    pub what: String,
    /// What it carried.
    #[serde(default, skip_serializing_if = "Context::is_empty")]
    pub gave: Context,
    /// What it caused, in order.
    pub entries: Vec<Entry>,
}

/// The feed that holds the history of an instance, one [`Step`] each.
pub fn history_feed(instance: &str) -> String {
    format!("/bpe/hist/{instance}")
}

/// What is to be said of an instance at one glance. The numbers are those of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// A person or a service has something to do for it.
    Running = 0,
    /// It waits for a time, a message or a signal only.
    Waiting = 1,
    /// An incident stopped it somewhere.
    Stopped = 2,
    /// Its last token was consumed.
    Completed = 3,
    /// It was cancelled.
    Cancelled = 4,
}

impl Instance {
    /// Whether it still runs.
    pub fn is_active(&self) -> bool {
        self.state.status == Status::Active
    }

    /// What is to be said of it at one glance.
    pub fn stage(&self) -> Stage {
        let mut tokens = self.state.tokens.values();
        match self.state.status {
            Status::Completed => Stage::Completed,
            Status::Terminated => Stage::Cancelled,
            Status::Active if self.state.incidents().next().is_some() => Stage::Stopped,
            Status::Active if tokens.any(|token| matches!(token.wait, Wait::Job { .. } | Wait::Ready)) => {
                Stage::Running
            }
            Status::Active => Stage::Waiting,
        }
    }
}
