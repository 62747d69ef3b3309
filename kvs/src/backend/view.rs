//! What readers of a redb store see: one committed state of its one table. Not how it came to be, see `redb`.

use std::{
    ops::Bound,
    sync::{Arc, OnceLock},
};

use ::redb::ReadOnlyTable;

use super::{
    Answer, Rows, Snapshot,
    fence::Gate,
    guard::{Handle, guarded},
    pages::Sums,
};
use crate::{error::Result, key::Span};

/// Where a database is put that is no longer written to, until the last state of it is let go: closed, it
/// could not be read any more.
pub(super) type Shelf = Arc<OnceLock<Handle>>;

/// A committed state, which all readers of its time share.
pub(super) struct View {
    pub(super) at: u64,
    /// The file's header when it had this state on disk; `None` where it was committed behind.
    pub(super) header: Option<Vec<u8>>,
    pub(super) gate: Gate,
    pub(super) table: ReadOnlyTable<&'static [u8], &'static [u8]>,
    pub(super) place: Arc<str>,
    pub(super) sums: Arc<Sums>,
    pub(super) _shelf: Shelf,
}

impl View {
    pub(super) fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        guarded(&self.place, || Ok(self.table.get(key)?.map(|value| value.value().to_vec())))
            .map_err(|error| error.reading(key))
    }

    pub(super) fn rows(&self, span: &Span, back: bool, limit: usize) -> Result<Rows> {
        let mut rows = Rows::default();
        if span.is_empty() {
            return Ok(rows);
        }
        guarded(&self.place, || {
            let end = span.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let mut range = self.table.range::<&[u8]>((Bound::Included(&*span.start), end))?;
            while rows.len() < limit {
                let Some(row) = (if back { range.next_back() } else { range.next() }) else { break };
                let (key, value) = row?;
                rows.push(key.value(), value.value());
            }
            Ok(())
        })
        .map_err(|error| error.reading(rows.last().unwrap_or(&span.start)))?;
        Ok(rows)
    }
}

impl Snapshot for View {
    fn at(&self) -> u64 {
        self.at
    }

    fn blocks(&self) -> bool {
        true
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> Answer<'a, Option<Vec<u8>>> {
        Box::pin(async move { self.read(key) })
    }

    fn scan<'a>(&'a self, span: &'a Span, back: bool, limit: usize) -> Answer<'a, Rows> {
        Box::pin(async move { self.rows(span, back, limit) })
    }
}
