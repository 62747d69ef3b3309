//! The feed of feeds: which there are, how long each is, and what is in a whole subtree of them.

use serde::de::DeserializeOwned;

use crate::{
    codec,
    error::Result,
    key::{self, Span},
    meta::FeedMeta,
    txn::Txn,
    value::Value,
};

/// A feed in the list of all feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeedInfo {
    /// Its path.
    pub path: String,
    /// How many entries it has.
    pub count: u64,
    /// The position given last.
    pub last: u64,
    /// Whether it is chained.
    pub chained: bool,
}

impl Txn {
    /// Lists feeds in the order of their paths, as committed: the feed `root` and those below it, which is
    /// all of them for the empty path. `after` is the last path of the page before.
    pub async fn feeds(&mut self, root: &str, after: Option<&str>, limit: usize) -> Result<Vec<FeedInfo>> {
        let snapshot = self.snapshot().await?;
        let mut feeds = Vec::new();
        for mut span in subtree(root) {
            if let Some(after) = after {
                span.start = span.start.max(key::after(key::feed(after)));
            }
            if span.is_empty() || feeds.len() >= limit {
                continue;
            }
            let rows = snapshot.scan(&span, false, limit - feeds.len()).await?;
            for (key, stored) in rows.iter() {
                let Some((_, path, _)) = key::parse(key) else { continue };
                let FeedMeta { count, last, head, .. } = FeedMeta::read(&path, Some(stored))?;
                feeds.push(FeedInfo { path, count, last, chained: head.is_some() });
            }
        }
        Ok(feeds)
    }

    /// Reads at most `limit` entries of the feed `root` and of all feeds below it, feed by feed, each with
    /// its path and position. The next page begins behind the last of this one, `after`.
    pub async fn subtree<R: DeserializeOwned>(
        &mut self,
        root: &str,
        after: Option<(&str, u64)>,
        limit: usize,
    ) -> Result<Vec<(String, u64, R)>> {
        let snapshot = self.snapshot().await?;
        let mut entries = Vec::new();
        let mut from = after.map(|(path, _)| path.to_owned());
        let mut position = after.map_or(0, |(_, position)| position);
        // The feed that was left in the middle comes first.
        let mut page: Vec<String> = from.iter().cloned().collect();
        loop {
            for path in &page {
                let stored = snapshot.get(&key::feed(path)).await?;
                let first = FeedMeta::read(path, stored.as_deref())?.first.max(position.saturating_add(1));
                let mut span = Span::prefix(key::entries(path));
                span.start = key::entry(path, first);
                let rows = snapshot.scan(&span, false, limit - entries.len()).await?;
                for (key, stored) in rows.iter() {
                    let entry = codec::decode(Value::open(key, stored)?.bytes, || key::describe(key))?;
                    entries.push((path.clone(), key::position(key), entry));
                }
                position = 0;
                if entries.len() >= limit {
                    return Ok(entries);
                }
            }
            page = self.feeds(root, from.as_deref(), 256).await?.into_iter().map(|feed| feed.path).collect();
            match page.last() {
                Some(last) => from = Some(last.clone()),
                None => return Ok(entries),
            }
        }
    }
}

/// The keys of the feed `root` and of those below it.
fn subtree(root: &str) -> Vec<Span> {
    if root.is_empty() {
        return vec![Span::prefix(key::feed(""))];
    }
    let own = Span { start: key::feed(root), end: Some(key::after(key::feed(root))) };
    let below = if root.ends_with('/') { root.to_owned() } else { format!("{root}/") };
    if below == root {
        vec![Span::prefix(key::feed(root))]
    } else {
        vec![own, Span::prefix(key::feed(&below))]
    }
}
