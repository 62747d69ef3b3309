//! Tests that FORMAT.md says what the code does: every example in its tables is computed here.

use crate::{
    IndexKey, chain, format, key,
    meta::{FeedMeta, TableMeta},
    sum,
    value::{self, Value},
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn keys() -> Vec<(&'static str, Vec<u8>)> {
    let record = key::record("note", "a");
    vec![
        ("record `a` of table `note`", record.clone()),
        ("record `\\0` of table `a\\0b`", key::record("a\0b", "\0")),
        ("entry 258 of feed `/log`", key::entry("/log", 258)),
        ("row of record `a` in the index `city` of `note`, under the text `Kyiv`", {
            key::index("note", "city", &IndexKey::of("Kyiv").0, "a")
        }),
        (
            "row in the unique index `tax`, under the `u16` 7",
            key::index("note", "tax", &IndexKey::of(7u16).0, ""),
        ),
        ("log of commit 3", key::log(3)),
        ("table `note`", key::table("note")),
        ("feed `/log`", key::feed("/log")),
        ("sequence `invoice`", key::seq("invoice")),
        ("cursor `printer`", key::cursor("printer")),
        ("record `a` of table `note`, which expires at 1,000", key::expiry(1_000, &record)),
        ("feed `/log`, which was cut", key::cut("/log")),
        ("the last commit", key::LAST.to_vec()),
        ("the version of the format", key::FORMAT.to_vec()),
    ]
}

fn parts() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("text `ab`, closed", IndexKey::of("ab").0),
        ("text `a\\0`, closed", IndexKey::of("a\0").0),
        ("the beginning `ab`, for queries", IndexKey::prefix("ab").0),
        ("`u32` 258", IndexKey::of(258u32).0),
        ("`i32` -1: the sign is flipped", IndexKey::of(-1i32).0),
        ("`i32` 1", IndexKey::of(1i32).0),
        ("`true`", IndexKey::of(true).0),
        ("`None`", IndexKey::of(None::<u8>).0),
        ("`Some(7u8)`", IndexKey::of(Some(7u8)).0),
        ("`ab`, then `u8` 7", IndexKey::of("ab").and(7u8).0),
    ]
}

fn values() -> Vec<(&'static str, Vec<u8>)> {
    let key = key::record("note", "a");
    let plain = Value { version: 258, schema: 2, bytes: b"\xa0", ..Value::default() };
    let rows = value::pack([&b"\x03x"[..]]);
    let mut first = plain.seal(&key);
    first[12] &= 0x7f;
    let old = sum::first(&key, &first[4..]).to_le_bytes();
    first[..4].copy_from_slice(&old);
    assert_eq!(Value::open(&key, &first).unwrap().bytes, plain.bytes);
    vec![
        ("an empty map of commit 258, schema 2, under the record `a` of `note`", plain.seal(&key)),
        ("the same under the record `b`", plain.seal(&key::record("note", "b"))),
        ("the same under `a`, in version 1", first),
        ("the same under `a`, expires at 1,000", Value { expires: 1_000, ..plain }.seal(&key)),
        ("the same under `a`, with the index row `03 78`", Value { indexed: &rows, ..plain }.seal(&key)),
        (
            "the same under `a`, with a link of 32 bytes `11`",
            Value { link: Some(&[0x11; 32]), ..plain }.seal(&key),
        ),
    ]
}

fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let strip = |key: &[u8], stored: &[u8]| Value::open(key, stored).unwrap().bytes.to_vec();
    let (key, stored) = TableMeta { count: 3, indexes: vec!["tax".to_owned()] }.seal("note", 1);
    let table = strip(&key, &stored);
    let (key, stored) = FeedMeta { count: 2, last: 4, first: 1, head: None }.seal("/log", 1);
    let feed = strip(&key, &stored);
    let (key, stored) = FeedMeta { count: 0, last: 0, first: 0, head: Some(chain::ORIGIN) }.seal("/log", 1);
    let chained = strip(&key, &stored);
    let entry = crate::codec::encode(&("a", 1), String::new).unwrap();
    vec![
        ("the entry `(\"a\", 1)`", entry),
        ("table of 3 records, all in the index `tax`", table),
        ("feed of 2 entries up to position 4", feed),
        ("chained feed without entries", chained),
        ("version 2 of the format", strip(key::FORMAT, &format::row(0))),
    ]
}

#[test]
fn every_example_in_the_document_is_what_the_code_writes() {
    let document = include_str!("../../FORMAT.md");
    let tables = [("Key", keys()), ("Part", parts()), ("Value", values()), ("Content", contents())];
    for (name, examples) in tables {
        let head = format!("| {name} | Bytes |\n|---|---|\n");
        let (_, table) = document.split_once(&head).unwrap_or_else(|| panic!("no table {name}"));
        let (table, _) = table.split_once("\n\n").unwrap();
        let expected: Vec<_> =
            examples.iter().map(|(what, bytes)| format!("| {what} | `{}` |", hex(bytes))).collect();
        let expected = expected.join("\n");
        assert!(table == expected, "the table {name} of FORMAT.md should be\n{expected}");
    }
    assert!(document.contains(&format!("This is version {} of the layout", format::VERSION)));
}
