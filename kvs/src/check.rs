//! Checking a whole store: every check sum, every count, every index row, against each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use crate::{
    backend::{Rows, Snapshot, walk::Bad},
    backup::on_thread,
    error::{Error, Result},
    key::{self, Span},
    meta::{FeedMeta, TableMeta},
    store::Store,
    value::{self, Value},
};

/// How many rows are read at once.
const STEP: usize = 4096;

/// How many pages are read at once.
const PAGES: usize = 256;

/// How many problems are listed; after that they are only counted.
const LISTED: usize = 1_000;

/// What [`Store::check`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The commit whose state was checked.
    pub at: u64,
    /// Rows of any kind.
    pub rows: u64,
    /// Their bytes, keys and values.
    pub bytes: u64,
    /// Records by table.
    pub tables: BTreeMap<String, u64>,
    /// How many feeds there are.
    pub feeds: u64,
    /// Entries of all feeds.
    pub entries: u64,
    /// Pages that were read from the disk; only a redb store has them.
    pub pages: u64,
    /// What is wrong: the first thousand problems.
    pub problems: Vec<Problem>,
    /// How many problems there are in all.
    pub wrong: u64,
}

/// Something in a store that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The record, entry, feed or table.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
}

impl Report {
    fn add(&mut self, key: &[u8], what: impl Into<String>) {
        self.problem(key::describe(key), what.into());
    }

    fn problem(&mut self, place: String, what: String) {
        self.wrong += 1;
        if self.problems.len() < LISTED {
            self.problems.push(Problem { place, what });
        }
    }
}

/// What the rows seen so far add up to.
#[derive(Default)]
struct Seen {
    /// Entries by feed: how many from each position on are not cut, as found.
    feeds: BTreeMap<String, (u64, u64)>,
    /// Tables that are counted.
    tables: BTreeSet<String>,
    indexed: u64,
    index_rows: u64,
}

impl Store {
    /// Reads everything, and compares it: check sums, counts of tables and feeds, indexes with records, and
    /// the hashes of chained feeds. The store stays in use; one state of it is checked. Then the pages of a
    /// redb store's file are read from the disk and held against their check sums, though the store has what
    /// was in them in memory. `progress` is told how many rows or pages were read.
    ///
    /// What it found is part of [`health`](Self::health) until the next check.
    pub async fn check(&self, progress: impl FnMut(u64)) -> Result<Report> {
        self.check_with(progress, async |_| tokio::task::yield_now().await).await
    }

    /// Checks, and rests between two steps, for which it says how long the last one took.
    pub(crate) async fn check_with(
        &self,
        mut progress: impl FnMut(u64),
        rest: impl AsyncFn(Duration),
    ) -> Result<Report> {
        let snapshot = self.txn().snapshot().await?;
        let mut report = Report { at: snapshot.at(), ..Report::default() };
        let mut seen = Seen::default();
        let mut way = Way { span: Span { start: Vec::new(), end: None }, back: false };
        let mut chained = Vec::new();
        loop {
            let started = Instant::now();
            let (rows, limit) = match way.read(&*snapshot).await {
                Err(Error::Corrupt { detail, .. }) => {
                    if way.around(&mut report, &detail) {
                        continue;
                    }
                    break;
                }
                read => read?,
            };
            for (key, stored) in rows.iter() {
                report.rows += 1;
                report.bytes += (key.len() + stored.len()) as u64;
                let Ok(value) = Value::open(key, stored) else {
                    report.add(key, "its check sum does not match");
                    continue;
                };
                match row(&*snapshot, &mut report, &mut seen, &mut chained, key, &value).await {
                    Err(Error::Corrupt { detail, .. }) => report.add(key, detail),
                    done => done?,
                }
            }
            progress(report.rows);
            if !way.on(&rows, limit) {
                break;
            }
            rest(started.elapsed()).await;
        }
        for (feed, (count, _)) in std::mem::take(&mut seen.feeds) {
            if count > 0 {
                report.add(
                    &key::feed(&feed),
                    format!("it has {count} entries, and is not in the list of feeds"),
                );
            }
        }
        self.pages(&mut report, &mut progress, &rest).await?;
        let uncounted: Vec<_> =
            report.tables.keys().filter(|table| !seen.tables.contains(*table)).cloned().collect();
        for table in uncounted {
            report.add(&key::table(&table), "its records are not counted");
        }
        if seen.indexed != seen.index_rows {
            let what = format!("{} index rows for the {} that records have", seen.index_rows, seen.indexed);
            report.add(&[key::INDEX], what);
        }
        for feed in chained {
            if let Err(error) = self.verify(&feed, None).await {
                report.add(&key::feed(&feed), error.to_string());
            }
        }
        self.inner.condition.checked(report.wrong, &self.inner.backend.scrubbed());
        Ok(report)
    }

    /// Reads the pages of the newest state from the disk.
    async fn pages(
        &self,
        report: &mut Report,
        progress: &mut impl FnMut(u64),
        rest: &impl AsyncFn(Duration),
    ) -> Result<()> {
        let backend = self.inner.backend.clone();
        let Some(mut walk) = on_thread(move || backend.walk()).await? else { return Ok(()) };
        loop {
            let started = Instant::now();
            let step = walk.step(PAGES).map_err(|error| Error::io("the store's file", error))?;
            for Bad { offset, why } in step.bad {
                report.problem(format!("the page at byte {offset} of the file"), why);
            }
            report.pages += step.read;
            progress(report.rows + report.pages);
            if step.read == 0 {
                return Ok(());
            }
            rest(started.elapsed()).await;
        }
    }
}

/// The way through all rows, and around what cannot be read: up to it, and then, of the rows of that kind,
/// from their end down to it.
struct Way {
    span: Span,
    back: bool,
}

impl Way {
    /// The next rows, and how many there may be at most: fewer before a page that cannot be read.
    async fn read(&self, snapshot: &dyn Snapshot) -> Result<(Rows, usize)> {
        let mut limit = STEP;
        loop {
            match snapshot.scan(&self.span, self.back, limit).await {
                Err(Error::Corrupt { .. }) if limit > 1 => limit /= 2,
                read => return read.map(|rows| (rows, limit)),
            }
        }
    }

    /// Goes on behind rows that were read, and says whether there is anything left.
    fn on(&mut self, rows: &Rows, limit: usize) -> bool {
        match rows.last() {
            Some(last) if rows.len() == limit && self.back => self.span.end = Some(last.to_vec()),
            Some(last) if rows.len() == limit => self.span.start = key::after(last.to_vec()),
            _ => return self.next(),
        }
        true
    }

    /// Goes on where nothing could be read, and says whether there is anything left.
    fn around(&mut self, report: &mut Report, detail: &str) -> bool {
        if self.back {
            return self.next();
        }
        if self.span.end.is_none() {
            // A scan looks at its end, too, which may be what cannot be read.
            let tag = self.span.start.first().copied().unwrap_or_default();
            self.span.end = Some(tag.checked_add(1).map_or_else(|| vec![tag; 2], |next| vec![next]));
        } else {
            // The last row that was read; what is behind a key begins with it.
            let last = self.span.start.strip_suffix(&[0]).unwrap_or(&self.span.start);
            report.add(last, format!("rows from here on cannot be read: {detail}"));
            self.back = true;
        }
        true
    }

    /// Goes on with the rows of the next kind, when only those of one were gone through.
    fn next(&mut self) -> bool {
        let tag = self.span.start.first().copied().unwrap_or_default();
        self.back = false;
        match (self.span.end.take(), tag.checked_add(1)) {
            (Some(_), Some(next)) => {
                self.span.start = vec![next];
                true
            }
            _ => false,
        }
    }
}

async fn row(
    snapshot: &dyn Snapshot,
    report: &mut Report,
    seen: &mut Seen,
    chained: &mut Vec<String>,
    key: &[u8],
    value: &Value<'_>,
) -> Result<()> {
    match key.first() {
        Some(&(key::LOG | key::META)) => return Ok(()),
        Some(&key::EXPIRY) => {
            seen.index_rows += 1;
            return Ok(());
        }
        _ => {}
    }
    let Some((tag, name, _)) = key::parse(key) else {
        report.add(key, "its key is damaged");
        return Ok(());
    };
    match tag {
        key::RECORD => {
            *report.tables.entry(name).or_default() += 1;
            for row in value::unpack(value.indexed) {
                seen.indexed += 1;
                if snapshot.get(row).await?.is_none() {
                    report.add(key, "a row of it is missing in an index");
                }
            }
        }
        key::TABLE => {
            let expected = TableMeta::read(&name, snapshot.get(key).await?.as_deref())?.count;
            let found = report.tables.get(&name).copied().unwrap_or(0);
            if found != expected {
                report.add(key, format!("it counts {expected} records and has {found}"));
            }
            seen.tables.insert(name);
        }
        key::ENTRY => {
            let feed = seen.feeds.entry(name.clone()).or_insert((0, u64::MAX));
            if feed.1 == u64::MAX {
                let meta = snapshot.get(&key::feed(&name)).await?;
                feed.1 = FeedMeta::read(&name, meta.as_deref()).map_or(0, |meta| meta.first);
            }
            // Entries that were cut off and not yet swept are no entries.
            if key::position(key) >= feed.1 {
                feed.0 += 1;
                report.entries += 1;
            }
        }
        key::FEED => {
            report.feeds += 1;
            let meta = FeedMeta::read(&name, snapshot.get(key).await?.as_deref())?;
            let found = seen.feeds.remove(&name).map_or(0, |(count, _)| count);
            if found != meta.count {
                report.add(key, format!("it counts {} entries and has {found}", meta.count));
            }
            if meta.head.is_some() {
                chained.push(name);
            }
        }
        key::INDEX => seen.index_rows += 1,
        _ => {}
    }
    Ok(())
}
