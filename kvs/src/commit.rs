//! What a commit answers, and the request that asks the writer for one.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use tokio::{
    runtime,
    sync::{OwnedSemaphorePermit, oneshot},
};

use crate::{backend::Rows, error::Result, key::Span, sum};

/// What became of a committed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Commit {
    /// The commit's number. Later commits have greater ones. It is the version of every record written.
    pub at: u64,
    /// The positions given to the transaction's appends, in the order of the calls.
    pub positions: Vec<u64>,
}

impl Commit {
    pub(crate) fn new(at: u64, positions: Vec<u64>) -> Self {
        Self { at, positions }
    }
}

pub(crate) type Hook = Box<dyn FnOnce(&Commit) + Send>;

/// A transaction on its way to the writer.
pub(crate) struct Request {
    /// The commit whose state it read.
    pub(crate) base: u64,
    pub(crate) reads: Reads,
    pub(crate) writes: Writes,
    pub(crate) hooks: Vec<Hook>,
    /// The runtime that the hooks run in: the caller's, so that they may spawn tasks as the caller may.
    pub(crate) runtime: Option<runtime::Handle>,
    pub(crate) durable: bool,
    pub(crate) answer: oneshot::Sender<Result<Commit>>,
    /// Its place in the bounded queue, given back when it is answered.
    pub(crate) _place: OwnedSemaphorePermit,
}

/// What must not have changed since it was read.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    /// Keys and the version seen, 0 for none.
    pub(crate) keys: BTreeMap<Vec<u8>, u64>,
    pub(crate) spans: Vec<SpanRead>,
}

/// A range that was read: a digest stands for its rows, so that a long scan costs no memory.
#[derive(Debug)]
pub(crate) struct SpanRead {
    pub(crate) span: Span,
    pub(crate) rows: usize,
    pub(crate) digest: u64,
}

/// The digest of rows in key order; `back` says that they were read in reverse.
pub(crate) fn digest(rows: &Rows, back: bool) -> u64 {
    // The head of a stored value, its check sum and its version, stands for the row: the sum is over the
    // key, too.
    let add = |digest: u64, (_, value): (&[u8], &[u8])| sum::add(digest, &value[..value.len().min(12)]);
    if back { rows.iter().rev().fold(0, add) } else { rows.iter().fold(0, add) }
}

/// What a transaction changes.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    /// Records by key.
    pub(crate) records: BTreeMap<Vec<u8>, RecordWrite>,
    /// Feeds that become chained.
    pub(crate) chains: BTreeSet<String>,
    /// Feeds to cut, and the position before which.
    pub(crate) cuts: BTreeMap<String, u64>,
    /// Entries updated, or with `None` removed, by key.
    pub(crate) entries: BTreeMap<Vec<u8>, EntryWrite>,
    /// Appends in the order of the calls.
    pub(crate) appends: Vec<Append>,
    /// Tables whose records are all in these indexes.
    pub(crate) indexed: BTreeMap<&'static str, Vec<Cow<'static, str>>>,
    /// The store's own small values: sequences, cursors.
    pub(crate) values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Writes {
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.chains.is_empty()
            && self.cuts.is_empty()
            && self.entries.is_empty()
            && self.appends.is_empty()
            && self.indexed.is_empty()
            && self.values.is_empty()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct RecordWrite {
    pub(crate) table: Cow<'static, str>,
    /// The new value, `None` deletes.
    pub(crate) value: Option<RecordValue>,
    pub(crate) expect: Expect,
    /// The names of all indexes the type declares.
    pub(crate) names: Vec<Cow<'static, str>>,
}

impl RecordWrite {
    pub(crate) fn delete(table: impl Into<Cow<'static, str>>) -> Self {
        Self { table: table.into(), value: None, expect: Expect::Anything, names: Vec::new() }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct RecordValue {
    pub(crate) bytes: Vec<u8>,
    pub(crate) schema: u16,
    pub(crate) expires: u64,
    pub(crate) rows: Vec<IndexRow>,
}

#[derive(Clone, Debug)]
pub(crate) struct IndexRow {
    pub(crate) key: Vec<u8>,
    pub(crate) unique: bool,
}

/// What must be there for a write to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    Anything,
    Absent,
    Version(u64),
}

#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) feed: String,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct EntryWrite {
    pub(crate) feed: String,
    /// The new value, `None` removes.
    pub(crate) bytes: Option<Vec<u8>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn rows(rows: &[(&str, u64, &str)]) -> Rows {
        let mut all = Rows::default();
        for (key, version, bytes) in rows {
            let value = Value { version: *version, bytes: bytes.as_bytes(), ..Value::default() };
            all.push(key.as_bytes(), &value.seal(key.as_bytes()));
        }
        all
    }

    #[test]
    fn a_digest_tells_every_difference_between_two_ranges() {
        let seen = digest(&rows(&[("a", 1, "x"), ("b", 2, "y")]), false);
        let others: [&[(&str, u64, &str)]; 6] = [
            &[("a", 1, "x")],
            &[("a", 1, "x"), ("b", 3, "y")],
            &[("a", 1, "x"), ("c", 2, "y")],
            &[("a", 1, "x"), ("b", 2, "z")],
            &[("a", 2, "x"), ("b", 1, "y")],
            &[("a", 1, "x"), ("b", 2, "y"), ("c", 2, "")],
        ];
        for other in others {
            assert_ne!(digest(&rows(other), false), seen, "{other:?}");
        }
        assert_eq!(digest(&rows(&[("b", 2, "y"), ("a", 1, "x")]), true), seen, "read in reverse");
    }
}
