//! One request becomes changes: what it read is checked, then its parts are written in an order that does
//! not depend on the order of the calls, except for appends.

use super::{entries, overlay::Overlay, records};
use crate::{
    commit::{self, Commit, Reads, Request},
    error::{Error, Result},
    key,
    value::Value,
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
    let writes = &request.writes;
    if writes.is_empty() {
        return Ok(Commit::new(at, Vec::new()));
    }
    let mut changed = Vec::new();
    records::write(overlay, &writes.records, at, &mut changed)?;
    for feed in &writes.chains {
        entries::chain(overlay, feed, at)?;
    }
    for (feed, before) in &writes.cuts {
        entries::cut(overlay, feed, *before, at)?;
        changed.push(Changed { key: key::feed(feed), gone: true });
    }
    for (key, entry) in &writes.entries {
        entries::change(overlay, key, entry, at)?;
        changed.push(Changed { key: key.clone(), gone: entry.bytes.is_none() });
    }
    let positions = entries::append(overlay, &writes.appends, at, &mut changed)?;
    for (table, names) in &writes.indexed {
        records::indexed(overlay, table, names, at)?;
    }
    for (key, bytes) in &writes.values {
        let stored = bytes.as_ref().map(|bytes| Value { version: at, bytes, ..Value::default() }.seal(key));
        overlay.set(key.clone(), stored);
    }
    log(overlay, &changed, at);
    Ok(Commit::new(at, positions))
}

/// Notes what a commit changed, for those who watch. Every commit has its row, so that a gap is noticed.
pub(crate) fn log(overlay: &mut Overlay<'_>, changed: &[Changed], at: u64) {
    let key = key::log(at);
    let mut bytes = Vec::new();
    for change in changed {
        bytes.extend_from_slice(&(change.key.len() as u32 + 1).to_le_bytes());
        bytes.push(u8::from(change.gone));
        bytes.extend_from_slice(&change.key);
    }
    let stored = Value { version: at, bytes: &bytes, ..Value::default() }.seal(&key);
    overlay.set(key, Some(stored));
}

/// A key that a commit changed.
pub(crate) struct Changed {
    pub(crate) key: Vec<u8>,
    /// Whether it is not there any more.
    pub(crate) gone: bool,
}
