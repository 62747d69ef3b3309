//! The feeds' half of a transaction: sequences of entries under a path, each with a position of its own.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    codec,
    commit::Append,
    error::Result,
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
            let chunk = self.chunk(span, from.back(), limit - entries.len()).await?;
            entries.reserve(chunk.rows.len());
            for (key, stored) in chunk.rows.iter() {
                let value = Value::open(key, stored)?;
                entries.push((key::position(key), codec::decode(value.bytes, || key::describe(key))?));
            }
            left = chunk.left;
        }
        if !from.back() {
            self.own(path, meta.last, first..=last, false, limit, &mut entries)?;
        }
        Ok(entries)
    }

    /// How many entries the feed has, exactly. It costs one read, however long the feed is.
    pub async fn count(&mut self, path: &str) -> Result<u64> {
        let meta = self.feed_meta(path).await?;
        let own = self.writes.appends.iter().filter(|append| append.feed == path).count();
        Ok(meta.count + own as u64)
    }

    pub(crate) async fn feed_meta(&mut self, path: &str) -> Result<FeedMeta> {
        let stored = self.snapshot().await?.get(&key::feed(path)).await?;
        FeedMeta::read(path, stored.as_deref())
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
