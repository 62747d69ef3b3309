//! The check sum that every stored value carries: fast, over key and value together, not cryptographic.
//!
//! It finds flipped bits and values that sit under the wrong key. Whoever can write to the store can also
//! compute it; against that there are chains.

use twox_hash::XxHash3_64;

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const STEP: u64 = 0xd6e8_feb8_6659_fd93;

/// The sum of a value under its key: the low half of its XXH3, whose seed is the XXH3 of the key.
pub(crate) fn sum(key: &[u8], value: &[u8]) -> u32 {
    add(XxHash3_64::oneshot(key), value) as u32
}

/// Adds a part to a sum of several.
pub(crate) fn add(sum: u64, part: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(sum, part)
}

/// The sum that version 1 of the format has; it is only read.
pub(crate) fn first(key: &[u8], value: &[u8]) -> u32 {
    mix(mix(SEED, key), value) as u32
}

/// Adds a part to a sum of version 1; where it ends matters.
fn mix(mut state: u64, part: &[u8]) -> u64 {
    let (chunks, rest) = part.as_chunks::<8>();
    for chunk in chunks {
        state = fold(state ^ u64::from_le_bytes(*chunk));
    }
    let mut tail = [0; 8];
    tail[..rest.len()].copy_from_slice(rest);
    // The length keeps a part that ends in zeros apart from a shorter one.
    state = fold(state ^ u64::from_le_bytes(tail));
    fold(state ^ part.len() as u64)
}

/// A bijection of 64 bits, so that a single flipped bit always changes the result.
fn fold(value: u64) -> u64 {
    let value = (value ^ (value >> 32)).wrapping_mul(STEP);
    value ^ (value >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_bit_matters() {
        let bytes: Vec<u8> = (0..37).collect();
        for sum in [sum, first] {
            let clean = sum(b"key", &bytes);
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(sum(b"key", &flipped), clean, "bit {bit}");
            }
            assert_ne!(sum(b"ke", b"y"), sum(b"key", b""));
            assert_ne!(sum(b"", b"a\0"), sum(b"", b"a"));
        }
    }

    #[test]
    fn it_is_the_published_xxh3() {
        // From the reference implementation: `xxhsum -H3` of nothing and of "abc".
        assert_eq!(XxHash3_64::oneshot(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(XxHash3_64::oneshot(b"abc"), 0x78af_5f94_892f_3950);
    }
}
