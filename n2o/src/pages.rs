//! The pages of a node: rendered ones that wait for their connection, live ones, and saved ones.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    fmt::{self, Write},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kvs::Store;
use serde::{Deserialize, Serialize};

use crate::{channel::Connection, error::Result, inbox::Inbox, process::Process};

/// A page's id: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageId(pub [u8; 16]);

impl PageId {
    /// The bytes of the id.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the store keeps of a page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub(crate) id: String,
    /// The key of its session; empty in records of earlier versions.
    #[serde(default)]
    pub(crate) session: String,
    /// Seconds since 1970.
    pub(crate) at: u32,
    #[serde(with = "crate::blob")]
    pub(crate) state: Vec<u8>,
    pub(crate) last: u64,
    pub(crate) json: bool,
    #[serde(with = "crate::blob::numbered")]
    pub(crate) answers: Vec<(u64, Vec<u8>)>,
}

impl Saved {
    /// The bytes that a client can make larger.
    pub(crate) fn bytes(&self) -> usize {
        self.state.len() + self.answers.iter().map(|(_, frame)| frame.len()).sum::<usize>()
    }
}

impl kvs::Record for Saved {
    const TABLE: &'static str = "page";

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

/// The pages of a node.
#[derive(Debug, Default)]
pub struct Pages {
    // A std lock: held for one map access, never across an await.
    slots: Mutex<Slots>,
    /// The pages that are being opened for a document, for the watchdog.
    // A std lock: held for one change of the list, never across an await.
    opening: Mutex<Vec<(PageId, Arc<Inbox>)>>,
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

    /// Notes that a page is being opened.
    pub(crate) fn opens(&self, page: PageId, inbox: &Arc<Inbox>) {
        self.opening.lock().unwrap_or_else(PoisonError::into_inner).push((page, Arc::clone(inbox)));
    }

    /// Notes that a page is open.
    pub(crate) fn opened(&self, inbox: &Arc<Inbox>) {
        let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = opening.iter().position(|(_, known)| Arc::ptr_eq(known, inbox)) {
            opening.swap_remove(at);
        }
    }

    /// The pages whose handler has a thread at this moment.
    pub(crate) fn running(&self) -> Vec<(PageId, Arc<Inbox>)> {
        let runs = |inbox: &Inbox| inbox.running() % 2 == 1;
        let mut running: Vec<_> = self.with(|slots| {
            let live = slots.map.iter().filter_map(|(id, slot)| match slot {
                Slot::Live(inbox) if runs(inbox) => Some((*id, Arc::clone(inbox))),
                _ => None,
            });
            live.collect()
        });
        let opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        running.extend(opening.iter().filter(|(_, inbox)| runs(inbox)).cloned());
        running
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

impl Slots {
    // Returned, so that a page is dropped outside the lock: dropping it may ask for the registry's.
    fn evict(&mut self, id: PageId) -> Option<Slot> {
        matches!(self.map.get(&id), Some(Slot::Waiting(_))).then(|| self.map.remove(&id)).flatten()
    }
}

/// Deletes the records of pages that are too old to be restored; `before` is in seconds since 1970. Answers
/// their number, and the pages that are left with their session and size, the oldest first.
pub(crate) async fn expire(store: &Store, before: u32) -> Result<(usize, Vec<(String, PageId, usize)>)> {
    let (mut after, mut expired) = (None::<String>, 0);
    let mut left: Vec<(u32, String, PageId, usize)> = Vec::new();
    loop {
        let batch = store.txn().range::<Saved>("", after.as_deref(), 200).await?;
        let Some(last) = batch.last() else {
            left.sort_unstable_by_key(|(at, ..)| *at);
            return Ok((
                expired,
                left.into_iter().map(|(_, session, id, bytes)| (session, id, bytes)).collect(),
            ));
        };
        after = Some(last.id.clone());
        // Deleted without having been read, so that pages which are saved meanwhile are no conflict.
        let mut txn = store.txn();
        for page in batch {
            if page.at < before {
                txn.delete::<Saved>(&page.id);
                expired += 1;
            } else if let Some(id) = page_id(&page.id) {
                left.push((page.at, page.session.clone(), id, page.bytes()));
            }
        }
        if txn.wrote() {
            txn.commit().await?;
        }
    }
}

/// Deletes the records of pages.
pub(crate) async fn delete(store: &Store, pages: &[PageId]) -> Result {
    let mut txn = store.txn();
    for page in pages {
        txn.delete::<Saved>(&record_id(*page));
    }
    txn.commit().await?;
    Ok(())
}

/// The page of a record's id.
fn page_id(record: &str) -> Option<PageId> {
    u128::from_str_radix(record, 16).ok().map(|id| PageId(id.to_be_bytes()))
}

/// The record's id of a page.
pub(crate) fn record_id(page: PageId) -> String {
    let mut id = String::with_capacity(32);
    // Writing to a string cannot fail.
    let _ = write!(id, "{page}");
    id
}
