//! The envelope around every stored value: check sum, version, schema, expiry, index keys, then the bytes.
//! FORMAT.md describes it. Not what the bytes mean, see `codec`.

use crate::{
    error::{Error, Result},
    format, key, sum,
};

const HEAD: usize = 15;
const EXPIRES: u8 = 1;
const LINKED: u8 = 2;
const INDEXED: u8 = 4;
/// The check sum is XXH3; without it, it is that of version 1 of the format.
const XXH3: u8 = 0x80;
const FLAGS: u8 = EXPIRES | LINKED | INDEXED | XXH3;
/// Where the flags are.
const AT: usize = 12;

/// A stored value taken apart, borrowing its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Value<'a> {
    /// The number of the commit that wrote it.
    pub(crate) version: u64,
    /// The schema version of the type that wrote it.
    pub(crate) schema: u16,
    /// When it is no longer there, in milliseconds since 1970; 0 is never.
    pub(crate) expires: u64,
    /// The hash that links a chained entry to the one before.
    pub(crate) link: Option<&'a [u8; 32]>,
    /// The index keys written together with a record, length-prefixed; see [`pack`].
    pub(crate) indexed: &'a [u8],
    pub(crate) bytes: &'a [u8],
}

impl<'a> Value<'a> {
    /// Writes the envelope. The key goes into the check sum, so that a value under a foreign key is found.
    pub(crate) fn seal(&self, key: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD + 48 + self.indexed.len() + self.bytes.len());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.version.to_le_bytes());
        out.push(0);
        out.extend_from_slice(&self.schema.to_le_bytes());
        let mut flags = XXH3;
        if self.expires != 0 {
            flags |= EXPIRES;
            out.extend_from_slice(&self.expires.to_le_bytes());
        }
        if let Some(link) = self.link {
            flags |= LINKED;
            out.extend_from_slice(link);
        }
        if !self.indexed.is_empty() {
            flags |= INDEXED;
            out.extend_from_slice(&(self.indexed.len() as u32).to_le_bytes());
            out.extend_from_slice(self.indexed);
        }
        out.extend_from_slice(self.bytes);
        out[AT] = flags;
        let sum = sum::sum(key, &out[4..]);
        out[..4].copy_from_slice(&sum.to_le_bytes());
        out
    }

    /// Opens the envelope, or names the key whose value is damaged.
    pub(crate) fn open(key: &[u8], stored: &'a [u8]) -> Result<Self> {
        let value = Self::parts(key, stored)
            .ok_or_else(|| Error::corrupt(key::describe(key), "its check sum does not match"))?;
        // It is what was written, and says something that this build does not know.
        if stored[AT] & !FLAGS != 0 {
            let (version, known) = (format::VERSION + 1, format::VERSION);
            return Err(Error::Newer { place: key::describe(key), version, known });
        }
        Ok(value)
    }

    fn parts(key: &[u8], stored: &'a [u8]) -> Option<Self> {
        let (expected, rest) = stored.split_first_chunk::<4>()?;
        let flags = stored.get(AT)?;
        let sum = if flags & XXH3 != 0 { sum::sum(key, rest) } else { sum::first(key, rest) };
        if u32::from_le_bytes(*expected) != sum {
            return None;
        }
        let (version, rest) = rest.split_first_chunk::<8>()?;
        let (flags, rest) = rest.split_first()?;
        let (schema, mut rest) = rest.split_first_chunk::<2>()?;
        let mut value = Self {
            version: u64::from_le_bytes(*version),
            schema: u16::from_le_bytes(*schema),
            ..Self::default()
        };
        if flags & EXPIRES != 0 {
            let (expires, after) = rest.split_first_chunk::<8>()?;
            (value.expires, rest) = (u64::from_le_bytes(*expires), after);
        }
        if flags & LINKED != 0 {
            let (link, after) = rest.split_first_chunk::<32>()?;
            (value.link, rest) = (Some(link), after);
        }
        if flags & INDEXED != 0 {
            let (length, after) = rest.split_first_chunk::<4>()?;
            (value.indexed, rest) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        }
        value.bytes = rest;
        Some(value)
    }
}

/// Writes byte strings one behind the other, each with its length.
pub(crate) fn pack<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        out.extend_from_slice(&(part.len() as u32).to_le_bytes());
        out.extend_from_slice(part);
    }
    out
}

/// Reads what [`pack`] wrote; bytes that end early end the list.
pub(crate) fn unpack(mut packed: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = packed.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        packed = rest;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_under_its_own_key_only() {
        let link = [7; 32];
        let indexed = pack([&b"a"[..], b"", b"longer"]);
        let value = Value {
            version: 9,
            schema: 2,
            expires: 5,
            link: Some(&link),
            indexed: &indexed,
            bytes: b"bytes",
        };
        let stored = value.seal(b"key");
        let opened = Value::open(b"key", &stored).unwrap();
        assert_eq!((opened.version, opened.schema, opened.expires), (9, 2, 5));
        assert_eq!((opened.link, opened.bytes), (Some(&link), &b"bytes"[..]));
        assert_eq!(unpack(opened.indexed).collect::<Vec<_>>(), [&b"a"[..], b"", b"longer"]);
        assert!(Value::open(b"kez", &stored).is_err());
        for bit in 0..stored.len() * 8 {
            let mut flipped = stored.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(Value::open(b"key", &flipped), Err(Error::Corrupt { .. })), "bit {bit}");
        }
        for length in 0..stored.len() {
            assert!(Value::open(b"key", &stored[..length]).is_err(), "cut to {length}");
        }
    }

    #[test]
    fn a_value_of_version_1_opens_and_one_with_an_unknown_flag_is_refused_as_newer() {
        let value = Value { version: 7, bytes: b"bytes", ..Value::default() };
        let mut stored = value.seal(b"key");
        stored[AT] &= !XXH3;
        let sum = sum::first(b"key", &stored[4..]);
        stored[..4].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(Value::open(b"key", &stored).unwrap().bytes, b"bytes");

        let mut stored = value.seal(b"key");
        stored[AT] |= 8;
        let sum = sum::sum(b"key", &stored[4..]);
        stored[..4].copy_from_slice(&sum.to_le_bytes());
        let error = Value::open(b"key", &stored).unwrap_err();
        assert!(matches!(error, Error::Newer { version, known, .. } if version > known), "{error}");
    }
}
