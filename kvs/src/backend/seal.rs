//! The seal of a closed file: its length, a sum over all its bytes, and its last commit, in a file beside
//! it. redb verifies its pages when it repairs, not when it reads; a seal that fits says that nothing was
//! altered since the store was closed, at the speed of reading the file once.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ::redb::StorageBackend;

const FORMAT: &str = "kvs-seal-1";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) length: u64,
    pub(crate) sum: u64,
    pub(crate) at: u64,
}

pub(crate) fn path(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".seal");
    name.into()
}

impl Seal {
    /// Computes the seal of a file as it is.
    pub(crate) fn compute(disk: &dyn StorageBackend, at: u64) -> io::Result<Self> {
        let length = disk.len()?;
        let mut sum = Sum::default();
        let mut buffer = vec![0; 1 << 20];
        let mut offset = 0;
        while offset < length {
            let step = (length - offset).min(buffer.len() as u64) as usize;
            disk.read(offset, &mut buffer[..step])?;
            sum.add(&buffer[..step]);
            offset += step as u64;
        }
        Ok(Self { length, sum: sum.finish(), at })
    }

    /// Reads the seal beside a store; `None` when there is none that can be read.
    pub(crate) fn read(store: &Path) -> Option<Self> {
        let text = fs::read_to_string(path(store)).ok()?;
        let mut words = text.split_ascii_whitespace();
        (words.next() == Some(FORMAT)).then_some(())?;
        let mut number = || words.next().and_then(|word| u64::from_str_radix(word, 16).ok());
        Some(Self { length: number()?, sum: number()?, at: number()? })
    }

    pub(crate) fn write(&self, store: &Path) -> io::Result<()> {
        let Self { length, sum, at } = self;
        fs::write(path(store), format!("{FORMAT} {length:x} {sum:x} {at:x}\n"))
    }

    /// An open store has no seal.
    pub(crate) fn remove(store: &Path) -> io::Result<()> {
        match fs::remove_file(path(store)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Four sums side by side, because one has to wait for each of its multiplications.
#[derive(Default)]
struct Sum([u64; 4]);

impl Sum {
    /// Adds a block; all but the last are a multiple of 32 bytes long.
    fn add(&mut self, block: &[u8]) {
        let (chunks, rest) = block.as_chunks::<32>();
        for chunk in chunks {
            for (lane, word) in self.0.iter_mut().zip(chunk.as_chunks::<8>().0) {
                *lane = step(*lane ^ u64::from_le_bytes(*word));
            }
        }
        if !rest.is_empty() {
            let mut last = [0; 32];
            last[..rest.len()].copy_from_slice(rest);
            self.add(&last);
        }
    }

    fn finish(&self) -> u64 {
        self.0.iter().fold(0, |sum, lane| step(sum ^ lane))
    }
}

/// A bijection, so that a change in one word cannot cancel itself out.
fn step(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xd6e8_feb8_6659_fd93);
    value ^ (value >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bit_changes_the_sum() {
        let bytes: Vec<u8> = (0..100).collect();
        let sum = |bytes: &[u8]| {
            let mut sum = Sum::default();
            sum.add(bytes);
            sum.finish()
        };
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(sum(&flipped), sum(&bytes), "bit {bit}");
        }
    }
}
