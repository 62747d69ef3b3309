//! What is asked of a store, done on one that is open, with words for people.

use std::time::{Duration, Instant};

use super::{Care, NOTHING, Said, Teller, WRONG};
use crate::{
    error::{Error, Result},
    feed::From,
    json::json,
    record::Cbor,
    store::Store,
};

/// How often it is told how far long work is.
const TELL: Duration = Duration::from_millis(500);

/// How many rows are read at once.
const STEP: usize = 1_000;

/// Does it, and answers the exit status.
pub(crate) async fn work(store: &Store, care: &Care, to: Teller) -> Result<u8> {
    match care {
        Care::Stat => stat(store, &to).await,
        Care::Feeds { root } => feeds(store, root, &to).await,
        Care::Get { table, id } => get(store, table, id, &to).await,
        Care::Range { table, prefix } => range(store, table, prefix, &to).await,
        Care::Feed { path, count } => feed(store, path, *count, &to).await,
        Care::Check => check(store, &to).await,
        Care::Verify { feed } => {
            let state = store.verify(feed, None).await?;
            line(&to, format!("{} {} {}", state.position, state.head, state.feed)).await?;
            Ok(0)
        }
        Care::Backup { file } => {
            let copied = store.backup(file, progress(&to, "rows")).await?;
            let (at, rows, bytes) = (copied.at, copied.rows, copied.bytes);
            line(&to, format!("commit {at}: {rows} rows, {bytes} bytes in {}", file.display())).await?;
            Ok(0)
        }
        Care::Compact => {
            let (before, after) = store.compact(progress(&to, "rows")).await?;
            line(&to, format!("{before} bytes before, {after} after")).await?;
            Ok(0)
        }
        Care::Dump => dump(store, &to).await,
    }
}

/// Says a line. Whoever does not hear any more ends the work.
async fn line(to: &Teller, text: String) -> Result<()> {
    to.send(Said::Line(text)).await.map_err(|_| Error::Closed)
}

async fn note(to: &Teller, text: String) -> Result<()> {
    to.send(Said::Note(text)).await.map_err(|_| Error::Closed)
}

/// Tells now and then how far the work is; when lines wait to be heard, that says enough.
fn progress(to: &Teller, what: &'static str) -> impl FnMut(u64) {
    let (to, mut next) = (to.clone(), Instant::now() + TELL);
    move |done| {
        if Instant::now() >= next {
            next = Instant::now() + TELL;
            // Full or gone: the next line tells.
            let _ = to.try_send(Said::Progress(done, what.to_owned()));
        }
    }
}

async fn stat(store: &Store, to: &Teller) -> Result<u8> {
    let stat = store.stat().await?;
    line(to, format!("commits  {}", stat.at)).await?;
    if let Some(bytes) = stat.bytes {
        line(to, format!("bytes    {bytes}")).await?;
    }
    line(to, format!("feeds    {}", stat.feeds)).await?;
    for table in stat.tables {
        line(to, format!("table    {} {} {}", table.name, table.count, table.indexes.join(","))).await?;
    }
    let health = store.health().await;
    if let Some(trouble) = health.trouble {
        note(to, trouble.to_string()).await?;
    }
    Ok(0)
}

async fn feeds(store: &Store, root: &str, to: &Teller) -> Result<u8> {
    let mut after: Option<String> = None;
    loop {
        let page = store.txn().feeds(root, after.as_deref(), STEP).await?;
        let Some(last) = page.last() else { return Ok(0) };
        after = Some(last.path.clone());
        for feed in page {
            let chained = if feed.chained { " (chained)" } else { "" };
            line(to, format!("{} {}{chained}", feed.count, feed.path)).await?;
        }
    }
}

/// A stored value for people to read.
fn shown(bytes: &[u8]) -> String {
    match ciborium::from_reader::<Cbor, _>(bytes) {
        Ok(value) => json(&value),
        Err(_) => format!("{bytes:02x?}"),
    }
}

async fn get(store: &Store, table: &str, id: &str, to: &Teller) -> Result<u8> {
    let Some(raw) = store.txn().get_raw(table, id).await? else {
        note(to, format!("table {table:?} has no record {id:?}")).await?;
        return Ok(NOTHING);
    };
    line(to, format!("version {} schema {}", raw.version, raw.schema)).await?;
    line(to, shown(&raw.bytes)).await?;
    Ok(0)
}

async fn range(store: &Store, table: &str, prefix: &str, to: &Teller) -> Result<u8> {
    let mut after: Option<String> = None;
    loop {
        let page = store.txn().range_raw(table, prefix, after.as_deref(), STEP).await?;
        let Some(last) = page.last() else { return Ok(0) };
        after = Some(last.id.clone());
        for raw in page {
            line(to, format!("{} {}", raw.id, shown(&raw.bytes))).await?;
        }
    }
}

async fn feed(store: &Store, path: &str, count: usize, to: &Teller) -> Result<u8> {
    let entries: Vec<(u64, Cbor)> = store.txn().feed(path, From::End, count).await?;
    for (position, value) in entries.into_iter().rev() {
        line(to, format!("{position} {}", json(&value))).await?;
    }
    Ok(0)
}

async fn check(store: &Store, to: &Teller) -> Result<u8> {
    let pause = store.inner.options.pause;
    let rest = async |took: Duration| match pause {
        0 => tokio::task::yield_now().await,
        pause => tokio::time::sleep(took * pause).await,
    };
    let report = store.check_with(progress(to, "rows"), rest).await?;
    let records: u64 = report.tables.values().sum();
    let (tables, feeds) = (report.tables.len(), report.feeds);
    let read = format!("commit {}: {} rows, {} bytes", report.at, report.rows, report.bytes);
    let entries = report.entries;
    line(to, format!("{read}; {records} records in {tables} tables, {entries} entries in {feeds} feeds"))
        .await?;
    if report.pages > 0 {
        line(to, format!("{} pages read from the disk", report.pages)).await?;
    }
    for problem in &report.problems {
        line(to, format!("{}: {}", problem.place, problem.what)).await?;
    }
    if report.wrong > 0 {
        line(to, format!("{} problems", report.wrong)).await?;
        return Ok(WRONG);
    }
    line(to, "nothing is wrong".to_owned()).await?;
    Ok(0)
}

async fn dump(store: &Store, to: &Teller) -> Result<u8> {
    let done = store.dump_to(async |text| line(to, text).await, progress(to, "lines")).await?;
    for place in &done.places {
        note(to, format!("{place} is damaged and was left out")).await?;
    }
    if done.lines.damaged > 0 {
        note(to, format!("{} damaged rows were left out", done.lines.damaged)).await?;
        return Ok(WRONG);
    }
    Ok(0)
}
