//! The network of a client, which is what limits count as one client.

use std::net::{IpAddr, Ipv6Addr};

/// The first address of a client's network: an IPv4 address itself, also where it is written as IPv6, and that of
/// the `/64` of an IPv6 address, which is what one customer is given.
///
/// ```
/// let of = |text: &str| text.parse().map(n2o::network);
/// assert_eq!(of("2001:db8:1:2:3:4:5:6")?, of("2001:db8:1:2:ffff::")?);
/// assert_ne!(of("2001:db8:1:2::")?, of("2001:db8:1:3::")?);
/// assert_ne!(of("192.0.2.1")?, of("192.0.2.2")?);
/// assert_eq!(of("::ffff:192.0.2.1")?, of("192.0.2.1")?);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}
