//! The little of `PROTOCOL.md` that a load needs: events out, answers and pushes in, as CBOR.

/// A frame from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The event was executed.
    Answer,
    /// So many ops that no event asked for.
    Push(usize),
    /// The connection begins.
    Welcome,
    /// Anything else, which no scenario should meet.
    Other,
}

/// Tells what a frame is; one that is a handful of ops long is all that is looked for.
pub(crate) fn read(bytes: &[u8]) -> Frame {
    match bytes {
        [0x83, 1, ..] => Frame::Answer,
        [0x82, 2, ops @ 0x80..=0x97, ..] => Frame::Push(usize::from(ops & 0x1f)),
        [0x82, 2, 0x98, ops, ..] => Frame::Push(usize::from(*ops)),
        [0x83, 4, ..] => Frame::Welcome,
        _ => Frame::Other,
    }
}

/// Writes an event.
pub(crate) fn event(out: &mut Vec<u8>, seq: u64, target: &str, seal: &[u8], values: &[&str]) {
    out.clear();
    head(out, 4, if values.is_empty() { 4 } else { 5 });
    head(out, 0, 1);
    head(out, 0, seq);
    text(out, target);
    head(out, 2, seal.len() as u64);
    out.extend_from_slice(seal);
    if !values.is_empty() {
        head(out, 4, values.len() as u64);
        values.iter().for_each(|value| text(out, value));
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
        for seq in [1, 24, 300, 70_000, 1 << 40] {
            let mut bytes = Vec::new();
            event(&mut bytes, seq, "send", &[7; 35], &["hello"]);
            let frame = n2o::read_frame(n2o::Format::Cbor, &bytes, &n2o::Limits::default());
            let Ok(n2o::Frame::Event(read)) = frame else { panic!("{frame:?}") };
            assert_eq!((read.seq, &*read.target, read.seal.len()), (seq, "send", 35));
            assert_eq!(read.values, [n2o::Value::Text("hello".into())]);
        }
    }

    #[test]
    fn reads_what_the_server_writes() {
        let mut out = n2o::Out::new(n2o::Format::Cbor);
        (0..30).for_each(|_| {
            out.op(13, 1).text("n");
        });
        assert_eq!(read(&out.take(n2o::Head::Push)), Frame::Push(30));
        assert_eq!(read(&out.take(n2o::Head::Answer(7))), Frame::Answer);
        assert_eq!(read(&n2o::welcome_frame(n2o::Format::Cbor, 0, 0)), Frame::Welcome);
    }
}
