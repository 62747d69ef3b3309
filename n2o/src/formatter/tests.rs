//! Tests of the encoding of frames.

use super::*;

fn ops(format: Format) -> Out {
    let mut out = Out::new(format);
    out.op(8, 2).text("n").text("5");
    out.op(9, 3).text("n").text("lang").null();
    out.op(10, 3).text("n").text("on").bool(true);
    out.op(16, 1).text("\"\u{7}\n");
    out
}

#[test]
fn cbor_is_positional() {
    let hex: String = ops(Format::Cbor).take(Head::Answer(300)).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(
        hex,
        "830119012c84830861 6e6135 8409616e646c616e67f6 840a616e626f6ef5 8210632207 0a".replace(' ', "")
    );
}

#[test]
fn json_says_the_same() {
    let frame = ops(Format::Json).take(Head::Push);
    let value: serde_json::Value = serde_json::from_slice(&frame).expect("JSON");
    let expected = serde_json::json!([
        2,
        [[8, "n", "5"], [9, "n", "lang", null], [10, "n", "on", true], [16, "\"\u{7}\n"]]
    ]);
    assert_eq!(value, expected);
}

#[test]
fn ops_are_appended_to_others() {
    for format in Format::ALL {
        let ops = |codes: &[u8]| {
            let mut out = Out::new(format);
            codes.iter().for_each(|code| _ = out.op(*code, 1).text("x"));
            out
        };
        for (first, then) in [(&[6, 7][..], &[11, 12][..]), (&[], &[6]), (&[6], &[]), (&[], &[])] {
            let mut out = ops(first);
            out.append(&ops(then));
            assert_eq!(out.take(Head::Push), ops(&[first, then].concat()).take(Head::Push));
        }
    }
}

#[test]
fn a_reply_holds_values() {
    let reply = |format| {
        let mut out = Out::new(format);
        let list = Value::from(vec![String::from("a"), String::from("b")]);
        for value in [Value::from("5"), Value::Null, Value::from(true), list, Value::from(Vec::new())] {
            out.value(&value);
        }
        out.take(Head::Reply(200, 7))
    };
    assert_eq!(reply(Format::Json).as_ref(), br#"[200,7,["5",null,true,["a","b"],[]]]"#);
    let cbor = [0x83, 24, 200, 7, 0x85, 0x61, b'5', 0xf6, 0xf5, 0x82, 0x61, b'a', 0x61, b'b', 0x80];
    assert_eq!(reply(Format::Cbor).as_ref(), cbor);
}

#[test]
fn many_ops_go_out_in_several_frames() {
    for format in Format::ALL {
        let mut out = Out::new(format);
        (0..10_000).for_each(|row| _ = out.op(4, 2).text(&format!("r{row}")).text(&"x".repeat(100)));
        let mut rows = Vec::new();
        let mut head = Head::Answer(7);
        while !out.is_empty() {
            let frame = out.take(head);
            assert!(frame.len() < PART + 200, "{} bytes", frame.len());
            let frame: ciborium::Value = match format {
                Format::Cbor => ciborium::from_reader(&frame[..]).expect("CBOR"),
                Format::Json => serde_json::from_slice(&frame).expect("JSON"),
            };
            let frame = frame.into_array().expect("a frame");
            let kind = if head == Head::Push { 2 } else { 1 };
            assert_eq!(frame[0].as_integer(), Some(kind.into()));
            rows.extend(frame.last().and_then(|ops| ops.as_array()).expect("ops").clone());
            head = Head::Push;
        }
        assert_eq!(rows.len(), 10_000);
        for (row, op) in rows.iter().enumerate() {
            assert_eq!(op.as_array().expect("an op")[1].as_text(), Some(&*format!("r{row}")));
        }
    }
}

#[test]
fn a_frame_may_hold_no_op() {
    assert_eq!(Out::new(Format::Cbor).take(Head::Answer(1)).as_ref(), [0x83, 1, 1, 0x80]);
    assert_eq!(Out::new(Format::Json).take(Head::Answer(1)).as_ref(), b"[1,1,[]]");
    assert_eq!(welcome(Format::Cbor, 0, 24, false).as_ref(), [0x83, 4, 0, 24, 24]);
    assert_eq!(welcome(Format::Json, 0, 24, true).as_ref(), b"[4,0,24,1]");
    assert_eq!(error(Format::Json, 1, 2, "no").as_ref(), b"[3,1,2,\"no\"]");
}
