//! The worked examples of PROTOCOL.md, in both formats: what is written there is what is read and written here.

use n2o::{Format, Frame, Head, Limits, Out, Value, error_frame, pong_frame, read_frame, welcome_frame};

/// The lines of section 11: the kind of frame, its JSON, its CBOR.
fn examples() -> Vec<(String, String, Vec<u8>)> {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../PROTOCOL.md")).expect("PROTOCOL.md");
    let section = text.split("\n## ").find(|section| section.starts_with("11.")).expect("section 11");
    let rows =
        section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |").map(str::to_owned));
    let rows = rows.filter(|row| row.contains('`'));
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").map(|cell| cell.trim_matches('`')).collect();
        let hex: String = cells[2].split_whitespace().collect();
        let bytes =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"));
        (cells[0].to_owned(), cells[1].to_owned(), bytes.collect())
    })
    .collect()
}

/// Says whether a client sends such frames.
fn is_of_client(kind: &str) -> bool {
    ["PING", "EVENT", "MESSAGE"].contains(&kind)
}

#[test]
fn what_a_client_sends_is_read_alike_in_both_formats() {
    let limits = Limits::default();
    let mut seen = Vec::new();
    for (kind, json, cbor) in examples().into_iter().filter(|(kind, ..)| is_of_client(kind)) {
        let from_json = read_frame(Format::Json, json.as_bytes(), &limits).expect("JSON");
        assert_eq!(from_json, read_frame(Format::Cbor, &cbor, &limits).expect("CBOR"), "{json}");
        seen.push(match from_json {
            Frame::Ping(count) => format!("{kind} {count}"),
            Frame::Event(event) => format!("{kind} {} {} {}", event.seq, event.target, event.values.len()),
        });
    }
    assert_eq!(seen, ["PING 3", "EVENT 1 inc 0", "EVENT 2 e1 4", "MESSAGE 3  2"]);
}

#[test]
fn what_a_server_sends_is_written_so_in_both_formats() {
    let frames = |format| {
        let mut one = Out::new(format);
        one.op(8, 2).text("n").text("1");
        let mut two = Out::new(format);
        two.op(9, 3).text("n").text("lang").null();
        two.op(10, 3).text("n").text("on").bool(true);
        let mut three = Out::new(format);
        three.op(2, 2).text("log").text("<p>hi</p>");
        three.op(6, 1).text("x");
        let mut reply = Out::new(format);
        reply.value(&"12".into()).value(&Value::Null).value(&vec![String::from("a")].into());
        [
            welcome_frame(format, 0, 0, false),
            pong_frame(format),
            one.take(Head::Answer(1)),
            two.take(Head::Answer(300)),
            three.take(Head::Push),
            error_frame(format, 2, 2, "no"),
            reply.take(Head::Reply(16, 3)),
        ]
    };
    let written: Vec<_> = examples().into_iter().filter(|(kind, ..)| !is_of_client(kind)).collect();
    assert_eq!(written.len(), 7);
    for ((kind, json, cbor), (as_json, as_cbor)) in
        written.into_iter().zip(frames(Format::Json).into_iter().zip(frames(Format::Cbor)))
    {
        assert_eq!(as_json, json.as_bytes(), "{kind}");
        assert_eq!(as_cbor, cbor, "{kind}");
    }
}
