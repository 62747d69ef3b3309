//! What can be done with instances, inside a transaction of the caller's.

use jiff::Timestamp;
use kvs::Txn;

use super::record::{Instance, Job, Step, history_feed};
use super::task::Who;
use super::write::Said;
use super::{Correlated, Engine};
use crate::effect::Effect;
use crate::feel::{Context, Value};
use crate::state::{Key, State};
use crate::step::{Input, start};
use crate::{Error, Result};

/// Actions within one transaction. Nothing of them is visible before it commits, and nothing remains of them
/// if it does not: after an error, drop the transaction.
#[derive(Debug)]
pub struct Actions<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) txn: &'a mut Txn,
    pub(crate) by: Option<String>,
}

impl Engine {
    /// Actions within a transaction.
    pub fn actions<'a>(&'a self, txn: &'a mut Txn) -> Actions<'a> {
        Actions { engine: self, txn, by: None }
    }

    /// Starts an instance of the newest version of a process, in a transaction of its own, and answers its
    /// id.
    pub async fn start(&self, process: &str, variables: &Context) -> Result<String> {
        let mut attempts = self.inner.store.attempts();
        loop {
            let mut txn = attempts.begin().await;
            let id = self.actions(&mut txn).start(process, None, variables.clone())?;
            if attempts.commit(txn).await?.is_some() {
                return Ok(id);
            }
        }
    }

    /// Completes a job in a transaction of its own.
    pub async fn complete(&self, job: &str, variables: &Context) -> Result<()> {
        let mut attempts = self.inner.store.attempts();
        loop {
            let mut txn = attempts.begin().await;
            self.actions(&mut txn).complete(job, variables.clone()).await?;
            if attempts.commit(txn).await?.is_some() {
                return Ok(());
            }
        }
    }

    /// Completes a user task for someone who may do it, in a transaction of its own.
    pub async fn complete_task(&self, task: &str, who: &Who<'_>, variables: &Context) -> Result<()> {
        let mut attempts = self.inner.store.attempts();
        loop {
            let mut txn = attempts.begin().await;
            self.actions(&mut txn).complete_task(task, who, variables.clone()).await?;
            if attempts.commit(txn).await?.is_some() {
                return Ok(());
            }
        }
    }

    /// Publishes a message in a transaction of its own.
    pub async fn publish(
        &self,
        message: &str,
        key: Option<&Value>,
        variables: &Context,
    ) -> Result<Correlated> {
        let mut attempts = self.inner.store.attempts();
        loop {
            let mut txn = attempts.begin().await;
            let reached = self.actions(&mut txn).publish(message, key, variables).await?;
            if attempts.commit(txn).await?.is_some() {
                return Ok(reached);
            }
        }
    }

    /// Runs actions in a transaction of their own, again when it conflicts with another. Where the future
    /// must be `Send` and borrows, use [`kvs::Store::attempts`] with [`Engine::actions`] instead.
    pub async fn transact<T>(&self, mut work: impl AsyncFnMut(&mut Actions<'_>) -> Result<T>) -> Result<T> {
        let mut attempts = self.inner.store.attempts();
        loop {
            let mut txn = attempts.begin().await;
            let value = work(&mut self.actions(&mut txn)).await?;
            if attempts.commit(txn).await?.is_some() {
                return Ok(value);
            }
        }
    }
}

impl<'a> Actions<'a> {
    /// Notes who acts, for the history.
    #[must_use]
    pub fn by(mut self, user: &str) -> Self {
        self.by = Some(user.to_owned());
        self
    }

    fn said(&self, what: &'static str, gave: &Context) -> Said {
        Said { by: self.by.clone(), what, gave: gave.clone(), again: None }
    }

    /// Starts an instance of the newest version of a process, at its plain start event or at `event`, and
    /// answers its id.
    pub fn start(&mut self, process: &str, event: Option<&str>, variables: Context) -> Result<String> {
        let (library, now) = (self.engine.library(), self.engine.inner.clock.now());
        let said = self.said("start", &variables);
        let (state, effects) = start(&library, &self.engine.inner.limits, process, event, variables, now)?;
        let id = self.engine.inner.clock.id();
        self.store(id, state, effects, said, now)
    }

    fn store(
        &mut self,
        id: String,
        state: State,
        effects: Vec<Effect>,
        said: Said,
        now: Timestamp,
    ) -> Result<String> {
        let (process, version) =
            state.processes.first().map(|pin| (pin.id.clone(), pin.version)).unwrap_or_default();
        let by = self.by.clone();
        let mut instance = Instance { id, process, version, started: now, by, ended: None, state };
        self.engine.write(self.txn, &mut instance, effects, said)?;
        Ok(instance.id)
    }

    /// Completes a job. A job is completed once: the second time it is not there.
    pub async fn complete(&mut self, job: &str, variables: Context) -> Result<()> {
        let (instance, key) = split(job)?;
        let said = self.said("complete", &variables);
        self.engine.put_in(self.txn, instance, Input::Complete { job: key, variables }, said).await
    }

    /// Completes a user task for someone who may do it.
    pub async fn complete_task(&mut self, task: &str, who: &Who<'_>, variables: Context) -> Result<()> {
        let found = self.txn.get::<Job>(task).await?;
        let found = found.ok_or(Error::NoJob { key: split(task)?.1 })?;
        if !who.may(&found) {
            return Err(Error::NotAllowed { task: task.to_owned(), user: who.user.to_owned() });
        }
        self.by = Some(who.user.to_owned());
        self.complete(task, variables).await
    }

    /// Gives a user task to one person, or back to all who may do it.
    pub async fn assign(&mut self, task: &str, to: Option<&str>) -> Result<()> {
        let found = self.txn.get::<Job>(task).await?;
        let mut found = found.ok_or(Error::NoJob { key: split(task)?.1 })?;
        found.assignee = to.map(str::to_owned);
        let gave = Context::from([("assignee".into(), to.map_or(Value::Null, Value::from))]);
        let (at, by, what) = (self.engine.inner.clock.now(), self.by.clone(), "assign".to_owned());
        let step = Step { at, by, what, gave, entries: Vec::new() };
        self.txn.append(&history_feed(&found.instance), &step)?;
        Ok(self.txn.put(&found)?)
    }

    /// Fails a job: it is tried again at `again` while it has retries, and then becomes an incident.
    pub async fn fail(&mut self, job: &str, what: &str, again: Option<Timestamp>) -> Result<()> {
        let (instance, key) = split(job)?;
        let found = self.txn.get::<Job>(job).await?.ok_or(Error::NoJob { key })?;
        let said = Said { again, ..self.said("fail", &Context::new()) };
        let input = Input::Fail { job: key, what: what.to_owned(), retries: found.retries.saturating_sub(1) };
        self.engine.put_in(self.txn, instance, input, said).await
    }

    /// Ends a job in a BPMN error, which a boundary event or an event sub-process catches.
    pub async fn throw(&mut self, job: &str, code: &str, variables: Context) -> Result<()> {
        let (instance, key) = split(job)?;
        let said = self.said("throw", &variables);
        self.engine
            .put_in(self.txn, instance, Input::Throw { job: key, code: code.to_owned(), variables }, said)
            .await
    }

    /// Sets variables of an instance.
    pub async fn set(&mut self, instance: &str, variables: Context) -> Result<()> {
        let said = self.said("set", &variables);
        self.engine.put_in(self.txn, instance, Input::Set { variables }, said).await
    }

    /// Fires the event of that id by hand, whatever it waits for.
    pub async fn trigger(&mut self, instance: &str, element: &str, variables: Context) -> Result<()> {
        let said = self.said("trigger", &variables);
        self.engine
            .put_in(self.txn, instance, Input::Trigger { element: element.to_owned(), variables }, said)
            .await
    }

    /// Retries what an incident stopped.
    pub async fn retry(&mut self, instance: &str, token: Key) -> Result<()> {
        let said = self.said("retry", &Context::new());
        self.engine.put_in(self.txn, instance, Input::Retry { token }, said).await
    }

    /// Cancels an instance.
    pub async fn cancel(&mut self, instance: &str) -> Result<()> {
        let said = self.said("cancel", &Context::new());
        self.engine.put_in(self.txn, instance, Input::Cancel, said).await
    }

    pub(crate) async fn fire(&mut self, instance: &str, subscription: Key, variables: Context) -> Result<()> {
        let said = self.said("event", &variables);
        self.engine.put_in(self.txn, instance, Input::Fire { subscription, variables }, said).await
    }

    pub(crate) async fn signal_in(&mut self, instance: &str, name: &str, variables: &Context) -> Result<()> {
        let said = self.said("signal", variables);
        let input = Input::Signal { name: name.to_owned(), variables: variables.clone() };
        self.engine.put_in(self.txn, instance, input, said).await
    }
}

/// The instance and the number of a job.
fn split(job: &str) -> Result<(&str, Key)> {
    let parts = job.rsplit_once('.').and_then(|(instance, key)| Some((instance, key.parse().ok()?)));
    parts.ok_or(Error::NoJob { key: 0 })
}
