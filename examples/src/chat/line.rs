//! The messages of a room: what the feed keeps of one, and those that one page shows.

use std::collections::VecDeque;

use kvs::{From, Txn};
use serde::{Deserialize, Serialize};

/// How many messages a page shows at first, and how many more on request.
pub(crate) const PAGE: usize = 50;
/// Most messages of one page.
const MOST: usize = 500;
/// Most bytes of text of one page; escaped and with its markup it stays below the limit of one answer.
const MOST_BYTES: usize = 128 * 1024;
/// Messages further apart than this, in milliseconds, get a heading of their own.
const PAUSE: u64 = 5 * 60 * 1000;

/// Messages that are kept of each room; older ones are deleted as new ones come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention(pub(crate) u64);

impl Retention {
    /// As many as hold for a node that was told nothing else.
    pub(crate) const DEFAULT: u64 = 10_000;
}

/// Deletes, with what this transaction appends, all messages of a feed but the newest `most`.
pub(crate) async fn retain(txn: &mut Txn, feed: &str, most: u64) -> kvs::Result<()> {
    let newest = txn.feed::<serde::de::IgnoredAny>(feed, From::End, 1).await?;
    let last = newest.first().map_or(0, |(position, _)| *position);
    if last > most {
        txn.cut(feed, last - most + 1)?;
    }
    Ok(())
}

/// One message, as the feed keeps it and as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) by: String,
    /// Whether the name is an account's, signed in with its password.
    pub(crate) proven: bool,
    pub(crate) text: String,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
}

/// One message with its position in the feed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) position: u64,
    pub(crate) said: Said,
}

impl Line {
    /// Whether the message belongs to the one before it: the same person a moment later.
    pub(crate) fn continues(&self, before: Option<&Line>) -> bool {
        before.is_some_and(|before| {
            let (was, is) = (&before.said, &self.said);
            was.by == is.by && was.proven == is.proven && is.at.saturating_sub(was.at) < PAUSE
        })
    }
}

/// The newest messages of a room without a gap, as far back as the page shows them.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    lines: VecDeque<Line>,
    bytes: usize,
    /// The position of the oldest message that the room has.
    oldest: u64,
    /// How many messages the room has.
    pub(crate) count: u64,
}

impl Lines {
    /// Reads the newest messages: back to the position `from`, or one page of them when it is 0.
    pub(crate) async fn read(txn: &mut Txn, feed: &str, from: u64) -> kvs::Result<Self> {
        let limit = if from == 0 { PAGE } else { MOST };
        let mut lines = Lines { count: txn.count(feed).await?, ..Lines::default() };
        let newest = txn.feed(feed, From::End, limit).await?;
        let last = newest.first().map_or(0, |(position, _)| *position);
        lines.oldest = (last + 1).saturating_sub(lines.count).max(1);
        for (position, said) in newest {
            if position < from {
                break;
            }
            lines.push_front(Line { position, said });
            if lines.trim().is_some() {
                break;
            }
        }
        Ok(lines)
    }

    /// Reads one page of messages before those that are shown, oldest first.
    pub(crate) async fn older(&self, txn: &mut Txn, feed: &str) -> kvs::Result<Vec<Line>> {
        let read = txn.feed(feed, From::Before(self.first()), PAGE).await?;
        Ok(read.into_iter().rev().map(|(position, said)| Line { position, said }).collect())
    }

    /// Reads what came after the newest that is shown.
    pub(crate) async fn newer(&self, txn: &mut Txn, feed: &str) -> kvs::Result<Vec<Line>> {
        let read = txn.feed(feed, From::After(self.last()), MOST).await?;
        Ok(read.into_iter().map(|(position, said)| Line { position, said }).collect())
    }

    pub(crate) fn push_front(&mut self, line: Line) {
        self.bytes += line.said.text.len();
        self.lines.push_front(line);
    }

    pub(crate) fn push_back(&mut self, line: Line) {
        self.bytes += line.said.text.len();
        self.count += u64::from(line.position > self.last());
        self.lines.push_back(line);
    }

    /// Takes the oldest message away when there are too many.
    pub(crate) fn trim(&mut self) -> Option<Line> {
        let too_many = self.lines.len() > MOST || (self.bytes > MOST_BYTES && self.lines.len() > PAGE);
        let line = too_many.then(|| self.lines.pop_front()).flatten()?;
        self.bytes -= line.said.text.len();
        Some(line)
    }

    /// Whether one more page of messages would be too much.
    pub(crate) fn is_full(&self) -> bool {
        self.lines.len() >= PAGE && (self.lines.len() + PAGE > MOST || self.bytes * 2 > MOST_BYTES)
    }

    /// Whether the room has messages before those that are shown.
    pub(crate) fn has_older(&self) -> bool {
        self.first() > self.oldest
    }

    /// The position of the oldest; 0 when there is none.
    pub(crate) fn first(&self) -> u64 {
        self.lines.front().map_or(0, |line| line.position)
    }

    /// The position of the newest; 0 when there is none.
    pub(crate) fn last(&self) -> u64 {
        self.lines.back().map_or(0, |line| line.position)
    }

    /// Each message with the one before it.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (Option<&Line>, &Line)> {
        let before = std::iter::once(None).chain(self.lines.iter().map(Some));
        before.zip(&self.lines)
    }

    /// The newest.
    pub(crate) fn newest(&self) -> Option<&Line> {
        self.lines.back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_room_keeps_its_newest_messages() {
        let store = kvs::Store::open("memory:").await.unwrap();
        for at in 1..=30 {
            let mut txn = store.txn();
            let said = Said { by: String::from("ann"), proven: false, text: at.to_string(), at };
            txn.append("/chat/lobby", &said).unwrap();
            retain(&mut txn, "/chat/lobby", 10).await.unwrap();
            txn.commit().await.unwrap();
        }
        let lines = Lines::read(&mut store.txn(), "/chat/lobby", 0).await.unwrap();
        assert_eq!((lines.count, lines.first(), lines.last()), (10, 21, 30));
        assert!(!lines.has_older(), "there is nothing before what is kept");
    }
}
