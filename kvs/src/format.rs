//! The version of the layout that a store has, and what becomes of one that this build does not know. The
//! layout itself is described in FORMAT.md.

#[cfg(test)]
mod layout;

use ::redb::{Database, Error as RedbError};

use crate::{
    backend::{guard::careful, redb::TABLE},
    error::{Error, Result},
    key,
    options::Options,
    value::Value,
};

/// The version that this build writes. Stores without a row that says otherwise have version 1, and get
/// the row with the first commit; their values are read as they are, and change when they are written.
pub(crate) const VERSION: u32 = 2;

/// The row that says which version a store has: its envelope is the one thing no version may change.
pub(crate) fn row(at: u64) -> Vec<u8> {
    Value { version: at, bytes: &VERSION.to_le_bytes(), ..Value::default() }.seal(key::FORMAT)
}

/// Reads the row, and says whether it names this build's version. A newer one is refused.
pub(crate) fn known(place: &str, stored: Option<&[u8]>) -> Result<bool> {
    Ok(version(place, stored)? == VERSION)
}

/// The version that the row names. A newer one than this build's is refused.
pub(crate) fn version(place: &str, stored: Option<&[u8]>) -> Result<u32> {
    let Some(stored) = stored else { return Ok(1) };
    let value = Value::open(key::FORMAT, stored)?;
    let version = value.bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let version = version.ok_or_else(|| Error::corrupt(place, "the row with its version is too short"))?;
    if version > VERSION {
        return Err(Error::Newer { place: place.to_owned(), version, known: VERSION });
    }
    Ok(version)
}

/// Makes the table of a new store.
pub(crate) fn create(database: &Database, options: &Options) -> Result<(), RedbError> {
    let mut txn = database.begin_write()?;
    careful(&mut txn, options);
    txn.open_table(TABLE)?.insert(key::FORMAT, &*row(0))?;
    Ok(txn.commit()?)
}
