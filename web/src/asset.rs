//! Files that never change: the script and the style sheets, under a path that holds their hash.

use std::io::Write;

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// The slowest and smallest of brotli, once at start.
const QUALITY: u32 = 11;
/// The logarithm of brotli's window: the greatest that every browser takes.
const WINDOW: u32 = 22;

/// A file, as it is and compressed once at start.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    pub(crate) path: String,
    kind: HeaderValue,
    plain: Bytes,
    /// The content in each coding that makes it smaller, the best first.
    coded: Vec<(&'static str, Bytes)>,
}

impl Asset {
    #[track_caller]
    pub(crate) fn new(name: &str, kind: &'static str, content: &'static [u8]) -> Self {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_name = (1..=100).contains(&name.len()) && name.bytes().all(fits);
        assert!(
            is_name,
            "expected the name of a file, such as \"app.css\"; got {:?}",
            name.get(..100).unwrap_or(name)
        );
        assert!(kind.contains('/'), "expected a kind such as \"image/svg+xml\" of {name:?}; got {kind:?}");
        let hash: String = Sha256::digest(content)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
        let coded = [("br", brotli(content)), ("gzip", gzip(content))];
        let smaller = |(coding, bytes): (_, Option<Vec<u8>>)| {
            bytes.filter(|bytes| bytes.len() < content.len()).map(|bytes| (coding, Bytes::from(bytes)))
        };
        Asset {
            path: format!("/n2o/{stem}-{hash}.{extension}"),
            kind: HeaderValue::from_static(kind),
            plain: Bytes::from_static(content),
            coded: coded.into_iter().filter_map(smaller).collect(),
        }
    }

    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response {
        let accepted =
            headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let coded = self.coded.iter().find(|(coding, _)| takes(accepted, coding));
        let mut response = coded.map_or(&self.plain, |(_, bytes)| bytes).clone().into_response();
        let out = response.headers_mut();
        out.insert(header::CONTENT_TYPE, self.kind.clone());
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
        out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Some((coding, _)) = coded {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        response
    }
}

/// A list of codings has this one, and not with the weight 0, which forbids it.
fn takes(accepted: &str, coding: &str) -> bool {
    accepted.split(',').any(|range| {
        let (name, weight) = range.split_once(';').unwrap_or((range, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        name.trim().eq_ignore_ascii_case(coding) && weight.is_ok_and(|weight| weight > 0.0)
    })
}

fn brotli(content: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = CompressorWriter::new(Vec::new(), content.len().max(1), QUALITY, WINDOW);
    encoder.write_all(content).ok()?;
    Some(encoder.into_inner())
}

fn gzip(content: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_taken_that_is_not_forbidden() {
        for (accepted, br) in [
            ("gzip, deflate, br", true),
            ("br;q=0.5", true),
            ("br; q=0", false),
            ("BR", true),
            ("gzip", false),
            ("brotli", false),
            ("br;q=x", false),
            ("", false),
        ] {
            assert_eq!(takes(accepted, "br"), br, "{accepted}");
        }
    }

    #[test]
    fn what_does_not_get_smaller_is_sent_as_it_is() {
        assert!(Asset::new("a.css", "text/css", b"p{}").coded.is_empty());
        let script = Asset::new("n2o.js", "text/javascript", crate::SCRIPT.as_bytes());
        let sizes: Vec<_> = script.coded.iter().map(|(coding, bytes)| (*coding, bytes.len())).collect();
        assert!(matches!(sizes[..], [("br", br), ("gzip", gzip)] if br < gzip), "{sizes:?}");
    }
}
