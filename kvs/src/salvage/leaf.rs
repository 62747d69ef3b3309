//! The rows of a file's leaf pages, read without the tree that leads to them. A row proves itself: its check
//! sum is over its key and its value. The layout of a leaf is that of redb 4 (its `docs/design.md`).

use std::io;

use ::redb::StorageBackend;

use crate::{
    key,
    value::{Value, unpack},
};

/// The size of a page; larger ones are a multiple of it, and begin where one of this size may.
const PAGE: usize = 4096;

/// The longest page that is believed, in bytes: two rows of the greatest size fit.
const LONGEST: u64 = 64 << 20;

/// The kind of a page that has rows.
const LEAF: u8 = 1;
/// The kind of a page that leads to others.
const BRANCH: u8 = 2;

/// The most rows that a page of the usual size can have.
const MOST: usize = PAGE / 8;

/// The longest stretch that is searched for the border between two rows.
const STRETCH: usize = 4 * PAGE;

/// A row that was found.
pub(crate) struct Row<'a> {
    pub(crate) key: &'a [u8],
    /// `None` when the check sum does not match.
    pub(crate) value: Option<Value<'a>>,
    pub(crate) stored: &'a [u8],
    /// Where the value is in the file.
    pub(crate) offset: u64,
}

/// Reads the whole file, and gives `found` each row that is or was in it.
pub(crate) fn rows(
    disk: &dyn StorageBackend,
    mut found: impl FnMut(&Row<'_>),
    mut progress: impl FnMut(u64),
) -> io::Result<()> {
    let length = disk.len()?;
    let mut page = Vec::new();
    let mut offset = 0;
    while offset + PAGE as u64 <= length {
        page.resize(PAGE, 0);
        disk.read(offset, &mut page)?;
        if page[0] != BRANCH && page.iter().any(|byte| *byte != 0) {
            if let Some(long) = extent(&page).filter(|long| *long > PAGE as u64) {
                let long = long.min(LONGEST).min(length - offset);
                page.resize(long as usize, 0);
                disk.read(offset, &mut page)?;
            }
            leaf(&page, offset, &mut found);
        }
        offset += PAGE as u64;
        progress(offset / PAGE as u64);
    }
    Ok(())
}

/// How long a page is whose head is that of a leaf.
fn extent(page: &[u8]) -> Option<u64> {
    let rows = count(page);
    if page[0] != LEAF || rows == 0 {
        return None;
    }
    // A page that is longer than usual has a few long rows, whose ends stand in its beginning.
    number(page, 8 * rows).map(|end| end as u64)
}

fn count(page: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([page[2], page[3]]))
}

fn number(page: &[u8], at: usize) -> Option<usize> {
    let bytes = page.get(at..at + 4)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*bytes) as usize)
}

/// Where the keys and the values of a page end.
struct Ends {
    start: usize,
    keys: Vec<usize>,
    values: Vec<usize>,
}

impl Ends {
    fn read(page: &[u8], rows: usize) -> Option<Self> {
        let all = |from: usize| (0..rows).map(|row| number(page, from + 4 * row)).collect::<Option<Vec<_>>>();
        Some(Self { start: 4 + 8 * rows, keys: all(4)?, values: all(4 + 4 * rows)? })
    }

    fn key(&self, row: usize) -> (usize, usize) {
        (if row == 0 { self.start } else { self.keys[row - 1] }, self.keys[row])
    }

    fn value(&self, row: usize) -> (usize, usize) {
        let first = self.keys.last().copied().unwrap_or(self.start);
        (if row == 0 { first } else { self.values[row - 1] }, self.values[row])
    }

    /// The bytes of a row, when they lie within the page.
    fn row<'a>(&self, page: &'a [u8], row: usize) -> Option<(&'a [u8], &'a [u8])> {
        let ((key, key_end), (value, end)) = (self.key(row), self.value(row));
        Some((page.get(key..key_end)?, page.get(value..end)?))
    }

    fn proves(&self, page: &[u8], row: usize) -> bool {
        self.row(page, row).is_some_and(|(key, stored)| !key.is_empty() && Value::open(key, stored).is_ok())
    }

    fn proven(&self, page: &[u8]) -> usize {
        (0..self.keys.len()).filter(|row| self.proves(page, *row)).count()
    }

    /// Finds the border behind a row whose end is damaged, by the check sum of the row before it.
    fn mend(&mut self, page: &[u8], row: usize) {
        let last = row + 1 == self.keys.len();
        let (kept, bounds) =
            (self.keys[row], (self.key(row).0, self.keys.get(row + 1).or(self.values.first()).copied()));
        if let (from, Some(to)) = bounds
            && to.saturating_sub(from) <= STRETCH
        {
            for end in from + 1..to {
                self.keys[row] = end;
                if self.proves(page, row) {
                    return;
                }
            }
            self.keys[row] = kept;
        }
        let kept = self.values[row];
        let from = self.value(row).0;
        let to = if last { page.len() } else { self.values[row + 1] };
        if to.saturating_sub(from) <= STRETCH {
            for end in from + 1..=to {
                self.values[row] = end;
                if self.proves(page, row) {
                    return;
                }
            }
            self.values[row] = kept;
        }
    }
}

fn leaf(page: &[u8], offset: u64, found: &mut impl FnMut(&Row<'_>)) {
    let told = count(page);
    let ends = Ends::read(page, told).filter(|_| page[0] == LEAF && told > 0);
    let mut best = ends.map(|ends| (ends.proven(page), ends));
    if best.as_ref().is_none_or(|(proven, _)| *proven == 0) && page.len() == PAGE {
        // The head may be damaged and the rows whole. Where the first row proves itself, so does the number.
        for rows in 1..=MOST {
            let first = number(page, 4).is_some_and(|end| end > 4 + 8 * rows && end < PAGE);
            let Some(ends) = first.then(|| Ends::read(page, rows)).flatten() else { continue };
            let sane = ends.keys.is_sorted() && ends.values.is_sorted();
            if sane && ends.values.last().is_some_and(|end| *end <= PAGE) {
                let proven = ends.proven(page);
                if best.as_ref().is_none_or(|(most, _)| proven > *most) {
                    best = Some((proven, ends));
                }
            }
        }
    }
    let Some((proven, mut ends)) = best.filter(|(proven, _)| *proven > 0) else { return };
    if proven < ends.keys.len() {
        for row in 0..ends.keys.len() {
            if !ends.proves(page, row) {
                ends.mend(page, row);
            }
        }
    }
    for row in 0..ends.keys.len() {
        let Some((key, stored)) = ends.row(page, row) else { continue };
        let value = Value::open(key, stored).ok();
        let offset = offset + ends.value(row).0 as u64;
        found(&Row { key, value, stored, offset });
    }
}

/// The keys that a row of the change log names, and whether each was deleted.
pub(crate) fn changes<'a>(value: &Value<'a>) -> impl Iterator<Item = (&'a [u8], bool)> {
    unpack(value.bytes).filter_map(|change| change.split_first().map(|(gone, key)| (key, *gone != 0)))
}

/// Whether a key is one that a row can have, though its value is damaged.
pub(crate) fn plausible(bytes: &[u8]) -> bool {
    match key::parse(bytes) {
        Some((key::RECORD, _, id)) => std::str::from_utf8(id).is_ok(),
        Some((key::ENTRY, _, position)) => position.len() == 8,
        Some((key::SEQ | key::CURSOR, ..)) => true,
        _ => false,
    }
}
