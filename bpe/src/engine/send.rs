//! Delivering messages and signals to instances that wait for them and to processes they start.

use std::collections::BTreeSet;

use kvs::Query;

use super::Engine;
use super::actions::Actions;
use super::queue::Wake;
use super::record::{Sent, Waiting};
use crate::feel::{Context, Value};
use crate::model::StartOn;
use crate::{Error, Result};

/// How many waiting instances one commit delivers to.
const BATCH: usize = 64;

/// Whom a message reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Correlated {
    /// The instances that waited for it.
    pub instances: Vec<String>,
    /// The instances it started.
    pub started: Vec<String>,
}

impl Actions<'_> {
    /// Publishes a message: to every instance that waits for its name - and, if a key is given, for that key
    /// - once per instance, and to the processes it starts. A message nobody waits for is not kept.
    pub async fn publish(
        &mut self,
        message: &str,
        key: Option<&Value>,
        variables: &Context,
    ) -> Result<Correlated> {
        let mut reached = Correlated::default();
        let found =
            self.txn.find::<Waiting>("on", Query::is(Waiting::on(false, message)), usize::MAX).await?;
        let mut seen = BTreeSet::new();
        for one in found {
            if (key.is_none() || one.key.as_ref() == key) && seen.insert(one.instance.clone()) {
                self.fire(&one.instance, one.subscription, variables.clone()).await?;
                reached.instances.push(one.instance);
            }
        }
        reached.started = self.start_by(false, message, variables)?;
        Ok(reached)
    }

    /// Sends a signal to everyone who waits for it, and to the processes it starts. It is delivered behind
    /// this commit, since it may reach more instances than one commit should hold.
    pub fn signal(&mut self, name: &str, variables: &Context) -> Result<()> {
        let clock = &self.engine.inner.clock;
        let (id, at, variables) = (clock.id(), clock.now(), variables.clone());
        let (from, name, key, after) = (String::new(), name.into(), None, None);
        let sent = Sent { id, at, from, signal: true, name, key, variables, after };
        self.txn.put(&sent)?;
        let queue = self.engine.inner.queue.clone();
        self.txn.on_commit(move |_| queue.wake(Wake { sent: vec![sent.id], ..Wake::default() }));
        Ok(())
    }

    fn start_by(&mut self, signal: bool, name: &str, variables: &Context) -> Result<Vec<String>> {
        let (library, now) = (self.engine.library(), self.engine.inner.clock.now());
        let mut started = Vec::new();
        for process in library.all() {
            for start in process.starts(now, &self.engine.inner.limits) {
                let matches = match &start.on {
                    StartOn::Message(known) => !signal && **known == *name,
                    StartOn::Signal(known) => signal && **known == *name,
                    _ => false,
                };
                if matches {
                    started.push(self.start(&process.id, Some(&start.event), variables.clone())?);
                }
            }
        }
        Ok(started)
    }

    /// Delivers the next batch of something sent; says whether more is left.
    async fn deliver(&mut self, id: &str) -> Result<bool> {
        let Some(mut sent) = self.txn.get::<Sent>(id).await? else { return Ok(false) };
        if !sent.signal {
            self.publish(&sent.name, sent.key.as_ref(), &sent.variables).await?;
            self.txn.delete::<Sent>(id);
            return Ok(false);
        }
        let all = Waiting::on(true, &sent.name);
        let query = match &sent.after {
            Some(after) => {
                Query::between(all.clone().and(after), Waiting::on(true, &format!("{}\0", sent.name)))
            }
            None => Query::is(all),
        };
        if sent.after.is_none() {
            self.start_by(true, &sent.name, &sent.variables)?;
        }
        let found = self.txn.find::<Waiting>("on", query, BATCH).await?;
        let last = found.last().map(|one| one.id.clone());
        let mut seen = BTreeSet::new();
        for one in &found {
            // The sender has its signal already, and what began to wait later did not hear it.
            let heard = one.instance != sent.from && one.since <= sent.at && *one.name == *sent.name;
            if heard && seen.insert(one.instance.clone()) && sent.after.as_ref() != Some(&one.id) {
                self.signal_in(&one.instance, &sent.name, &sent.variables).await?;
            }
        }
        let more = found.len() == BATCH && last != sent.after;
        if more {
            sent.after = last;
            self.txn.put(&sent)?;
        } else {
            self.txn.delete::<Sent>(id);
        }
        Ok(more)
    }
}

impl Engine {
    /// Sends a signal in a transaction of its own.
    pub async fn signal(&self, name: &str, variables: &Context) -> Result<()> {
        let mut txn = self.inner.store.txn();
        self.actions(&mut txn).signal(name, variables)?;
        txn.commit().await?;
        Ok(())
    }

    pub(crate) async fn deliver_all(&self, id: &str) -> Result<()> {
        loop {
            let mut attempts = self.inner.store.attempts();
            let more = loop {
                let mut txn = attempts.begin().await;
                let more = match self.actions(&mut txn).deliver(id).await {
                    Err(Error::Store(error)) => return Err(error.into()),
                    Err(error) => {
                        // It can never be delivered: keeping it would only repeat the error at every start.
                        tracing::error!(sent.id = id, %error, "a message or signal was dropped");
                        txn = self.inner.store.txn();
                        txn.delete::<Sent>(id);
                        false
                    }
                    Ok(more) => more,
                };
                if attempts.commit(txn).await?.is_some() {
                    break more;
                }
            };
            if !more {
                return Ok(());
            }
        }
    }
}
