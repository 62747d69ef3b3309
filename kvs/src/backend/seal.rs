//! The seal of a closed file: its length, a sum over its header, and its last commit, in a file beside it.
//! The header holds the sums of the first pages, and those of the next: a seal that fits says that the
//! file is the one that was closed, however long it is. The pages are verified when they are read.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use ::redb::StorageBackend;

use super::{disk, tree};

/// What the first version of seals begins with: its sum was over all bytes of the file.
const WHOLE: &str = "kvs-seal-1";
const FORMAT: &str = "kvs-seal-2";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    length: u64,
    /// Over the header; unknown where the seal is of the first version.
    sum: Option<u64>,
    pub(crate) at: u64,
}

pub(crate) fn path(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".seal");
    name.into()
}

impl Seal {
    /// The seal of a file as it is.
    pub(crate) fn of(disk: &dyn StorageBackend, at: u64) -> io::Result<Self> {
        Ok(Self { length: disk.len()?, sum: Some(tree::seal(&tree::read(disk)?)), at })
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Whether a file of this length, with this header, can be the one that was closed.
    pub(crate) fn fits(&self, header: &[u8], length: u64) -> bool {
        self.length == length && self.sum.is_none_or(|sum| sum == tree::seal(header))
    }

    /// Reads the seal beside a store; `None` when there is none that can be read.
    pub(crate) fn read(store: &Path) -> Option<Self> {
        let text = fs::read_to_string(path(store)).ok()?;
        // One that a power cut has cut short says nothing.
        let text = text.strip_suffix('\n')?;
        let mut words = text.split_ascii_whitespace();
        let format = words.next()?;
        let mut number = || words.next().and_then(|word| u64::from_str_radix(word, 16).ok());
        let (length, sum, at) = (number()?, number()?, number()?);
        match format {
            FORMAT => Some(Self { length, sum: Some(sum), at }),
            WHOLE => Some(Self { length, sum: None, at }),
            _ => None,
        }
    }

    pub(crate) fn write(&self, store: &Path) -> io::Result<()> {
        let Self { length, sum, at } = self;
        disk::step("write the seal")?;
        let mut file = disk::private().write(true).create(true).truncate(true).open(path(store))?;
        writeln!(file, "{FORMAT} {length:x} {:x} {at:x}", sum.unwrap_or_default())
    }

    /// An open store has no seal, not even after a power cut: one that came back would be of an older state.
    pub(crate) fn remove(store: &Path) -> io::Result<()> {
        match fs::remove_file(path(store)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => {
                disk::step("remove the seal")?;
                let folder = store.parent().filter(|folder| !folder.as_os_str().is_empty());
                disk::sync_folder(folder.unwrap_or(Path::new(".")))
            }
        }
    }
}
