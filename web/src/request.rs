//! The framing of HTTP/1.1 requests (RFC 9112), followed byte by byte, and no more lenient than it must be.
//!
//! Two readers of one connection, such as a proxy and this server, must agree where a request ends. Where the
//! standard lets a reader be lenient, this one is not: what is odd is refused, and the connection with it.

use std::ops::ControlFlow;

use axum::http::uri::Authority;

/// Most bytes of a line that is no part of a head: the size of a chunk, with its extensions.
const CHUNK_LINE: usize = 256;
/// Most digits of a length: more do not fit 64 bits.
const DIGITS: usize = 16;

/// Where in the stream of requests the next byte belongs.
#[derive(Debug)]
enum At {
    /// Before a request line.
    Start,
    /// In the fields of a head.
    Fields,
    /// In a body, or a chunk of one, with so many bytes left.
    Body { left: u64, chunked: bool },
    /// In the line that tells the size of a chunk.
    Size,
    /// In the line end behind a chunk.
    ChunkEnd,
    /// In the fields behind the last chunk.
    Trailers,
    /// Behind a request that asks for another protocol: what follows may be no request.
    Upgrade,
}

/// What has been seen of a head.
#[derive(Debug, Default)]
struct Head {
    old: bool,
    /// The host that an absolute target names.
    authority: Option<String>,
    /// The field `Host` has come.
    named: bool,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
    bytes: usize,
}

/// Follows the requests of a connection.
#[derive(Debug)]
pub(crate) struct Requests {
    at: At,
    head: Head,
    /// The line that has begun, as far as it came with earlier bytes.
    line: Vec<u8>,
    most: usize,
}

/// A request that is not framed as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Odd;

impl Requests {
    /// Requests whose heads have at most `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Requests { at: At::Start, head: Head::default(), line: Vec::new(), most }
    }

    /// A body has begun and is not yet whole.
    pub(crate) fn in_body(&self) -> bool {
        !matches!(self.at, At::Start | At::Fields | At::Upgrade)
    }

    /// What follows may be no request any more.
    pub(crate) fn is_upgrade(&self) -> bool {
        matches!(self.at, At::Upgrade)
    }

    /// Follows bytes; says how many of them belong to requests, and how the first is odd that does not.
    pub(crate) fn follow(&mut self, bytes: &[u8]) -> (usize, Result<(), Odd>) {
        let mut seen = 0;
        while seen < bytes.len() {
            let rest = &bytes[seen..];
            match &mut self.at {
                At::Upgrade => break,
                At::Body { left, chunked } => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= here as u64;
                    seen += here;
                    if *left == 0 {
                        self.at = if *chunked { At::ChunkEnd } else { At::Start };
                    }
                }
                _ => match self.line(rest) {
                    ControlFlow::Continue(read) => seen += read,
                    // The byte that makes the line odd is its last: nothing of the line end is passed on.
                    ControlFlow::Break(read) => return (seen + read.saturating_sub(1), Err(Odd)),
                },
            }
        }
        (seen, Ok(()))
    }

    /// Reads up to the end of a line; says how many bytes were read, up to the odd one when it breaks.
    fn line(&mut self, rest: &[u8]) -> ControlFlow<usize, usize> {
        let end = memchr::memchr(b'\n', rest);
        let piece = &rest[..end.map_or(rest.len(), |end| end + 1)];
        let most = if matches!(self.at, At::Size | At::ChunkEnd) { CHUNK_LINE } else { self.most };
        if self.head.bytes + self.line.len() + piece.len() > most {
            return ControlFlow::Break(piece.len());
        }
        if end.is_none() {
            self.line.extend_from_slice(piece);
            return ControlFlow::Continue(piece.len());
        }
        let done = if self.line.is_empty() {
            self.whole(piece)
        } else {
            let mut line = std::mem::take(&mut self.line);
            line.extend_from_slice(piece);
            self.whole(&line)
        };
        match done {
            Some(()) => ControlFlow::Continue(piece.len()),
            None => ControlFlow::Break(piece.len()),
        }
    }

    /// Reads a line with its end.
    fn whole(&mut self, line: &[u8]) -> Option<()> {
        let text = line.strip_suffix(b"\r\n")?;
        // What is left of the control characters is the tab, which may stand in a value.
        // All are looked at, so that the processor can look at many at once.
        if text.iter().fold(false, |odd, byte| odd | (byte.is_ascii_control() & (*byte != b'\t'))) {
            return None;
        }
        match self.at {
            At::Start if text.is_empty() => self.head.bytes += line.len(),
            At::Start => {
                self.head = Head { bytes: line.len(), ..request_line(text)? };
                self.at = At::Fields;
            }
            At::Fields if text.is_empty() => {
                self.at = std::mem::take(&mut self.head).end()?;
            }
            At::Fields => {
                self.head.bytes += line.len();
                self.head.field(text)?;
            }
            At::Size => {
                let size = chunk_size(text)?;
                self.at = if size == 0 { At::Trailers } else { At::Body { left: size, chunked: true } };
            }
            At::ChunkEnd => {
                text.is_empty().then_some(())?;
                self.at = At::Size;
            }
            At::Trailers if text.is_empty() => {
                self.head = Head::default();
                self.at = At::Start;
            }
            At::Trailers => {
                self.head.bytes += line.len();
                field(text)?;
            }
            At::Body { .. } | At::Upgrade => return None,
        }
        Some(())
    }
}

fn request_line(text: &[u8]) -> Option<Head> {
    let mut words = text.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let old = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        _ => return None,
    };
    let target = std::str::from_utf8(target).ok()?;
    let sound = words.next().is_none() && is_token(method) && !target.contains(['#', '\t']);
    let authority = if target.starts_with('/') || (target == "*" && method == b"OPTIONS") {
        None
    } else if method == b"CONNECT" {
        Some(target.to_owned())
    } else {
        let (scheme, rest) = target.split_once("://")?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return None;
        }
        Some(rest.split(['/', '?']).next()?.to_owned())
    };
    sound.then(|| Head { old, authority, ..Head::default() })
}

impl Head {
    fn field(&mut self, text: &[u8]) -> Option<()> {
        let (name, value) = field(text)?;
        if name.eq_ignore_ascii_case(b"host") {
            let value = std::str::from_utf8(value).ok()?;
            let same = self.authority.as_ref().is_none_or(|authority| value.eq_ignore_ascii_case(authority));
            (same && !self.named && is_host(value)).then_some(())?;
            self.named = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let digits = value.len() <= DIGITS && !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            let length = std::str::from_utf8(value).ok()?.parse().ok();
            (digits && self.length.is_none()).then_some(())?;
            self.length = Some(length?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            (value.eq_ignore_ascii_case(b"chunked") && !self.chunked).then_some(())?;
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.upgrade = true;
        }
        Some(())
    }

    /// Where the bytes behind the head belong.
    fn end(self) -> Option<At> {
        if !(self.named || self.old) || (self.chunked && (self.old || self.length.is_some())) {
            return None;
        }
        Some(match self.length.unwrap_or(0) {
            _ if self.chunked => At::Size,
            0 if self.upgrade => At::Upgrade,
            0 => At::Start,
            left => At::Body { left, chunked: false },
        })
    }
}

/// The name and the value of a field. A line that goes on with the one before is none.
fn field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', text)?;
    let (name, value) = (&text[..colon], text[colon + 1..].trim_ascii());
    is_token(name).then_some((name, value))
}

/// The bytes of a token, RFC 9110, section 5.6.2.
const TOKEN: [bool; 256] = {
    let (mut table, marks, mut at) = ([false; 256], b"!#$%&'*+-.^_`|~", 0);
    while at < 256 {
        table[at] = (at as u8).is_ascii_alphanumeric();
        at += 1;
    }
    at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
};

fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| TOKEN[usize::from(*byte)])
}

/// A name or an address, with or without a port.
fn is_host(text: &str) -> bool {
    is_plain_host(text) || is_authority(text)
}

/// A host as most are, which needs no parser.
fn is_plain_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').unwrap_or((text, "0"));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let digits = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    !name.is_empty() && name.bytes().all(plain) && digits && port.parse::<u16>().is_ok()
}

fn is_authority(text: &str) -> bool {
    let marks = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte);
    let authority = text.bytes().all(marks).then(|| text.parse::<Authority>().ok()).flatten();
    authority.is_some_and(|authority| {
        let port = &authority.as_str()[authority.host().len()..];
        !authority.host().is_empty() && (port.is_empty() || authority.port_u16().is_some())
    })
}

/// The size that begins a chunk. Extensions are passed over, as they must be.
fn chunk_size(text: &[u8]) -> Option<u64> {
    let digits = text.split(|byte| *byte == b';').next()?;
    let hex = !digits.is_empty() && digits.len() < DIGITS && digits.iter().all(u8::is_ascii_hexdigit);
    hex.then(|| u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())?
}

#[cfg(test)]
mod tests;
