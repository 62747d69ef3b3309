//! The one error of this crate.

use crate::feel::FeelError;
use crate::{Finding, Position};

/// The result of most calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong. Whatever is wrong with a running instance is not here: it becomes an incident of that
/// instance, which can be mended and retried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is larger than `Limits::file_bytes`: split it, or raise the limit.
    #[error("the file has {size} bytes, the limit is {limit}")]
    TooLarge {
        /// The size of the file.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// The bytes are not text in the encoding they claim, or the encoding is not known: save the file as
    /// UTF-8.
    #[error("the file is not valid {name}, or that encoding is not known: save it as UTF-8")]
    Encoding {
        /// The encoding tried.
        name: String,
    },
    /// The file is not well-formed XML: mend it at the place named.
    #[error("{at}: {what}")]
    Xml {
        /// Where.
        at: Position,
        /// What is wrong.
        what: String,
    },
    /// Elements are nested deeper than `Limits::file_depth`: no BPMN file needs that.
    #[error("{at}: elements are nested deeper than {limit}")]
    TooDeep {
        /// Where.
        at: Position,
        /// The limit.
        limit: usize,
    },
    /// The file has a document type, which BPMN files do not need and attackers use: remove it.
    #[error("{at}: a document type is not allowed")]
    DocType {
        /// Where.
        at: Position,
    },
    /// The file uses an entity that XML does not predefine: write the character instead.
    #[error("{at}: the entity `{name}` is not defined")]
    Entity {
        /// Where.
        at: Position,
        /// The entity.
        name: String,
    },
    /// The file is XML but not BPMN: its root must be `definitions` of the BPMN 2.0 namespace.
    #[error("{at}: `{name}` is not BPMN 2.0 `definitions`")]
    NotBpmn {
        /// Where.
        at: Position,
        /// The root element.
        name: String,
    },
    /// The file is BPMN but cannot be run as it is: mend what the findings name, or read it leniently.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Finding>),
    /// A FEEL expression does not parse.
    #[error(transparent)]
    Feel(#[from] FeelError),
    /// A FEEL expression ran longer or deeper than `Limits` allow: simplify it.
    #[error("the expression takes more steps than allowed")]
    FeelSteps,
    /// There is no such process among those deployed: deploy it, or correct the id.
    #[error("there is no process `{id}`")]
    NoProcess {
        /// The id asked for.
        id: String,
    },
    /// The process has no such start event, or none that can be started by hand.
    #[error("the process `{process}` has no start event {}", .event.as_deref().unwrap_or("without trigger"))]
    NoStart {
        /// The process.
        process: String,
        /// The start event asked for.
        event: Option<String>,
    },
    /// The job is not waiting: it was completed before, or its activity was left. Read the task list again.
    #[error("the job {key} does not wait: it was completed before, or its activity was left")]
    NoJob {
        /// The key of the job.
        key: u64,
    },
    /// Nothing waits for what was triggered: it was triggered before, or its activity was left.
    #[error("nothing waits at `{what}`")]
    NotWaiting {
        /// The element or subscription.
        what: String,
    },
    /// The instance has ended and takes no more input.
    #[error("the instance has ended")]
    Ended,
    /// There is no such instance.
    #[error("there is no instance `{id}`")]
    NoInstance {
        /// The id asked for.
        id: String,
    },
    /// The task is for someone else: for another person, or for a role this one lacks.
    #[error("the task {task} is not for {user}")]
    NotAllowed {
        /// The task.
        task: String,
        /// Who asked.
        user: String,
    },
    /// A deployed file is read in another order than when it was deployed, so that stored instances would
    /// point to other elements. This release cannot run it: go back to the release that did.
    #[error("the process `{process}` version {version} is read in another order than when it was deployed")]
    Renumbered {
        /// The process.
        process: String,
        /// Its version.
        version: u32,
    },
    /// The store failed; its own words say what to do.
    #[error(transparent)]
    Store(#[from] kvs::Error),
}
