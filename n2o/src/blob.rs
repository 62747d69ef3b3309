//! Bytes in records as byte strings. Serde by itself takes them for a list of numbers, which is twice as long
//! and takes a step for each byte.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(bytes)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    from.deserialize_byte_buf(Bytes)
}

struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a byte string")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}

/// Several, each with a number.
pub(crate) mod numbered {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize)]
    struct Borrowed<'a>(u64, #[serde(serialize_with = "super::serialize")] &'a [u8]);

    #[derive(Deserialize)]
    struct Owned(u64, #[serde(with = "super")] Vec<u8>);

    pub(crate) fn serialize<S: Serializer>(list: &[(u64, Vec<u8>)], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(list.iter().map(|(number, bytes)| Borrowed(*number, bytes)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(u64, Vec<u8>)>, D::Error> {
        let list = Vec::<Owned>::deserialize(from)?;
        Ok(list.into_iter().map(|Owned(number, bytes)| (number, bytes)).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Record {
        #[serde(with = "super")]
        one: Vec<u8>,
        #[serde(with = "super::numbered")]
        many: Vec<(u64, Vec<u8>)>,
    }

    #[test]
    fn bytes_come_back_and_take_a_byte_each() {
        let record = Record { one: vec![200; 10_000], many: vec![(1, vec![0; 5_000]), (2, Vec::new())] };
        let mut bytes = Vec::new();
        ciborium::into_writer(&record, &mut bytes).expect("written");
        assert!(bytes.len() < 15_050, "{}", bytes.len());
        assert_eq!(ciborium::from_reader::<Record, _>(bytes.as_slice()).expect("read"), record);
    }
}
