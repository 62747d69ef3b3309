//! The pages of a node: rendered ones that wait for their connection, and live ones.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{channel::Connection, inbox::Inbox, process::Process, saved::PageId};

/// The pages of a node.
#[derive(Debug, Default)]
pub struct Pages {
    // A std lock: held for one map access, never across an await.
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    map: HashMap<PageId, Slot>,
    /// Waiting pages by the time they came, in milliseconds; some may have gone by now.
    waiting: VecDeque<(u64, PageId)>,
}

#[derive(Debug)]
enum Slot {
    Waiting(Box<Process>),
    Live(Arc<Inbox>),
}

/// What became of a client that connected.
#[derive(Debug)]
pub(crate) enum Found {
    /// The rendered page, to be run with the connection; its slot is live now.
    Waiting(Box<Process>, Box<Connection>),
    /// The live page has the connection, or a newer one; this one has lost the page.
    Live(Option<Box<Connection>>),
    /// No such page in memory; its slot is live now, for the page that is about to be restored.
    Gone(Box<Connection>),
}

impl Pages {
    fn with<T>(&self, f: impl FnOnce(&mut Slots) -> T) -> T {
        f(&mut self.slots.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps a rendered page for its connection; the oldest goes when there are more than `most`.
    pub(crate) fn wait(&self, process: Box<Process>, now: u64, most: usize) {
        let evicted = self.with(|slots| {
            let id = process.cx().page();
            slots.waiting.push_back((now, id));
            slots.map.insert(id, Slot::Waiting(process));
            if slots.waiting.len() > most {
                slots.waiting.pop_front().and_then(|(_, id)| slots.evict(id))
            } else {
                None
            }
        });
        drop(evicted);
    }

    /// Gives a connection to the page it belongs to.
    pub(crate) fn connect(
        &self,
        id: PageId,
        mut connection: Box<Connection>,
        inbox: impl FnOnce() -> Arc<Inbox>,
    ) -> Found {
        self.with(|slots| {
            match slots.map.remove(&id) {
                Some(Slot::Waiting(process)) => {
                    process.cx().inbox().begins(connection.attempt);
                    slots.map.insert(id, Slot::Live(Arc::clone(process.cx().inbox())));
                    return Found::Waiting(process, connection);
                }
                Some(Slot::Live(live)) => match live.connect(connection) {
                    Ok(lost) => {
                        slots.map.insert(id, Slot::Live(live));
                        return Found::Live(lost);
                    }
                    Err(back) => connection = back,
                },
                None => {}
            }
            let inbox = inbox();
            inbox.begins(connection.attempt);
            slots.map.insert(id, Slot::Live(inbox));
            Found::Gone(connection)
        })
    }

    /// Forgets a live page whose inbox is `inbox`.
    pub(crate) fn forget(&self, id: PageId, inbox: &Arc<Inbox>) {
        self.with(|slots| {
            if matches!(slots.map.get(&id), Some(Slot::Live(live)) if Arc::ptr_eq(live, inbox)) {
                slots.map.remove(&id);
            }
        });
    }

    /// Drops waiting pages that nobody came for.
    pub(crate) fn sweep(&self, now: u64, wait: Duration) {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let dropped: Vec<_> = self.with(|slots| {
            let mut dropped = Vec::new();
            // Those that came before the clock was set back count as come now.
            for (since, _) in slots.waiting.iter_mut().take_while(|(since, _)| *since > now) {
                *since = now;
            }
            while slots.waiting.front().is_some_and(|(since, _)| since.saturating_add(wait) <= now) {
                if let Some((_, id)) = slots.waiting.pop_front() {
                    dropped.extend(slots.evict(id));
                }
            }
            dropped
        });
        drop(dropped);
    }

    /// The pages whose handler has a thread at this moment.
    pub(crate) fn running(&self) -> Vec<(PageId, Arc<Inbox>)> {
        self.with(|slots| {
            let live = slots.map.iter().filter_map(|(id, slot)| match slot {
                Slot::Live(inbox) if inbox.is_running() => Some((*id, Arc::clone(inbox))),
                _ => None,
            });
            live.collect()
        })
    }

    /// How many pages are live.
    #[must_use]
    pub fn live(&self) -> usize {
        self.with(|slots| slots.map.values().filter(|slot| matches!(slot, Slot::Live(_))).count())
    }

    /// How many rendered pages wait for their connection.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.with(|slots| slots.map.values().filter(|slot| matches!(slot, Slot::Waiting(_))).count())
    }

    /// Tells all live pages to stop, and drops those that wait: they hold the node, and with it the store,
    /// which would not be closed in order.
    pub(crate) fn stop(&self) {
        let dropped = self.with(|slots| {
            for slot in slots.map.values() {
                if let Slot::Live(inbox) = slot {
                    inbox.stop();
                }
            }
            let waiting: Vec<_> = slots.waiting.drain(..).collect();
            waiting.into_iter().filter_map(|(_, id)| slots.evict(id)).collect::<Vec<_>>()
        });
        drop(dropped);
    }
}

/// Takes a page off the list of live ones when its process ends, however it ends, and closes its way in: nobody
/// connects to a page that is gone.
#[derive(Debug)]
pub(crate) struct Leave {
    pages: Arc<Pages>,
    page: PageId,
    inbox: Arc<Inbox>,
}

impl Leave {
    pub(crate) fn new(pages: &Arc<Pages>, process: &Process) -> Self {
        let cx = process.cx();
        Leave { pages: Arc::clone(pages), page: cx.page(), inbox: Arc::clone(cx.inbox()) }
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.inbox.shut();
        self.pages.forget(self.page, &self.inbox);
    }
}

impl Slots {
    // Returned, so that a page is dropped outside the lock: dropping it may ask for the registry's.
    fn evict(&mut self, id: PageId) -> Option<Slot> {
        matches!(self.map.get(&id), Some(Slot::Waiting(_))).then(|| self.map.remove(&id)).flatten()
    }
}
