//! Seals: authenticated encryption of what travels through a client and comes back.
//!
//! A seal is `version | key id | head | expiry | nonce | ciphertext | tag`, 35 bytes longer than
//! its content. The cipher is AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce; what the seal is
//! bound to is authenticated with it, each part framed by its length.
//!
//! One key makes at most 2^32 seals, the bound of SP 800-38D, section 8.3, for random nonces. It is derived
//! for each purpose, each session, and each 512 seconds of the expiry that stands in the seal; a session
//! seals one after the other, so that a seal would have to take less than 120 ns for the bound to be
//! reached. The number is counted all the same for as long as the session is in memory, also while it holds
//! no cipher, and a seal beyond it is refused.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aes_gcm::{
    Aes256Gcm,
    aead::{AeadInOut, KeyInit},
};

use crate::{clock::Random, error::SealError, keys::Keys};

/// Changes whenever the content of any seal changes its meaning; older seals are refused, not migrated.
const VERSION: u8 = 2;
const HEADER: usize = 7;
const NONCE: usize = 12;
const TAG: usize = 16;
/// The bits of a seal's expiry that do not count for its key: a key seals for 2^9 = 512 seconds.
const EPOCH_BITS: u32 = 9;

/// How much longer a seal is than its content, in bytes.
pub const OVERHEAD: usize = HEADER + NONCE + TAG;

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
    held: Mutex<Held>,
    /// The keys that were derived.
    #[cfg(test)]
    derived: std::sync::atomic::AtomicUsize,
}

#[derive(Default)]
struct Held {
    /// The ciphers in use, the latest first: a page that seals for now and is sent what was sealed in the
    /// 512 seconds before needs two.
    ciphers: [Option<Box<Current>>; 2],
    made: Made,
}

/// The seals of the latest 512 seconds, which stay counted when the cipher is forgotten.
#[derive(Default)]
struct Made {
    epoch: u32,
    count: u32,
}

impl Made {
    /// Counts one more seal, when the key may make it. All keys of an epoch count together, and an epoch
    /// that comes back, because the clock was set back, counts on.
    fn one_more(&mut self, epoch: u32) -> bool {
        if epoch > self.epoch {
            *self = Made { epoch, count: 0 };
        }
        let more = self.count.checked_add(1);
        self.count = more.unwrap_or(self.count);
        more.is_some()
    }
}

impl Held {
    /// The cipher that fits, which comes first.
    fn find(&mut self, fits: impl Fn(&Current) -> bool) -> Option<&Current> {
        let at = self.ciphers.iter().position(|slot| slot.as_ref().is_some_and(|current| fits(current)))?;
        self.ciphers.swap(0, at);
        let current = self.ciphers[0].as_mut()?;
        current.used = true;
        Some(current)
    }

    /// Keeps a cipher in place of the one that was not used for longer.
    fn keep(&mut self, current: Current) {
        self.ciphers.swap(0, 1);
        self.ciphers[0] = Some(Box::new(current));
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer")
            .field("purpose", &String::from_utf8_lossy(self.purpose))
            .finish_non_exhaustive()
    }
}

/// The cipher of a key, kept while it is in use.
struct Current {
    generation: u64,
    id: u8,
    epoch: u32,
    cipher: Aes256Gcm,
    /// The key is the one that seals, while the generation stays.
    seals: bool,
    used: bool,
}

/// The part of an expiry that the key is derived with.
fn epoch(expires: u32) -> u32 {
    expires >> EPOCH_BITS
}

/// A seal's content: a byte in the clear, which the caller chose, and the rest.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) head: u8,
    pub(crate) content: Vec<u8>,
}

impl Sealer {
    pub(crate) fn new(keys: Keys, purpose: &'static str, context: [u8; 16]) -> Self {
        Sealer {
            keys,
            purpose: purpose.as_bytes(),
            context,
            held: Mutex::default(),
            #[cfg(test)]
            derived: std::sync::atomic::AtomicUsize::default(),
        }
    }

    fn cipher(&self, id: u8, epoch: u32) -> Option<Aes256Gcm> {
        #[cfg(test)]
        self.derived.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let [a, b, c, d] = epoch.to_be_bytes();
        let mut context = [0; 20];
        context[..16].copy_from_slice(&self.context);
        context[16..].copy_from_slice(&[a, b, c, d]);
        let key = self.keys.derive(id, self.purpose, &context)?;
        Aes256Gcm::new_from_slice(&key.0).ok()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `f` with the cipher that seals until `expires`.
    fn with_current<T>(&self, expires: u32, f: impl FnOnce(&Current, &mut Made) -> T) -> Option<T> {
        let mut held = self.held();
        let (generation, epoch) = (self.keys.generation(), epoch(expires));
        let fits =
            |current: &Current| current.seals && current.generation == generation && current.epoch == epoch;
        if held.find(fits).is_none() {
            let id = self.keys.current();
            let cipher = self.cipher(id, epoch)?;
            held.keep(Current { generation, id, epoch, cipher, seals: true, used: true });
        }
        // It comes first by now.
        let Held { ciphers: [first, _], made } = &mut *held;
        first.as_deref().map(|current| f(current, made))
    }

    /// Opens with a cipher that is held, when one of them is it.
    fn with_held<T>(&self, id: u8, epoch: u32, f: impl FnOnce(&Aes256Gcm) -> T) -> Option<T> {
        let generation = self.keys.generation();
        let fits =
            |current: &Current| (current.generation, current.id, current.epoch) == (generation, id, epoch);
        self.held().find(fits).map(|current| f(&current.cipher))
    }

    /// Opens with a cipher that is not held, and keeps it when `f` succeeds: a seal that somebody invented
    /// takes the place of none.
    fn with_other<T, E>(
        &self,
        id: u8,
        epoch: u32,
        f: impl FnOnce(&Aes256Gcm) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        let generation = self.keys.generation();
        let cipher = self.cipher(id, epoch)?;
        let opened = f(&cipher);
        if opened.is_ok() {
            let seals = id == self.keys.current();
            self.held().keep(Current { generation, id, epoch, cipher, seals, used: true });
        }
        Some(opened)
    }

    /// Forgets the ciphers: nothing will be sealed or opened for a while.
    pub(crate) fn forget(&self) {
        self.held().ciphers = Default::default();
    }

    /// Forgets a cipher that was not used since the last call: it is quickly made again, and most
    /// sessions are idle at any time.
    pub(crate) fn rest(&self) {
        for slot in &mut self.held().ciphers {
            if slot.as_mut().is_some_and(|current| !std::mem::take(&mut current.used)) {
                *slot = None;
            }
        }
    }

    /// Seals `content`, bound to `bound`, until `expires` (seconds since 1970). Fails when what it is bound to
    /// is too long, and when the key has made all seals that it may.
    pub(crate) fn seal(
        &self,
        head: u8,
        bound: &[&[u8]],
        expires: u32,
        content: &[u8],
        random: &Random,
    ) -> Result<Vec<u8>, SealError> {
        let mut out = Vec::with_capacity(OVERHEAD + content.len());
        let sealed = self.with_current(expires, |current, made| {
            if !made.one_more(current.epoch) {
                return Err(SealError::Exhausted);
            }
            out.extend_from_slice(&[VERSION, current.id, head]);
            out.extend_from_slice(&expires.to_be_bytes());
            let nonce = random.bytes::<NONCE>();
            out.extend_from_slice(&nonce);
            out.extend_from_slice(content);
            let data = Bound::new(&out[..HEADER], bound)?;
            let text = &mut out[HEADER + NONCE..];
            let tag = current.cipher.encrypt_inout_detached(&nonce.into(), data.as_slice(), text.into());
            // AES-GCM fails for more than 64 GiB only.
            tag.map_err(|_| SealError::TooLong)
        });
        // The current key is always in the ring.
        let tag = sealed.unwrap_or(Err(SealError::Refused))?;
        out.extend_from_slice(&tag);
        Ok(out)
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
        // What cannot be sealed was not sealed here.
        let data = Bound::new(header, bound).map_err(|_| SealError::Refused)?;
        let expires = u32::from_be_bytes([e0, e1, e2, e3]);
        let mut content = text.to_vec();
        let mut decrypt = |cipher: &Aes256Gcm| {
            cipher.decrypt_inout_detached(
                &(*nonce).into(),
                data.as_slice(),
                content.as_mut_slice().into(),
                &(*tag).into(),
            )
        };
        let epoch = epoch(expires);
        let opened =
            self.with_held(id, epoch, &mut decrypt).or_else(|| self.with_other(id, epoch, &mut decrypt));
        opened.ok_or(SealError::Refused)?.map_err(|_| SealError::Refused)?;
        if expires < now {
            return Err(SealError::Expired);
        }
        Ok(Opened { head, content })
    }
}

/// The associated data: the header, and what the seal is bound to, each part behind its length; on the stack.
struct Bound {
    bytes: [u8; Bound::MAX],
    len: usize,
}

impl Bound {
    /// The header, a page's id and the longest element id fit.
    const MAX: usize = 128;

    fn new(header: &[u8], bound: &[&[u8]]) -> Result<Self, SealError> {
        let (mut bytes, mut len) = ([0; Self::MAX], 0);
        for part in [header].iter().chain(bound) {
            let size = u8::try_from(part.len()).map_err(|_| SealError::TooLong)?;
            let room = bytes.get_mut(len..=len + part.len()).ok_or(SealError::TooLong)?;
            room[0] = size;
            room[1..].copy_from_slice(part);
            len += room.len();
        }
        Ok(Bound { bytes, len })
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
        let seal = sealer.seal(7, &[b"page"], 100, b"hello", &Random::default()).expect("sealed");
        assert_eq!(seal.len(), OVERHEAD + 5);
        let opened = sealer.open(&seal, &[b"page"], 100).expect("opens");
        assert_eq!((opened.head, opened.content.as_slice()), (7, b"hello".as_slice()));
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_refused() {
        let sealer = sealer(0);
        let seal = sealer.seal(7, &[b"page"], 100, b"hello", &Random::default()).expect("sealed");
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
        let seal = sealer.seal(7, &[b"page"], 100, b"hello", &Random::default()).expect("sealed");
        assert_eq!(self::sealer(1).open(&seal, &[b"page"], 0).err(), Some(SealError::Refused));
        assert_eq!(sealer.open(&seal, &[b"other"], 0).err(), Some(SealError::Refused));
        assert_eq!(sealer.open(&seal, &[b"page"], 101).err(), Some(SealError::Expired));
    }

    #[test]
    fn what_it_is_bound_to_is_framed_and_not_cut() {
        let sealer = sealer(0);
        let seal = |bound: &[&[u8]]| sealer.seal(7, bound, 100, b"hello", &Random::default());
        let opens = |seal: &[u8], bound: &[&[u8]]| sealer.open(seal, bound, 0).is_ok();
        let made = seal(&[b"ab", b"c"]).expect("sealed");
        assert!(opens(&made, &[b"ab", b"c"]));
        let others: [&[&[u8]]; 6] =
            [&[b"a", b"bc"], &[b"abc"], &[b"", b"abc"], &[b"ab", b"c", b""], &[b"ab"], &[b"ab\x01c"]];
        for other in others {
            assert!(!opens(&made, other), "{other:?}");
        }
        let zero = seal(&[b"a\0b"]).expect("sealed");
        assert!(opens(&zero, &[b"a\0b"]) && !opens(&zero, &[b"a", b"b"]), "a length, and no sign between");
        // The header with its length takes 8 bytes, and each part one for its length.
        let room = [b'x'; Bound::MAX - HEADER - 2];
        assert!(opens(&seal(&[&room]).expect("it just fits"), &[&room]));
        let over = [b'x'; Bound::MAX - HEADER - 1];
        assert_eq!(seal(&[&over]), Err(SealError::TooLong), "and is not cut");
        assert_eq!(seal(&[&room, b""]), Err(SealError::TooLong));
        assert_eq!(seal(&[&[b'x'; 300]]), Err(SealError::TooLong));
        assert_eq!(sealer.open(&made, &[&over], 0).err(), Some(SealError::Refused));
    }

    #[test]
    fn a_key_makes_no_more_seals_than_it_may() {
        let sealer = sealer(0);
        let seal = |expires| sealer.seal(7, &[b"page"], expires, b"hello", &Random::default());
        assert!(seal(100).is_ok());
        // 2^32 - 1, which is within the bound.
        sealer.held().made.count = u32::MAX - 1;
        let last = seal(100).expect("the last one");
        assert_eq!(seal(511), Err(SealError::Exhausted), "of the same 512 seconds");
        assert!(sealer.open(&last, &[b"page"], 0).is_ok(), "it still opens");
        sealer.forget();
        assert_eq!(seal(100), Err(SealError::Exhausted), "the cipher is forgotten, and not the count");
        assert!(seal(512).is_ok(), "the next key");
        sealer.held().made.count = u32::MAX;
        assert_eq!(seal(100), Err(SealError::Exhausted), "with a clock that was set back");
        assert!(sealer.open(&last, &[b"page"], 0).is_ok(), "and with the next key in use");
    }

    #[test]
    fn a_seal_of_another_time_has_another_key() {
        let sealer = sealer(0);
        let key = |epoch| sealer.cipher(1, epoch).expect("a cipher");
        let tag = |cipher: &Aes256Gcm| {
            let mut text = *b"hello";
            let text = text.as_mut_slice();
            cipher.encrypt_inout_detached(&[0; NONCE].into(), b"", text.into()).expect("short")
        };
        assert_eq!(tag(&key(1)), tag(&key(1)));
        assert_ne!(tag(&key(1)), tag(&key(2)));
        assert_eq!((epoch(511), epoch(512)), (0, 1));
    }

    #[test]
    fn a_key_is_derived_once_while_it_is_in_use() {
        let sealer = sealer(0);
        let derived = || sealer.derived.load(std::sync::atomic::Ordering::Relaxed);
        let seal = |expires| sealer.seal(7, &[], expires, b"hello", &Random::default()).expect("sealed");
        let opens = |seal: &[u8]| sealer.open(seal, &[], 0).is_ok();
        let (now, before, long_ago) = (seal(1_600), seal(1_000), seal(100));
        sealer.forget();
        let start = derived();
        for _ in 0..10 {
            assert!(opens(&before), "a click whose answer seals nothing");
        }
        assert_eq!(derived() - start, 1);
        for _ in 0..10 {
            assert!(opens(&before) && opens(&seal(1_600)) && opens(&now), "an answer that seals for now");
        }
        assert_eq!(derived() - start, 2);
        for expires in 0..100 {
            let mut forged = long_ago.clone();
            forged[3..7].copy_from_slice(&u32::to_be_bytes(expires << EPOCH_BITS));
            assert!(!opens(&forged));
        }
        let start = derived();
        assert!(opens(&before) && opens(&now));
        assert_eq!(derived(), start, "what is forged takes the place of nothing");
        assert!(opens(&long_ago) && opens(&now));
        assert_eq!(derived() - start, 1, "the older one made room");
        sealer.rest();
        assert!(opens(&now));
        sealer.rest();
        assert_eq!(sealer.held().ciphers.iter().flatten().count(), 1, "what was not used since is dropped");
        assert!(opens(&now));
        assert_eq!(derived() - start, 1);
        sealer.rest();
        sealer.rest();
        assert_eq!(sealer.held().ciphers.iter().flatten().count(), 0, "an idle session holds no cipher");
    }

    #[test]
    fn an_old_key_opens_until_it_leaves_the_ring() {
        let (old, new) = (Random::seeded(1).bytes::<32>(), Random::seeded(2).bytes::<32>());
        let line = |id: u8, key: [u8; 32]| {
            use base64::Engine;
            format!("{id}:{}\n", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(key))
        };
        let sealer = |text: &str| Sealer::new(Keys::parse(text, "test").expect("keys"), "test", [0; 16]);
        let seal = sealer(&line(1, old)).seal(0, &[], 100, b"hello", &Random::default()).expect("sealed");
        let both = format!("{}{}", line(2, new), line(1, old));
        assert!(sealer(&both).open(&seal, &[], 0).is_ok());
        assert_eq!(sealer(&line(2, new)).open(&seal, &[], 0).err(), Some(SealError::Refused));
    }
}
