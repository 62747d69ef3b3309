//! The fields of an event that are sealed: how they are written and read, named by the derive in one place, so that
//! a field which cannot be is told once.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

use crate::event::Unfit;

/// A field that can be sealed into a page.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sealed into a page",
    label = "add `#[derive(Serialize, Deserialize)]` to it, or `#[source]` to the field if an input holds it"
)]
pub trait __Sealed: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> __Sealed for T {}

/// The sealed fields of a variant.
#[doc(hidden)]
pub trait __Fields: Serialize + DeserializeOwned {}

macro_rules! fields {
    ($($($name:ident)+;)*) => { $(impl<$($name: __Sealed),+> __Fields for ($($name,)+) {})* };
}

fields! {
    A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H; A B C D E F G H I;
    A B C D E F G H I J; A B C D E F G H I J K; A B C D E F G H I J K L; A B C D E F G H I J K L M;
    A B C D E F G H I J K L M N; A B C D E F G H I J K L M N O; A B C D E F G H I J K L M N O P;
}

/// How the fields of a variant are written and read.
#[doc(hidden)]
pub struct __Codec<T> {
    pub(crate) write: fn(&T) -> Vec<u8>,
    read: fn(&[u8]) -> Result<T, Unfit>,
}

impl<T> fmt::Debug for __Codec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codec")
    }
}

/// The codec of these fields; a function of its own, because then the compiler tells of a field in our words.
#[doc(hidden)]
#[must_use]
pub const fn __codec<T: __Fields>() -> __Codec<T> {
    __Codec {
        write: |fields| {
            let mut sealed = Vec::new();
            if let Err(error) = ciborium::into_writer(fields, &mut sealed) {
                tracing::error!(%error, "the fields of an event cannot be encoded; the event will be refused");
            }
            sealed
        },
        read: |sealed| ciborium::from_reader(sealed).map_err(|_| Unfit),
    }
}

impl<T> __Codec<T> {
    /// Reads what was sealed.
    pub fn read(&self, sealed: &[u8]) -> Result<T, Unfit> {
        (self.read)(sealed)
    }
}
