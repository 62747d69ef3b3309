//! What an application stores: a type with a table and an id. Not the bytes it becomes, see `value`.

use std::borrow::Cow;

use serde::{Serialize, de::DeserializeOwned};

/// A type whose values live in a table, one per id.
///
/// Values are kept as CBOR with field names, so that fields may be reordered, and added when they have a
/// `#[serde(default)]`.
///
/// ```
/// use std::borrow::Cow;
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
}
