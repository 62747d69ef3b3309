//! Ids of elements, and the keys by which the server knows them without keeping them.

use std::{
    borrow::Cow,
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::LazyLock,
};

/// The secret of this process: nobody can choose ids whose keys are equal.
static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Bits of a key.
pub(crate) const BITS: u32 = 48;

/// The way from ids to keys: a keyed hash, and the salt of one page.
///
/// Two ids of a page with one key are next to impossible, and not impossible. So each rendering is looked
/// through for such a pair, and where there is one, the page goes over to the next salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keying {
    salt: u32,
    /// The bits of a key; fewer in a test that wants ids to collide.
    bits: u32,
}

impl Default for Keying {
    fn default() -> Self {
        Keying { salt: 0, bits: BITS }
    }
}

impl Keying {
    /// The key of an id. It is never 0, which is the key of the page itself.
    pub(crate) fn key(self, id: &str) -> u64 {
        let mut hasher = SECRET.build_hasher();
        hasher.write(id.as_bytes());
        hasher.write_u32(self.salt);
        (hasher.finish() >> (64 - self.bits)).max(1)
    }

    /// Other keys for all ids.
    pub(crate) fn next(self) -> Self {
        Keying { salt: self.salt.wrapping_add(1), ..self }
    }

    /// Keys of which many are equal.
    #[cfg(test)]
    pub(crate) fn weak(bits: u32) -> Self {
        Keying { salt: 0, bits }
    }
}

/// The hash of what a part of a page is made from, under the secret of this process.
pub(crate) fn state_of(state: impl Hash) -> u64 {
    (SECRET.hash_one(state) >> (64 - BITS)).max(1)
}

/// An id within the alphabet and length of `PROTOCOL.md`, section 2.
pub(crate) fn clean_id(id: Cow<'_, str>) -> Cow<'_, str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    // Two characters are left for the ids of a field's parts.
    if id.len() <= n2o::MAX_ID - 2 && id.bytes().all(fits) {
        return id;
    }
    debug_assert!(false, "the id {id:?} is not 1 to {} of A-Z a-z 0-9 _ - . :", n2o::MAX_ID - 2);
    id.bytes().take(n2o::MAX_ID - 2).map(|byte| if fits(byte) { char::from(byte) } else { '_' }).collect()
}
