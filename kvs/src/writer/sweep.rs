//! Sweeping: records that have expired, and entries of feeds that were cut, a bounded number at a time.

use std::collections::BTreeMap;

use super::{apply, overlay::Overlay, records};
use crate::{
    backend::Backend,
    commit::RecordWrite,
    error::Result,
    key::{self, Span},
    value::Value,
};

/// How many rows one sweep takes away, so that no commit waits long for it.
const ROWS: usize = 2048;

pub(crate) struct Swept {
    /// The commit it became, `None` when there was nothing.
    pub(crate) at: Option<u64>,
    /// Whether there is more to sweep.
    pub(crate) more: bool,
}

/// Sweeps as one commit, which is written behind: what is lost of it in a crash is swept again.
pub(crate) fn sweep(backend: &dyn Backend, now: u64) -> Result<Swept> {
    let batch = backend.begin()?;
    let at = batch.at() + 1;
    let mut overlay = Overlay::new(&*batch);
    let mut more = expired(&mut overlay, now, at)?;
    more |= cut(&mut overlay)?;
    if overlay.is_empty() {
        return Ok(Swept { at: None, more: false });
    }
    if overlay.get(&key::log(at))?.is_none() {
        apply::log(&mut overlay, &[], at);
    }
    let changes = overlay.into_changes();
    batch.commit(changes, at, false)?;
    Ok(Swept { at: Some(at), more })
}

fn expired(overlay: &mut Overlay<'_>, now: u64, at: u64) -> Result<bool> {
    let span = Span { start: key::expiry(0, &[]), end: Some(key::expiry(now.saturating_add(1), &[])) };
    let rows = overlay.scan(&span, ROWS)?;
    let mut gone = BTreeMap::new();
    for (row, _) in rows.iter() {
        // Behind the tag and eight bytes of time is the record's own key.
        let record = row.get(9..).unwrap_or_default();
        match key::parse(record) {
            Some((_, table, _)) => gone.insert(record.to_vec(), RecordWrite::delete(table)),
            None => {
                overlay.set(row.to_vec(), None);
                None
            }
        };
    }
    if !gone.is_empty() {
        let mut changed = Vec::new();
        records::write(overlay, &gone, at, &mut changed)?;
        apply::log(overlay, &changed, at);
    }
    Ok(rows.len() == ROWS)
}

fn cut(overlay: &mut Overlay<'_>) -> Result<bool> {
    let cuts = overlay.scan(&Span::prefix(vec![key::CUT]), 1)?;
    let Some((row, stored)) = cuts.iter().next() else { return Ok(false) };
    let Some((_, feed, _)) = key::parse(row) else { return Ok(false) };
    let first =
        Value::open(row, stored)?.bytes.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let span = Span { start: key::entries(&feed), end: Some(key::entry(&feed, first)) };
    let rows = overlay.scan(&span, ROWS)?;
    for (key, _) in rows.iter() {
        overlay.set(key.to_vec(), None);
    }
    if rows.len() < ROWS {
        overlay.set(row.to_vec(), None);
    }
    Ok(true)
}
