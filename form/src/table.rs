//! The records of a form in the store: the only file that reads and writes them. Each write is guarded by
//! the version that its writer has seen and by the rights over the record as it is stored, and leaves an entry in the
//! record's history.

use kvs::Txn;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    access::{Act, Who},
    audit::{self, Entry},
    error::Result,
    field::Type,
    form::{Form, to_data, to_record},
    right::Denial,
    value::Data,
};

/// Records read at once while a table is gone through, behind which others have a turn.
const CHUNK: usize = 128;
/// Most records that are looked at where no index helps. It bounds what a list costs.
pub const LOOK: usize = 100_000;

/// The version of a stored record, which its envelope holds: another one after each change.
pub type Version = u64;

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its version.
    pub version: Version,
    /// Its values.
    pub data: Data,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Saved {
    /// It will be on disk with the transaction.
    Done {
        /// The id of the record.
        id: String,
    },
    /// Nothing differs from what is there: there is nothing to write, to tell or to remember.
    Same {
        /// The id of the record.
        id: String,
    },
    /// The record is not there any more.
    Gone,
    /// Somebody has written the record since it was read: this is what they made of it.
    Lost(Kept),
    /// There is a record with this id already.
    Taken,
    /// The id is not that of the record.
    Moved,
    /// The form does not let this user do it as the record is.
    Denied(Denial),
}

/// Sent to [`topic`] and to [`record_topic`] when a record was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The record's id.
    pub id: String,
    /// Who wrote it.
    pub who: String,
    /// What they did.
    pub act: Act,
}

/// The topic of all changes of a table.
#[must_use]
pub fn topic(table: &str) -> String {
    format!("form:{table}")
}

/// The topic of the changes of one record.
#[must_use]
pub fn record_topic(table: &str, id: &str) -> String {
    format!("form:{table}/{id}")
}

/// Who writes, and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Who.
    pub who: &'a Who,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub now: u64,
}

/// Reads a record.
pub async fn get<R: Form>(txn: &mut Txn, id: &str) -> Result<Option<Kept>> {
    let Some((version, record)) = txn.get_versioned::<R>(id).await? else { return Ok(None) };
    Ok(Some(Kept { version, data: to_data(&record)? }))
}

/// Calls `visit` with each record in the order of the ids, until it answers `false` or has seen [`LOOK`] of
/// them. Says whether it has seen all that it wanted to.
pub async fn scan<R: Form>(
    txn: &mut Txn,
    visit: &mut (dyn FnMut(String, Data) -> bool + Send),
) -> Result<bool> {
    let (mut after, mut left): (Option<String>, usize) = (None, LOOK);
    loop {
        let records = txn.range::<R>("", after.as_deref(), CHUNK).await?;
        for record in &records {
            if left == 0 {
                return Ok(false);
            }
            left -= 1;
            if !visit(record.id().into_owned(), to_data(record)?) {
                return Ok(true);
            }
        }
        match records.last() {
            Some(last) if records.len() == CHUNK => after = Some(last.id().into_owned()),
            _ => return Ok(true),
        }
    }
}

/// Writes a new record of values without faults. Where the server makes the ids, they are numbers that
/// grow; those that are taken, because records came from elsewhere, are left out.
pub async fn create<R: Form>(txn: &mut Txn, by: By<'_>, data: &Data) -> Result<Saved> {
    let (spec, document) = (R::spec(), &R::spec().document);
    if !by.who.is_program()
        && let Some(denial) = spec.forbids(by.who, Act::Create, &spec.blank(), data)
    {
        return Ok(Saved::Denied(denial));
    }
    let mut data = data.clone();
    let (record, id) = loop {
        if document.auto {
            let number = txn.seq(&format!("form/{}", R::TABLE)).await?;
            let whole =
                matches!(document.field(&document.id).map(|field| &field.kind), Some(Type::Number { .. }));
            let value = if whole { Value::from(number) } else { Value::from(number.to_string()) };
            data.insert(document.id.clone(), value);
        }
        let record: R = to_record(&data)?;
        let id = record.id().into_owned();
        if txn.get::<R>(&id).await?.is_none() {
            break (record, id);
        }
        if !document.auto {
            return Ok(Saved::Taken);
        }
    };
    txn.put(&record)?;
    log::<R>(txn, by, &id, Act::Create, &Data::new(), &data)?;
    Ok(Saved::Done { id })
}

/// Writes a record that was read as `version`.
pub async fn update<R: Form>(
    txn: &mut Txn,
    by: By<'_>,
    id: &str,
    version: Version,
    data: &Data,
) -> Result<Saved> {
    let Some(kept) = get::<R>(txn, id).await? else { return Ok(Saved::Gone) };
    if kept.version != version {
        return Ok(Saved::Lost(kept));
    }
    let record: R = to_record(data)?;
    if record.id() != id {
        return Ok(Saved::Moved);
    }
    if to_data(&record)? == kept.data {
        return Ok(Saved::Same { id: id.to_owned() });
    }
    if let Some(denial) = R::spec().forbids(by.who, Act::Update, &kept.data, data) {
        return Ok(Saved::Denied(denial));
    }
    txn.put(&record)?;
    log::<R>(txn, by, id, Act::Update, &kept.data, data)?;
    Ok(Saved::Done { id: id.to_owned() })
}

/// Deletes a record that was read as `version`.
pub async fn delete<R: Form>(txn: &mut Txn, by: By<'_>, id: &str, version: Version) -> Result<Saved> {
    let Some(kept) = get::<R>(txn, id).await? else { return Ok(Saved::Gone) };
    if kept.version != version {
        return Ok(Saved::Lost(kept));
    }
    if let Some(denial) = R::spec().denial(by.who, Act::Delete, &kept.data) {
        return Ok(Saved::Denied(denial));
    }
    txn.delete::<R>(id);
    log::<R>(txn, by, id, Act::Delete, &kept.data, &Data::new())?;
    Ok(Saved::Done { id: id.to_owned() })
}

/// Whether there are records at all.
#[cfg(feature = "screens")]
pub(crate) async fn is_empty<R: Form>(txn: &mut Txn) -> Result<bool> {
    Ok(txn.range::<R>("", None, 1).await?.is_empty())
}

fn log<R: Form>(txn: &mut Txn, by: By<'_>, id: &str, act: Act, before: &Data, after: &Data) -> Result {
    let entry = Entry::new(&R::spec().document, by, act, before, after);
    txn.append(&audit::feed(R::TABLE, id), &entry)?;
    Ok(())
}
