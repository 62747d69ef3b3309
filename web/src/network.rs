//! A range of IP addresses, as operators write it: `10.0.0.0/8`, `2001:db8::/32`, or one address alone.

use std::{fmt, net::IpAddr, str::FromStr};

/// A range of IP addresses.
///
/// ```
/// let office: web::Network = "192.0.2.0/24".parse()?;
/// assert!(office.contains("192.0.2.7".parse()?));
/// assert!(!office.contains("192.0.3.7".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    base: IpAddr,
    /// Bits that an address of the range has in common with the base.
    bits: u8,
}

/// A text that is no range of IP addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network; expected an IP address such as 192.0.2.1, or a range such as 10.0.0.0/8")]
pub struct BadNetwork(String);

impl Network {
    /// The `/64` of an IPv6 address, which is what one customer is given, and an IPv4 address alone: what
    /// limits count as one client.
    #[must_use]
    pub fn of_client(address: IpAddr) -> Self {
        let base = n2o::network(address);
        Network { base, bits: if base.is_ipv4() { 32 } else { 64 } }
    }

    /// The range contains the address; an IPv4 address that is written as IPv6 is IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.base.is_ipv4() && masked(address, self.bits) == self.base
    }
}

fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let bad = || BadNetwork(text.chars().take(100).collect());
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| bad())?;
        // Bits beyond the range would be a mistake of the one who wrote it.
        if bits > most || masked(address, bits) != address {
            return Err(bad());
        }
        Ok(Network { base: address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        network.parse::<Network>().expect("a network").contains(address.parse().expect("an address"))
    }

    #[test]
    fn a_range_contains_its_addresses_and_no_other() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("::/0", "2001:db8::1", "203.0.113.9"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::1", "::1", "::2"),
            ("127.0.0.0/8", "::ffff:127.0.0.1", "::1"),
        ] {
            assert!(contains(network, inside), "{network} {inside}");
            assert!(!contains(network, outside), "{network} {outside}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for bad in
            ["", "/", "10.0.0.0/33", "10.0.0.1/8", "::/129", "localhost", "10.0.0.0/-1", "10.0.0.0/8/8"]
        {
            assert_eq!(bad.parse::<Network>(), Err(BadNetwork(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn a_client_of_ipv6_is_a_64() {
        let of = |text: &str| Network::of_client(text.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:2::"), of("2001:db8:1:3::"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
