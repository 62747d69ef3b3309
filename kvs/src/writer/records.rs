//! Writing records: expectations, counts, and the index rows that go with each.

use std::{borrow::Cow, collections::BTreeMap};

use super::{apply::Changed, overlay::Overlay};
use crate::{
    commit::{Expect, RecordValue, RecordWrite},
    error::{Error, Result},
    key,
    meta::TableMeta,
    value::{self, Value},
};

pub(crate) fn write(
    overlay: &mut Overlay<'_>,
    records: &BTreeMap<Vec<u8>, RecordWrite>,
    at: u64,
    changed: &mut Vec<Changed>,
) -> Result<()> {
    // All old index rows go before any new one comes, so that two records can swap a unique key.
    let mut added: BTreeMap<&str, (i64, &RecordWrite)> = BTreeMap::new();
    for (key, record) in records {
        let before = remove_rows(overlay, key, record)?;
        let table = added.entry(&record.table).or_insert((0, record));
        table.0 += i64::from(record.value.is_some()) - i64::from(before);
        if before && record.value.is_none() {
            overlay.set(key.clone(), None);
        }
        changed.push(Changed { key: key.clone(), gone: record.value.is_none() });
    }
    for (key, record) in records {
        if let Some(value) = &record.value {
            put(overlay, key, value, at)?;
        }
    }
    for (table, (added, record)) in added {
        count(overlay, table, added, record, at)?;
    }
    Ok(())
}

/// Checks what is there against what is expected, removes its index rows, and says whether it was there.
fn remove_rows(overlay: &mut Overlay<'_>, key: &[u8], record: &RecordWrite) -> Result<bool> {
    let stored = overlay.get(key)?;
    // A damaged record may be put over or deleted: that is how it is repaired. Rows it may leave behind in
    // an index are found by `check` and `reindex`.
    let old = stored.as_deref().map(|stored| Value::open(key, stored).unwrap_or_default());
    match (record.expect, old) {
        (Expect::Absent, Some(_)) => return Err(Error::Exists { what: key::describe(key) }),
        (Expect::Version(version), old) if old.map_or(0, |old| old.version) != version => {
            return Err(Error::Conflict { what: key::describe(key) });
        }
        _ => {}
    }
    for row in old.into_iter().flat_map(|old| value::unpack(old.indexed)) {
        overlay.set(row.to_vec(), None);
    }
    Ok(old.is_some())
}

fn put(overlay: &mut Overlay<'_>, key: &[u8], value: &RecordValue, at: u64) -> Result<()> {
    let Some((_, _, id)) = key::parse(key) else {
        return Err(Error::corrupt(key::describe(key), "it is no record's key"));
    };
    let mut rows: Vec<&[u8]> = Vec::with_capacity(value.rows.len() + 1);
    for row in &value.rows {
        if row.unique
            && let Some(holder) = overlay.get(&row.key)?
        {
            let holder = Value::open(&row.key, &holder)?.bytes;
            if holder != id {
                return Err(Error::Taken {
                    what: key::describe(key),
                    index: key::index_name(&row.key),
                    holder: String::from_utf8_lossy(holder).into_owned(),
                });
            }
        }
        let stored = Value { version: at, bytes: id, ..Value::default() }.seal(&row.key);
        overlay.set(row.key.clone(), Some(stored));
        rows.push(&row.key);
    }
    let expiry = (value.expires != 0).then(|| key::expiry(value.expires, key));
    if let Some(expiry) = &expiry {
        overlay.set(expiry.clone(), Some(Value { version: at, ..Value::default() }.seal(expiry)));
        rows.push(expiry);
    }
    let indexed = value::pack(rows);
    let new = Value {
        version: at,
        schema: value.schema,
        expires: value.expires,
        link: None,
        indexed: &indexed,
        bytes: &value.bytes,
    };
    overlay.set(key.to_vec(), Some(new.seal(key)));
    Ok(())
}

/// Brings the table's count up to date. A table that was empty is in every index its first record declares;
/// later an index is dropped from the list as soon as a record is put by a type that does not declare it.
fn count(overlay: &mut Overlay<'_>, table: &str, added: i64, record: &RecordWrite, at: u64) -> Result<()> {
    let stored = overlay.get(&key::table(table))?;
    let mut meta = TableMeta::read(table, stored.as_deref())?;
    let before = meta.clone();
    if record.value.is_some() {
        if meta.count == 0 {
            meta.indexes = record.names.iter().map(|name| name.clone().into_owned()).collect();
        } else {
            meta.indexes.retain(|index| record.names.iter().any(|name| name == index));
        }
    }
    meta.count = meta.count.saturating_add_signed(added);
    if meta != before {
        let (key, stored) = meta.seal(table, at);
        overlay.set(key, Some(stored));
    }
    Ok(())
}

/// Notes that every record of the table is in these indexes.
pub(crate) fn indexed(
    overlay: &mut Overlay<'_>,
    table: &str,
    names: &[Cow<'static, str>],
    at: u64,
) -> Result<()> {
    let stored = overlay.get(&key::table(table))?;
    let mut meta = TableMeta::read(table, stored.as_deref())?;
    meta.indexes = names.iter().map(|name| name.clone().into_owned()).collect();
    let (key, stored) = meta.seal(table, at);
    overlay.set(key, Some(stored));
    Ok(())
}
