//! A layer over a file that keeps in memory what is written to it, so that the file is not changed. Not who
//! decides that it must not be, see `fence`.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::redb::StorageBackend;

/// A file that is read, and whose changes are kept in memory.
#[derive(Debug)]
pub(crate) struct Aside {
    disk: Arc<dyn StorageBackend>,
    /// Held for one reading or writing.
    written: Mutex<Written>,
}

/// What was written, in blocks of [`BLOCK`] bytes by number.
#[derive(Debug, Default)]
struct Written {
    length: Option<u64>,
    blocks: BTreeMap<u64, Vec<u8>>,
    /// How many of the blocks are what the file had before another wrote there.
    kept: u64,
}

const BLOCK: u64 = 4096;

impl Aside {
    pub(crate) fn new(disk: Arc<dyn StorageBackend>) -> Self {
        Self { disk, written: Mutex::default() }
    }

    /// From here on it has the length that the file has now.
    pub(crate) fn pin(&self) -> io::Result<()> {
        let length = self.disk.len()?;
        self.written().length.get_or_insert(length);
        Ok(())
    }

    /// Keeps what the file has there now, because another is about to write there, and says how many bytes
    /// are kept in all.
    pub(crate) fn keep(&self, offset: u64, length: u64) -> io::Result<u64> {
        let mut written = self.written();
        let end = offset.saturating_add(length).min(written.length.unwrap_or(u64::MAX));
        for block in offset / BLOCK..end.div_ceil(BLOCK) {
            if let Entry::Vacant(free) = written.blocks.entry(block) {
                free.insert(self.block(block)?);
                written.kept += 1;
            }
        }
        Ok(written.kept * BLOCK)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the file itself has there; zeros behind its end.
    fn real(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let here = self.disk.len()?.saturating_sub(offset).min(out.len() as u64) as usize;
        out[here..].fill(0);
        self.disk.read(offset, &mut out[..here])
    }

    fn block(&self, block: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; BLOCK as usize];
        self.real(block * BLOCK, &mut bytes)?;
        Ok(bytes)
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
        let length = self.written().length;
        length.map_or_else(|| self.disk.len(), Ok)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        // First the file, then what is kept: whoever writes to the file keeps before.
        self.real(offset, out)?;
        let written = self.written();
        for (block, within, range) in blocks(offset, out.len()) {
            if let Some(bytes) = written.blocks.get(&block) {
                let length = range.len();
                out[range].copy_from_slice(&bytes[within..within + length]);
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.written().length = Some(len);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.written();
        for (block, within, range) in blocks(offset, data.len()) {
            let bytes = match written.blocks.entry(block) {
                Entry::Occupied(there) => there.into_mut(),
                Entry::Vacant(free) => free.insert(self.block(block)?),
            };
            bytes[within..within + range.len()].copy_from_slice(&data[range]);
        }
        Ok(())
    }
}
