//! One step, one commit: the state, the history and the indexes of an instance go into one transaction.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kvs::Txn;

use super::record::{Instance, Job, Sent, Step, Timer, TimerOf, Waiting, history_feed};
use super::{Engine, queue};
use crate::effect::{Effect, Entry};
use crate::feel::{Context, Value};
use crate::model::{NodeKind, TaskKind};
use crate::scope::View;
use crate::state::{Key, On, Subscription, Wait};
use crate::step::{Input, step};
use crate::{Error, Result};

/// How many tasks without work may follow each other in one commit.
const PASSES: u32 = 1000;

/// What is said about a step besides what it did.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) by: Option<String>,
    pub(crate) what: &'static str,
    pub(crate) gave: Context,
    /// When a failed job is tried again.
    pub(crate) again: Option<Timestamp>,
}

impl Engine {
    /// Puts an input into a stored instance.
    pub(crate) async fn put_in(&self, txn: &mut Txn, instance: &str, input: Input, said: Said) -> Result<()> {
        let found = txn.get::<Instance>(instance).await?;
        let mut found = found.ok_or_else(|| Error::NoInstance { id: instance.to_owned() })?;
        let library = self.library();
        let effects = step(&library, &self.inner.limits, &mut found.state, input, self.inner.clock.now())?;
        self.write(txn, &mut found, effects, said)
    }

    /// Writes what a step did.
    pub(crate) fn write(
        &self,
        txn: &mut Txn,
        instance: &mut Instance,
        effects: Vec<Effect>,
        said: Said,
    ) -> Result<()> {
        let now = self.inner.clock.now();
        let mut written = Written::default();
        written.take(txn, instance, effects);
        self.pass_tasks(txn, instance, &mut written)?;
        let Written { entries, jobs, subscriptions, ended } = written;
        let mut wake = queue::Wake::default();
        for key in jobs {
            self.write_job(txn, instance, key, said.again, &mut wake)?;
        }
        for key in subscriptions {
            self.write_subscription(txn, instance, key, &mut wake)?;
        }
        if ended {
            instance.ended = Some(now);
        }
        wake.sent = self.sent_in(txn, instance, &entries)?;
        let Said { by, what, gave, .. } = said;
        let entries = entries.into_iter().filter_map(|entry| match entry {
            Out::Entry(entry) => Some(entry),
            Out::Sent(_) => None,
        });
        let step = Step { at: now, by, what: what.to_owned(), gave, entries: entries.collect() };
        txn.append(&history_feed(&instance.id), &step)?;
        txn.put(instance)?;
        let queue = self.inner.queue.clone();
        if !wake.is_empty() {
            txn.on_commit(move |_| queue.wake(wake));
        }
        Ok(())
    }

    /// Tasks of no kind and manual tasks are no work for the engine: it notes them and goes on.
    fn pass_tasks(&self, txn: &mut Txn, instance: &mut Instance, written: &mut Written) -> Result<()> {
        let library = self.library();
        let mut passes = 0;
        loop {
            let passed = written.jobs.iter().copied().find(|key| {
                let token = instance.state.tokens.get(key);
                let token = token.filter(|token| matches!(token.wait, Wait::Job { .. }));
                let node = token.and_then(|token| instance.state.node(&library, token));
                matches!(
                    node.map(|node| &node.kind),
                    Some(NodeKind::Task(TaskKind::Undefined | TaskKind::Manual, _))
                )
            });
            let Some(job) = passed else { return Ok(()) };
            passes += 1;
            let input = if passes <= PASSES {
                Input::Complete { job, variables: Context::new() }
            } else {
                let what = format!("more than {PASSES} tasks without waiting: the process loops");
                Input::Fail { job, what, retries: 0 }
            };
            let effects =
                step(&library, &self.inner.limits, &mut instance.state, input, self.inner.clock.now())?;
            written.take(txn, instance, effects);
        }
    }

    fn write_job(
        &self,
        txn: &mut Txn,
        instance: &Instance,
        key: Key,
        again: Option<Timestamp>,
        wake: &mut queue::Wake,
    ) -> Result<()> {
        let id = Job::name_of(&instance.id, key);
        let token = instance.state.tokens.get(&key);
        let Some((token, Wait::Job { retries })) = token.map(|token| (token, &token.wait)) else {
            txn.delete::<Job>(&id);
            return Ok(());
        };
        let library = self.library();
        let process = instance.state.process(&library, token.scope);
        let Some(process) = process else { return Ok(()) };
        let node = process.node(token.node);
        let NodeKind::Task(kind, work) = &node.kind else { return Ok(()) };
        let view = View { state: &instance.state, token: Some(key), scope: token.scope };
        let text = |value: Value| value.as_str().map(str::to_owned);
        let assignee = work.assignee.as_ref().and_then(|assignee| {
            let answer = assignee.evaluate(&view, self.inner.clock.now(), &self.inner.limits);
            text(answer.ok()?.value)
        });
        let roles = work.groups.iter().chain(&work.lane).map(|role| (**role).to_owned());
        let job = Job {
            id,
            instance: instance.id.clone(),
            key,
            process: process.id.clone(),
            version: process.version,
            element: node.id.clone(),
            name: (*node.name).to_owned(),
            kind: kind.element().to_owned(),
            worker: (*work.kind).to_owned(),
            form: work.form.as_deref().map(str::to_owned),
            roles: roles.collect(),
            users: work.users.iter().map(|user| (**user).to_owned()).collect(),
            assignee,
            retries: *retries,
            since: self.inner.clock.now(),
            again,
        };
        txn.put(&job)?;
        if self.inner.workers.contains_key(&job.worker) && !job.is_task() {
            wake.jobs.push((again, job.id));
        }
        Ok(())
    }

    fn write_subscription(
        &self,
        txn: &mut Txn,
        instance: &Instance,
        key: Key,
        wake: &mut queue::Wake,
    ) -> Result<()> {
        let Some(found) = instance.state.subscriptions.get(&key) else { return Ok(()) };
        let waiting = |signal, name: &std::sync::Arc<str>, correlation: &Option<Value>| Waiting {
            id: Waiting::name_of(&instance.id, key),
            instance: instance.id.clone(),
            subscription: key,
            signal,
            name: name.clone(),
            key: correlation.clone(),
            since: self.inner.clock.now(),
        };
        match &found.on {
            On::Timer(schedule) => {
                let of = TimerOf::Instance { id: instance.id.clone(), subscription: key };
                txn.put(&Timer::new(schedule.due, of))?;
                wake.timer(schedule.due);
            }
            On::Message { name, key } => txn.put(&waiting(false, name, key))?,
            On::Signal(name) => txn.put(&waiting(true, name, &None))?,
            On::Condition { .. } | On::Hand => {}
        }
        Ok(())
    }

    /// Puts what was sent into the outbox, within the same commit.
    fn sent_in(&self, txn: &mut Txn, instance: &Instance, out: &[Out]) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for one in out {
            let Out::Sent(effect) = one else { continue };
            let (signal, name, key, variables) = match effect {
                Effect::Signal { name, variables } => (true, name, &None, variables),
                Effect::Message { name, key, variables } => (false, name, key, variables),
                _ => continue,
            };
            let sent = Sent {
                id: self.inner.clock.id(),
                at: self.inner.clock.now(),
                from: instance.id.clone(),
                signal,
                name: name.clone(),
                key: key.clone(),
                variables: variables.clone(),
                after: None,
            };
            txn.put(&sent)?;
            ids.push(sent.id);
        }
        Ok(ids)
    }
}

/// What a step did, sorted by where it goes.
#[derive(Debug, Default)]
struct Written {
    entries: Vec<Out>,
    /// Jobs that came or went; the state says which.
    jobs: BTreeSet<Key>,
    subscriptions: BTreeSet<Key>,
    ended: bool,
}

#[derive(Debug)]
enum Out {
    Entry(Entry),
    Sent(Effect),
}

impl Written {
    fn take(&mut self, txn: &mut Txn, instance: &Instance, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Happened(entry) => self.entries.push(Out::Entry(entry)),
                Effect::JobOpened(key) => {
                    self.jobs.insert(key);
                }
                Effect::JobClosed(key) => {
                    // A job that came and went within this commit was never stored.
                    let stored = !self.jobs.remove(&key);
                    if stored {
                        self.jobs.insert(key);
                    }
                }
                Effect::Subscribed(key) => {
                    self.subscriptions.insert(key);
                }
                Effect::Unsubscribed(key, old) => {
                    if !self.subscriptions.remove(&key) {
                        forget(txn, &instance.id, key, &old);
                    }
                }
                Effect::Ended(_) => self.ended = true,
                sent @ (Effect::Signal { .. } | Effect::Message { .. }) => self.entries.push(Out::Sent(sent)),
            }
        }
    }
}

fn forget(txn: &mut Txn, instance: &str, key: Key, old: &Subscription) {
    match &old.on {
        On::Timer(schedule) => {
            let of = TimerOf::Instance { id: instance.to_owned(), subscription: key };
            txn.delete::<Timer>(&Timer::new(schedule.due, of).id);
        }
        On::Message { .. } | On::Signal(_) => txn.delete::<Waiting>(&Waiting::name_of(instance, key)),
        On::Condition { .. } | On::Hand => {}
    }
}
