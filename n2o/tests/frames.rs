//! The reader of clients' frames: what is not exactly a frame is refused, and nothing makes it panic.

#[path = "frames/corpora.rs"]
mod corpora;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use n2o::{EVENT, Event, FIRST_FREE, Format, Frame, Limits, Value, read_frame};
use proptest::prelude::*;

fn head(out: &mut Vec<u8>, major: u8, value: u64) {
    let first = major << 5;
    match value {
        0..=23 => out.push(first | value as u8),
        24..=0xff => out.extend([first | 24, value as u8]),
        0x100..=0xffff => out.extend([&[first | 25][..], &(value as u16).to_be_bytes()].concat()),
        0x1_0000..=0xffff_ffff => out.extend([&[first | 26][..], &(value as u32).to_be_bytes()].concat()),
        _ => out.extend([&[first | 27][..], &value.to_be_bytes()].concat()),
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    head(out, 3, text.len() as u64);
    out.extend(text.as_bytes());
}

fn value_cbor(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(state) => out.push(0xf4 + u8::from(*state)),
        Value::Text(value) => text(out, value),
        Value::List(list) => {
            head(out, 4, list.len() as u64);
            list.iter().for_each(|item| text(out, item));
        }
        other => panic!("{other:?} has no form of its own"),
    }
}

/// Writes a frame as `PROTOCOL.md` says, independently of the crate's writer.
fn cbor(frame: &Frame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    match frame {
        Frame::Ping(count) => {
            out.extend([0x82, 0]);
            head(&mut out, 0, *count);
        }
        Frame::Event(Event { kind: kind @ 2.., seq, values, .. }) => {
            out.push(0x83);
            head(&mut out, 0, u64::from(*kind));
            head(&mut out, 0, *seq);
            head(&mut out, 4, values.len() as u64);
            values.iter().for_each(|one| value_cbor(&mut out, one));
        }
        Frame::Event(Event { seq, target, seal, values, .. }) => {
            out.extend([if values.is_empty() { 0x84 } else { 0x85 }, 1]);
            head(&mut out, 0, *seq);
            text(&mut out, target);
            head(&mut out, 2, seal.len() as u64);
            out.extend(seal.iter());
            if !values.is_empty() {
                head(&mut out, 4, values.len() as u64);
            }
            values.iter().for_each(|one| value_cbor(&mut out, one));
        }
    }
    out
}

fn json(frame: &Frame<'_>) -> Vec<u8> {
    let value = |value: &Value<'_>| match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(state) => (*state).into(),
        Value::Text(text) => text.to_string().into(),
        Value::List(list) => list.iter().map(ToString::to_string).collect::<Vec<_>>().into(),
        other => panic!("{other:?} has no form of its own"),
    };
    let frame = match frame {
        Frame::Ping(count) => serde_json::json!([0, count]),
        Frame::Event(event) => {
            let values: Vec<_> = event.values.iter().map(value).collect();
            if event.kind >= FIRST_FREE {
                return serde_json::json!([event.kind, event.seq, values]).to_string().into_bytes();
            }
            serde_json::json!([1, event.seq, event.target, URL_SAFE_NO_PAD.encode(&event.seal), values])
        }
    };
    frame.to_string().into_bytes()
}

fn read(format: Format, bytes: &[u8]) -> Option<Frame<'_>> {
    read_frame(format, bytes, &Limits::default()).ok()
}

/// What is accepted says the same when it is written again; in CBOR with the same bytes, except that empty
/// values may be left out and texts that are too long are not kept.
fn holds(format: Format, bytes: &[u8]) {
    let Some(frame) = read(format, bytes) else { return };
    if let Frame::Event(event) = &frame
        && event.values.contains(&Value::TooLong)
    {
        return;
    }
    match format {
        Format::Cbor => {
            let again = cbor(&frame);
            let shorter = bytes.strip_suffix(&[0x80]).filter(|_| bytes[0] == 0x85);
            assert!(
                again == bytes || shorter.is_some_and(|rest| again[1..] == rest[1..]),
                "{bytes:02x?} was read as {frame:?}"
            );
        }
        Format::Json => assert_eq!(read(format, &json(&frame)), Some(frame)),
    }
}

fn value() -> impl Strategy<Value = Value<'static>> {
    let words = "\\PC{0,8}";
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        words.prop_map(|text| Value::Text(text.into())),
        prop::collection::vec(words.prop_map(Into::into), 0..4).prop_map(Value::List),
    ]
}

fn frame() -> impl Strategy<Value = Frame<'static>> {
    let number = prop_oneof![0_u64..300, 0_u64..1 << 53, Just((1 << 53) - 1)];
    let seal = prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        number.clone().prop_map(Frame::Ping),
        (FIRST_FREE.., number.clone(), prop::collection::vec(value(), 0..6))
            .prop_map(|(kind, seq, values)| Frame::Event(Event::message(kind, seq, values))),
        (number, "[a-z.]{0,64}", seal, prop::collection::vec(value(), 0..6)).prop_map(
            |(seq, target, seal, values)| {
                Frame::Event(Event { kind: EVENT, seq, target: target.into(), seal: seal.into(), values })
            }
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_frame_is_read_as_it_was_written(frame in frame()) {
        for (format, bytes) in [(Format::Cbor, cbor(&frame)), (Format::Json, json(&frame))] {
            prop_assert_eq!(read(format, &bytes), Some(frame.clone()));
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        holds(Format::Cbor, &bytes);
        holds(Format::Json, &bytes);
    }

    #[test]
    fn a_damaged_frame_is_read_without_panic(
        frame in frame(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..4),
    ) {
        for (format, mut bytes) in [(Format::Cbor, cbor(&frame)), (Format::Json, json(&frame))] {
            for (at, byte, how) in &damage {
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = *byte,
                    1 => bytes.insert(at, *byte),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            holds(format, &bytes);
        }
    }

    #[test]
    fn every_beginning_of_a_frame_is_refused(frame in frame()) {
        for (format, bytes) in [(Format::Cbor, cbor(&frame)), (Format::Json, json(&frame))] {
            for len in 0..bytes.len() {
                prop_assert_eq!(read(format, &bytes[..len]), None);
            }
            let mut longer = bytes.clone();
            longer.push(0);
            prop_assert_eq!(read(format, &longer), None);
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..][..2], 16).expect("hex")).collect()
}

#[test]
fn what_is_not_exactly_a_frame_is_refused() {
    let cases = [
        ("", "nothing"),
        ("80", "an empty array"),
        ("8100", "a heartbeat without its count"),
        ("830000 00", "a heartbeat of three"),
        ("820100", "an event of two"),
        ("820200", "an unknown kind"),
        ("82001a00000001", "a number that is not in its shortest form"),
        ("82001817", "23 in two bytes"),
        ("8200 1b0020000000000000", "2^53"),
        ("8200 1bffffffffffffffff", "2^64 - 1"),
        ("820020", "a negative number"),
        ("8200f90000", "a float"),
        ("8200fb0000000000000000", "a double"),
        ("8200c101", "a tag"),
        ("8200f4", "a boolean for a number"),
        ("8200f7", "undefined"),
        ("8200f818", "a simple value"),
        ("8200a0", "a map"),
        ("9f0000ff", "an array without a length"),
        ("820000ff", "a break after the end"),
        ("82000000", "a byte after the end"),
        ("9affffffff", "an array of 2^32 - 1"),
        ("9bffffffffffffffff", "an array of 2^64 - 1"),
        ("84010161 6142", "a seal cut short"),
        ("8401017a ffffffff 61", "a target of 2^32 - 1 bytes"),
        ("8401017b ffffffffffffffff 61", "a target of 2^64 - 1 bytes"),
        ("840101 5f4100ff 40", "a target in pieces"),
        ("840101 61ff 40", "a target that is not UTF-8"),
        ("840101 6161 60", "a text for a seal"),
        ("850101 6161 40 01", "a number for values"),
        ("850101 6161 40 8101", "a number as a value"),
        ("850101 6161 40 8140", "bytes as a value"),
        ("850101 6161 40 81 81 80", "an array in an array"),
        ("850101 6161 40 81 81 f4", "a boolean in a list"),
        ("850101 6161 40 81 f814", "false in two bytes"),
        ("850101 6161 40 9a00010000", "65,536 values"),
        ("850101 6161 40 9b7fffffffffffffff", "2^63 - 1 values"),
    ];
    for (bytes, what) in cases {
        assert_eq!(read(Format::Cbor, &hex(&bytes.replace(' ', ""))), None, "{what}");
    }
    let cases = [
        "",
        "[]",
        "[0]",
        "[0,0,0]",
        "[1,0]",
        "[2,0]",
        "[0,-1]",
        "[0,1.0]",
        "[0,1e0]",
        "[0,01]",
        "[0,9007199254740992]",
        "[0,18446744073709551616]",
        "[0,null]",
        "[0,\"1\"]",
        "{\"0\":0}",
        "0",
        "null",
        "[0,0] 0",
        "[0,0,]",
        "[1,1,\"a\"]",
        "[1,1,\"a\",\"!\"]",
        "[1,1,\"a\",\"AA==\"]",
        "[1,1,\"a\",\"AB\"]",
        "[1,1,\"a\",\"\",null]",
        "[1,1,\"a\",\"\",{}]",
        "[1,1,\"a\",\"\",[1]]",
        "[1,1,\"a\",\"\",[[[]]]]",
        "[1,1,\"a\",\"\",[[true]]]",
        "[1,1,\"\\ud800\",\"\"]",
        "\u{feff}[0,0]",
        "[1,1,\"a\",\"\",[],0]",
    ];
    for text in cases {
        assert_eq!(read(Format::Json, text.as_bytes()), None, "{text}");
    }
}

#[test]
fn limits_are_kept_to_the_byte() {
    let limits = Limits::default();
    let event = |target: usize, values: Vec<Value<'static>>| {
        Frame::Event(Event {
            kind: EVENT,
            seq: 1,
            target: "t".repeat(target).into(),
            seal: vec![0].into(),
            values,
        })
    };
    let list = |len: usize| Value::List(vec!["x".into(); len]);
    let cases = [
        (event(64, vec![]), true),
        (event(65, vec![]), false),
        (event(1, vec![Value::Null; limits.values]), true),
        (event(1, vec![Value::Null; limits.values + 1]), false),
        (event(1, vec![list(limits.values)]), true),
        (event(1, vec![list(limits.values + 1)]), false),
        (event(1, vec![Value::Text("x".repeat(limits.text).into())]), true),
        (event(1, vec![Value::List(vec!["x".repeat(limits.text).into()])]), true),
        (event(1, vec![Value::List(vec!["x".repeat(limits.text + 1).into()])]), false),
    ];
    for (frame, fits) in cases {
        for (format, bytes) in [(Format::Cbor, cbor(&frame)), (Format::Json, json(&frame))] {
            assert_eq!(read(format, &bytes).is_some(), fits, "{format:?} {frame:?}");
        }
    }
    let long = event(1, vec![Value::Text("x".repeat(limits.text + 1).into())]);
    for (format, bytes) in [(Format::Cbor, cbor(&long)), (Format::Json, json(&long))] {
        assert_eq!(read(format, &bytes), Some(event(1, vec![Value::TooLong])), "{format:?}");
    }
    let room = limits.frame - cbor(&event(1, vec![])).len() - 2;
    for (more, fits) in [(0, true), (1, false)] {
        let seal = vec![0; room - 1 + more];
        let frame = Frame::Event(Event {
            kind: EVENT,
            seq: 1,
            target: "t".into(),
            seal: seal.into(),
            values: vec![],
        });
        assert_eq!(
            (cbor(&frame).len() <= limits.frame, read(Format::Cbor, &cbor(&frame)).is_some()),
            (fits, fits)
        );
    }
}

#[test]
fn nesting_to_any_depth_is_refused_at_once() {
    let deep = [vec![0x81; 60_000], vec![0]].concat();
    assert_eq!(read(Format::Cbor, &deep), None);
    let values = [&hex("850101616140")[..], &vec![0x81; 60_000], &[0x60]].concat();
    assert_eq!(read(Format::Cbor, &values), None);
    let deep = [vec![b'['; 30_000], vec![b']'; 30_000]].concat();
    assert_eq!(read(Format::Json, &deep), None);
}
