//! The pages of a node: rendered ones that wait for their connection, and live ones, of which some have lost theirs.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    channel::Connection,
    cx::Cx,
    inbox::Inbox,
    limit::Limits,
    line::{Line, Most, Whose},
    process::Process,
    saved::{ByPage, PageId},
};

/// The pages of a node.
#[derive(Debug, Default)]
pub struct Pages {
    // A std lock: held for one map access, never across an await.
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    map: ByPage<Slot>,
    /// Waiting pages by the time they came, in milliseconds.
    waiting: Line,
    /// Live pages without a connection.
    parked: Line,
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

    /// Keeps a rendered page for its connection; where there are more than the limits allow, the oldest go.
    pub(crate) fn wait(&self, process: Box<Process>, now: u64) {
        let limits = process.cx().node().limits();
        let most = Most {
            all: limits.waiting,
            client: limits.waiting_by_client,
            session: limits.waiting_by_session,
        };
        let (id, whose) = (process.cx().page(), Whose::of(process.cx()));
        let evicted = self.with(|slots| {
            slots.map.insert(id, Slot::Waiting(process));
            let gone = slots.waiting.push(id, now, whose, most);
            gone.into_iter().filter_map(|id| slots.evict(id)).collect::<Vec<_>>()
        });
        drop(evicted);
    }

    /// Notes that a live page has lost its connection; where there are more than the limits allow, the oldest are
    /// let go.
    fn park(&self, id: PageId, whose: Whose, limits: &Limits) {
        let most =
            Most { all: limits.parked, client: limits.parked_by_client, session: limits.parked_by_session };
        self.with(|slots| {
            for id in slots.parked.push(id, 0, whose, most) {
                if let Some(Slot::Live(inbox)) = slots.map.get(&id) {
                    inbox.leave();
                }
            }
        });
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
                    slots.waiting.remove(id);
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
                slots.parked.remove(id);
            }
        });
    }

    /// Drops waiting pages that nobody came for.
    pub(crate) fn sweep(&self, now: u64, wait: Duration) {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let dropped: Vec<_> = self.with(|slots| {
            let mut dropped = Vec::new();
            slots.waiting.set_back(now);
            while let Some(id) = now.checked_sub(wait).and_then(|until| slots.waiting.pop(until)) {
                dropped.extend(slots.evict(id));
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
        self.with(|slots| slots.waiting.len())
    }

    /// How many live pages have lost their connection.
    #[must_use]
    pub fn parked(&self) -> usize {
        self.with(|slots| slots.parked.len())
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
            let mut dropped = Vec::new();
            while let Some(id) = slots.waiting.pop(u64::MAX) {
                dropped.extend(slots.evict(id));
            }
            dropped
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

    /// The page has lost its connection.
    pub(crate) fn park(&self, cx: &Cx) {
        self.pages.park(self.page, Whose::of(cx), cx.node().limits());
    }

    /// The page's client is back.
    pub(crate) fn take_up(&self) {
        self.pages.with(|slots| slots.parked.remove(self.page));
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
