//! Values to CBOR with field names and back, old shapes migrated. Not the envelope around them, see `value`.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{Error, Result},
    key,
    record::{Cbor, Record},
};

pub(crate) fn encode<T: Serialize + ?Sized>(value: &T, what: impl FnOnce() -> String) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(256);
    match ciborium::into_writer(value, &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => Err(Error::Encode { what: what(), source: Arc::new(error) }),
    }
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8], what: impl FnOnce() -> String) -> Result<T> {
    ciborium::from_reader(bytes).map_err(|error| Error::Decode { what: what(), source: Arc::new(error) })
}

/// Decodes the record under a key.
pub(crate) fn record<R: Record>(key: &[u8], schema: u16, bytes: &[u8]) -> Result<R> {
    migrate(schema, bytes, || key::describe(key))
}

/// Decodes a record that a type of version `schema` wrote.
pub(crate) fn migrate<R: Record>(schema: u16, bytes: &[u8], what: impl FnOnce() -> String) -> Result<R> {
    if schema == R::VERSION {
        return decode(bytes, what);
    }
    let old: Cbor = match ciborium::from_reader(bytes) {
        Ok(old) => old,
        Err(error) => return Err(Error::Decode { what: what(), source: Arc::new(error) }),
    };
    R::migrate(schema, old).map_err(|error| Error::Decode { what: what(), source: error.into() })
}
