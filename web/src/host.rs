//! The names by which a server is asked: a request for any other is none of its business.
//!
//! A page that a browser was lured to can point a name of its own at this server (DNS rebinding), and a link
//! made with a foreign name would lead there. Neither works with an address, nor with `localhost`.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The names that are served beside addresses and `localhost`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts(Vec<String>);

impl Hosts {
    /// Serves one more name. A port is left out: a name is served on all of them.
    pub(crate) fn add(&mut self, host: &str) {
        self.0.push(name(host).to_ascii_lowercase());
    }

    /// Serves the name of an origin such as `https://example.org:8443`.
    pub(crate) fn add_origin(&mut self, origin: &str) {
        if let Some((_, host)) = origin.split_once("://") {
            self.add(host);
        }
    }

    /// A request for this host, with or without a port, is served.
    pub(crate) fn allow(&self, host: &str) -> bool {
        let name = name(host);
        if let Some(address) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            return address.parse::<Ipv6Addr>().is_ok();
        }
        name.parse::<Ipv4Addr>().is_ok() || is_local(name) || self.0.iter().any(|known| is(name, known))
    }
}

/// The host without its port, and without the dot that may end a name.
fn name(host: &str) -> &str {
    let port = host.rfind(':').filter(|colon| !host[*colon..].contains(']'));
    let name = port.map_or(host, |colon| &host[..colon]);
    name.strip_suffix('.').unwrap_or(name)
}

fn is(name: &str, known: &str) -> bool {
    name.eq_ignore_ascii_case(known)
}

/// `localhost` and the names below it, which always mean this machine (RFC 6761).
fn is_local(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|last| is(last, "localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_the_names_that_were_given_are_served() {
        let mut hosts = Hosts::default();
        let local = ["127.0.0.1", "192.0.2.1:80", "[::1]", "[2001:db8::1]:8000", "localhost", "LOCALHOST:80"];
        for host in local.into_iter().chain(["app.localhost", "localhost."]) {
            assert!(hosts.allow(host), "{host}");
        }
        let foreign =
            ["example.org", "localhost.example.org", "notlocalhost", "[::1", "[x]", "127.1", "", "[]"];
        for host in foreign {
            assert!(!hosts.allow(host), "{host}");
        }
        hosts.add("Example.org");
        hosts.add_origin("https://app.example.net:8443");
        for host in ["example.org", "EXAMPLE.ORG:8000", "example.org.", "app.example.net"] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in ["www.example.org", "example.net", "example.org.evil.example"] {
            assert!(!hosts.allow(host), "{host}");
        }
    }
}
