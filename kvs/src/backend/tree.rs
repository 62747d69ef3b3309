//! Where redb's file keeps the check sum of each page: the layout of version 3 of its file format, as far
//! as that takes. Not the reading of data, which is redb's own.

use std::io;

use ::redb::StorageBackend;
use twox_hash::{XxHash3_64, XxHash3_128};

/// The length of the header, with both commit slots.
pub(crate) const HEADER: usize = 320;

/// What stands for a sum that is not yet computed.
pub(crate) const DEFERRED: u128 = 999;

/// The version of the file format whose layout this is. Each commit slot begins with its own.
const VERSION: u8 = 3;

const MAGIC: &[u8] = b"redb\x1a\x0a\xa9\x0d\x0a";
const RECOVERY: u8 = 2;
const TWO_PHASE: u8 = 4;
const LEAF: u8 = 1;
const BRANCH: u8 = 2;
/// The kind of table that has one value for a key.
const NORMAL: u8 = 3;

/// Where pages are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) page: u64,
    /// Pages before the data of a region.
    before: u64,
    /// Pages of data in a full region.
    pages: u64,
}

/// How the pages of one tree are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The length of all keys, and of all values, where it is fixed.
    key: Option<u32>,
    value: Option<u32>,
    /// Whether its values are the roots of other trees.
    tables: bool,
}

impl Shape {
    pub(crate) const TABLES: Self = Self { key: None, value: None, tables: true };
}

impl Geometry {
    pub(crate) fn read(header: &[u8]) -> Option<Self> {
        if header.get(..9) != Some(MAGIC) {
            return None;
        }
        let geometry = Self {
            page: number(header, 12)?.into(),
            before: number(header, 16)?.into(),
            pages: number(header, 20)?.into(),
        };
        (geometry.page >= 512 && geometry.pages > 0).then_some(geometry)
    }

    /// How long a page is.
    pub(crate) fn size(&self, number: u64) -> u64 {
        self.page << (number >> 59).min(20)
    }

    /// Where a page begins: its number holds its region, its place there, and its size.
    pub(crate) fn offset(&self, number: u64) -> u64 {
        let order = number >> 59;
        let index = number & (0xf_ffff >> order.min(20));
        let region = number >> 20 & 0xf_ffff;
        let size = self.size(number);
        self.page + region * (self.before + self.pages) * self.page + self.before * self.page + index * size
    }
}

/// Which tree a root is of: the one of the tables, or the one that redb keeps its own account in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    Tables,
    System,
}

/// Reads the header; it is shorter in a file that is.
pub(crate) fn read(disk: &dyn StorageBackend) -> io::Result<Vec<u8>> {
    let mut header = vec![0; disk.len()?.min(HEADER as u64) as usize];
    disk.read(0, &mut header)?;
    Ok(header)
}

/// How long the header says that the file is.
pub(crate) fn length(header: &[u8]) -> Option<u64> {
    let geometry = Geometry::read(header)?;
    let (regions, rest): (u64, u64) = (number(header, 24)?.into(), number(header, 28)?.into());
    let last = if rest > 0 { geometry.before.checked_add(rest)? } else { 0 };
    let pages = regions.checked_mul(geometry.before.checked_add(geometry.pages)?)?.checked_add(last)?;
    pages.checked_add(1)?.checked_mul(geometry.page)
}

/// Which of the two commit slots is in force.
pub(crate) fn primary(header: &[u8]) -> usize {
    usize::from(header.get(9).is_some_and(|flags| flags & 1 != 0))
}

/// Whether the slot in force may name pages that never reached the disk: the file was not closed, and its
/// last commit did not wait for its pages.
pub(crate) fn uncertain(header: &[u8]) -> bool {
    header.get(9).is_some_and(|flags| flags & RECOVERY != 0 && flags & TWO_PHASE == 0)
}

/// A sum over the header.
pub(crate) fn seal(header: &[u8]) -> u64 {
    XxHash3_64::oneshot(header)
}

/// A commit slot that matches its sum.
fn slot(header: &[u8], slot: usize) -> Option<&[u8]> {
    let slot = header.get(64 + 128 * slot..64 + 128 * (slot + 1))?;
    let (fields, sum) = slot.split_last_chunk::<16>()?;
    (XxHash3_128::oneshot(fields) == u128::from_le_bytes(*sum)).then_some(slot)
}

/// The version of a commit slot whose layout is not known here.
pub(crate) fn foreign(header: &[u8], number: usize) -> Option<u8> {
    slot(header, number).map(|slot| slot[0]).filter(|version| *version != VERSION)
}

/// The roots that a commit slot names, with their sums.
pub(crate) fn roots(header: &[u8], number: usize, mut root: impl FnMut(Tree, u64, u128)) {
    let Some(slot) = slot(header, number).filter(|slot| slot[0] == VERSION) else { return };
    for (tree, there, at) in [(Tree::Tables, 1, 8), (Tree::System, 2, 40)] {
        if slot[there] != 0
            && let (Some(number), Some(sum)) = (long(slot, at), wide(slot, at + 8))
        {
            root(tree, number, sum);
        }
    }
}

/// The sum of a page, which is over what it uses; `None` when it cannot be a page.
pub(crate) fn sum(page: &[u8], shape: Shape) -> Option<u128> {
    let end = match *page.first()? {
        LEAF => value_end(page, shape, count(page)?.checked_sub(1)?)?,
        BRANCH => {
            let keys = count(page)?;
            let sums = 8 + 24 * (keys + 1);
            match shape.key {
                Some(width) => sums + width as usize * keys,
                None => number(page, sums + 4 * keys.checked_sub(1)?)? as usize,
            }
        }
        _ => return None,
    };
    page.get(..end).map(XxHash3_128::oneshot)
}

/// The pages that a page points to: number, sum, and the shape of their tree. The page must have matched
/// its own sum.
pub(crate) fn children(page: &[u8], shape: Shape, mut child: impl FnMut(u64, u128, Shape)) {
    let Some(count) = count(page) else { return };
    if page[0] == BRANCH {
        for place in 0..=count {
            let sum = wide(page, 8 + 16 * place);
            let number = long(page, 8 + 16 * (count + 1) + 8 * place);
            if let (Some(number), Some(sum)) = (number, sum) {
                child(number, sum, shape);
            }
        }
    } else if shape.tables {
        for place in 0..count {
            if let Some((number, sum, shape)) = table(page, shape, place) {
                child(number, sum, shape);
            }
        }
    }
}

/// The root of a table: behind its kind and length, whether it has one, and where; then the widths.
fn table(page: &[u8], shape: Shape, place: usize) -> Option<(u64, u128, Shape)> {
    let start = match place.checked_sub(1) {
        Some(before) => value_end(page, shape, before)?,
        None => key_end(page, shape, count(page)?.checked_sub(1)?)?,
    };
    let value = page.get(start..value_end(page, shape, place)?)?;
    if *value.first()? != NORMAL || *value.get(9)? == 0 {
        return None;
    }
    let width = |at: usize| -> Option<Option<u32>> {
        Some(if *value.get(at)? == 0 { None } else { Some(number(value, at + 1)?) })
    };
    let shape = Shape { key: width(42)?, value: width(47)?, tables: false };
    Some((long(value, 10)?, wide(value, 18)?, shape))
}

fn key_end(page: &[u8], shape: Shape, place: usize) -> Option<usize> {
    match shape.key {
        Some(width) => Some(keys(page, shape)? + width as usize * (place + 1)),
        None => Some(number(page, 4 + 4 * place)? as usize),
    }
}

fn value_end(page: &[u8], shape: Shape, place: usize) -> Option<usize> {
    let pairs = count(page)?;
    match shape.value {
        Some(width) => Some(key_end(page, shape, pairs.checked_sub(1)?)? + width as usize * (place + 1)),
        None => {
            let ends = 4 + if shape.key.is_none() { 4 * pairs } else { 0 };
            Some(number(page, ends + 4 * place)? as usize)
        }
    }
}

/// Where the keys of a leaf begin.
fn keys(page: &[u8], shape: Shape) -> Option<usize> {
    let columns = usize::from(shape.key.is_none()) + usize::from(shape.value.is_none());
    Some(4 + 4 * columns * count(page)?)
}

fn count(page: &[u8]) -> Option<usize> {
    page.get(2..4)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes).into())
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

fn wide(bytes: &[u8], at: usize) -> Option<u128> {
    bytes.get(at..)?.first_chunk().map(|bytes| u128::from_le_bytes(*bytes))
}
