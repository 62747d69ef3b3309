//! Dump and load: the content of a store as lines of JSON, for people, for other programs, and to move it.
//! It is the content, not the history: versions and commit numbers begin anew.

use std::{
    borrow::Cow,
    io::{BufRead, Write},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    chain::{hex, unhex},
    codec,
    commit::{Append, Expect, RecordValue, RecordWrite},
    error::{Error, Result},
    json,
    key::{self, Span},
    meta::FeedMeta,
    record::Cbor,
    store::Store,
    txn::Txn,
    value::Value,
};

/// How many rows are read, or lines written, at once.
const STEP: usize = 1024;

/// One line of a dump.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Line {
    Record {
        table: String,
        id: String,
        #[serde(default, skip_serializing_if = "is_zero")]
        schema: u16,
        /// Milliseconds since 1970.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires: Option<u64>,
        value: serde_json::Value,
    },
    Entry {
        feed: String,
        position: u64,
        value: serde_json::Value,
    },
    Chain {
        feed: String,
    },
    /// The bytes of a sequence or a cursor.
    Value {
        key: String,
        bytes: String,
    },
}

fn is_zero(schema: &u16) -> bool {
    *schema == 0
}

/// How much was dumped or loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lines {
    /// Lines written or read.
    pub lines: u64,
    /// Rows that could not be dumped because they are damaged.
    pub damaged: u64,
}

/// The kinds of rows that are dumped, in order.
pub(crate) const ORDER: [u8; 5] = [key::FEED, key::RECORD, key::ENTRY, key::SEQ, key::CURSOR];

/// How many damaged rows are named; after that they are only counted.
const NAMED: usize = 1_000;

/// What was dumped, and what could not be.
#[derive(Debug, Default)]
pub(crate) struct Dumped {
    pub(crate) lines: Lines,
    /// The first of the damaged rows.
    pub(crate) places: Vec<String>,
}

impl Dumped {
    pub(crate) fn damage(&mut self, key: &[u8]) {
        self.lines.damaged += 1;
        if self.places.len() < NAMED {
            self.places.push(key::describe(key));
        }
    }
}

impl Store {
    /// Writes records, feed entries, sequences and cursors as lines of JSON. Damaged rows are left out and
    /// counted; a store that does not open any more is saved by [`salvage`](Self::salvage). `progress` is
    /// told how many lines were written.
    pub async fn dump(&self, mut to: impl Write, progress: impl FnMut(u64)) -> Result<Lines> {
        let fail = |error| Error::io("the dump", error);
        let done = self.dump_to(async |line| writeln!(to, "{line}").map_err(fail), progress).await?;
        to.flush().map_err(fail)?;
        Ok(done.lines)
    }

    /// Gives each line to `say`, which may wait.
    pub(crate) async fn dump_to(
        &self,
        mut say: impl AsyncFnMut(String) -> Result<()>,
        mut progress: impl FnMut(u64),
    ) -> Result<Dumped> {
        let snapshot = self.txn().snapshot().await?;
        let mut done = Dumped::default();
        // The feeds first, because a chained one must be so before its first entry.
        for tag in ORDER {
            let mut span = Span::prefix(vec![tag]);
            let mut feed = (String::new(), 0);
            loop {
                let rows = snapshot.scan(&span, false, STEP).await?;
                for (key, stored) in rows.iter() {
                    if tag == key::ENTRY {
                        let name = key::parse(key).map(|(_, name, _)| name).unwrap_or_default();
                        if feed.0 != name || feed.1 == 0 {
                            let meta = snapshot.get(&key::feed(&name)).await?;
                            let first = FeedMeta::read(&name, meta.as_deref()).map_or(0, |meta| meta.first);
                            feed = (name, first.max(1));
                        }
                        if key::position(key) < feed.1 {
                            continue;
                        }
                    }
                    match line(key, stored) {
                        Some(Some(line)) => {
                            say(line).await?;
                            done.lines.lines += 1;
                        }
                        Some(None) => {}
                        None => done.damage(key),
                    }
                }
                progress(done.lines.lines);
                match rows.last() {
                    Some(last) if rows.len() == STEP => span.start = key::after(last.to_vec()),
                    _ => break,
                }
                tokio::task::yield_now().await;
            }
        }
        Ok(done)
    }

    /// Reads what [`dump`](Self::dump) wrote, over what is there. Entries are appended: a feed that had
    /// gaps has none afterwards. Indexes are built by [`reindex`](Self::reindex), which only the record's
    /// type can do. `progress` is told how many lines were read.
    pub async fn load(&self, from: impl BufRead, mut progress: impl FnMut(u64)) -> Result<Lines> {
        let mut done = Lines::default();
        let mut txn = self.txn();
        for text in from.lines() {
            let text = text.map_err(|error| Error::io("the dump", error))?;
            done.lines += 1;
            if !text.trim().is_empty() {
                let what = || format!("line {} of the dump", done.lines);
                let line: Line = serde_json::from_str(&text)
                    .map_err(|error| Error::Decode { what: what(), source: Arc::new(error) })?;
                put(&mut txn, line, &what)?;
            }
            if done.lines.is_multiple_of(STEP as u64) {
                txn.behind();
                std::mem::replace(&mut txn, self.txn()).commit().await?;
                progress(done.lines);
            }
        }
        // The last one is durable, and so are all before it.
        txn.flush();
        txn.commit().await?;
        progress(done.lines);
        Ok(done)
    }
}

/// The line for a row: `None` when it is damaged, `Some(None)` when it has no line.
pub(crate) fn line(key: &[u8], stored: &[u8]) -> Option<Option<String>> {
    let line = parts(key, stored)?;
    line.map(|line| serde_json::to_string(&line).ok()).map_or(Some(None), |text| text.map(Some))
}

fn parts(key: &[u8], stored: &[u8]) -> Option<Option<Line>> {
    let value = Value::open(key, stored).ok()?;
    let (tag, name, rest) = key::parse(key)?;
    let decode = |bytes| codec::decode::<Cbor>(bytes, String::new).ok().map(|value| json::to_json(&value));
    Some(Some(match tag {
        key::RECORD => Line::Record {
            table: name,
            id: String::from_utf8(rest.to_vec()).ok()?,
            schema: value.schema,
            expires: (value.expires != 0).then_some(value.expires),
            value: decode(value.bytes)?,
        },
        key::ENTRY => Line::Entry { feed: name, position: key::position(key), value: decode(value.bytes)? },
        key::FEED => {
            let meta = FeedMeta::read(&name, Some(stored)).ok()?;
            if meta.head.is_none() {
                return Some(None);
            }
            Line::Chain { feed: name }
        }
        _ => Line::Value { key: hex(key), bytes: hex(value.bytes) },
    }))
}

fn put(txn: &mut Txn, line: Line, what: &dyn Fn() -> String) -> Result<()> {
    let damaged = || Error::corrupt(what(), "its value is no CBOR");
    let encode = |value| codec::encode(&json::from_json(&value).ok_or_else(damaged)?, what);
    match line {
        Line::Record { table, id, schema, expires, value } => {
            txn.fits(&id, what)?;
            let value = RecordValue {
                bytes: encode(value)?,
                schema,
                expires: expires.unwrap_or(0),
                rows: Vec::new(),
            };
            let key = key::record(&table, &id);
            let (table, value, names) = (Cow::Owned(table), Some(value), Vec::new());
            txn.buffer(key, RecordWrite { table, value, expect: Expect::Anything, names });
        }
        Line::Entry { feed, value, .. } => {
            txn.fits(&feed, what)?;
            let bytes = encode(value)?;
            txn.writes.appends.push(Append { feed, bytes });
        }
        Line::Chain { feed } => txn.chain(&feed)?,
        Line::Value { key, bytes } => {
            let key = unhex(&key).filter(|key| matches!(key.first(), Some(&(key::SEQ | key::CURSOR))));
            let (Some(key), Some(bytes)) = (key, unhex(&bytes)) else { return Err(damaged()) };
            txn.writes.values.insert(key, Some(bytes));
        }
    }
    Ok(())
}
