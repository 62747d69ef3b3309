//! The one ordered key space: how tables, ids, feeds and positions become bytes, and back.
//!
//! A key is a tag byte, the name closed by a terminator, and the rest raw. Inside a name the byte 0 is
//! escaped, so that no name is a prefix of another and byte order is name order.

/// The store's own numbers.
pub(crate) const META: u8 = 0x00;
/// Records: table, id.
pub(crate) const RECORD: u8 = 0x01;
/// Feed entries: feed, position.
pub(crate) const ENTRY: u8 = 0x02;
/// Index rows: table, index, key, and for an index that is not unique the id.
pub(crate) const INDEX: u8 = 0x03;
/// What each commit changed: commit number. Every commit has its row, so the last row's is the last commit.
pub(crate) const LOG: u8 = 0x04;
// What nearly every commit writes comes next to the newest row of the log, so that it shares its page.
/// Counts and index names of a table: table.
pub(crate) const TABLE: u8 = 0x05;
/// Count and last position of a feed: feed. These keys in order are the list of all feeds.
pub(crate) const FEED: u8 = 0x06;
/// Sequences: name.
pub(crate) const SEQ: u8 = 0x07;
/// Saved cursors: name.
pub(crate) const CURSOR: u8 = 0x08;
/// Records that expire, by time: milliseconds, the record's key.
pub(crate) const EXPIRY: u8 = 0x09;
/// Feeds that were cut and whose entries are still to be swept: feed.
pub(crate) const CUT: u8 = 0x0a;

/// Where a store keeps the number of the last commit, if it does not read it from the log.
#[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only a server keeps it"))]
pub(crate) const LAST: &[u8] = &[META, b'a', b't'];

/// What is written to see whether the store can be written, and at once deleted.
pub(crate) const PROBE: &[u8] = &[META, b'p', b'r', b'o', b'b', b'e'];
/// Where a store keeps the version of its layout.
pub(crate) const FORMAT: &[u8] = &[META, b'f', b'o', b'r', b'm', b'a', b't'];

/// A half-open range of keys; without an end it runs to the end of the key space.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) start: Vec<u8>,
    pub(crate) end: Option<Vec<u8>>,
}

impl Span {
    /// All keys that begin with `prefix`.
    pub(crate) fn prefix(prefix: Vec<u8>) -> Self {
        let end = successor(&prefix);
        Self { start: prefix, end }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }
}

/// The smallest key behind all keys that begin with `prefix`.
pub(crate) fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xff)?;
    let mut key = prefix[..=last].to_vec();
    key[last] += 1;
    Some(key)
}

/// The smallest key behind `key`.
pub(crate) fn after(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

pub(crate) fn record(table: &str, id: &str) -> Vec<u8> {
    named(RECORD, table, id.as_bytes())
}

pub(crate) fn table(table: &str) -> Vec<u8> {
    plain(TABLE, table.as_bytes())
}

pub(crate) fn entry(feed: &str, position: u64) -> Vec<u8> {
    named(ENTRY, feed, &position.to_be_bytes())
}

/// What the keys of all entries of a feed begin with.
pub(crate) fn entries(feed: &str) -> Vec<u8> {
    named(ENTRY, feed, &[])
}

pub(crate) fn feed(path: &str) -> Vec<u8> {
    plain(FEED, path.as_bytes())
}

pub(crate) fn index(table: &str, index: &str, parts: &[u8], id: &str) -> Vec<u8> {
    let mut key = named(INDEX, table, &[]);
    push_escaped(&mut key, index.as_bytes());
    key.extend_from_slice(&[0, 1]);
    key.extend_from_slice(parts);
    key.extend_from_slice(id.as_bytes());
    key
}

pub(crate) fn seq(name: &str) -> Vec<u8> {
    plain(SEQ, name.as_bytes())
}

pub(crate) fn cursor(name: &str) -> Vec<u8> {
    plain(CURSOR, name.as_bytes())
}

/// The row by which the sweeper finds a record that expires.
pub(crate) fn expiry(expires: u64, record: &[u8]) -> Vec<u8> {
    let mut key = plain(EXPIRY, &expires.to_be_bytes());
    key.extend_from_slice(record);
    key
}

pub(crate) fn cut(feed: &str) -> Vec<u8> {
    plain(CUT, feed.as_bytes())
}

pub(crate) fn log(at: u64) -> Vec<u8> {
    plain(LOG, &at.to_be_bytes())
}

/// The position that ends an entry's key.
pub(crate) fn position(key: &[u8]) -> u64 {
    key.last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// The name of the index a row belongs to.
pub(crate) fn index_name(row: &[u8]) -> String {
    let name = parse(row).and_then(|(_, _, rest)| unescape(rest));
    name.map_or_else(String::new, |(name, _)| name)
}

/// How a key is called in messages.
pub(crate) fn describe(key: &[u8]) -> String {
    match parse(key) {
        Some((RECORD, name, id)) => format!("record {:?} of table {name:?}", String::from_utf8_lossy(id)),
        Some((ENTRY, name, _)) => format!("entry {} of feed {name:?}", position(key)),
        Some((FEED, name, _)) => format!("feed {name:?}"),
        Some((TABLE, name, _)) => format!("table {name:?}"),
        Some((INDEX, name, _)) => format!("an index row of table {name:?}"),
        Some((SEQ, name, _)) => format!("sequence {name:?}"),
        Some((CURSOR, name, _)) => format!("cursor {name:?}"),
        _ if key == FORMAT => "the version of the store".to_owned(),
        _ => format!("key {key:02x?}"),
    }
}

/// Takes a key apart into its tag, its name and the rest.
pub(crate) fn parse(key: &[u8]) -> Option<(u8, String, &[u8])> {
    let (tag, rest) = key.split_first()?;
    if !matches!(*tag, RECORD | ENTRY | INDEX) {
        return Some((*tag, String::from_utf8(rest.to_vec()).ok()?, &[]));
    }
    let (name, rest) = unescape(rest)?;
    Some((*tag, name, rest))
}

/// Reads a closed name, and what follows it.
fn unescape(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut name = Vec::new();
    let mut at = 0;
    loop {
        match (*bytes.get(at)?, bytes.get(at + 1)) {
            (0, Some(0x01)) => return Some((String::from_utf8(name).ok()?, &bytes[at + 2..])),
            (0, Some(0xff)) => {
                name.push(0);
                at += 2;
            }
            (0, _) => return None,
            (byte, _) => {
                name.push(byte);
                at += 1;
            }
        }
    }
}

fn plain(tag: u8, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + rest.len());
    key.push(tag);
    key.extend_from_slice(rest);
    key
}

fn named(tag: u8, name: &str, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(4 + name.len() + rest.len());
    key.push(tag);
    push_escaped(&mut key, name.as_bytes());
    key.extend_from_slice(&[0, 1]);
    key.extend_from_slice(rest);
    key
}

/// Adds a name with its zero bytes escaped, still open at its end.
pub(crate) fn push_escaped(key: &mut Vec<u8>, name: &[u8]) {
    for byte in name {
        key.push(*byte);
        if *byte == 0 {
            key.push(0xff);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_zero_bytes_stay_apart_and_come_back() {
        let names = ["", "\0", "a", "a\0", "a\0b", "a\u{1}", "a/b", "ab"];
        let mut keys: Vec<_> = names.iter().map(|name| (record(name, "id"), *name)).collect();
        keys.sort();
        let sorted: Vec<_> = keys.iter().map(|(_, name)| *name).collect();
        assert_eq!(sorted, names, "byte order is name order");
        for (key, name) in keys {
            assert_eq!(parse(&key), Some((RECORD, name.to_owned(), &b"id"[..])));
        }
    }

    #[test]
    fn a_successor_is_behind_every_key_of_the_prefix() {
        assert_eq!(successor(&[1, 0xff, 0xff]), Some(vec![2]));
        assert_eq!(successor(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(successor(&[0xff]), None);
    }
}
