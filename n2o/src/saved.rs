//! Saved pages: what the store keeps of a page, from which it is restored.

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt::{self, Write},
    hash::{BuildHasherDefault, Hash, Hasher},
};

use kvs::Store;
use serde::{Deserialize, Serialize};

use crate::{error::Result, timers::Timer};

/// A page's id: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PageId(pub [u8; 16]);

// The server draws the ids, and takes only those from a client that it has signed: their own bits are as good as a
// hash of them.
impl Hash for PageId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from_ne_bytes(*self.0.first_chunk().unwrap_or(&[0; 8])));
    }
}

/// A map by page, which hashes nothing.
pub(crate) type ByPage<T> = HashMap<PageId, T, BuildHasherDefault<Bits>>;

/// The bits of a page's id in the place of a hash.
#[derive(Default)]
pub(crate) struct Bits(u64);

impl Hasher for Bits {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, bits: u64) {
        self.0 = bits;
    }
}

impl PageId {
    /// The bytes of the id.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The record of a page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub(crate) id: String,
    /// The key of its session; empty in records of earlier versions.
    #[serde(default)]
    pub(crate) session: String,
    /// Seconds since 1970.
    pub(crate) at: u32,
    #[serde(with = "crate::blob")]
    pub(crate) state: Vec<u8>,
    /// The bytes of the state, at its end, that are not the page's but of the application's protocols.
    #[serde(default)]
    pub(crate) own: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) timers: Vec<Timer>,
    pub(crate) last: u64,
    pub(crate) json: bool,
    #[serde(with = "crate::blob::numbered")]
    pub(crate) answers: Vec<(u64, Vec<u8>)>,
}

impl Saved {
    /// The bytes that a client can make larger.
    pub(crate) fn bytes(&self) -> usize {
        let timers = self.timers.iter().map(Timer::bytes).sum::<usize>();
        let answers = self.answers.iter().map(|(_, frame)| frame.len()).sum::<usize>();
        self.state.len() + timers + answers
    }
}

impl kvs::Record for Saved {
    const TABLE: &'static str = "page";

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.id)
    }
}

/// Deletes the records of pages that are too old to be restored; `before` is in seconds since 1970. Answers
/// their number, and the pages that are left with their session and size, the oldest first.
pub(crate) async fn expire(store: &Store, before: u32) -> Result<(usize, Vec<(String, PageId, usize)>)> {
    let (mut after, mut expired) = (None::<String>, 0);
    let mut left: Vec<(u32, String, PageId, usize)> = Vec::new();
    loop {
        let batch = store.txn().range::<Saved>("", after.as_deref(), 200).await?;
        let Some(last) = batch.last() else {
            left.sort_unstable_by_key(|(at, ..)| *at);
            return Ok((
                expired,
                left.into_iter().map(|(_, session, id, bytes)| (session, id, bytes)).collect(),
            ));
        };
        after = Some(last.id.clone());
        // Deleted without having been read, so that pages which are saved meanwhile are no conflict.
        let mut txn = store.txn();
        for page in batch {
            if page.at < before {
                txn.delete::<Saved>(&page.id);
                expired += 1;
            } else if let Some(id) = page_id(&page.id) {
                left.push((page.at, page.session.clone(), id, page.bytes()));
            }
        }
        if txn.wrote() {
            txn.commit().await?;
        }
    }
}

/// Deletes the records of pages.
pub(crate) async fn delete(store: &Store, pages: &[PageId]) -> Result {
    let mut txn = store.txn();
    for page in pages {
        txn.delete::<Saved>(&record_id(*page));
    }
    txn.commit().await?;
    Ok(())
}

/// The page of a record's id.
fn page_id(record: &str) -> Option<PageId> {
    u128::from_str_radix(record, 16).ok().map(|id| PageId(id.to_be_bytes()))
}

/// The record's id of a page.
pub(crate) fn record_id(page: PageId) -> String {
    let mut id = String::with_capacity(32);
    // Writing to a string cannot fail.
    let _ = write!(id, "{page}");
    id
}
