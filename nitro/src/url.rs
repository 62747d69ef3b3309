//! URLs that may stand in a document or a redirect: paths of this server, and a few safe schemes.

use std::fmt::{self, Display, Write};

/// A URL whose scheme cannot run code: a path of the same origin, `http`, `https`, `mailto` or `tel`.
///
/// ```
/// use nitro::{Url, url};
///
/// let room = "a/b?c";
/// assert_eq!(url!("/chat/{room}").as_str(), "/chat/a%2Fb%3Fc");
/// assert!(Url::parse("javascript:alert(1)").is_none());
/// assert!(Url::parse("//evil.example").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url(String);

const SCHEMES: [&str; 4] = ["http://", "https://", "mailto:", "tel:"];

impl Url {
    /// Reads a URL that came from somewhere, such as a user; `None` when it is not a safe one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let local = Self::local(text);
        // Browsers strip control characters and blanks, and read a backslash as a slash: none is let through.
        let clean = text.bytes().all(|byte| byte > b' ' && byte != b'\\' && byte != 127);
        let lower = text.get(..8.min(text.len())).map(str::to_ascii_lowercase);
        let known = lower.is_some_and(|lower| SCHEMES.iter().any(|scheme| lower.starts_with(scheme)));
        local.or_else(|| (clean && known).then(|| Url(text.to_owned())))
    }

    /// Reads a path of this server, such as the target of a redirect after a login.
    #[must_use]
    pub fn local(text: &str) -> Option<Self> {
        let clean = text.bytes().all(|byte| byte > b' ' && byte != b'\\' && byte != 127);
        let path = text.starts_with('/') && !text.starts_with("//");
        (clean && path).then(|| Url(text.to_owned()))
    }

    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[doc(hidden)]
    #[must_use]
    pub fn __of(text: String) -> Self {
        Url(text)
    }
}

impl From<Url> for String {
    fn from(url: Url) -> Self {
        url.0
    }
}

impl Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Writes a value into the path of a URL. What no browser would keep as a segment of its own, nothing and one
/// or two dots, becomes `_`: it would make another path of the address, or another origin.
#[doc(hidden)]
pub fn __segment(out: &mut String, value: &dyn Display) {
    let from = out.len();
    __encode(out, value);
    if matches!(&out[from..], "" | "." | "..") {
        out.truncate(from);
        out.push('_');
    }
}

/// Writes a value into a URL, percent-encoded so that it stays one segment or one query value (RFC 3986, 2.1).
#[doc(hidden)]
pub fn __encode(out: &mut String, value: &dyn Display) {
    let mut text = String::new();
    // Writing to a string cannot fail unless the value's own Display does.
    let _ = write!(text, "{value}");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
