//! The check sum that every stored value carries: fast, over key and value together, not cryptographic.
//!
//! It finds flipped bits and values that sit under the wrong key. Whoever can write to the store can also
//! compute it; against that there are chains.

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const STEP: u64 = 0xd6e8_feb8_6659_fd93;

/// The sum of the parts in order; where one part ends matters.
pub(crate) fn sum(parts: &[&[u8]]) -> u64 {
    parts.iter().fold(SEED, |state, part| add(state, part))
}

/// Adds a part to a sum.
pub(crate) fn add(mut state: u64, part: &[u8]) -> u64 {
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
        let clean = sum(&[b"key", &bytes]) as u32;
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(sum(&[b"key", &flipped]) as u32, clean, "bit {bit}");
        }
        assert_ne!(sum(&[b"ke", b"y"]), sum(&[b"key", b""]));
        assert_ne!(sum(&[b"a\0"]), sum(&[b"a"]));
    }
}
