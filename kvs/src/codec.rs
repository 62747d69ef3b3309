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
    // It takes half the time, but has no limit to its recursion and does not know all that ciborium writes:
    // bignums, for one. What it does not know, and what does not decode, is left to ciborium, which also
    // words the error.
    if (flat(bytes) || shallow(bytes))
        && let Ok(value) = minicbor_serde::from_slice(bytes)
    {
        return Ok(value);
    }
    ciborium::from_reader(bytes).map_err(|error| Error::Decode { what: what(), source: Arc::new(error) })
}

/// How deep CBOR may nest.
const DEPTH: usize = 64;

/// Whether there are too few bytes that can open a level (an array, a map, a tag) for [`shallow`] to find
/// too many. It does not know a head from what follows it, and so is quick; most records pass.
fn flat(bytes: &[u8]) -> bool {
    // Counted in bytes, 128 at a time, which the compiler turns into vector instructions.
    let opening = |chunk: &[u8]| chunk.iter().map(|byte| u8::from((0x80..0xe0).contains(byte))).sum::<u8>();
    bytes.chunks(128).map(|chunk| usize::from(opening(chunk))).sum::<usize>() < DEPTH
}

/// Whether CBOR nests less than a stack bears. It only counts items, and says no when it meets anything that
/// [`encode`] does not write.
fn shallow(bytes: &[u8]) -> bool {
    // How many items are still to come at each level.
    let mut left = [0u64; DEPTH];
    let (mut level, mut at) = (0, 0usize);
    left[0] = 1;
    loop {
        while left[level] == 0 {
            if level == 0 {
                return true;
            }
            level -= 1;
        }
        left[level] -= 1;
        let Some(head) = bytes.get(at) else { return false };
        let width = match head & 0x1f {
            0..=23 => 0,
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return false,
        };
        let Some(argument) = bytes.get(at + 1..at + 1 + width) else { return false };
        let argument = match width {
            0 => u64::from(head & 0x1f),
            _ => argument.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
        };
        at += 1 + width;
        let inside = match head >> 5 {
            2 | 3 => {
                at = at.saturating_add(usize::try_from(argument).unwrap_or(usize::MAX));
                continue;
            }
            4 => argument,
            5 => argument.saturating_mul(2),
            6 => 1,
            _ => continue,
        };
        level += 1;
        if level == DEPTH {
            return false;
        }
        left[level] = inside;
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    /// One field of each kind that serde knows.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Zoo {
        unit: (),
        flag: bool,
        small: i8,
        large: i64,
        unsigned: u64,
        huge: u128,
        tiny: i128,
        float: f64,
        single: f32,
        letter: char,
        text: String,
        maybe: Option<u32>,
        nested: Option<Option<String>>,
        list: Vec<Kind>,
        pair: (u8, String),
        array: [i16; 3],
        names: BTreeMap<String, i32>,
        numbers: BTreeMap<i64, String>,
        #[serde(default)]
        absent: Option<bool>,
        newtype: Wrap,
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Kind {
        Unit,
        Newtype(i64),
        Tuple(u8, String),
        Struct { a: bool, b: Option<Box<Kind>> },
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "t")]
    enum Tagged {
        One { x: i64 },
        Two,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(i64),
        Text(String),
        List(Vec<Untagged>),
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Wrap(String);

    #[test]
    fn what_the_quick_decoder_does_not_know_comes_back_as_well() {
        let text = || Cbor::Text("x".to_owned());
        for value in [
            Cbor::Tag(1, Box::new(Cbor::Integer(7.into()))),
            Cbor::Tag(55_799, Box::new(Cbor::Array(vec![text(), Cbor::Null]))),
            Cbor::Map(vec![(Cbor::Integer(1.into()), text()), (Cbor::Bool(true), Cbor::Bytes(vec![1]))]),
            Cbor::Float(0.5),
            Cbor::Float(f64::INFINITY),
        ] {
            assert_eq!(back(&value), value);
            assert_eq!(back(&Some(value.clone())), Some(value));
        }
        for number in [u128::MAX, u128::from(u64::MAX) + 1, 0] {
            assert_eq!(back(&number), number);
        }
        for number in [i128::MIN, i128::from(i64::MIN) - 1, -1] {
            assert_eq!(back(&number), number);
        }
        // Of indefinite length, as other writers have it.
        let list: Vec<u8> = decode(&[0x9f, 1, 2, 0xff], String::new).unwrap();
        let words: String = decode(&[0x7f, 0x61, b'a', 0x61, b'b', 0xff], String::new).unwrap();
        assert_eq!((list, words), (vec![1, 2], "ab".to_owned()));
    }

    fn kind() -> impl Strategy<Value = Kind> {
        let leaf = prop_oneof![
            Just(Kind::Unit),
            any::<i64>().prop_map(Kind::Newtype),
            (any::<u8>(), any::<String>()).prop_map(|(a, b)| Kind::Tuple(a, b)),
        ];
        leaf.prop_recursive(3, 8, 1, |inner| {
            (any::<bool>(), prop::option::of(inner.prop_map(Box::new)))
                .prop_map(|(a, b)| Kind::Struct { a, b })
        })
    }

    fn back<T: Serialize + DeserializeOwned>(value: &T) -> T {
        decode(&encode(value, String::new).unwrap(), String::new).unwrap()
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_decodes_to_itself(
            (flag, small, large, unsigned, huge, tiny) in any::<(bool, i8, i64, u64, u128, i128)>(),
            (float, single, letter, text) in (-1e300..1e300f64, -1e30..1e30f32, any::<char>(), any::<String>()),
            (maybe, inner, pair, array) in any::<(Option<u32>, Option<String>, (u8, String), [i16; 3])>(),
            (names, numbers) in any::<(BTreeMap<String, i32>, BTreeMap<i64, String>)>(),
            list in prop::collection::vec(kind(), 0..4),
        ) {
            let zoo = Zoo {
                unit: (), flag, small, large, unsigned, huge, tiny, float, single, letter,
                newtype: Wrap(text.clone()), text, maybe, nested: inner.map(Some), list, pair, array, names, numbers,
                absent: None, rest: BTreeMap::from([("extra".to_owned(), 7)]),
            };
            prop_assert_eq!(back(&zoo), zoo);
            prop_assert_eq!(back(&Tagged::One { x: large }), Tagged::One { x: large });
            prop_assert_eq!(back(&Tagged::Two), Tagged::Two);
            let untagged = Untagged::List(vec![Untagged::Number(large), Untagged::Text("x".into())]);
            prop_assert_eq!(back(&untagged), untagged);
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode::<Zoo>(&bytes, String::new);
            let _ = decode::<Cbor>(&bytes, String::new);
            let _ = decode::<Vec<Kind>>(&bytes, String::new);
        }
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let deep = [vec![0x81; 100_000], vec![0x00]].concat();
        assert!(decode::<Cbor>(&deep, String::new).is_err());
        assert!(decode::<Untagged>(&deep, String::new).is_err());
    }
}
