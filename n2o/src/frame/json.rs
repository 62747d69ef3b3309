//! JSON as far as a frame has any: no objects, no fractions, and no array that is deeper or longer than the
//! arrays of a frame. It is refused where it goes beyond, before the rest is looked at.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use super::Malformed;
use crate::limit::Limits;

/// The arrays of a frame: itself, the values of an event, and the texts of one value.
const DEPTH: usize = 3;
/// Elements of a frame; its other arrays have at most `Limits::values`.
const ELEMENTS: usize = 5;

/// A value of a frame.
#[derive(Debug)]
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Number(u64),
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
}

/// Reads one value, and nothing behind it.
pub(super) fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Json<'a>, Malformed> {
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let item = Item { depth: DEPTH, most: ELEMENTS, values: limits.values };
    let read = item.deserialize(&mut from).and_then(|value| from.end().map(|()| value));
    read.map_err(|error| Malformed { at: error.column(), expected: "the JSON of a frame" })
}

/// An item that may hold arrays of so many levels, each with a most number of elements.
#[derive(Clone, Copy)]
struct Item {
    depth: usize,
    most: usize,
    values: usize,
}

impl<'de> DeserializeSeed<'de> for Item {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Json<'de>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Item {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a frame")
    }

    fn visit_unit<E: Error>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Json<'de>, A::Error> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| A::Error::custom("arrays are too deep"))?;
        let item = Item { depth, most: self.values, values: self.values };
        let mut items = Vec::new();
        while let Some(value) = from.next_element_seed(item)? {
            if items.len() == self.most {
                return Err(A::Error::custom("an array is too long"));
            }
            items.push(value);
        }
        Ok(Json::Array(items))
    }
}
