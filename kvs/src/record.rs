//! What an application stores: a type with a table and an id. Not the bytes it becomes, see `value`.

use std::{borrow::Cow, error::Error as StdError, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::index::Index;

/// A stored value whose type is not known: what a migration starts from.
pub use ciborium::Value as Cbor;

/// A type whose values live in a table, one per id.
///
/// Values are kept as CBOR with field names, so that fields may be reordered, and added when they have a
/// `#[serde(default)]`.
///
/// ```
/// use std::{borrow::Cow, error::Error as StdError, time::Duration};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct User {
///     login: String,
///     age: u8,
/// }
///
/// impl kvs::Record for User {
///     const TABLE: &'static str = "user";
///     fn id(&self) -> Cow<'_, str> {
///         Cow::Borrowed(&self.login)
///     }
/// }
/// ```
pub trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The table's name. It is part of every key: never change it once there is data.
    const TABLE: &'static str;

    /// The record's id, unique within the table: any Unicode text up to [`Options::max_id`](crate::Options).
    fn id(&self) -> Cow<'_, str>;

    /// The version of the type's shape. Raise it when old records no longer decode, and say in
    /// [`migrate`](Self::migrate) what becomes of them.
    const VERSION: u16 = 0;

    /// What the records can be found by, besides their ids; see [`Index`]. An index added to a table that
    /// has records is built by [`Store::reindex`](crate::Store::reindex).
    const INDEXES: &'static [Index<Self>] = &[];

    /// How long a record lives after it was put; for ever by default. Expired records are not read any
    /// more, and are swept away within a second or so.
    const TTL: Option<Duration> = None;

    /// Makes a record of this version out of one that version `from` wrote. Records are migrated when they
    /// are read, and stored in their new shape when they are put.
    ///
    /// ```
    /// # use std::borrow::Cow;
    /// use kvs::{Cbor, Record};
    ///
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct User {
    ///     login: String,
    ///     mails: Vec<String>, // Version 0 had one `mail`.
    /// }
    ///
    /// impl Record for User {
    ///     const TABLE: &'static str = "user";
    ///     const VERSION: u16 = 1;
    ///     fn id(&self) -> Cow<'_, str> {
    ///         Cow::Borrowed(&self.login)
    ///     }
    ///     fn migrate(_from: u16, old: Cbor) -> Result<Self, kvs::Refused> {
    ///         #[derive(serde::Deserialize)]
    ///         struct Before {
    ///             login: String,
    ///             mail: String,
    ///         }
    ///         let before: Before = old.deserialized()?;
    ///         Ok(User { login: before.login, mails: vec![before.mail] })
    ///     }
    /// }
    /// ```
    fn migrate(_from: u16, old: Cbor) -> Result<Self, Refused> {
        Ok(old.deserialized()?)
    }
}

/// Why a migration could not make a record out of what it was given.
pub type Refused = Box<dyn StdError + Send + Sync>;

/// A record as it is stored: for tools, for repair, and for types that no longer exist.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Raw {
    /// The table.
    pub table: String,
    /// The id.
    pub id: String,
    /// The number of the commit that wrote it; 0 for a transaction's own write.
    pub version: u64,
    /// The [`Record::VERSION`] of the type that wrote it.
    pub schema: u16,
    /// The value as CBOR.
    pub bytes: Vec<u8>,
}
