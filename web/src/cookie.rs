//! The one cookie: its name, its attributes, and reading it (RFC 6265).

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

/// The cookie's name. The prefix keeps other hosts of the same domain from setting it.
pub(crate) const fn name(secure: bool) -> &'static str {
    if secure { "__Host-n2o" } else { "n2o" }
}

/// The value of the session cookie. When a browser sends several, the first is taken: the one with the longest path.
pub(crate) fn read(headers: &HeaderMap, secure: bool) -> Option<&str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name(secure)).map(|(_, value)| value)
}

/// The header that sets the session cookie.
pub(crate) fn set(value: &str, age: Duration, secure: bool) -> Option<HeaderValue> {
    let (name, age) = (name(secure), age.as_secs());
    let tail = if secure { "; Secure" } else { "" };
    HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{tail}"))
        .ok()
}
