//! The little of `PROTOCOL.md` that a load needs, in both formats: events out, answers and pushes in.

use n2o::Format;

/// A frame from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// The event with this number was executed, with these ops.
    Answer(u64, &'a [u8]),
    /// Ops that no event asked for.
    Push(&'a [u8]),
    /// An event was refused, or failed.
    Error,
    /// The connection begins.
    Welcome,
    /// Anything else, which no scenario should meet.
    Other,
}

/// Tells what a frame is.
pub(crate) fn read(format: Format, bytes: &[u8]) -> Frame<'_> {
    match format {
        Format::Cbor => match bytes {
            [0x83, 1, rest @ ..] => number(rest).map_or(Frame::Other, |(seq, ops)| Frame::Answer(seq, ops)),
            [0x82, 2, ops @ ..] => Frame::Push(ops),
            [0x84, 3, ..] => Frame::Error,
            [0x83, 4, ..] => Frame::Welcome,
            _ => Frame::Other,
        },
        Format::Json => match bytes {
            [b'[', b'1', b',', rest @ ..] => {
                decimal(rest).map_or(Frame::Other, |(seq, ops)| Frame::Answer(seq, ops))
            }
            [b'[', b'2', b',', ops @ ..] => Frame::Push(ops),
            [b'[', b'3', b',', ..] => Frame::Error,
            [b'[', b'4', b',', ..] => Frame::Welcome,
            _ => Frame::Other,
        },
    }
}

/// How many ops in CBOR are to be expected, should they be fewer than 256.
pub(crate) fn count(ops: &[u8]) -> Option<usize> {
    match ops {
        [ops @ 0x80..=0x97, ..] => Some(usize::from(ops & 0x1f)),
        [0x98, ops, ..] => Some(usize::from(*ops)),
        _ => None,
    }
}

/// The unsigned integer that bytes begin with, and what follows it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let len = match first {
        0..=23 => return Some((u64::from(*first), rest)),
        24..=27 => 1 << (first - 24),
        _ => return None,
    };
    let (number, rest) = rest.split_at_checked(len)?;
    Some((number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)), rest))
}

/// The number that stands before a comma, and what follows that.
fn decimal(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let comma = bytes.iter().position(|byte| *byte == b',')?;
    let number = std::str::from_utf8(&bytes[..comma]).ok()?.parse().ok()?;
    Some((number, &bytes[comma + 1..]))
}

/// Writes an event. The seal is as [`Seals`](super::seals::Seals) keeps it for the format.
pub(crate) fn event(
    format: Format,
    out: &mut Vec<u8>,
    seq: u64,
    target: &str,
    seal: &[u8],
    value: Option<&str>,
) {
    out.clear();
    match format {
        Format::Cbor => {
            head(out, 4, if value.is_none() { 4 } else { 5 });
            head(out, 0, 1);
            head(out, 0, seq);
            text(out, target);
            head(out, 2, seal.len() as u64);
            out.extend_from_slice(seal);
            if let Some(value) = value {
                head(out, 4, 1);
                text(out, value);
            }
        }
        Format::Json => {
            out.extend_from_slice(b"[1,");
            out.extend_from_slice(seq.to_string().as_bytes());
            out.extend_from_slice(b",\"");
            // Neither an id nor a seal has a character that JSON would escape.
            out.extend_from_slice(target.as_bytes());
            out.extend_from_slice(b"\",\"");
            out.extend_from_slice(seal);
            out.push(b'"');
            if let Some(value) = value {
                out.extend_from_slice(b",[");
                out.extend_from_slice(serde_json::Value::from(value).to_string().as_bytes());
                out.push(b']');
            }
            out.push(b']');
        }
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    head(out, 3, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn head(out: &mut Vec<u8>, major: u8, value: u64) {
    let major = major << 5;
    match value {
        0..=23 => out.push(major | value as u8),
        24..=0xff => out.extend_from_slice(&[major | 24, value as u8]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&(value as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend_from_slice(&(value as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_reads_what_is_written() {
        for (format, seal) in [(Format::Cbor, &[7; 35][..]), (Format::Json, &[b'A'; 47][..])] {
            for seq in [1, 24, 300, 70_000, 1 << 40] {
                let mut bytes = Vec::new();
                event(format, &mut bytes, seq, "send", seal, Some("say \"hello\""));
                let frame = n2o::read_frame(format, &bytes, &n2o::Limits::default());
                let Ok(n2o::Frame::Event(read)) = frame else { panic!("{frame:?}") };
                assert_eq!((read.seq, &*read.target, read.seal.len()), (seq, "send", 35));
                assert_eq!(read.values, [n2o::Value::Text("say \"hello\"".into())]);
            }
        }
    }

    #[test]
    fn reads_what_the_server_writes() {
        for format in Format::ALL {
            let mut out = n2o::Out::new(format);
            (0..30).for_each(|_| {
                out.op(13, 1).text("n");
            });
            let push = out.take(n2o::Head::Push);
            let Frame::Push(ops) = read(format, &push) else { panic!("{push:?}") };
            assert_eq!(count(ops), (format == Format::Cbor).then_some(30));
            for seq in [7, 24, 300, 70_000, 1 << 40] {
                out.op(13, 1).text("n");
                let answer = out.take(n2o::Head::Answer(seq));
                let Frame::Answer(read, ops) = read(format, &answer) else { panic!("{answer:?}") };
                assert_eq!((read, ops), (seq, &answer[answer.len() - ops.len()..]));
                assert!([&b"\x81\x82\x0d\x61n"[..], b"[[13,\"n\"]]]"].contains(&ops), "{ops:02x?}");
            }
            assert_eq!(read(format, &n2o::welcome_frame(format, 0, 0, false)), Frame::Welcome);
            assert_eq!(read(format, &n2o::error_frame(format, 7, 2, "no")), Frame::Error);
        }
    }
}
