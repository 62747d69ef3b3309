//! What time it is, for the engine: the system's time, or a time that a test sets. Ids come from here too,
//! since they contain the time.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

/// A clock; clones share it.
#[derive(Clone)]
pub struct Clock(Arc<Kind>);

enum Kind {
    System,
    Manual { now: AtomicI64, ids: AtomicU64, moved: Notify, lock: Mutex<()> },
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Arc::new(Kind::System))
    }

    /// A clock that stands still until it is set. Its ids are counted, so that a run can be repeated.
    pub fn manual(now: Timestamp) -> Self {
        let now = AtomicI64::new(now.as_microsecond());
        Self(Arc::new(Kind::Manual {
            now,
            ids: AtomicU64::new(0),
            moved: Notify::new(),
            lock: Mutex::new(()),
        }))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Kind::System => Timestamp::now(),
            Kind::Manual { now, .. } => {
                Timestamp::from_microsecond(now.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
            }
        }
    }

    /// Sets a manual clock; the system's clock stays as it is.
    pub fn set(&self, to: Timestamp) {
        if let Kind::Manual { now, moved, lock, .. } = &*self.0 {
            let _order = lock.lock().unwrap_or_else(PoisonError::into_inner);
            now.store(to.as_microsecond(), Ordering::SeqCst);
            moved.notify_waiters();
        }
    }

    /// A new id, which sorts behind those before it.
    pub(crate) fn id(&self) -> String {
        match &*self.0 {
            Kind::System => uuid::Uuid::now_v7().to_string(),
            Kind::Manual { ids, .. } => format!("{:08}", ids.fetch_add(1, Ordering::SeqCst) + 1),
        }
    }

    /// Gives manual ids a part of their own, for clocks that share a store one after another.
    #[must_use]
    pub fn counting_from(self, first: u64) -> Self {
        if let Kind::Manual { ids, .. } = &*self.0 {
            ids.store(first, Ordering::SeqCst);
        }
        self
    }

    /// Waits until it is that time; for ever if there is none.
    pub(crate) async fn until(&self, due: Option<Timestamp>) {
        let Some(due) = due else { return std::future::pending().await };
        match &*self.0 {
            Kind::System => {
                let left = due.duration_since(Timestamp::now());
                let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
                // Waking once a day keeps far timers right across changes of the system's time.
                tokio::time::sleep(left.min(Duration::from_secs(86_400))).await;
            }
            Kind::Manual { moved, .. } => loop {
                let moved = moved.notified();
                if self.now() >= due {
                    return;
                }
                moved.await;
            },
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
