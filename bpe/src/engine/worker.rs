//! Services: what does the jobs of service, script, send and business rule tasks.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use kvs::Txn;

use crate::feel::Context;

/// Does jobs of one kind. Functions that take an [`Order`] and return a future of an [`Outcome`] are workers.
///
/// A job is done at least once: after a crash it is done again under the same [`Order::job`]. It is done
/// exactly once as far as its writes go through [`Done::with`], which commit together with its completion.
pub trait Worker: Send + Sync + 'static {
    /// Does a job.
    fn work(&self, order: Order) -> Pin<Box<dyn Future<Output = Outcome> + Send + '_>>;
}

impl<F, W> Worker for F
where
    F: Fn(Order) -> W + Send + Sync + 'static,
    W: Future<Output = Outcome> + Send + 'static,
{
    fn work(&self, order: Order) -> Pin<Box<dyn Future<Output = Outcome> + Send + '_>> {
        Box::pin(self(order))
    }
}

impl fmt::Debug for dyn Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Worker")
    }
}

/// A job as a worker gets it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Order {
    /// The id of the job, the same for every attempt.
    pub job: String,
    /// The instance.
    pub instance: String,
    /// The id of the element.
    pub element: Arc<str>,
    /// How often it may still fail, this time included.
    pub retries: u32,
    /// Every variable visible to the job.
    pub variables: Context,
}

/// What becomes of a job.
pub type Outcome = Result<Done, Failure>;

/// Writes that go into the transaction that completes a job.
type Writes = Arc<dyn Fn(&mut Txn) -> kvs::Result<()> + Send + Sync>;

/// A job that is done.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Done {
    /// What it gave.
    pub variables: Context,
    pub(crate) writes: Vec<Writes>,
}

impl Done {
    /// Done, with these variables.
    pub fn new(variables: Context) -> Self {
        Self { variables, writes: Vec::new() }
    }

    /// Also writes to the store, in the transaction that completes the job. It may be called more than once,
    /// if the transaction conflicts; only one of the calls is committed.
    #[must_use]
    pub fn with(mut self, write: impl Fn(&mut Txn) -> kvs::Result<()> + Send + Sync + 'static) -> Self {
        self.writes.push(Arc::new(write));
        self
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Done").field("variables", &self.variables).finish_non_exhaustive()
    }
}

/// A job that is not done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Failure {
    /// It did not work this time: it is tried again while it has retries, and then becomes an incident.
    Failed(String),
    /// It ended in a BPMN error, which the process treats.
    Error {
        /// The code.
        code: String,
        /// What it carries.
        variables: Context,
    },
}

impl Failure {
    /// It did not work this time.
    pub fn failed(what: impl Into<String>) -> Self {
        Self::Failed(what.into())
    }

    /// It ended in a BPMN error.
    pub fn error(code: impl Into<String>) -> Self {
        Self::Error { code: code.into(), variables: Context::new() }
    }
}
