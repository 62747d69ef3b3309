//! A fast hash of bytes, to tell whether a part of a page has changed. Not for anything that an attacker could
//! gain by a collision: all he gets is a text shown stale, and he does not know the secret.

use std::{
    collections::HashSet,
    hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState},
    sync::LazyLock,
};

/// The secret of this process.
static SECRET: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));

const K: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];

/// A hash in progress; the same bytes in the same writes give the same value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hash(u64);

impl Hash {
    /// A hash that another process makes otherwise.
    pub(crate) fn keyed() -> Self {
        Hash::new(*SECRET)
    }

    /// A hash that is the same in all processes.
    pub(crate) fn new(seed: u64) -> Self {
        Hash(seed ^ K[1])
    }

    /// Multiplies to 128 bits and folds, as wyhash does.
    fn mix(a: u64, b: u64) -> u64 {
        let product = u128::from(a) * u128::from(b);
        (product as u64) ^ ((product >> 64) as u64)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let mut state = Self::mix(self.0 ^ bytes.len() as u64, K[0]);
        let (chunks, rest) = bytes.as_chunks::<16>();
        for chunk in chunks {
            let word = u128::from_le_bytes(*chunk);
            state = Self::mix((word as u64) ^ state, ((word >> 64) as u64) ^ K[1]);
        }
        if !rest.is_empty() {
            let (low, high) = Self::rest(rest);
            state = Self::mix(low ^ state, high ^ K[1]);
        }
        self.0 = state;
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0 = Self::mix(self.0 ^ number, K[1]);
    }

    /// Up to 15 bytes as two words. They overlap, but the length is in the hash already.
    fn rest(bytes: &[u8]) -> (u64, u64) {
        if let (Some(low), Some(high)) = (bytes.first_chunk(), bytes.last_chunk()) {
            (u64::from_le_bytes(*low), u64::from_le_bytes(*high))
        } else if let (Some(low), Some(high)) = (bytes.first_chunk(), bytes.last_chunk()) {
            (u64::from(u32::from_le_bytes(*low)), u64::from(u32::from_le_bytes(*high)))
        } else {
            let at = |at: usize| bytes.get(at).copied().map_or(0, u64::from);
            (at(0) | at(1) << 8, at(2))
        }
    }

    pub(crate) fn end(self) -> u64 {
        Self::mix(self.0, K[0])
    }
}

/// Serials of components, which are as good as hashes and come from nobody else.
pub(crate) type Serials = HashSet<u64, BuildHasherDefault<Same>>;

/// A number in the place of its hash.
#[derive(Debug, Default)]
pub(crate) struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        // A table looks at the lowest bits and at the uppermost ones, of which a serial has none.
        self.0 ^ self.0 << 40
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.rotate_left(8) ^ number;
    }
}

/// The hash of one piece, which is the same in all processes.
pub(crate) fn lasting(bytes: &[u8]) -> u64 {
    let mut hash = Hash::new(0);
    hash.write(bytes);
    hash.end()
}

/// The hash of one piece.
pub(crate) fn of(bytes: &[u8]) -> u64 {
    let mut hash = Hash::keyed();
    hash.write(bytes);
    hash.end()
}

/// The hash of a few numbers.
pub(crate) fn of_all<const N: usize>(numbers: [u64; N]) -> u64 {
    let mut hash = Hash::keyed();
    numbers.iter().for_each(|number| hash.write(&number.to_le_bytes()));
    hash.end()
}

/// The hash of a state.
pub(crate) fn of_state(state: bool) -> u64 {
    of(&[u8::from(state)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_outlives_the_process_and_what_is_compared_does_not() {
        assert_eq!(lasting(b"a seal is opened by the next server"), 5_822_632_211_615_737_050);
        assert_ne!(of(b"x"), lasting(b"x"));
    }
}
