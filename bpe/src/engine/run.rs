//! Carrying things out: services, timers, messages and signals.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;

use futures_util::stream::{FuturesUnordered, StreamExt};
use futures_util::{FutureExt, future::join_all};
use jiff::{SignedDuration, Timestamp};
use kvs::{IndexKey, Query};

use super::Engine;
use super::queue::{Task, Wake};
use super::record::{Instance, Job, Sent, Timer, TimerOf};
use super::worker::{Done, Failure, Order};
use crate::feel::Context;
use crate::{Error, Result};

/// How many things are done at once: enough for the store to gather their commits.
const AT_ONCE: usize = 64;

/// After how many seconds something that failed for want of the store is tried again.
const TROUBLE: i64 = 30;

impl Engine {
    /// Carries out services, timers, messages and signals until `stop` is ready, and then finishes what it
    /// has begun. Whoever owns the engine owns this future; several may run at once.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut busy = FuturesUnordered::new();
        loop {
            while busy.len() < AT_ONCE
                && let Some(task) = self.inner.queue.pop(self.inner.clock.now())
            {
                busy.push(self.perform(task));
            }
            let full = busy.len() >= AT_ONCE;
            if full {
                self.inner.queue.pass_on();
            }
            let due = self.inner.queue.due().filter(|_| !full);
            tokio::select! {
                () = &mut stop => break,
                Some(()) = busy.next() => {}
                () = self.inner.queue.changed(), if !full => {}
                () = self.inner.clock.until(due) => {}
            }
        }
        self.inner.queue.pass_on();
        while busy.next().await.is_some() {}
    }

    /// Does everything that can be done now, and returns when the rest must wait.
    pub async fn idle(&self) {
        let mut busy = FuturesUnordered::new();
        loop {
            while busy.len() < AT_ONCE
                && let Some(task) = self.inner.queue.pop(self.inner.clock.now())
            {
                busy.push(self.perform(task));
            }
            if busy.next().await.is_none() {
                return;
            }
        }
    }

    /// Finds the work that an earlier run left in the store.
    pub(crate) async fn recover(&self) -> Result<()> {
        let mut txn = self.inner.store.txn();
        let mut wake = Wake::default();
        for worker in self.inner.workers.keys() {
            let query = Query::is(IndexKey::of("worker").and(worker));
            let jobs: Vec<Job> = txn.find("for", query, usize::MAX).await?;
            wake.jobs.extend(jobs.into_iter().map(|job| (job.again, job.id)));
        }
        let sent: Vec<Sent> = txn.range("", None, usize::MAX).await?;
        wake.sent.extend(sent.into_iter().map(|sent| sent.id));
        if let Some(timer) = txn.range::<Timer>("", None, 1).await?.first() {
            wake.timer(timer.due);
        }
        self.inner.queue.wake(wake);
        Ok(())
    }

    async fn perform(&self, task: Task) {
        let done = match &task {
            Task::Job(id) => self.serve(id).await,
            Task::Deliver(id) => self.deliver_all(id).await,
            Task::Timers => self.fire_due().await,
        };
        if let Err(error) = done {
            tracing::error!(%error, task = ?task, "a task of the engine failed and is put off");
            self.inner.queue.put_off(self.later(TROUBLE), task);
        }
    }

    fn later(&self, seconds: i64) -> Timestamp {
        let later = self.inner.clock.now().checked_add(SignedDuration::from_secs(seconds));
        later.unwrap_or(Timestamp::MAX)
    }

    /// Gives a job to its worker and writes down what becomes of it.
    async fn serve(&self, id: &str) -> Result<()> {
        let mut txn = self.inner.store.txn();
        let Some(job) = txn.get::<Job>(id).await? else { return Ok(()) };
        let Some(worker) = self.inner.workers.get(&job.worker) else { return Ok(()) };
        let Some(instance) = txn.get::<Instance>(&job.instance).await? else { return Ok(()) };
        drop(txn);
        let order = Order {
            job: job.id.clone(),
            instance: job.instance.clone(),
            element: job.element.clone(),
            retries: job.retries,
            variables: instance.state.visible(job.key),
        };
        drop(instance);
        let work = AssertUnwindSafe(worker.work(order)).catch_unwind();
        let outcome = match tokio::time::timeout(self.inner.patience, work).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Failure::failed("the worker panicked")),
            Err(_) => Err(Failure::failed(format!("the worker took longer than {:?}", self.inner.patience))),
        };
        match self.conclude(&job, &outcome).await {
            // It was completed, cancelled or interrupted meanwhile.
            Err(Error::NoJob { .. } | Error::Ended | Error::NoInstance { .. }) => Ok(()),
            other => other,
        }
    }

    async fn conclude(&self, job: &Job, outcome: &super::Outcome) -> Result<()> {
        let mut attempts = self.inner.store.attempts();
        loop {
            let mut txn = attempts.begin().await;
            match outcome {
                Ok(Done { variables, writes }) => {
                    self.actions(&mut txn).complete(&job.id, variables.clone()).await?;
                    for write in writes {
                        write(&mut txn)?;
                    }
                }
                Err(Failure::Failed(what)) => {
                    let again = self.back_off(job.retries);
                    self.actions(&mut txn).fail(&job.id, what, Some(again)).await?;
                }
                Err(Failure::Error { code, variables }) => {
                    self.actions(&mut txn).throw(&job.id, code, variables.clone()).await?;
                }
            }
            if attempts.commit(txn).await?.is_some() {
                return Ok(());
            }
        }
    }

    /// Longer the fewer retries are left: one second, then four, then sixteen, and so on to five minutes.
    fn back_off(&self, retries: u32) -> Timestamp {
        let exponent = 3_u32.saturating_sub(retries.min(3));
        self.later(4_i64.pow(exponent).min(300))
    }

    /// Fires every timer that is due, in the order of time.
    async fn fire_due(&self) -> Result<()> {
        let next = self.fire_batches().await;
        // Whatever happened, firing must be allowed again.
        self.inner.queue.fired(next.as_ref().ok().copied().flatten());
        next.map(drop)
    }

    async fn fire_batches(&self) -> Result<Option<Timestamp>> {
        loop {
            let timers: Vec<Timer> = self.inner.store.txn().range("", None, AT_ONCE).await?;
            let now = self.inner.clock.now();
            let due: Vec<&Timer> = timers.iter().take_while(|timer| timer.due <= now).collect();
            let Some(first) = due.first() else { return Ok(timers.first().map(|timer| timer.due)) };
            // Timers of one time do not depend on each other's order; those of different times may.
            let same = due.iter().take_while(|timer| timer.due == first.due);
            for (timer, fired) in
                join_all(same.map(async |timer| (timer, self.fire_timer(timer).await))).await
            {
                if let Err(error) = fired {
                    tracing::error!(timer.id, %error, "a timer failed and is put off");
                    self.put_off(timer).await?;
                }
            }
        }
    }

    /// Moves a timer that cannot be fired out of the way of the others.
    async fn put_off(&self, timer: &Timer) -> Result<()> {
        let mut txn = self.inner.store.txn();
        txn.delete::<Timer>(&timer.id);
        let due = self.later(TROUBLE);
        txn.put(&Timer {
            id: format!("{}.{}", Timer::order(due), timer.whose()),
            due,
            of: timer.of.clone(),
        })?;
        txn.commit().await?;
        Ok(())
    }

    async fn fire_timer(&self, timer: &Timer) -> Result<()> {
        let mut attempts = self.inner.store.attempts();
        loop {
            let mut txn = attempts.begin().await;
            let Some(timer) = txn.get::<Timer>(&timer.id).await? else { return Ok(()) };
            let fired = match &timer.of {
                TimerOf::Instance { id, subscription } => {
                    self.actions(&mut txn).fire(id, *subscription, Context::new()).await
                }
                TimerOf::Start { process, event, schedule } => {
                    if let Some(next) = schedule.next() {
                        let (process, event) = (process.clone(), event.clone());
                        let due = next.due;
                        txn.put(&Timer::new(due, TimerOf::Start { process, event, schedule: next }))?;
                    }
                    self.actions(&mut txn).start(process, Some(event), Context::new()).map(drop)
                }
            };
            match fired {
                Ok(()) => {}
                Err(Error::Store(error)) => return Err(error.into()),
                Err(error) => tracing::warn!(timer.id, %error, "a timer woke nobody"),
            }
            txn.delete::<Timer>(&timer.id);
            if attempts.commit(txn).await?.is_some() {
                return Ok(());
            }
        }
    }
}
