//! The numbers kept beside a feed and a table: counts that are exact and cost one read.

use crate::{
    error::{Error, Result},
    key,
    value::{self, Value},
};

/// What is kept of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FeedMeta {
    /// Entries in it.
    pub(crate) count: u64,
    /// The position given last; positions are never given again.
    pub(crate) last: u64,
    /// Entries below this position are cut off.
    pub(crate) first: u64,
    /// For a chained feed the hash of the newest entry.
    pub(crate) head: Option<[u8; 32]>,
}

impl FeedMeta {
    pub(crate) fn read(feed: &str, stored: Option<&[u8]>) -> Result<Self> {
        let Some(stored) = stored else { return Ok(Self::default()) };
        let key = key::feed(feed);
        let value = Value::open(&key, stored)?;
        let (numbers, head) = value.bytes.split_first_chunk::<24>().ok_or_else(|| damaged(&key))?;
        let [count, last, first] = numbers_of(numbers);
        let head = if head.is_empty() { None } else { Some(head.try_into().map_err(|_| damaged(&key))?) };
        Ok(Self { count, last, first, head })
    }

    /// The envelope to store, with the commit as its version.
    pub(crate) fn seal(&self, feed: &str, at: u64) -> (Vec<u8>, Vec<u8>) {
        let mut bytes = Vec::with_capacity(56);
        for number in [self.count, self.last, self.first] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        if let Some(head) = &self.head {
            bytes.extend_from_slice(head);
        }
        let key = key::feed(feed);
        let stored = Value { version: at, bytes: &bytes, ..Value::default() }.seal(&key);
        (key, stored)
    }
}

fn numbers_of(bytes: &[u8; 24]) -> [u64; 3] {
    let mut numbers = [0; 3];
    for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *number = u64::from_le_bytes(*bytes);
    }
    numbers
}

/// What is kept of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TableMeta {
    /// Records in it.
    pub(crate) count: u64,
    /// Names of the indexes that every record of it is in.
    pub(crate) indexes: Vec<String>,
}

impl TableMeta {
    pub(crate) fn read(table: &str, stored: Option<&[u8]>) -> Result<Self> {
        let Some(stored) = stored else { return Ok(Self::default()) };
        let key = key::table(table);
        let value = Value::open(&key, stored)?;
        let (count, names) = value.bytes.split_first_chunk::<8>().ok_or_else(|| damaged(&key))?;
        let indexes = value::unpack(names).map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        Ok(Self { count: u64::from_le_bytes(*count), indexes })
    }

    pub(crate) fn seal(&self, table: &str, at: u64) -> (Vec<u8>, Vec<u8>) {
        let key = key::table(table);
        let mut bytes = self.count.to_le_bytes().to_vec();
        bytes.extend(value::pack(self.indexes.iter().map(String::as_bytes)));
        let stored = Value { version: at, bytes: &bytes, ..Value::default() }.seal(&key);
        (key, stored)
    }
}

fn damaged(key: &[u8]) -> Error {
    Error::corrupt(key::describe(key), "its numbers are damaged")
}
