//! What is to be done next, in memory: everything in it is also in the store, so that nothing is lost with
//! it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Give the job of that id to its worker.
    Job(String),
    /// Deliver the message or signal of that id.
    Deliver(String),
    /// Fire the timers that are due.
    Timers,
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// Held for short sections only, never over an await.
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    ready: VecDeque<Task>,
    /// What is to be tried again, by time and a number that keeps equal times apart.
    later: BTreeMap<(Timestamp, u64), Task>,
    count: u64,
    /// When the next timer of the store is due, as far as is known.
    timer: Option<Timestamp>,
    /// Whether timers are being fired; twice at once they would only conflict.
    firing: bool,
}

/// What a commit adds.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    pub(crate) jobs: Vec<(Option<Timestamp>, String)>,
    pub(crate) sent: Vec<String>,
    pub(crate) timer: Option<Timestamp>,
}

impl Wake {
    pub(crate) fn timer(&mut self, due: Timestamp) {
        self.timer = Some(self.timer.map_or(due, |known| known.min(due)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.sent.is_empty() && self.timer.is_none()
    }
}

impl Inner {
    fn put_off(&mut self, again: Timestamp, task: Task) {
        self.count += 1;
        self.later.insert((again, self.count), task);
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wake(&self, wake: Wake) {
        let mut inner = self.lock();
        for (again, job) in wake.jobs {
            match again {
                Some(again) => inner.put_off(again, Task::Job(job)),
                None => inner.ready.push_back(Task::Job(job)),
            }
        }
        inner.ready.extend(wake.sent.into_iter().map(Task::Deliver));
        if let Some(due) = wake.timer {
            inner.timer = Some(inner.timer.map_or(due, |known| known.min(due)));
        }
        drop(inner);
        self.changed.notify_one();
    }

    /// The next thing to do at that time.
    pub(crate) fn pop(&self, now: Timestamp) -> Option<Task> {
        let mut inner = self.lock();
        if inner.timer.is_some_and(|due| due <= now) && !inner.firing {
            inner.timer = None;
            inner.firing = true;
            return Some(Task::Timers);
        }
        if let Some(first) = inner.later.first_entry().filter(|first| first.key().0 <= now) {
            return Some(first.remove());
        }
        inner.ready.pop_front()
    }

    /// Tries something again at that time.
    pub(crate) fn put_off(&self, again: Timestamp, task: Task) {
        self.lock().put_off(again, task);
        self.changed.notify_one();
    }

    /// Firing is over; the next timer is due then.
    pub(crate) fn fired(&self, next: Option<Timestamp>) {
        let mut inner = self.lock();
        inner.firing = false;
        if let Some(next) = next {
            inner.timer = Some(inner.timer.map_or(next, |known| known.min(next)));
        }
        drop(inner);
        self.changed.notify_one();
    }

    /// When there will be something to do if nothing else happens.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let inner = self.lock();
        let later = inner.later.first_key_value().map(|((due, _), _)| *due);
        let timer = inner.timer.filter(|_| !inner.firing);
        [later, timer].into_iter().flatten().min()
    }

    /// Waits until something was added.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Lets others see what this one leaves.
    pub(crate) fn pass_on(&self) {
        self.changed.notify_one();
    }
}
