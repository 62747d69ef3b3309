//! The watchdog: notices a handler that does not give its thread back. Such a handler cannot be dropped, and
//! everything else that was to run on its thread waits for it.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::{inbox::Inbox, saved::PageId, shown::Shown};

/// Looks per [`Limits::handler`](crate::Limits::handler).
const LOOKS: u32 = 4;

/// The handlers that had the thread at the last look.
#[derive(Debug, Default)]
struct Watchdog {
    seen: HashMap<PageId, Seen>,
}

#[derive(Debug)]
struct Seen {
    /// The piece of the handler that ran.
    piece: u32,
    since: Instant,
    told: bool,
    inbox: Arc<Inbox>,
}

/// Starts it on a thread of its own: the runtime's may all be blocked. `running` answers the pages whose handler
/// has a thread, and `None` when there are no more pages, with which it ends.
pub(crate) fn start(
    limit: Duration,
    ended: Arc<Ended>,
    running: impl Fn() -> Option<Vec<(PageId, Arc<Inbox>)>> + Send + 'static,
) {
    let watch = move || {
        let mut watchdog = Watchdog::default();
        ended.each(limit / LOOKS, || {
            let Some(running) = running() else { return false };
            for blocked in watchdog.look(running, Instant::now(), limit) {
                tracing::error!(
                    page.path = %Shown(blocked.inbox.path()),
                    page.id = %blocked.page,
                    "a handler has kept its thread for longer than {limit:?}; it cannot be dropped, and what \
                     runs on this thread waits for it: give such work to tokio::task::spawn_blocking"
                );
            }
            true
        });
    };
    if let Err(error) = thread::Builder::new().name(String::from("n2o watchdog")).spawn(watch) {
        tracing::warn!(%error, "no watchdog: handlers that block their thread are not noticed");
    }
}

impl Watchdog {
    /// Looks at the handlers that have a thread now, and answers those that have had it for longer than
    /// `limit`, each once.
    fn look(&mut self, running: Vec<(PageId, Arc<Inbox>)>, now: Instant, limit: Duration) -> Vec<Blocked> {
        let mut before = std::mem::take(&mut self.seen);
        let mut blocked = Vec::new();
        for (page, inbox) in running {
            let piece = inbox.running();
            let seen =
                before.remove(&page).filter(|seen| seen.piece == piece && Arc::ptr_eq(&seen.inbox, &inbox));
            let mut seen = seen.unwrap_or(Seen { piece, since: now, told: false, inbox });
            if !seen.told && now.saturating_duration_since(seen.since) >= limit {
                seen.told = true;
                blocked.push(Blocked { page, inbox: Arc::clone(&seen.inbox) });
            }
            self.seen.insert(page, seen);
        }
        for (page, seen) in before.into_iter().filter(|(_, seen)| seen.told) {
            tracing::warn!(page.path = %Shown(seen.inbox.path()), page.id = %page, "a handler has given its thread back");
        }
        blocked
    }
}

/// Whether the node has stopped.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    // A std lock: held while the watchdog looks, so that nothing of the node is in its hands once this is set.
    ended: Mutex<bool>,
    changed: Condvar,
}

impl Ended {
    pub(crate) fn set(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Runs `look` every so often, until the node has stopped or `look` answers false.
    fn each(&self, pause: Duration, mut look: impl FnMut() -> bool) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        while !*ended && look() {
            (ended, _) = self.changed.wait_timeout(ended, pause).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A handler that blocks its thread.
#[derive(Debug)]
struct Blocked {
    page: PageId,
    inbox: Arc<Inbox>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_that_keeps_its_thread_is_told_of_once() {
        let (limit, begin) = (Duration::from_secs(30), Instant::now());
        let (mut watchdog, inbox) = (Watchdog::default(), Arc::new(Inbox::new(1, "/busy")));
        let page = PageId([7; 16]);
        let mut look = |secs| {
            let running = if inbox.is_running() { vec![(page, Arc::clone(&inbox))] } else { Vec::new() };
            let blocked = watchdog.look(running, begin + Duration::from_secs(secs), limit);
            blocked.iter().map(|blocked| blocked.inbox.path().to_owned()).collect::<Vec<_>>()
        };
        for second in 0..100 {
            inbox.run(|| assert!(look(second).is_empty(), "many short pieces are not one long one"));
        }
        inbox.run(|| {
            assert!(look(100).is_empty());
            assert!(look(129).is_empty());
            assert_eq!(look(130), ["/busy"]);
            assert!(look(140).is_empty(), "once");
        });
        assert!(look(150).is_empty());
        inbox.run(|| {
            assert!(look(151).is_empty());
            assert_eq!(look(190), ["/busy"], "and the next one anew");
        });
    }
}
