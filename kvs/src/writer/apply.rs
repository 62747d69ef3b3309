//! One request becomes changes: what it read is checked, then its writes get versions and positions.

use super::overlay::Overlay;
use crate::{
    commit::{self, Append, Commit, Reads, RecordWrite, Request},
    error::{Error, Result},
    key,
    meta::{FeedMeta, TableMeta},
    value::{self, Value},
};

/// Applies the request as commit `at`, or leaves the overlay as it was.
pub(crate) fn apply(overlay: &mut Overlay<'_>, base: u64, request: &Request, at: u64) -> Result<Commit> {
    let applied = check(overlay, base, request).and_then(|()| write(overlay, request, at));
    if applied.is_ok() {
        overlay.keep();
    } else {
        overlay.roll_back();
    }
    applied
}

/// Compares what was read with what is there now.
fn check(overlay: &Overlay<'_>, base: u64, request: &Request) -> Result<()> {
    // Nothing was committed since it read: nothing can have changed.
    if request.base == base && overlay.is_empty() {
        return Ok(());
    }
    let Reads { keys, spans } = &request.reads;
    for (key, seen) in keys {
        if overlay.version(key)? != *seen {
            return Err(Error::Conflict { what: key::describe(key) });
        }
    }
    for read in spans {
        let rows = overlay.scan(&read.span, read.rows.saturating_add(1))?;
        if rows.len() != read.rows || commit::digest(&rows, false) != read.digest {
            return Err(Error::Conflict {
                what: format!("the range from {}", key::describe(&read.span.start)),
            });
        }
    }
    Ok(())
}

fn write(overlay: &mut Overlay<'_>, request: &Request, at: u64) -> Result<Commit> {
    if request.writes.is_empty() {
        return Ok(Commit::new(at, Vec::new()));
    }
    let mut changed = Vec::new();
    for (key, record) in &request.writes.records {
        write_record(overlay, key, record, at)?;
        changed.push(key.clone());
    }
    let mut positions = Vec::with_capacity(request.writes.appends.len());
    for append in &request.writes.appends {
        let position = write_append(overlay, append, at)?;
        changed.push(key::entry(&append.feed, position));
        positions.push(position);
    }
    let log = key::log(at);
    let packed = value::pack(changed.iter().map(Vec::as_slice));
    let stored = Value { version: at, bytes: &packed, ..Value::default() }.seal(&log);
    overlay.set(log, Some(stored));
    Ok(Commit::new(at, positions))
}

fn write_record(overlay: &mut Overlay<'_>, key: &[u8], record: &RecordWrite, at: u64) -> Result<()> {
    let before = overlay.get(key)?.is_some();
    let stored = record
        .value
        .as_ref()
        .map(|new| Value { version: at, bytes: &new.bytes, ..Value::default() }.seal(key));
    let after = stored.is_some();
    if before || after {
        overlay.set(key.to_vec(), stored);
    }
    if before != after {
        let meta = overlay.get(&key::table(record.table))?;
        let mut meta = TableMeta::read(record.table, meta.as_deref())?;
        meta.count = if after { meta.count + 1 } else { meta.count.saturating_sub(1) };
        let (key, stored) = meta.seal(record.table, at);
        overlay.set(key, Some(stored));
    }
    Ok(())
}

fn write_append(overlay: &mut Overlay<'_>, append: &Append, at: u64) -> Result<u64> {
    let meta = overlay.get(&key::feed(&append.feed))?;
    let mut meta = FeedMeta::read(&append.feed, meta.as_deref())?;
    meta.count += 1;
    meta.last += 1;
    let key = key::entry(&append.feed, meta.last);
    let stored = Value { version: at, bytes: &append.bytes, ..Value::default() }.seal(&key);
    overlay.set(key, Some(stored));
    let (key, stored) = meta.seal(&append.feed, at);
    overlay.set(key, Some(stored));
    Ok(meta.last)
}
