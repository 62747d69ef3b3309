//! Values to CBOR with field names and back. Not the envelope around them, see `value`.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

use crate::error::{Error, Result};

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
