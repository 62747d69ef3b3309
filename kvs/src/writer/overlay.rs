//! The batch being built: changes over the committed state, with an undo for the request that fails.

use std::collections::btree_map::Entry;

use crate::{
    backend::{Batch, Changes, Rows},
    error::Result,
    key::Span,
    value::Value,
};

pub(crate) struct Overlay<'a> {
    base: &'a dyn Batch,
    changes: Changes,
    /// What to put back, newest last; empty between requests.
    undo: Vec<(Vec<u8>, Option<Change>)>,
}

/// A key's new value, or its deletion.
type Change = Option<Vec<u8>>;

impl<'a> Overlay<'a> {
    pub(crate) fn new(base: &'a dyn Batch) -> Self {
        Self { base, changes: Changes::new(), undo: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.base.get(key),
        }
    }

    /// The version stored under the key, 0 for none.
    pub(crate) fn version(&self, key: &[u8]) -> Result<u64> {
        Ok(match self.get(key)? {
            Some(stored) => Value::open(key, &stored)?.version,
            None => 0,
        })
    }

    /// The rows of the span as they will be after the batch.
    pub(crate) fn scan(&self, span: &Span, limit: usize) -> Result<Rows> {
        if span.is_empty() {
            return Ok(Rows::default());
        }
        let end = span.end.as_deref().map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let mut own =
            self.changes.range::<[u8], _>((std::ops::Bound::Included(&*span.start), end)).peekable();
        let deleted = own.clone().filter(|(_, change)| change.is_none()).count();
        let base = self.base.scan(span, false, limit.saturating_add(deleted))?;
        let mut rows = Rows::default();
        for (key, value) in base.iter() {
            while let Some((own_key, change)) = own.next_if(|(own_key, _)| own_key.as_slice() < key) {
                if let Some(change) = change {
                    rows.push(own_key, change);
                }
            }
            match own.next_if(|(own_key, _)| own_key.as_slice() == key) {
                Some((_, Some(change))) => rows.push(key, change),
                Some((_, None)) => {}
                None => rows.push(key, value),
            }
        }
        // Past the last base row only own rows are left, unless the limit cut the base short.
        if base.len() < limit.saturating_add(deleted) {
            for (key, change) in own {
                if let Some(change) = change {
                    rows.push(key, change);
                }
            }
        }
        rows.truncate(limit);
        Ok(rows)
    }

    pub(crate) fn set(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        match self.changes.entry(key) {
            Entry::Occupied(mut entry) => {
                let before = entry.insert(value);
                self.undo.push((entry.key().clone(), Some(before)));
            }
            Entry::Vacant(entry) => {
                self.undo.push((entry.key().clone(), None));
                entry.insert(value);
            }
        }
    }

    /// The request is in.
    pub(crate) fn keep(&mut self) {
        self.undo.clear();
    }

    /// The request is out: as if it had never been there.
    pub(crate) fn roll_back(&mut self) {
        while let Some((key, before)) = self.undo.pop() {
            match before {
                Some(change) => self.changes.insert(key, change),
                None => self.changes.remove(&key),
            };
        }
    }

    pub(crate) fn into_changes(self) -> Changes {
        self.changes
    }
}
