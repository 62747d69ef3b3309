//! Writing feeds: positions, counts, links of chained feeds, cuts.

use std::collections::BTreeMap;

use super::{apply::Changed, overlay::Overlay};
use crate::{
    chain,
    commit::{Append, EntryWrite},
    error::{Error, Result},
    key::{self, Span},
    meta::FeedMeta,
    value::Value,
};

fn meta(overlay: &Overlay<'_>, feed: &str) -> Result<FeedMeta> {
    FeedMeta::read(feed, overlay.get(&key::feed(feed))?.as_deref())
}

fn save(overlay: &mut Overlay<'_>, feed: &str, meta: &FeedMeta, at: u64) {
    let (key, stored) = meta.seal(feed, at);
    overlay.set(key, Some(stored));
}

pub(crate) fn append(
    overlay: &mut Overlay<'_>,
    appends: &[Append],
    at: u64,
    changed: &mut Vec<Changed>,
) -> Result<Vec<u64>> {
    let mut metas: BTreeMap<&str, FeedMeta> = BTreeMap::new();
    let mut positions = Vec::with_capacity(appends.len());
    for Append { feed, bytes } in appends {
        if !metas.contains_key(feed.as_str()) {
            metas.insert(feed, meta(overlay, feed)?);
        }
        let Some(meta) = metas.get_mut(feed.as_str()) else { continue };
        meta.count += 1;
        meta.last += 1;
        let link = meta.head.map(|head| chain::link(&head, feed, meta.last, at, bytes));
        meta.head = link;
        let key = key::entry(feed, meta.last);
        let stored = Value { version: at, link: link.as_ref(), bytes, ..Value::default() }.seal(&key);
        changed.push(Changed { key: key.clone(), gone: false });
        overlay.set(key, Some(stored));
        positions.push(meta.last);
    }
    for (feed, meta) in metas {
        save(overlay, feed, &meta, at);
    }
    Ok(positions)
}

/// Updates or removes an entry, which the transaction has read.
pub(crate) fn change(overlay: &mut Overlay<'_>, key: &[u8], entry: &EntryWrite, at: u64) -> Result<()> {
    let mut meta = meta(overlay, &entry.feed)?;
    let position = key::position(key);
    if position < meta.first || overlay.get(key)?.is_none() {
        return Err(Error::NoEntry { feed: entry.feed.clone(), position });
    }
    if meta.head.is_some() {
        return Err(Error::Chained { feed: entry.feed.clone(), why: "it is chained, and only grows" });
    }
    let stored = entry.bytes.as_ref().map(|bytes| Value { version: at, bytes, ..Value::default() }.seal(key));
    if stored.is_none() {
        meta.count = meta.count.saturating_sub(1);
        save(overlay, &entry.feed, &meta, at);
    }
    overlay.set(key.to_vec(), stored);
    Ok(())
}

/// Makes an unused feed a chained one.
pub(crate) fn chain(overlay: &mut Overlay<'_>, feed: &str, at: u64) -> Result<()> {
    let mut meta = meta(overlay, feed)?;
    if meta.head.is_some() {
        return Ok(());
    }
    if meta.last > 0 {
        return Err(Error::Chained { feed: feed.to_owned(), why: "it has entries that are not chained" });
    }
    meta.head = Some(chain::ORIGIN);
    save(overlay, feed, &meta, at);
    Ok(())
}

/// Takes the entries before a position out of the feed. The rows are swept later, a few at a time.
pub(crate) fn cut(overlay: &mut Overlay<'_>, feed: &str, before: u64, at: u64) -> Result<()> {
    let mut meta = meta(overlay, feed)?;
    if meta.head.is_some() {
        return Err(Error::Chained { feed: feed.to_owned(), why: "it is chained, and only grows" });
    }
    let first = before.min(meta.last.saturating_add(1));
    let old = meta.first.max(1);
    if first <= old {
        return Ok(());
    }
    let whole = meta.count == meta.last + 1 - old;
    let gone = if first > meta.last {
        meta.count
    } else if whole {
        first - old
    } else {
        let span = Span { start: key::entry(feed, old), end: Some(key::entry(feed, first)) };
        overlay.scan(&span, usize::MAX)?.len() as u64
    };
    meta.count = meta.count.saturating_sub(gone);
    meta.first = first;
    save(overlay, feed, &meta, at);
    let cut = key::cut(feed);
    let stored = Value { version: at, bytes: &first.to_le_bytes(), ..Value::default() }.seal(&cut);
    overlay.set(cut, Some(stored));
    Ok(())
}
