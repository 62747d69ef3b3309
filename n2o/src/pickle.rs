//! Seals: authenticated encryption of what travels through a client and comes back.
//!
//! A seal is `version | key id | head | expiry | nonce | ciphertext | tag`, 35 bytes longer than
//! its content. The cipher is AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce; the key is
//! derived for each purpose and each session, and what the seal is bound to is authenticated with it.

use std::sync::{Mutex, PoisonError};

use aes_gcm::{
    Aes256Gcm,
    aead::{AeadInOut, KeyInit},
};

use crate::{clock::Random, keys::Keys};

/// Changes whenever the content of any seal changes its meaning; older seals are refused, not migrated.
const VERSION: u8 = 1;
const HEADER: usize = 7;
const NONCE: usize = 12;
const TAG: usize = 16;

/// How much longer a seal is than its content, in bytes.
pub const OVERHEAD: usize = HEADER + NONCE + TAG;

/// Why a seal was not opened. Forged, foreign and damaged seals are not told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The seal is not one that this server made for this session, page and element.
    #[error("seal refused")]
    Refused,
    /// The seal was genuine once; draw the page afresh.
    #[error("seal expired")]
    Expired,
}

/// The byte in the clear of a seal that may not be genuine.
pub(crate) fn head(seal: &[u8]) -> Option<u8> {
    seal.get(2).copied()
}

/// Seals and opens for one purpose and one session.
pub(crate) struct Sealer {
    keys: Keys,
    purpose: &'static [u8],
    context: [u8; 16],
    // A std lock: held while something is sealed or opened, never across an await.
    current: Mutex<Option<Current>>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer")
            .field("purpose", &String::from_utf8_lossy(self.purpose))
            .finish_non_exhaustive()
    }
}

/// The cipher of the current key, kept while it is in use.
struct Current {
    generation: u64,
    id: u8,
    cipher: Box<Aes256Gcm>,
    used: bool,
}

/// A seal's content: a byte in the clear, which the caller chose, and the rest.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) head: u8,
    pub(crate) content: Vec<u8>,
}

impl Sealer {
    pub(crate) fn new(keys: Keys, purpose: &'static str, context: [u8; 16]) -> Self {
        Sealer { keys, purpose: purpose.as_bytes(), context, current: Mutex::new(None) }
    }

    fn cipher(&self, id: u8) -> Option<Aes256Gcm> {
        let key = self.keys.derive(id, self.purpose, &self.context)?;
        Aes256Gcm::new_from_slice(&key.0).ok()
    }

    fn with_current<T>(&self, f: impl FnOnce(u8, &Aes256Gcm) -> T) -> Option<T> {
        let mut slot = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = self.keys.generation();
        if slot.as_ref().is_none_or(|current| current.generation != generation) {
            let id = self.keys.current();
            *slot = Some(Current { generation, id, cipher: Box::new(self.cipher(id)?), used: true });
        }
        let current = slot.as_mut()?;
        current.used = true;
        Some(f(current.id, &current.cipher))
    }

    /// Forgets the cipher: nothing will be sealed or opened for a while.
    pub(crate) fn forget(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Forgets the cipher when it was not used since the last call: it is quickly made again, and most
    /// sessions are idle at any time.
    pub(crate) fn rest(&self) {
        let mut slot = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = slot.as_mut()
            && !std::mem::take(&mut current.used)
        {
            *slot = None;
        }
    }

    /// Seals `content`, bound to `bound`, until `expires` (seconds since 1970).
    pub(crate) fn seal(
        &self,
        head: u8,
        bound: &[&[u8]],
        expires: u32,
        content: &[u8],
        random: &Random,
    ) -> Vec<u8> {
        let mut out = Vec::with_capacity(OVERHEAD + content.len());
        let sealed = self.with_current(|id, cipher| {
            out.extend_from_slice(&[VERSION, id, head]);
            out.extend_from_slice(&expires.to_be_bytes());
            let nonce = random.bytes::<NONCE>();
            out.extend_from_slice(&nonce);
            out.extend_from_slice(content);
            let data = Bound::new(&out[..HEADER], bound);
            let text = &mut out[HEADER + NONCE..];
            cipher.encrypt_inout_detached(&nonce.into(), data.as_slice(), text.into())
        });
        match sealed {
            Some(Ok(tag)) => {
                out.extend_from_slice(&tag);
                out
            }
            // AES-GCM fails only for more than 64 GiB, and the current key is always in the ring.
            Some(Err(_)) | None => Vec::new(),
        }
    }

    /// Opens a seal that was made with the same purpose, session and `bound`.
    pub(crate) fn open(&self, seal: &[u8], bound: &[&[u8]], now: u32) -> Result<Opened, SealError> {
        let (body, tag) = seal.split_last_chunk::<TAG>().ok_or(SealError::Refused)?;
        let (header, rest) = body.split_first_chunk::<HEADER>().ok_or(SealError::Refused)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or(SealError::Refused)?;
        let [version, id, head, e0, e1, e2, e3] = *header;
        if version != VERSION {
            return Err(SealError::Refused);
        }
        let data = Bound::new(header, bound);
        let mut content = text.to_vec();
        let mut decrypt = |cipher: &Aes256Gcm| {
            cipher.decrypt_inout_detached(
                &(*nonce).into(),
                data.as_slice(),
                content.as_mut_slice().into(),
                &(*tag).into(),
            )
        };
        let opened =
            match self.with_current(|current, cipher| (current == id).then(|| decrypt(cipher))).flatten() {
                Some(result) => result,
                None => decrypt(&self.cipher(id).ok_or(SealError::Refused)?),
            };
        opened.map_err(|_| SealError::Refused)?;
        if u32::from_be_bytes([e0, e1, e2, e3]) < now {
            return Err(SealError::Expired);
        }
        Ok(Opened { head, content })
    }
}

/// The associated data: the header and what the seal is bound to, on the stack.
struct Bound {
    bytes: [u8; Bound::MAX],
    len: usize,
}

impl Bound {
    /// The header, a page's id and the longest element id fit.
    const MAX: usize = 128;

    fn new(header: &[u8], bound: &[&[u8]]) -> Self {
        let (mut bytes, mut len) = ([0; Self::MAX], 0);
        for part in [header].iter().chain(bound) {
            let room = &mut bytes[len..];
            let part = &part[..part.len().min(room.len())];
            room[..part.len()].copy_from_slice(part);
            len += part.len();
        }
        Bound { bytes, len }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(context: u8) -> Sealer {
        Sealer::new(Keys::random(&Random::seeded(1)), "test", [context; 16])
    }

    #[test]
    fn opens_what_it_sealed() {
        let sealer = sealer(0);
        let seal = sealer.seal(7, &[b"page"], 100, b"hello", &Random::default());
        assert_eq!(seal.len(), OVERHEAD + 5);
        let opened = sealer.open(&seal, &[b"page"], 100).expect("opens");
        assert_eq!((opened.head, opened.content.as_slice()), (7, b"hello".as_slice()));
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_refused() {
        let sealer = sealer(0);
        let seal = sealer.seal(7, &[b"page"], 100, b"hello", &Random::default());
        for bit in 0..seal.len() * 8 {
            let mut forged = seal.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(sealer.open(&forged, &[b"page"], 0).err(), Some(SealError::Refused), "bit {bit}");
        }
        for len in 0..seal.len() {
            assert_eq!(
                sealer.open(&seal[..len], &[b"page"], 0).err(),
                Some(SealError::Refused),
                "length {len}"
            );
        }
    }

    #[test]
    fn is_bound_to_session_page_and_time() {
        let sealer = sealer(0);
        let seal = sealer.seal(7, &[b"page"], 100, b"hello", &Random::default());
        assert_eq!(self::sealer(1).open(&seal, &[b"page"], 0).err(), Some(SealError::Refused));
        assert_eq!(sealer.open(&seal, &[b"other"], 0).err(), Some(SealError::Refused));
        assert_eq!(sealer.open(&seal, &[b"page"], 101).err(), Some(SealError::Expired));
    }

    #[test]
    fn an_old_key_opens_until_it_leaves_the_ring() {
        let (old, new) = (Random::seeded(1).bytes::<32>(), Random::seeded(2).bytes::<32>());
        let line = |id: u8, key: [u8; 32]| {
            use base64::Engine;
            format!("{id}:{}\n", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(key))
        };
        let sealer = |text: &str| Sealer::new(Keys::parse(text, "test").expect("keys"), "test", [0; 16]);
        let seal = sealer(&line(1, old)).seal(0, &[], 100, b"hello", &Random::default());
        let both = format!("{}{}", line(2, new), line(1, old));
        assert!(sealer(&both).open(&seal, &[], 0).is_ok());
        assert_eq!(sealer(&line(2, new)).open(&seal, &[], 0).err(), Some(SealError::Refused));
    }
}
