//! The feeds' half of a transaction: sequences of entries under a path, each with a position of its own.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    codec,
    commit::{Append, EntryWrite},
    error::{Error, Result},
    key::{self, Span},
    meta::FeedMeta,
    txn::Txn,
    value::Value,
};

/// Where to read a feed from, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// Forward from the oldest entry.
    Start,
    /// Forward from the first entry behind this position.
    After(u64),
    /// Back from the newest entry.
    End,
    /// Back from the last entry before this position.
    Before(u64),
}

/// How many rows are read before they are decoded: what is still in the processor's cache is decoded faster.
const CHUNK: usize = 512;

impl From {
    fn back(self) -> bool {
        matches!(self, Self::End | Self::Before(_))
    }
}

impl Txn {
    /// Appends a record to a feed when the transaction commits. The one writer gives the position then, so
    /// that appends never conflict and none is lost, however many run at once.
    pub fn append<R: Serialize>(&mut self, feed: &str, record: &R) -> Result<()> {
        self.fits(feed, || name(feed))?;
        let bytes = self.encode(record, || format!("an entry of {}", name(feed)))?;
        self.writes.appends.push(Append { feed: feed.to_owned(), bytes });
        Ok(())
    }

    /// Reads at most `limit` entries of exactly this feed, with their positions: forward from
    /// [`From::Start`] or [`From::After`], newest first from [`From::End`] or [`From::Before`].
    ///
    /// Positions start at 1, grow by 1 with each append, and are never used again. This transaction's own
    /// appends are at the end, with positions that hold unless others append before it commits. A change
    /// of the entries read is a conflict; an append behind them is none.
    pub async fn feed<R: DeserializeOwned>(
        &mut self,
        path: &str,
        from: From,
        limit: usize,
    ) -> Result<Vec<(u64, R)>> {
        let meta = self.feed_meta(path).await?;
        let (first, last) = match from {
            From::Start | From::End => (meta.first, u64::MAX),
            From::After(position) => (position.saturating_add(1).max(meta.first), u64::MAX),
            From::Before(position) => (meta.first, position.saturating_sub(1)),
        };
        let mut entries = Vec::new();
        if from.back() {
            self.own(path, meta.last, first..=last, true, limit, &mut entries)?;
        }
        let mut left = Some(span(path, first, last.min(meta.last))).filter(|span| !span.is_empty());
        while let Some(span) = left.take_if(|_| entries.len() < limit) {
            let chunk = self.chunk(span, from.back(), (limit - entries.len()).min(CHUNK)).await?;
            entries.reserve(chunk.rows.len());
            for (key, stored) in chunk.rows.iter() {
                let own = if self.writes.entries.is_empty() { None } else { self.writes.entries.get(key) };
                let entry = match own {
                    Some(EntryWrite { bytes: None, .. }) => continue,
                    Some(EntryWrite { bytes: Some(bytes), .. }) => {
                        codec::decode(bytes, || key::describe(key))
                    }
                    None => codec::decode(Value::open(key, stored)?.bytes, || key::describe(key)),
                };
                entries.push((key::position(key), entry?));
            }
            left = chunk.left;
        }
        if !from.back() {
            self.own(path, meta.last, first..=last, false, limit, &mut entries)?;
        }
        Ok(entries)
    }

    /// Reads one entry.
    pub async fn entry<R: DeserializeOwned>(&mut self, path: &str, position: u64) -> Result<Option<R>> {
        let entries = self.feed(path, From::After(position.saturating_sub(1)), 1).await?;
        Ok(entries.into_iter().find(|(at, _)| *at == position).map(|(_, entry)| entry))
    }

    /// Replaces the entry at a position when the transaction commits. It must be there, and committed.
    pub async fn update<R: Serialize>(&mut self, path: &str, position: u64, record: &R) -> Result<()> {
        let bytes = self.encode(record, || format!("entry {position} of {}", name(path)))?;
        let key = self.present(path, position).await?;
        self.writes.entries.insert(key, EntryWrite { feed: path.to_owned(), bytes: Some(bytes) });
        Ok(())
    }

    /// Removes the entry at a position when the transaction commits. It must be there, and committed. Its
    /// position is not used again.
    pub async fn remove(&mut self, path: &str, position: u64) -> Result<()> {
        let key = self.present(path, position).await?;
        self.writes.entries.insert(key, EntryWrite { feed: path.to_owned(), bytes: None });
        Ok(())
    }

    /// Removes all entries before a position when the transaction commits; `u64::MAX` empties the feed. It
    /// costs the same however many there are, unless single ones were removed before, which are counted.
    /// Positions go on where they were. In the transaction it takes place before updates and appends.
    pub fn cut(&mut self, path: &str, before: u64) -> Result<()> {
        self.fits(path, || name(path))?;
        let cut = self.writes.cuts.entry(path.to_owned()).or_default();
        *cut = before.max(*cut);
        if before == u64::MAX {
            self.writes.appends.retain(|append| append.feed != path);
        }
        let gone = key::entry(path, before);
        let prefix = key::entries(path);
        self.writes.entries.retain(|key, _| !key.starts_with(&prefix) || *key >= gone);
        Ok(())
    }

    /// How many entries the feed has, exactly. It costs one read, however long the feed is.
    pub async fn count(&mut self, path: &str) -> Result<u64> {
        let stored = self.snapshot().await?.get(&key::feed(path)).await?;
        let mut count = FeedMeta::read(path, stored.as_deref())?.count;
        if let Some(before) = self.writes.cuts.get(path).copied() {
            let meta = self.feed_meta(path).await?;
            count = if before == u64::MAX { 0 } else { self.rows(path, meta.first, meta.last).await? };
        }
        let appended = self.writes.appends.iter().filter(|append| append.feed == path).count();
        let own = self.writes.entries.values();
        let removed = own.filter(|entry| entry.bytes.is_none() && entry.feed == path).count();
        Ok(count + appended as u64 - removed as u64)
    }

    /// The feed's numbers, with this transaction's own cut.
    pub(crate) async fn feed_meta(&mut self, path: &str) -> Result<FeedMeta> {
        let stored = self.snapshot().await?.get(&key::feed(path)).await?;
        let mut meta = FeedMeta::read(path, stored.as_deref())?;
        if let Some(before) = self.writes.cuts.get(path) {
            meta.first = meta.first.max((*before).min(meta.last + 1));
        }
        Ok(meta)
    }

    /// Notes that the entry is read, and says under which key it is.
    async fn present(&mut self, path: &str, position: u64) -> Result<Vec<u8>> {
        let key = key::entry(path, position);
        let first = self.feed_meta(path).await?.first;
        let stored = self.read(key.clone()).await?;
        let removed = self.writes.entries.get(&key).is_some_and(|own| own.bytes.is_none());
        if stored.is_none() || removed || position < first {
            return Err(Error::NoEntry { feed: path.to_owned(), position });
        }
        Ok(key)
    }

    /// Counts the entries between two positions one by one.
    async fn rows(&mut self, path: &str, first: u64, last: u64) -> Result<u64> {
        let mut left = Some(span(path, first, last)).filter(|span| !span.is_empty());
        let mut count = 0;
        while let Some(span) = left.take() {
            let chunk = self.chunk(span, false, usize::MAX).await?;
            count += chunk.rows.len() as u64;
            left = chunk.left;
        }
        Ok(count)
    }

    /// Adds this transaction's own appends, which follow the position `last`.
    fn own<R: DeserializeOwned>(
        &self,
        path: &str,
        last: u64,
        wanted: std::ops::RangeInclusive<u64>,
        back: bool,
        limit: usize,
        entries: &mut Vec<(u64, R)>,
    ) -> Result<()> {
        let appends = self.writes.appends.iter().filter(|append| append.feed == path);
        let mut own: Vec<_> =
            (last + 1..).zip(appends).filter(|(position, _)| wanted.contains(position)).collect();
        if back {
            own.reverse();
        }
        for (position, append) in own.into_iter().take(limit.saturating_sub(entries.len())) {
            entries.push((position, codec::decode(&append.bytes, || name(path))?));
        }
        Ok(())
    }
}

/// The keys of the entries from `first` to `last`.
fn span(path: &str, first: u64, last: u64) -> Span {
    Span { start: key::entry(path, first), end: Some(key::after(key::entry(path, last))) }
}

fn name(feed: &str) -> String {
    let short: String = feed.chars().take(64).collect();
    format!("feed {short:?}")
}
