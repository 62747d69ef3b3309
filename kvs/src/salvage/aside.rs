//! A layer over a file by which redb may open it without changing it.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    io,
    sync::{Arc, Mutex, PoisonError},
};

use ::redb::StorageBackend;

/// A file that is read, and whose changes are kept in memory.
#[derive(Debug)]
pub(super) struct Aside {
    disk: Arc<dyn StorageBackend>,
    /// Held for one reading or writing.
    written: Mutex<Written>,
}

/// What was written, in blocks of [`BLOCK`] bytes by number.
#[derive(Debug, Default)]
struct Written {
    length: Option<u64>,
    blocks: BTreeMap<u64, Vec<u8>>,
}

const BLOCK: u64 = 4096;

impl Aside {
    pub(super) fn new(disk: Arc<dyn StorageBackend>) -> Self {
        Self { disk, written: Mutex::default() }
    }

    /// What the file itself has there; zeros behind its end.
    fn real(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let here = self.disk.len()?.saturating_sub(offset).min(out.len() as u64) as usize;
        out[here..].fill(0);
        self.disk.read(offset, &mut out[..here])
    }
}

/// The blocks that a stretch touches: the number of each, where it begins in it, and which part it is of.
fn blocks(offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done as u64;
        let (block, within) = (at / BLOCK, (at % BLOCK) as usize);
        let part = (BLOCK as usize - within).min(length - done);
        let range = done..done + part;
        done += part;
        (part > 0).then_some((block, within, range))
    })
}

impl StorageBackend for Aside {
    fn len(&self) -> io::Result<u64> {
        let length = self.written.lock().unwrap_or_else(PoisonError::into_inner).length;
        length.map_or_else(|| self.disk.len(), Ok)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.real(offset, out)?;
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        for (block, within, range) in blocks(offset, out.len()) {
            if let Some(bytes) = written.blocks.get(&block) {
                let length = range.len();
                out[range].copy_from_slice(&bytes[within..within + length]);
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).length = Some(len);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        for (block, within, range) in blocks(offset, data.len()) {
            let bytes = match written.blocks.entry(block) {
                Entry::Occupied(there) => there.into_mut(),
                Entry::Vacant(free) => {
                    let mut bytes = vec![0; BLOCK as usize];
                    self.real(block * BLOCK, &mut bytes)?;
                    free.insert(bytes)
                }
            };
            bytes[within..within + range.len()].copy_from_slice(&data[range]);
        }
        Ok(())
    }
}
