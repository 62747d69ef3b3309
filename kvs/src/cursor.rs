//! Cursors: a place in a feed that is moved by reading, and that can be saved in the store under a name.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{codec, error::Result, feed::From, key, txn::Txn, value::Value};

/// A place between two entries of a feed.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kvs::Result<()> {
/// # let store = kvs::Store::open("memory:").await?;
/// # let mut txn = store.txn();
/// # for number in 1..=5 { txn.append("/orders", &number)?; }
/// # txn.commit().await?;
/// let mut txn = store.txn();
/// let mut cursor = kvs::Cursor::top("/orders");
/// assert_eq!(cursor.take::<i32>(&mut txn, 2).await?, [(1, 1), (2, 2)]);
/// cursor.drop(&mut txn, 1).await?;
/// txn.save("printer", &cursor)?;
/// txn.commit().await?;
///
/// let mut txn = store.txn();
/// let mut cursor = txn.load("printer").await?.expect("it was saved");
/// assert_eq!(cursor.next::<i32>(&mut txn).await?, Some((4, 4)));
/// assert_eq!(cursor.prev::<i32>(&mut txn).await?, Some((4, 4)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    feed: String,
    /// The entry before the cursor: everything up to it was read. `u64::MAX` is behind the newest.
    position: u64,
}

impl Cursor {
    /// Before the oldest entry.
    #[must_use]
    pub fn top(feed: &str) -> Self {
        Self::after(feed, 0)
    }

    /// Behind the newest entry, wherever that will be when it is first moved.
    #[must_use]
    pub fn bot(feed: &str) -> Self {
        Self::after(feed, u64::MAX)
    }

    /// Behind the entry at a position.
    #[must_use]
    pub fn after(feed: &str, position: u64) -> Self {
        Self { feed: feed.to_owned(), position }
    }

    /// The feed it is in.
    #[must_use]
    pub fn feed(&self) -> &str {
        &self.feed
    }

    /// The position it is behind.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Reads the next `count` entries and moves behind them.
    pub async fn take<R: DeserializeOwned>(&mut self, txn: &mut Txn, count: usize) -> Result<Vec<(u64, R)>> {
        self.settle(txn).await?;
        let entries = txn.feed(&self.feed, From::After(self.position), count).await?;
        if let Some((position, _)) = entries.last() {
            self.position = *position;
        }
        Ok(entries)
    }

    /// Reads the `count` entries before it, the nearest first, and moves before them.
    pub async fn take_back<R: DeserializeOwned>(
        &mut self,
        txn: &mut Txn,
        count: usize,
    ) -> Result<Vec<(u64, R)>> {
        self.settle(txn).await?;
        let entries = txn.feed(&self.feed, From::Before(self.position.saturating_add(1)), count).await?;
        if let Some((position, _)) = entries.last() {
            self.position = position - 1;
        }
        Ok(entries)
    }

    /// Moves over the next `count` entries without decoding them, and says over how many.
    pub async fn drop(&mut self, txn: &mut Txn, count: usize) -> Result<usize> {
        let entries = self.take::<serde::de::IgnoredAny>(txn, count).await?;
        Ok(entries.len())
    }

    /// Reads the next entry and moves behind it.
    pub async fn next<R: DeserializeOwned>(&mut self, txn: &mut Txn) -> Result<Option<(u64, R)>> {
        Ok(self.take(txn, 1).await?.pop())
    }

    /// Reads the entry before it and moves before that.
    pub async fn prev<R: DeserializeOwned>(&mut self, txn: &mut Txn) -> Result<Option<(u64, R)>> {
        Ok(self.take_back(txn, 1).await?.pop())
    }

    /// Gives a cursor behind the newest entry its place.
    async fn settle(&mut self, txn: &mut Txn) -> Result<()> {
        if self.position == u64::MAX {
            self.position = txn.feed_meta(&self.feed).await?.last;
        }
        Ok(())
    }
}

impl Txn {
    /// Saves a cursor under a name when the transaction commits, together with whatever else it writes:
    /// work on an entry and the step over it are done together or not at all.
    pub fn save(&mut self, name: &str, cursor: &Cursor) -> Result<()> {
        self.fits(name, || format!("cursor {name:?}"))?;
        let bytes = self.encode(cursor, || format!("cursor {name:?}"))?;
        self.writes.values.insert(key::cursor(name), Some(bytes));
        Ok(())
    }

    /// Loads the cursor saved under a name.
    pub async fn load(&mut self, name: &str) -> Result<Option<Cursor>> {
        let key = key::cursor(name);
        if let Some(own) = self.writes.values.get(&key) {
            return own.as_ref().map(|bytes| codec::decode(bytes, || key::describe(&key))).transpose();
        }
        let Some(stored) = self.read(key.clone()).await? else { return Ok(None) };
        codec::decode(Value::open(&key, &stored)?.bytes, || key::describe(&key)).map(Some)
    }

    /// Forgets the cursor saved under a name.
    pub fn forget(&mut self, name: &str) {
        self.writes.values.insert(key::cursor(name), None);
    }

    /// The next number of a sequence: 1, 2, 3 ... without gaps, because a number belongs to the
    /// transaction that commits it. Two transactions that take from one sequence at once conflict, and the
    /// second runs again; where gaps do not matter, the position of an append costs nothing.
    pub async fn seq(&mut self, name: &str) -> Result<u64> {
        self.fits(name, || format!("sequence {name:?}"))?;
        let key = key::seq(name);
        let bytes = match self.writes.values.get(&key) {
            Some(own) => own.clone(),
            None => match self.read(key.clone()).await? {
                Some(stored) => Some(Value::open(&key, &stored)?.bytes.to_vec()),
                None => None,
            },
        };
        let last =
            bytes.as_deref().and_then(<[u8]>::first_chunk).map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let next = last + 1;
        self.writes.values.insert(key, Some(next.to_le_bytes().to_vec()));
        Ok(next)
    }
}
