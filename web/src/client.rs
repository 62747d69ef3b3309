//! The address that a client comes from: its connection's, or what a trusted proxy in front says of it.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, HeaderName, header, request::Parts},
};

use crate::network::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The IP address that a request comes from, for handlers of an application's own routes.
///
/// It is the address of the connection, or, when that is of a [trusted proxy](crate::App::proxy), the one
/// that the proxy names in `Forwarded` (RFC 7239) or `X-Forwarded-For`. `None` where the router is not served
/// by [`Server`](crate::Server), as in a test.
///
/// ```
/// use web::ClientAddress;
///
/// async fn whoami(ClientAddress(address): ClientAddress) -> String {
///     address.map_or_else(|| String::from("nobody knows"), |address| address.to_string())
/// }
/// # let _: axum::routing::MethodRouter = axum::routing::get(whoami);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub Option<IpAddr>);

impl ClientAddress {
    /// The address that came along with a request.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(ClientAddress(None))
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

/// The client's address, for a request with these headers over a connection of `peer`.
pub(crate) fn address(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusted(peer, proxies) {
        return peer;
    }
    let forwarded = headers.contains_key(header::FORWARDED).then(|| {
        let values = texts(headers, header::FORWARDED);
        walk(peer, proxies, values.flat_map(|value| split(value, ',')).map(forwarded_for))
    });
    let listed = headers.contains_key(X_FORWARDED_FOR).then(|| {
        let values = texts(headers, X_FORWARDED_FOR);
        walk(peer, proxies, values.flat_map(|value| value.split(',')).map(node))
    });
    match (forwarded, listed) {
        // A proxy writes one of the two and may let the other through from whoever sent it.
        (Some(one), Some(other)) if one != other => peer,
        (Some(found), _) | (None, Some(found)) => found,
        (None, None) => peer,
    }
}

fn trusted(address: IpAddr, proxies: &[Network]) -> bool {
    proxies.iter().any(|network| network.contains(address))
}

/// Values that are no text count as one hop that nobody knows, so that the walk ends there.
fn texts(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).into_iter().map(|value| value.to_str().unwrap_or("unknown"))
}

/// Walks from the hop that is nearest to the first that is not trusted: what is beyond may be invented.
/// Where a hop names nobody, the client is the proxy that says so.
fn walk(peer: IpAddr, proxies: &[Network], hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
    let hops: Vec<_> = hops.collect();
    let mut known = peer;
    for hop in hops.into_iter().rev() {
        let Some(hop) = hop else { break };
        known = hop;
        if !trusted(hop, proxies) {
            break;
        }
    }
    known
}

/// Splits at a mark that is in no quoted string.
fn split(text: &str, mark: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        c == mark && !quoted
    })
}

/// The `for` of an element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut named = split(element, ';')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let (_, value) = named.next()?;
    // Two are no answer.
    named.next().is_none().then(|| node(value.trim().trim_matches('"')))?
}

/// An address, with or without a port.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// The address of a client over a connection of 10.0.0.1, where 10.0.0.0/8 and ::1 are trusted.
    fn found(lines: &[(&'static str, &str)]) -> String {
        from("10.0.0.1", lines)
    }

    fn from(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        }
        let proxies = ["10.0.0.0/8", "::1"].map(|network| network.parse().expect("a network"));
        address(peer.parse().expect("an address"), &headers, &proxies).to_string()
    }

    #[test]
    fn nobody_but_a_trusted_proxy_is_believed() {
        let lines = [("x-forwarded-for", "203.0.113.1"), ("forwarded", "for=203.0.113.1")];
        assert_eq!(from("192.0.2.1", &lines), "192.0.2.1");
        assert_eq!(from("::ffff:192.0.2.1", &lines), "192.0.2.1");
        assert_eq!(from("10.0.0.1", &lines), "203.0.113.1");
        assert_eq!(from("::ffff:10.0.0.1", &lines), "203.0.113.1");
        assert_eq!(from("::1", &lines), "203.0.113.1");
        assert_eq!(found(&[]), "10.0.0.1");
    }

    #[test]
    fn the_first_hop_from_the_right_that_is_not_trusted_counts() {
        for (value, expected) in [
            ("203.0.113.1", "203.0.113.1"),
            ("1.2.3.4, 203.0.113.1", "203.0.113.1"),
            ("1.2.3.4, 203.0.113.1, 10.0.0.7,10.0.0.8", "203.0.113.1"),
            ("10.0.0.9, 10.0.0.7", "10.0.0.9"),
            ("203.0.113.1:4711", "203.0.113.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:203.0.113.1", "203.0.113.1"),
            ("203.0.113.1, unknown", "10.0.0.1"),
            ("203.0.113.1, nonsense, 10.0.0.7", "10.0.0.7"),
            ("203.0.113.1,", "10.0.0.1"),
            ("", "10.0.0.1"),
            ("203.0.113.1, \u{fc}", "10.0.0.1"),
        ] {
            assert_eq!(found(&[("x-forwarded-for", value)]), expected, "{value}");
        }
        let lines = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "203.0.113.1, 10.0.0.7")];
        assert_eq!(found(&lines), "203.0.113.1", "several lines are one list");
    }

    #[test]
    fn forwarded_is_read_as_its_standard_has_it() {
        for (value, expected) in [
            ("for=203.0.113.1", "203.0.113.1"),
            ("For=\"203.0.113.1:80\";proto=https", "203.0.113.1"),
            ("proto=http; FOR = \"[2001:db8:cafe::17]:4711\" ;by=10.0.0.1", "2001:db8:cafe::17"),
            ("for=1.2.3.4, for=203.0.113.1;by=x, for=10.0.0.7", "203.0.113.1"),
            ("for=\"a,for=1.2.3.4\", for=203.0.113.1", "203.0.113.1"),
            ("for=203.0.113.1;host=\"a,for=1.2.3.4\"", "203.0.113.1"),
            ("for=203.0.113.1;host=\"a\\\",for=1.2.3.4\"", "203.0.113.1"),
            ("for=203.0.113.1;for=1.2.3.4", "10.0.0.1"),
            ("for=_hidden", "10.0.0.1"),
            ("for=203.0.113.1, for=unknown, for=10.0.0.7", "10.0.0.7"),
            ("by=1.2.3.4", "10.0.0.1"),
        ] {
            assert_eq!(found(&[("forwarded", value)]), expected, "{value}");
        }
    }

    #[test]
    fn two_headers_that_disagree_are_not_believed() {
        let lines = [("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "203.0.113.1")];
        assert_eq!(found(&lines), "10.0.0.1");
    }
}
