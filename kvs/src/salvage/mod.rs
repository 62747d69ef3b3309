//! What is left of a damaged redb file, read without opening the store and without changing the file.
//!
//! 1. Every page of the file is looked through for rows, whether or not anything leads to it: rows prove
//!    themselves by their check sum. A file also has old pages, with rows that were changed or deleted since.
//! 2. The change log, made of such rows, says which commit last changed a key, and whether it deleted it. A
//!    row of that very commit is the present one.
//! 3. For what is older than the log, the tree is asked, as far as it can be read; where it cannot, the
//!    newest row that was found is taken.
//! 4. What the log, the counts of tables and feeds, or a damaged row name, and nothing proves, is damaged.

mod aside;
mod leaf;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
    sync::Arc,
};

use ::redb::StorageBackend;

use aside::Aside;

use crate::{
    backend::{Snapshot, disk, redb::Redb},
    dump::{self, Lines},
    error::{Error, Result},
    key,
    meta::{FeedMeta, TableMeta},
    options::Options,
    store::Store,
    value::Value,
};

/// How many damaged rows are named; after that they are only counted.
const NAMED: usize = 1_000;

/// What [`Store::salvage`] saved, and what it could not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Salvaged {
    /// Lines written, and rows that are damaged.
    pub lines: Lines,
    /// The first thousand of the damaged rows.
    pub places: Vec<String>,
}

impl Salvaged {
    fn damage(&mut self, rows: u64, place: impl FnOnce() -> String) {
        self.lines.damaged += rows;
        if self.places.len() < NAMED {
            self.places.push(place());
        }
    }
}

/// A row that was found: the commit that wrote it, and where its value is.
#[derive(Clone, Copy)]
struct Found {
    version: u64,
    offset: u64,
    length: usize,
}

/// All that the pages told.
#[derive(Default)]
struct Pages {
    rows: BTreeMap<Vec<u8>, Found>,
    /// The last commit that changed a key, and whether it deleted it.
    changed: BTreeMap<Vec<u8>, (u64, bool)>,
    /// Keys whose value is damaged somewhere.
    broken: BTreeSet<Vec<u8>>,
}

impl Pages {
    fn note(&mut self, row: &leaf::Row<'_>) {
        let Some(value) = &row.value else {
            if leaf::plausible(row.key) {
                self.broken.insert(row.key.to_vec());
            }
            return;
        };
        if row.key.first() == Some(&key::LOG) {
            for (key, gone) in leaf::changes(value) {
                let last = self.changed.entry(key.to_vec()).or_insert((0, false));
                if value.version >= last.0 {
                    *last = (value.version, gone);
                }
            }
            return;
        }
        let found = Found { version: value.version, offset: row.offset, length: row.stored.len() };
        let newest = self.rows.entry(row.key.to_vec()).or_insert(found);
        if found.version > newest.version {
            *newest = found;
        }
    }
}

/// What is to be done about a key.
enum Fate {
    /// It is not there any more.
    Gone,
    Whole(Vec<u8>),
    Damaged,
}

impl Store {
    /// Writes what is whole of a damaged redb file as lines of JSON, as [`dump`](Self::dump) does, in one
    /// reading of the file and with its keys in memory. The file is not changed, and must not be in use. A
    /// row that was deleted before the change log begins, whose page the tree does not tell of any more, may
    /// come back. `progress` is told how many rows were written.
    pub async fn salvage(path: &Path, mut to: impl Write, mut progress: impl FnMut(u64)) -> Result<Salvaged> {
        if !path.exists() {
            return Err(Error::NoStore { path: path.to_owned() });
        }
        let place = path.display().to_string();
        let disk = disk::lock(path)?;
        let mut pages = Pages::default();
        leaf::rows(&*disk, |row| pages.note(row), |_| ()).map_err(|error| Error::io(&place, error))?;
        let tree = tree(&disk, &place).await;
        let mut done = Salvaged::default();
        let mut counts = BTreeMap::<(u8, String), u64>::new();
        let fail = |error| Error::io("the dump", error);
        for tag in dump::ORDER {
            let mut feed = (String::new(), 0);
            for key in keys(&pages, tag) {
                let name = key::parse(&key).map(|(_, name, _)| name).unwrap_or_default();
                if tag == key::ENTRY {
                    if feed.0 != name || feed.1 == 0 {
                        feed = (name.clone(), first(&pages, &*disk, &name).max(1));
                    }
                    if key::position(&key) < feed.1 {
                        continue;
                    }
                }
                let fate = fate(&pages, tree.as_deref(), &*disk, &key).await;
                let line = match &fate {
                    Fate::Gone => continue,
                    Fate::Whole(stored) => dump::line(&key, stored),
                    Fate::Damaged => None,
                };
                *counts.entry((tag, name)).or_default() += 1;
                match line {
                    Some(Some(line)) => {
                        writeln!(to, "{line}").map_err(fail)?;
                        done.lines.lines += 1;
                        progress(done.lines.lines);
                    }
                    Some(None) => {}
                    None => done.damage(1, || key::describe(&key)),
                }
            }
        }
        for ((tag, name), expected) in expected(&pages, &*disk) {
            let seen = counts.get(&(tag, name.clone())).copied().unwrap_or_default();
            if let Some(missing) = expected.checked_sub(seen).filter(|missing| *missing > 0) {
                let what = if tag == key::RECORD { "records of table" } else { "entries of feed" };
                done.damage(missing, || format!("{missing} more {what} {name:?}"));
            }
        }
        to.flush().map_err(fail)?;
        Ok(done)
    }
}

/// Every key of this kind that anything tells of.
fn keys(pages: &Pages, tag: u8) -> BTreeSet<Vec<u8>> {
    let (from, to) = (vec![tag], vec![tag + 1]);
    let rows = pages.rows.range(from.clone()..to.clone()).map(|(key, _)| key);
    let changed = pages.changed.range(from.clone()..to.clone()).map(|(key, _)| key);
    // A feed's own row is written with every entry, and the log tells only of its cuts.
    let changed = changed.filter(|_| matches!(tag, key::RECORD | key::ENTRY));
    rows.chain(changed).chain(pages.broken.range(from..to)).cloned().collect()
}

async fn fate(pages: &Pages, tree: Option<&dyn Snapshot>, disk: &dyn StorageBackend, key: &[u8]) -> Fate {
    let found = pages.rows.get(key);
    let logged = matches!(key.first(), Some(&(key::RECORD | key::ENTRY)));
    if let Some((at, gone)) = pages.changed.get(key).filter(|_| logged) {
        return match found {
            Some(found) if found.version > *at || (found.version == *at && !gone) => whole(disk, found),
            _ if *gone => Fate::Gone,
            _ => Fate::Damaged,
        };
    }
    let asked = match tree {
        Some(tree) => tree.get(key).await.ok(),
        None => None,
    };
    match (asked, found) {
        (Some(Some(stored)), _) if Value::open(key, &stored).is_ok() => Fate::Whole(stored),
        // The tree knows of the key, and not of a whole value.
        (Some(Some(_)), _) => Fate::Damaged,
        (Some(None), _) => Fate::Gone,
        (None, Some(found)) => whole(disk, found),
        // A damaged row may have a damaged key, which names nothing; the counts tell what is missing.
        (None, None) => Fate::Gone,
    }
}

fn whole(disk: &dyn StorageBackend, found: &Found) -> Fate {
    let mut stored = vec![0; found.length];
    disk.read(found.offset, &mut stored).map_or(Fate::Damaged, |()| Fate::Whole(stored))
}

/// The newest row of a key that was found.
fn newest(pages: &Pages, disk: &dyn StorageBackend, key: &[u8]) -> Option<Vec<u8>> {
    match whole(disk, pages.rows.get(key)?) {
        Fate::Whole(stored) => Some(stored),
        Fate::Gone | Fate::Damaged => None,
    }
}

/// The first entry of a feed that is not cut off.
fn first(pages: &Pages, disk: &dyn StorageBackend, feed: &str) -> u64 {
    let meta = newest(pages, disk, &key::feed(feed));
    FeedMeta::read(feed, meta.as_deref()).map_or(0, |meta| meta.first)
}

/// How many records and entries there should be, by table and feed.
fn expected(pages: &Pages, disk: &dyn StorageBackend) -> Vec<((u8, String), u64)> {
    let mut expected = Vec::new();
    for key in pages.rows.range(vec![key::TABLE]..vec![key::FEED + 1]).map(|(key, _)| key) {
        let Some((tag, name, _)) = key::parse(key) else { continue };
        let stored = newest(pages, disk, key);
        let count = match tag {
            key::TABLE => TableMeta::read(&name, stored.as_deref()).map(|meta| (key::RECORD, meta.count)),
            _ => FeedMeta::read(&name, stored.as_deref()).map(|meta| (key::ENTRY, meta.count)),
        };
        expected.extend(count.ok().map(|(tag, count)| ((tag, name), count)));
    }
    expected
}

/// The tree, when the file lets itself be opened at all. What redb writes meanwhile stays in memory.
async fn tree(disk: &Arc<dyn StorageBackend>, place: &str) -> Option<Arc<dyn Snapshot>> {
    let aside = Arc::new(Aside::new(disk.clone()));
    let options = Options::new().verify(false);
    let opened = Redb::open_disk(aside, place.into(), None, &options).ok()?;
    let opened: Arc<dyn crate::backend::Backend> = Arc::new(opened);
    opened.snapshot().await.ok()
}
