//! The store in memory: an ordered map that keeps the old versions open snapshots still see.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::{Answer, Backend, Batch, Changes, Rows, Snapshot};
use crate::{error::Result, key::Span};

/// Versions of one key, oldest first: since which commit, and the value or `None` for deleted.
type Versions = Vec<(u64, Option<Vec<u8>>)>;

#[derive(Default)]
pub(crate) struct Memory {
    space: Arc<RwLock<Space>>,
}

#[derive(Default)]
struct Space {
    at: u64,
    keys: BTreeMap<Vec<u8>, Versions>,
    /// How many snapshots of each commit are open: versions older than the oldest are dropped.
    open: BTreeMap<u64, usize>,
    /// Deleted keys, oldest first, kept until every open snapshot sees the deletion.
    deleted: VecDeque<(u64, Vec<u8>)>,
}

struct View {
    at: u64,
    space: Arc<RwLock<Space>>,
}

// A panic while the lock is held leaves at worst a version nobody sees, so a poisoned lock is used on.
fn reading(space: &RwLock<Space>) -> RwLockReadGuard<'_, Space> {
    space.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn writing(space: &RwLock<Space>) -> RwLockWriteGuard<'_, Space> {
    space.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Memory {
    fn view(&self) -> View {
        let mut space = writing(&self.space);
        let at = space.at;
        *space.open.entry(at).or_default() += 1;
        View { at, space: self.space.clone() }
    }
}

impl Backend for Memory {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn snapshot(&self) -> Answer<'_, Arc<dyn Snapshot>> {
        let view: Arc<dyn Snapshot> = Arc::new(self.view());
        Box::pin(async { Ok(view) })
    }

    fn begin(&self) -> Result<Box<dyn Batch + '_>> {
        Ok(Box::new(self.view()))
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let mut space = writing(&self.space);
        let gone = space.open.get_mut(&self.at).is_some_and(|count| {
            *count -= 1;
            *count == 0
        });
        if gone {
            space.open.remove(&self.at);
        }
    }
}

impl View {
    fn read(&self, key: &[u8]) -> Option<Vec<u8>> {
        reading(&self.space).keys.get(key).and_then(|versions| visible(versions, self.at)).map(<[u8]>::to_vec)
    }

    fn rows(&self, span: &Span, back: bool, limit: usize) -> Rows {
        let mut rows = Rows::default();
        if span.is_empty() {
            return rows;
        }
        let space = reading(&self.space);
        let end = span.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut range = space.keys.range::<[u8], _>((Bound::Included(&*span.start), end));
        while rows.len() < limit {
            let Some((key, versions)) = (if back { range.next_back() } else { range.next() }) else { break };
            if let Some(value) = visible(versions, self.at) {
                rows.push(key, value);
            }
        }
        rows
    }
}

fn visible(versions: &Versions, at: u64) -> Option<&[u8]> {
    versions.iter().rev().find(|(since, _)| *since <= at).and_then(|(_, value)| value.as_deref())
}

impl Snapshot for View {
    fn at(&self) -> u64 {
        self.at
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move { Ok(self.read(key)) })
    }

    fn scan<'a>(&'a self, span: &'a Span, back: bool, limit: usize) -> Answer<'a, Rows> {
        Box::pin(async move { Ok(self.rows(span, back, limit)) })
    }
}

impl Batch for View {
    fn at(&self) -> u64 {
        self.at
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.read(key))
    }

    fn scan(&self, span: &Span, back: bool, limit: usize) -> Result<Rows> {
        Ok(self.rows(span, back, limit))
    }

    fn commit(self: Box<Self>, changes: Changes, at: u64, _durable: bool) -> Result<()> {
        let mut guard = writing(&self.space);
        let space = &mut *guard;
        // The batch's own view is older than what it writes, so the horizon is never past `at`.
        let horizon = space.open.keys().next().copied().unwrap_or(at);
        for (key, value) in changes {
            if value.is_none() {
                space.deleted.push_back((at, key.clone()));
            }
            let versions = space.keys.entry(key).or_default();
            versions.push((at, value));
            let kept = versions.iter().rposition(|(since, _)| *since <= horizon).unwrap_or(0);
            versions.drain(..kept);
        }
        space.at = at;
        space.prune(horizon);
        Ok(())
    }
}

impl Space {
    fn prune(&mut self, horizon: u64) {
        while self.deleted.front().is_some_and(|(since, _)| *since <= horizon) {
            let Some((since, key)) = self.deleted.pop_front() else { break };
            // A key written again since is not dead, and one deleted again comes later in the queue.
            if self.keys.get(&key).is_some_and(|versions| matches!(versions[..], [(at, None)] if at == since))
            {
                self.keys.remove(&key);
            }
        }
    }
}
