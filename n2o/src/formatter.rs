//! The formats of frames, and the writer that puts ops into a frame without a detour.
//!
//! `PROTOCOL.md`, sections 4 to 7, defines what is written here. Ops are positional tuples; they are
//! encoded while the handler runs, behind a gap in which the frame's head is put when their number is known.

use bytes::Bytes;

use crate::value::Value;

/// A format of frames, chosen by the WebSocket subprotocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Binary messages of CBOR (RFC 8949).
    #[default]
    Cbor,
    /// Text messages of JSON (RFC 8259).
    Json,
}

impl Format {
    /// All formats, preferred first.
    pub const ALL: [Format; 2] = [Format::Cbor, Format::Json];

    /// The WebSocket subprotocol that names the format.
    #[must_use]
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Format::Cbor => "n2o.cbor.1",
            Format::Json => "n2o.json.1",
        }
    }

    fn text(self, buf: &mut Vec<u8>, text: &str) {
        match self {
            Format::Cbor => text_cbor(buf, text),
            Format::Json => text_json(buf, text),
        }
    }

    /// Whether its messages are text.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self, Format::Json)
    }
}

/// The kinds of frames that a server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Event `seq` was executed.
    Answer(u64),
    /// Ops that no event asked for.
    Push,
    /// A protocol of the application answers its message of a kind and number; values in the place of ops.
    Reply(u8, u64),
}

/// Room for the longest head: three CBOR integers, or two decimal numbers and brackets.
const GAP: usize = 32;

/// Bytes of ops behind which a frame ends, so that no number of ops is too many for one message.
const PART: usize = 512 * 1024;

/// Ops on their way into a frame, or into several.
#[derive(Debug)]
pub struct Out {
    format: Format,
    buf: Vec<u8>,
    ops: u64,
    left: u8,
    /// The places where a frame may end: the bytes and the ops before.
    cuts: Vec<(usize, u64)>,
}

impl Out {
    /// An empty list of ops.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Out { format, buf: Vec::new(), ops: 0, left: 0, cuts: Vec::new() }
    }

    /// Whether there is no op.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ops == 0
    }

    /// Changes the format; ops in another one are dropped.
    pub(crate) fn speak(&mut self, format: Format) {
        if self.format != format {
            *self = Out::new(format);
        }
    }

    /// Begins op `code` with `args` arguments, which must follow.
    pub fn op(&mut self, code: u8, args: u8) -> &mut Self {
        if self.buf.len().saturating_sub(self.cuts.last().map_or(GAP, |(end, _)| *end)) >= PART {
            self.cuts.push((self.buf.len(), self.ops));
        }
        self.begin();
        match self.format {
            Format::Cbor => {
                array(&mut self.buf, u64::from(args) + 1);
                uint(&mut self.buf, u64::from(code));
            }
            Format::Json => {
                self.buf.push(b'[');
                decimal(&mut self.buf, u64::from(code));
            }
        }
        self.left = args;
        self.finish_op();
        self
    }

    /// Appends the ops of another list in the same format.
    pub fn append(&mut self, others: &Out) {
        debug_assert_eq!((self.format, others.left), (others.format, 0), "both are whole, and of one format");
        if let Some(ops) = others.buf.get(GAP..).filter(|_| others.ops > 0) {
            self.begin();
            self.ops += others.ops - 1;
            self.buf.extend_from_slice(ops);
        }
    }

    /// The format of the ops.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Begins an op, or a value of a reply.
    fn begin(&mut self) {
        debug_assert_eq!(self.left, 0, "the op before lacks arguments");
        if self.buf.is_empty() {
            self.buf.reserve(256);
            self.buf.resize(GAP, 0);
        }
        if self.ops > 0 && self.format == Format::Json {
            self.buf.push(b',');
        }
        self.ops += 1;
    }

    /// Adds a value to a reply; see [`Head::Reply`].
    pub fn value(&mut self, value: &Value<'_>) -> &mut Self {
        self.begin();
        match value {
            Value::Null | Value::TooLong => null(self.format, &mut self.buf),
            Value::Bool(value) => truth(self.format, &mut self.buf, *value),
            Value::Text(text) => self.format.text(&mut self.buf, text),
            Value::List(texts) => {
                match self.format {
                    Format::Cbor => array(&mut self.buf, texts.len() as u64),
                    Format::Json => self.buf.push(b'['),
                }
                for (at, text) in texts.iter().enumerate() {
                    if at > 0 && self.format == Format::Json {
                        self.buf.push(b',');
                    }
                    self.format.text(&mut self.buf, text);
                }
                if self.format == Format::Json {
                    self.buf.push(b']');
                }
            }
        }
        self
    }

    fn finish_op(&mut self) {
        if self.left == 0 && self.format == Format::Json {
            self.buf.push(b']');
        }
    }

    fn arg(&mut self, write: impl FnOnce(Format, &mut Vec<u8>)) -> &mut Self {
        debug_assert!(self.left > 0, "the op has all its arguments");
        if self.format == Format::Json {
            self.buf.push(b',');
        }
        write(self.format, &mut self.buf);
        self.left -= 1;
        self.finish_op();
        self
    }

    /// The next argument: a text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.arg(|format, buf| format.text(buf, text))
    }

    /// The next argument: a boolean.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.arg(|format, buf| truth(format, buf, value))
    }

    /// The next argument: null.
    pub fn null(&mut self) -> &mut Self {
        self.arg(null)
    }

    /// Drops the ops that were written.
    pub fn clear(&mut self) {
        *self = Out::new(self.format);
    }

    /// The frame. Ops that are too many for one message stay, for the next frame.
    pub fn take(&mut self, head: Head) -> Bytes {
        let rest = self.split();
        let mut out = std::mem::replace(self, rest);
        if out.buf.is_empty() {
            out.buf.resize(GAP, 0);
        }
        let mut front = Vec::with_capacity(GAP);
        match out.format {
            Format::Cbor => {
                match head {
                    Head::Answer(seq) => {
                        front.extend_from_slice(&[0x83, 1]);
                        uint(&mut front, seq);
                    }
                    Head::Push => front.extend_from_slice(&[0x82, 2]),
                    Head::Reply(kind, seq) => {
                        front.push(0x83);
                        uint(&mut front, u64::from(kind));
                        uint(&mut front, seq);
                    }
                }
                array(&mut front, out.ops);
            }
            Format::Json => {
                match head {
                    Head::Answer(seq) => {
                        front.extend_from_slice(b"[1,");
                        decimal(&mut front, seq);
                    }
                    Head::Push => front.extend_from_slice(b"[2"),
                    Head::Reply(kind, seq) => {
                        front.push(b'[');
                        decimal(&mut front, u64::from(kind));
                        front.push(b',');
                        decimal(&mut front, seq);
                    }
                }
                front.extend_from_slice(b",[");
                out.buf.extend_from_slice(b"]]");
            }
        }
        let body = &out.buf[GAP..];
        // Frames are kept for a reconnect, and a short one is given no more memory than it needs.
        if out.buf.capacity() > 2 * (front.len() + body.len()) {
            front.extend_from_slice(body);
            front.shrink_to_fit();
            return Bytes::from(front);
        }
        let start = GAP - front.len();
        out.buf[start..GAP].copy_from_slice(&front);
        Bytes::from(out.buf).slice(start..)
    }
}

impl Out {
    /// Takes away what is for the frames behind the next one.
    fn split(&mut self) -> Out {
        let mut rest = Out::new(self.format);
        let mut cuts = std::mem::take(&mut self.cuts).into_iter();
        let Some((end, ops)) = cuts.next() else { return rest };
        // In JSON a comma stands between two ops.
        let start = end + usize::from(self.format == Format::Json);
        rest.cuts = cuts.map(|(cut, before)| (cut - start + GAP, before - ops)).collect();
        rest.buf.reserve_exact(GAP + self.buf.len() - start);
        rest.buf.resize(GAP, 0);
        rest.buf.extend_from_slice(&self.buf[start..]);
        rest.ops = self.ops - ops;
        self.buf.truncate(end);
        self.ops = ops;
        rest
    }
}

/// The frame `PONG`.
#[must_use]
pub fn pong(format: Format) -> Bytes {
    match format {
        Format::Cbor => Bytes::from_static(&[0x81, 0]),
        Format::Json => Bytes::from_static(b"[0]"),
    }
}

/// The frame `WELCOME`.
#[must_use]
pub fn welcome(format: Format, count: u64, last: u64, lost: bool) -> Bytes {
    let all = [4, count, last, 1];
    numbers(format, if lost { &all } else { &all[..3] }, None)
}

/// The frame `ERROR`.
#[must_use]
pub fn error(format: Format, seq: u64, code: u8, text: &str) -> Bytes {
    numbers(format, &[3, seq, u64::from(code)], Some(text))
}

fn numbers(format: Format, numbers: &[u64], text: Option<&str>) -> Bytes {
    let mut buf = Vec::with_capacity(32 + text.map_or(0, str::len));
    match format {
        Format::Cbor => {
            array(&mut buf, (numbers.len() + usize::from(text.is_some())) as u64);
            numbers.iter().for_each(|number| uint(&mut buf, *number));
            if let Some(text) = text {
                text_cbor(&mut buf, text);
            }
        }
        Format::Json => {
            for (at, number) in numbers.iter().enumerate() {
                buf.push(if at == 0 { b'[' } else { b',' });
                decimal(&mut buf, *number);
            }
            if let Some(text) = text {
                buf.push(b',');
                text_json(&mut buf, text);
            }
            buf.push(b']');
        }
    }
    Bytes::from(buf)
}

// Most numbers and lengths are below 24; that case is written where it is needed.
#[inline(always)]
fn head(buf: &mut Vec<u8>, major: u8, value: u64) {
    if value < 24 { buf.push(major << 5 | value as u8) } else { long_head(buf, major, value) }
}

fn long_head(buf: &mut Vec<u8>, major: u8, value: u64) {
    let major = major << 5;
    match value {
        0..=23 => buf.push(major | value as u8),
        24..=0xff => buf.extend_from_slice(&[major | 24, value as u8]),
        0x100..=0xffff => {
            buf.push(major | 25);
            buf.extend_from_slice(&(value as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            buf.push(major | 26);
            buf.extend_from_slice(&(value as u32).to_be_bytes());
        }
        _ => {
            buf.push(major | 27);
            buf.extend_from_slice(&value.to_be_bytes());
        }
    }
}

fn uint(buf: &mut Vec<u8>, value: u64) {
    head(buf, 0, value);
}

fn array(buf: &mut Vec<u8>, len: u64) {
    head(buf, 4, len);
}

fn truth(format: Format, buf: &mut Vec<u8>, value: bool) {
    match format {
        Format::Cbor => buf.push(if value { 0xf5 } else { 0xf4 }),
        Format::Json => buf.extend_from_slice(if value { b"true" } else { b"false" }),
    }
}

fn null(format: Format, buf: &mut Vec<u8>) {
    match format {
        Format::Cbor => buf.push(0xf6),
        Format::Json => buf.extend_from_slice(b"null"),
    }
}

fn text_cbor(buf: &mut Vec<u8>, text: &str) {
    head(buf, 3, text.len() as u64);
    buf.extend_from_slice(text.as_bytes());
}

fn decimal(buf: &mut Vec<u8>, value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    buf.extend_from_slice(&digits[at..]);
}

fn text_json(buf: &mut Vec<u8>, text: &str) {
    buf.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => buf.extend_from_slice(b"\\\""),
            b'\\' => buf.extend_from_slice(b"\\\\"),
            b'\n' => buf.extend_from_slice(b"\\n"),
            0..=31 | 127 => {
                buf.extend_from_slice(b"\\u00");
                buf.push(b"0123456789abcdef"[usize::from(byte >> 4)]);
                buf.push(b"0123456789abcdef"[usize::from(byte & 15)]);
            }
            _ => buf.push(byte),
        }
    }
    buf.push(b'"');
}

#[cfg(test)]
mod tests;
