//! The seals of a page's elements, as the page shows them now.

use std::{collections::HashMap, io};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use memchr::memmem;
use n2o::Format;

/// Seals by the ids of their elements, each in the form in which events carry it.
#[derive(Debug)]
pub(crate) struct Seals {
    format: Format,
    by_id: HashMap<String, Vec<u8>>,
}

impl Seals {
    pub(crate) fn new(format: Format) -> Self {
        Seals { format, by_id: HashMap::new() }
    }

    /// Reads the seals of all elements in HTML, which may stand in a frame.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        for at in memmem::find_iter(bytes, b" data-e=") {
            let tag = bytes[..at].iter().rposition(|byte| *byte == b'<').unwrap_or(0);
            let (id, seal) = (attribute(&bytes[tag..at], b" id="), attribute(&bytes[at..], b" data-e="));
            let (Some(id), Some(seal)) = (id, seal) else { continue };
            let seal = match self.format {
                Format::Json => seal.to_owned(),
                Format::Cbor => URL_SAFE_NO_PAD.decode(seal).unwrap_or_default(),
            };
            match std::str::from_utf8(id).ok().and_then(|id| self.by_id.get_mut(id)) {
                Some(known) => *known = seal,
                None => drop(self.by_id.insert(String::from_utf8_lossy(id).into_owned(), seal)),
            }
        }
    }

    /// The seal of an element.
    pub(crate) fn of(&self, id: &str) -> io::Result<&[u8]> {
        let seal = self.by_id.get(id).filter(|seal| !seal.is_empty());
        seal.map(Vec::as_slice).ok_or_else(|| io::Error::other(format!("no element {id} with an event")))
    }
}

/// The value of an attribute; in a frame of JSON its quotes are escaped.
fn attribute<'a>(tag: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = &tag[memmem::find(tag, name)? + name.len()..];
    let rest = rest.strip_prefix(b"\\").unwrap_or(rest).strip_prefix(b"\"")?;
    let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_seal_counts() {
        let mut seals = Seals::new(Format::Cbor);
        seals.read(br#"<p id="p"></p><b id="a" data-r data-e="AQID">x</b><b id="c" data-e="BA"></b>"#);
        assert_eq!((seals.of("a").unwrap(), seals.of("c").unwrap()), (&[1, 2, 3][..], &[4][..]));
        seals.read(b"\x83\x01\x01\x81\x83\0\x61a\x78<b id=\"a\" data-e=\"BQ\">y</b>");
        assert_eq!((seals.of("a").unwrap(), seals.of("c").unwrap()), (&[5][..], &[4][..]));
        assert!(seals.of("p").is_err());
    }

    #[test]
    fn seals_are_found_in_json() {
        let mut seals = Seals::new(Format::Json);
        seals.read(br#"[1,1,[[0,"a","<b id=\"a\" data-e=\"AQID\">y</b>"]]]"#);
        assert_eq!(seals.of("a").unwrap(), b"AQID");
    }
}
