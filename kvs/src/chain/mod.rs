//! Tamper-evident feeds: each entry carries the hash of itself and the one before, and a signed checkpoint
//! taken out of the store tells later whether the past is still the same.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    key::{self, Span},
    meta::FeedMeta,
    store::Store,
    txn::Txn,
    value::Value,
};

/// The hash before the first entry.
pub(crate) const ORIGIN: [u8; 32] = [0; 32];

/// How many entries are verified between two chances for other tasks to run.
const STEP: usize = 1024;

/// The hash of an entry, over the hash before it and all that the entry is.
pub(crate) fn link(before: &[u8; 32], feed: &str, position: u64, version: u64, bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update((feed.len() as u64).to_be_bytes());
    hash.update(feed.as_bytes());
    hash.update(position.to_be_bytes());
    hash.update(version.to_be_bytes());
    hash.update(bytes);
    hash.finalize().into()
}

/// The state of a chained feed at one moment. Signed and kept elsewhere, it is what the feed is held
/// against later: who can write to the store can also compute hashes, but not this signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The feed.
    pub feed: String,
    /// The position of its newest entry, 0 when it has none.
    pub position: u64,
    /// The hash of that entry, in hexadecimal.
    pub head: String,
}

impl Checkpoint {
    /// The checkpoint as one line of text, signed with HMAC-SHA-256.
    #[must_use]
    pub fn sign(&self, key: &[u8]) -> String {
        let body = self.body();
        format!("{}.{body}", hex(&mac(key, &body).finalize().into_bytes()))
    }

    /// Reads a signed checkpoint. `None` when it was not signed with this key, or was altered.
    #[must_use]
    pub fn open(signed: &str, key: &[u8]) -> Option<Self> {
        let (signature, body) = signed.trim_end().split_once('.')?;
        mac(key, body).verify_slice(&unhex(signature)?).ok()?;
        serde_json::from_str(body.strip_prefix(PURPOSE)?).ok()
    }

    fn body(&self) -> String {
        let json = serde_json::json!({ "feed": self.feed, "position": self.position, "head": self.head });
        format!("{PURPOSE}{json}")
    }
}

/// What the signature is for, so that it fits nothing else that is signed with the same key.
const PURPOSE: &str = "kvs-checkpoint-1:";

fn mac(key: &[u8], body: &str) -> Hmac<Sha256> {
    // A key longer than a block is hashed first, as RFC 2104 says, so that any length will do.
    let hashed = Sha256::digest(key);
    let mut block = [0; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&hashed);
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(body.as_bytes());
    mac
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

impl Txn {
    /// Makes a feed chained. It must not have had an entry yet; from now on it only grows.
    pub fn chain(&mut self, feed: &str) -> Result<()> {
        self.fits(feed, || format!("feed {feed:?}"))?;
        self.writes.chains.insert(feed.to_owned());
        Ok(())
    }
}

impl Store {
    /// Walks a chained feed and computes every hash again. It answers the feed's present state, or
    /// [`Error::Broken`] with the first entry that was altered, removed, inserted or moved.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> kvs::Result<()> {
    /// # let store = kvs::Store::open("memory:").await?;
    /// let mut txn = store.txn();
    /// txn.chain("/audit")?;
    /// txn.append("/audit", &"alice paid 100")?;
    /// txn.commit().await?;
    /// let kept_elsewhere = store.verify("/audit", None).await?.sign(b"a key of the auditor's");
    ///
    /// let then = kvs::Checkpoint::open(&kept_elsewhere, b"a key of the auditor's").expect("it is signed");
    /// store.verify("/audit", Some(&then)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn verify(&self, feed: &str, since: Option<&Checkpoint>) -> Result<Checkpoint> {
        let broken = |position, why| Error::Broken { feed: feed.to_owned(), position, why };
        let snapshot = self.txn().snapshot().await?;
        let stored = snapshot.get(&key::feed(feed)).await?;
        let meta = FeedMeta::read(feed, stored.as_deref()).map_err(|_| broken(0, "its head is damaged"))?;
        let Some(head) = meta.head else {
            return Err(Error::Chained { feed: feed.to_owned(), why: "it is not chained" });
        };
        let mut hash = ORIGIN;
        let mut expected = 1;
        let check = |position: u64, hash: &[u8; 32]| match since {
            Some(then) if then.position == position && then.head != hex(hash) => {
                Err(broken(position, "it is not what the checkpoint saw"))
            }
            _ => Ok(()),
        };
        check(0, &hash)?;
        let mut span = Span::prefix(key::entries(feed));
        loop {
            let rows = snapshot.scan(&span, false, STEP).await?;
            for (key, stored) in rows.iter() {
                let position = key::position(key);
                if position != expected {
                    let why = if position > expected { "it was removed" } else { "it was inserted" };
                    return Err(broken(expected.min(position), why));
                }
                let value =
                    Value::open(key, stored).map_err(|_| broken(position, "its bytes were altered"))?;
                hash = link(&hash, feed, position, value.version, value.bytes);
                if value.link != Some(&hash) {
                    return Err(broken(position, "it does not follow from the one before"));
                }
                check(position, &hash)?;
                expected += 1;
            }
            match rows.last() {
                Some(last) if rows.len() == STEP => span.start = key::after(last.to_vec()),
                _ => break,
            }
            tokio::task::yield_now().await;
        }
        let last = expected - 1;
        if (meta.last, meta.count) != (last, last) {
            return Err(broken(
                expected,
                if meta.last > last { "it was removed" } else { "it was inserted" },
            ));
        }
        if head != hash {
            return Err(broken(last, "it is not the newest entry that was appended"));
        }
        if let Some(then) = since.filter(|then| then.feed != feed || then.position > last) {
            return Err(broken(then.position, "the checkpoint saw it, and it is gone"));
        }
        Ok(Checkpoint { feed: feed.to_owned(), position: last, head: hex(&hash) })
    }
}

#[cfg(test)]
mod tests;
