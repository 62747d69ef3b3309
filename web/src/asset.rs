//! Files that never change: the script and the style sheets, under a path that holds their hash.

use std::io::Write;

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// A file, as it is and compressed once at start.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    pub(crate) path: String,
    kind: HeaderValue,
    plain: Bytes,
    gzip: Option<Bytes>,
}

impl Asset {
    pub(crate) fn new(name: &str, kind: &'static str, content: &'static [u8]) -> Self {
        let hash: String = Sha256::digest(content)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let gzip = encoder.write_all(content).and_then(|()| encoder.finish()).ok().map(Bytes::from);
        Asset {
            path: format!("/n2o/{stem}-{hash}.{extension}"),
            kind: HeaderValue::from_static(kind),
            plain: Bytes::from_static(content),
            gzip: gzip.filter(|gzip| gzip.len() < content.len()),
        }
    }

    pub(crate) fn answer(&self, headers: &HeaderMap) -> Response {
        let accepted =
            headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let gzip = self.gzip.as_ref().filter(|_| accepted.split(',').any(|coding| coding.trim() == "gzip"));
        let mut response = gzip.unwrap_or(&self.plain).clone().into_response();
        let out = response.headers_mut();
        out.insert(header::CONTENT_TYPE, self.kind.clone());
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
        out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if gzip.is_some() {
            out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}
