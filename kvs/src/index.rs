//! Indexes: what a record declares, and the ordered keys under which it can be found. The queries are in
//! `find`.

use std::borrow::Cow;

use crate::{commit::IndexRow, key};

/// One way to find records: a name, and the keys of a record under it.
///
/// ```
/// # use std::borrow::Cow;
/// use kvs::{Index, IndexKey, Query, Record};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct User {
///     login: String,
///     mail: String,
///     city: String,
///     age: u8,
///     about: String,
/// }
///
/// impl Record for User {
///     const TABLE: &'static str = "user";
///     const INDEXES: &'static [Index<Self>] = &[
///         Index::unique("mail", |user| vec![IndexKey::of(&user.mail)]),
///         Index::many("city-age", |user| vec![IndexKey::of(&user.city).and(user.age)]),
///         Index::many("about", |user| IndexKey::words(&user.about)),
///     ];
///     fn id(&self) -> Cow<'_, str> {
///         Cow::Borrowed(&self.login)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> kvs::Result<()> {
/// # let store = kvs::Store::open("memory:").await?;
/// let mut txn = store.txn();
/// txn.put(&User {
///     login: "ada".into(),
///     mail: "ada@example.org".into(),
///     city: "Kyiv".into(),
///     age: 36,
///     about: "Writes Programs".into(),
/// })?;
/// let kyiv = Query::starts(IndexKey::of("Kyiv"));
/// assert_eq!(txn.find::<User>("city-age", kyiv, 10).await?.len(), 1);
/// let word = Query::starts(IndexKey::prefix("prog"));
/// assert_eq!(txn.find::<User>("about", word, 10).await?[0].login, "ada");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Index<R: 'static> {
    pub(crate) name: &'static str,
    pub(crate) unique: bool,
    keys: fn(&R) -> Vec<IndexKey>,
    version: Option<fn() -> u32>,
}

impl<R> Index<R> {
    /// An index under which any number of records may share a key. A record with no key is not in it.
    #[must_use]
    pub const fn many(name: &'static str, keys: fn(&R) -> Vec<IndexKey>) -> Self {
        Self { name, unique: false, keys, version: None }
    }

    /// An index under which a key belongs to one record: a second one is refused with
    /// [`Error::Taken`](crate::Error::Taken) when it commits.
    #[must_use]
    pub const fn unique(name: &'static str, keys: fn(&R) -> Vec<IndexKey>) -> Self {
        Self { name, unique: true, keys, version: None }
    }

    /// Says which version of its keys this is. Another one than a table was indexed under makes the index one that
    /// the table lacks, until [`Store::reindex`](crate::Store::reindex) has built it anew: whoever changes how the keys
    /// of a record are made changes the version.
    #[must_use]
    pub const fn version(mut self, version: fn() -> u32) -> Self {
        self.version = Some(version);
        self
    }

    /// The name under which a table remembers that all of its records are in it.
    pub(crate) fn built(&self) -> Cow<'static, str> {
        match self.version {
            None => Cow::Borrowed(self.name),
            Some(version) => Cow::Owned(format!("{}#{:x}", self.name, version())),
        }
    }

    pub(crate) fn keys(&self, record: &R) -> Vec<IndexKey> {
        (self.keys)(record)
    }
}

impl<R: crate::Record> Index<R> {
    /// Adds the rows under which the record is found.
    pub(crate) fn rows(&self, record: &R, id: &str, rows: &mut Vec<IndexRow>) {
        for IndexKey(parts) in self.keys(record) {
            let tail = if self.unique { "" } else { id };
            let key = key::index(R::TABLE, self.name, &parts, tail);
            rows.push(IndexRow { key, unique: self.unique });
        }
    }
}

/// A key in an index: one part or several, in the order by which they sort.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexKey(pub(crate) Vec<u8>);

impl IndexKey {
    /// A key of one part.
    #[must_use]
    pub fn of(part: impl IndexPart) -> Self {
        Self::default().and(part)
    }

    /// This key with one more part.
    #[must_use]
    pub fn and(mut self, part: impl IndexPart) -> Self {
        part.push(&mut self.0);
        self
    }

    /// The beginning of a text, for [`Query::starts`](crate::Query::starts).
    #[must_use]
    pub fn prefix(text: &str) -> Self {
        Self::default().and_prefix(text)
    }

    /// This key and then the beginning of a text, for [`Query::starts`](crate::Query::starts).
    #[must_use]
    pub fn and_prefix(mut self, text: &str) -> Self {
        key::push_escaped(&mut self.0, text.as_bytes());
        self
    }

    /// One key for each word of a text, in lower case, for search. Words are runs of letters and digits.
    #[must_use]
    pub fn words(text: &str) -> Vec<Self> {
        let mut words: Vec<_> = text
            .split(|character: char| !character.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(|word| Self::of(Self::fold(word)))
            .collect();
        words.sort_unstable();
        words.dedup();
        words
    }

    /// Text as [`words`](Self::words) has it: without case. By upper case first, because some letters have
    /// several lower case forms.
    #[must_use]
    pub fn fold(text: &str) -> String {
        text.to_uppercase().to_lowercase()
    }
}

mod sealed {
    pub trait Sealed {}
}

/// What can be part of an index key: text, bytes, whole numbers, truth values, and what may be missing.
pub trait IndexPart: sealed::Sealed {
    #[doc(hidden)]
    fn push(self, key: &mut Vec<u8>);
}

/// Parts that are text or bytes: escaped and closed, so that a longer one sorts behind.
macro_rules! bytes {
    ($($part:ty),*) => {$(
        impl sealed::Sealed for $part {}
        impl IndexPart for $part {
            fn push(self, key: &mut Vec<u8>) {
                let bytes: &[u8] = self.as_ref();
                key::push_escaped(key, bytes);
                key.extend_from_slice(&[0, 1]);
            }
        }
    )*};
}

bytes!(&str, String, &String, &[u8]);

/// Parts that are numbers: big-endian, the sign flipped, so that byte order is number order.
macro_rules! numbers {
    ($($part:ty as $unsigned:ty, $flip:expr);*) => {$(
        impl sealed::Sealed for $part {}
        impl IndexPart for $part {
            fn push(self, key: &mut Vec<u8>) {
                key.extend_from_slice(&(self as $unsigned ^ $flip).to_be_bytes());
            }
        }
    )*};
}

numbers!(
    u8 as u8, 0; u16 as u16, 0; u32 as u32, 0; u64 as u64, 0; u128 as u128, 0; bool as u8, 0;
    i8 as u8, 1 << 7; i16 as u16, 1 << 15; i32 as u32, 1 << 31; i64 as u64, 1 << 63; i128 as u128, 1 << 127
);

impl<P: IndexPart> sealed::Sealed for Option<P> {}

impl<P: IndexPart> IndexPart for Option<P> {
    fn push(self, key: &mut Vec<u8>) {
        key.push(u8::from(self.is_some()));
        if let Some(part) = self {
            part.push(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_is_the_order_of_the_parts() {
        let numbers: Vec<_> = [i64::MIN, -7, -1, 0, 1, 300, i64::MAX].map(IndexKey::of).into();
        assert!(numbers.is_sorted_by(|a, b| a < b));
        let texts: Vec<_> = ["", "\0", "a", "a\0", "aa", "b"].map(|text| IndexKey::of(text).and(9u8)).into();
        assert!(texts.is_sorted_by(|a, b| a < b));
        assert!(IndexKey::of(None::<u8>) < IndexKey::of(Some(0u8)));
    }

    #[test]
    fn words_are_without_case_in_any_script() {
        let words = IndexKey::words("Stra\u{df}e, STRASSE! \u{41a}\u{438}\u{457}\u{432} x");
        let expected = ["strasse", "x", "\u{43a}\u{438}\u{457}\u{432}"].map(IndexKey::of);
        assert_eq!(words, expected);
    }
}
