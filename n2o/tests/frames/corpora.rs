//! Whole classes of CBOR and JSON in every place of a frame: our own, and the shared corpora on top of them.

use std::{fs, path::PathBuf};

use n2o::Format;

use super::{head, hex, holds, read};

/// A file of the shared test data, when it is named; a named one that is not there fails.
fn shared(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("N2O_SHARED")?).join(path);
    assert!(path.exists(), "{} is named by N2O_SHARED and not there", path.display());
    Some(path)
}

/// The items of a shared file of JSON; none where nothing is shared.
fn items(path: &str) -> Vec<serde_json::Value> {
    let Some(path) = shared(path) else { return Vec::new() };
    serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON")
}

/// Where an item may stand in a frame: before everything, as a count, a target, the values, and one of them.
const PLACES: [&str; 6] = ["", "8200", "8401016161", "850101616140", "85010161614081", "8501016161408181"];

/// What is no CBOR at all, by what is wrong with it (RFC 8949, appendix F).
fn malformed() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for major in 0..8_u8 {
        let first = major << 5;
        // The number behind the first byte ends early.
        for (form, length) in [(24, 1), (25, 2), (26, 4), (27, 8)] {
            (0..length).for_each(|some| all.push([vec![first | form], vec![0; some]].concat()));
        }
        // Forms that are reserved.
        (28..31).for_each(|form| all.push(vec![first | form, 0, 0, 0, 0, 0, 0, 0, 0]));
    }
    // Numbers and tags without a length.
    all.extend([vec![0x1f], vec![0x3f], vec![0xdf, 0x00]]);
    for major in [2, 3] {
        // Strings that end early, of every width of length.
        for length in [1, 23, 24, 255, 256, 65_536, 1 << 32, u64::MAX] {
            let mut item = Vec::new();
            head(&mut item, major, length);
            all.push(item.clone());
            item.extend([b'a'; 16]);
            item.truncate(item.len().min(8 + length.min(8) as usize));
            all.push(item);
        }
        // Strings in pieces that do not end, or whose pieces are of another kind, or in pieces themselves.
        let open = major << 5 | 31;
        let other = (5 - major) << 5 | 1;
        all.extend([vec![open], vec![open, major << 5 | 1, b'a'], vec![open, other, b'a', 0xff]]);
        all.extend([vec![open, 0x00, 0xff], vec![open, open, 0xff, 0xff], vec![open, 0x80, 0xff]]);
    }
    for length in [1, 2, 23, 24, 256, 65_536, 1 << 32, u64::MAX] {
        for major in [4, 5] {
            let mut item = Vec::new();
            head(&mut item, major, length);
            all.push(item);
        }
    }
    // Lists and maps that do not end, a key without its value, a break where none belongs.
    let rest = [
        "9f",
        "9f00",
        "bf",
        "bf00",
        "bf0000",
        "bf00ff",
        "bf000000ff",
        "a100",
        "8100ff",
        "ff",
        "8201ff",
        "c1",
        "c1ff",
    ];
    all.extend(rest.map(hex));
    // Simple values that must not be written in two bytes.
    (0..32).for_each(|value| all.push(vec![0xf8, value]));
    all
}

#[test]
fn what_is_no_cbor_is_refused_in_every_place() {
    let shared = items("corpora/cbor/rfc8949-appendix-f-malformed.json");
    let shared = shared.iter().map(|item| hex(item["hex"].as_str().expect("hex")));
    for bytes in malformed().into_iter().chain(shared) {
        for place in PLACES {
            let frame = [&hex(place)[..], &bytes].concat();
            assert_eq!(read(Format::Cbor, &frame), None, "{place} {bytes:02x?}");
        }
    }
}

/// CBOR as good as any, and whether it may be a count, and a value.
const CBOR: [(&str, bool, bool); 58] = [
    ("00", true, false),
    ("01", true, false),
    ("17", true, false),
    ("1818", true, false),
    ("18ff", true, false),
    ("190100", true, false),
    ("19ffff", true, false),
    ("1a00010000", true, false),
    ("1affffffff", true, false),
    ("1b0000000100000000", true, false),
    ("1b001fffffffffffff", true, false),
    ("1b0020000000000000", false, false),
    ("1bffffffffffffffff", false, false),
    // In more bytes than it needs.
    ("1817", false, false),
    ("1900ff", false, false),
    ("1a0000ffff", false, false),
    ("1b00000000ffffffff", false, false),
    ("7801 61", false, false),
    ("980160", false, false),
    // Negative, big, tagged, broken.
    ("20", false, false),
    ("3863", false, false),
    ("3bffffffffffffffff", false, false),
    ("c249010000000000000000", false, false),
    ("c349010000000000000000", false, false),
    ("c074323031332d30332d32315432303a30343a30305a", false, false),
    ("c11a514b67b0", false, false),
    ("d74401020304", false, false),
    ("d818456449455446", false, false),
    ("d9d9f700", false, false),
    ("f90000", false, false),
    ("f93c00", false, false),
    ("f97e00", false, false),
    ("fa47c35000", false, false),
    ("fb3ff199999999999a", false, false),
    ("fb7ff0000000000000", false, false),
    // Simple values.
    ("f4", false, true),
    ("f5", false, true),
    ("f6", false, true),
    ("f7", false, false),
    ("f0", false, false),
    ("f820", false, false),
    ("f8ff", false, false),
    // Bytes and texts.
    ("40", false, false),
    ("4401020304", false, false),
    ("60", false, true),
    ("6161", false, true),
    ("62c3bc", false, true),
    ("64f09fa680", false, true),
    ("61ff", false, false),
    ("63eda080", false, false),
    ("62c080", false, false),
    // Lists and maps.
    ("80", false, true),
    ("8161 61", false, true),
    ("82616160", false, true),
    ("8101", false, false),
    ("8180", false, false),
    ("a0", false, false),
    ("a1616101", false, false),
];

#[test]
fn cbor_is_taken_where_it_fits() {
    for (text, counts, fits) in CBOR {
        let bytes = hex(&text.replace(' ', ""));
        let count = [&hex("8200")[..], &bytes].concat();
        let value = [&hex("85010161614081")[..], &bytes].concat();
        assert_eq!(read(Format::Cbor, &count).is_some(), counts, "{text} as a count");
        assert_eq!(read(Format::Cbor, &value).is_some(), fits, "{text} as a value");
        holds(Format::Cbor, &count);
        holds(Format::Cbor, &value);
    }
    let mut taken = 0;
    let shared = items("corpora/cbor/rfc8949-appendix-a.json");
    for item in &shared {
        let bytes = hex(item["hex"].as_str().expect("hex"));
        let as_count = [&[0x82, 0][..], &bytes].concat();
        let counts = item["decoded"].as_u64().is_some_and(|number| number < 1 << 53) && bytes[0] >> 5 == 0;
        assert_eq!(read(Format::Cbor, &as_count).is_some(), counts, "{item}");
        let as_value = [&hex("85010161614081")[..], &bytes].concat();
        let texts =
            item["decoded"].as_array().is_some_and(|list| list.iter().all(serde_json::Value::is_string));
        let indefinite = bytes[0] & 31 == 31;
        let fits = match bytes[0] {
            0xf4..=0xf6 => true,
            first if first >> 5 == 3 => !indefinite,
            first if first >> 5 == 4 => texts && !indefinite,
            _ => false,
        };
        assert_eq!(read(Format::Cbor, &as_value).is_some(), fits, "{item}");
        holds(Format::Cbor, &as_value);
        taken += usize::from(counts) + usize::from(fits);
    }
    assert!(shared.is_empty() || taken >= 10, "{taken}");
}

/// What is no JSON, by what is wrong with it.
const JSON: &[&[u8]] = &[
    // Lists
    b"[",
    b"]",
    b"[[",
    b"[]]",
    b"[,]",
    b"[1,]",
    b"[,1]",
    b"[1,,2]",
    b"[1 2]",
    b"[1;2]",
    b"[1:2]",
    b"[\"a\"",
    b"[\"a\",",
    b"[1}",
    b"[*]",
    b"[\"a\" \"b\"]",
    b"[...]",
    b"[a",
    b"[\x0c]",
    b"[\x0b]",
    b"(1)",
    b"<1>",
    // Objects
    b"{",
    b"}",
    b"{]",
    b"{,}",
    b"{\"a\"}",
    b"{\"a\":}",
    b"{\"a\":1,}",
    b"{\"a\":1",
    b"{\"a\" 1}",
    b"{:1}",
    b"{1:1}",
    b"{a:1}",
    b"{'a':1}",
    b"{\"a\"::1}",
    b"{\"a\":1 \"b\":2}",
    b"{\"a\":1}}",
    b"{null:1}",
    b"{\"a\",1}",
    // Numbers
    b"+1",
    b"-",
    b"--1",
    b"01",
    b"-01",
    b"1.",
    b".1",
    b"-.1",
    b"1.e1",
    b"1e",
    b"1e+",
    b"1E-",
    b"1e1.5",
    b"1ee1",
    b"0x1",
    b"0b1",
    b"1_0",
    b"1a",
    b"1 000",
    b"Infinity",
    b"-Infinity",
    b"inf",
    b"NaN",
    b"-NaN",
    b"\xef\xbc\x91",
    b"1\0",
    b"0e",
    b"1.2.3",
    b"1-1",
    b"1+1",
    b"012",
    b"1/2",
    b"$1",
    b"1n",
    // Words
    b"t",
    b"tru",
    b"True",
    b"TRUE",
    b"truefalse",
    b"f",
    b"nul",
    b"Null",
    b"nil",
    b"None",
    b"undefined",
    b"yes",
    b"@",
    // Texts
    b"\"",
    b"\"a",
    b"'a'",
    b"`a`",
    b"a\"",
    b"\"\\\"",
    b"\"\\x41\"",
    b"\"\\a\"",
    b"\"\\0\"",
    b"\"\\'\"",
    b"\"\\u\"",
    b"\"\\u12\"",
    b"\"\\u123\"",
    b"\"\\u12G4\"",
    b"\"\\U0041\"",
    b"\"\\ud800\"",
    b"\"\\udc00\"",
    b"\"\\ud800\\ud800\"",
    b"\"\\ud800\\u0041\"",
    b"\"\\ud800x\"",
    b"\"\\uD83D\\u\"",
    b"\"\n\"",
    b"\"\t\"",
    b"\"\r\"",
    b"\"\0\"",
    b"\"\x1f\"",
    b"\"\xff\"",
    b"\"\xc3\"",
    b"\"\xc0\x80\"",
    b"\"\xed\xa0\x80\"",
    b"\"\xf4\x90\x80\x80\"",
    b"\"\xe2\x82\"",
    b"\"a\"b",
    b"\"a\" \"b\"",
    b"\"\\",
    b"\xe2\x80\x9ca\xe2\x80\x9d",
    // Around it
    b"1//",
    b"/**/1",
    b"#1",
    b"\xef\xbb\xbf1",
    b"1\xc2\xa0",
    b"\xe2\x80\xa81",
    b"\x0c1",
    b"1;",
    b"1 1",
    b"\xff",
    b"1\0\0",
];

#[test]
fn json_is_taken_only_where_it_is_a_frame() {
    // Where an item may stand: as a count, as the values, and as one of them.
    const PLACES: [(&str, &str); 3] = [("[0,", "]"), ("[1,1,\"a\",\"\",", "]"), ("[1,1,\"a\",\"\",[", "]]")];
    let framed = |front: &str, bytes: &[u8], back: &str| [front.as_bytes(), bytes, back.as_bytes()].concat();
    for bytes in JSON {
        let name = String::from_utf8_lossy(bytes);
        assert_eq!(read(Format::Json, bytes), None, "{name}");
        for (front, back) in PLACES {
            assert_eq!(read(Format::Json, &framed(front, bytes, back)), None, "{name} in {front}");
        }
    }
    // Good JSON, and whether it may be a value; none of it is a count.
    let good = [
        ("null", true),
        (" true\t", true),
        ("\r\nfalse", true),
        ("\"\"", true),
        ("\"\\u0000\\ud83e\\udd80\\/\\b\"", true),
        ("\"\u{7f}\u{2028}\u{10ffff}\"", true),
        ("[]", true),
        ("[ \"a\" , \"b\" ]", true),
        ("[null]", false),
        ("[\"a\",1]", false),
        ("[[]]", false),
        ("{}", false),
        ("{\"a\":1,\"a\":2}", false),
        ("1", false),
        ("-0", false),
        ("1.5e-10", false),
        ("1e400", false),
        ("123456789012345678901234567890", false),
    ];
    for (text, fits) in good {
        let value = framed(PLACES[2].0, text.as_bytes(), PLACES[2].1);
        assert_eq!(read(Format::Json, &value).is_some(), fits, "{text}");
        holds(Format::Json, &value);
    }
    for folder in ["corpora/json/test_parsing", "corpora/json/test_transform"] {
        let Some(folder) = shared(folder) else { continue };
        let mut seen = 0;
        for file in fs::read_dir(&folder).expect("a folder") {
            let path = file.expect("a file").path();
            let bytes = fs::read(&path).expect("a file");
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            seen += 1;
            if bytes.len() > 60_000 {
                assert_eq!(read(Format::Json, &bytes), None, "{name}");
                continue;
            }
            holds(Format::Json, &bytes);
            for (front, back) in PLACES {
                let frame = framed(front, &bytes, back);
                holds(Format::Json, &frame);
                // Nothing but blanks is no JSON, and yet an empty list of values.
                let blank = bytes.iter().all(u8::is_ascii_whitespace);
                if name.starts_with("n_") && !(blank && back == "]]") {
                    assert_eq!(read(Format::Json, &frame), None, "{name} in {front}");
                }
            }
        }
        assert!(seen > 10, "{seen} files in {}", folder.display());
    }
}
