//! Addresses and networks, and tables of them.

mod table;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

pub use table::PrefixTable;

/// An address, or a network: its first address and its prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

/// Why a text or a pair is no prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// What stands before the `/` is no address.
    #[error("this is no address of IPv4 or IPv6")]
    Address,
    /// The prefix length is not a number, or longer than an address.
    #[error("the prefix length is not a number from 0 to 32 (IPv4) or 128 (IPv6)")]
    Length,
    /// The address is not the first of the network.
    #[error("the first address of this network is {0}")]
    NotFirst(IpAddr),
}

/// The bits before an IPv4 address that is mapped into an IPv6 address.
const MAPPED: u8 = 96;

impl Prefix {
    /// The network of this prefix length around an address.
    ///
    /// # Errors
    ///
    /// Fails where the prefix length is over 32 (IPv4) or 128 (IPv6).
    pub fn new(address: IpAddr, length: u8) -> Result<Self, PrefixError> {
        let address = match address {
            IpAddr::V4(address) if length <= 32 => {
                let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                Ipv4Addr::from_bits(address.to_bits() & mask).into()
            }
            IpAddr::V6(address) if length <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
            _ => return Err(PrefixError::Length),
        };
        Ok(Self { address, length })
    }

    /// The first address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// The prefix length; 32 (IPv4) or 128 (IPv6) for a single address.
    pub fn length(self) -> u8 {
        self.length
    }

    /// Whether it is one address.
    pub fn is_address(self) -> bool {
        self == Self::from(self.address)
    }

    /// Whether each address of `other` is one of this, also where one is IPv4 and the other the same
    /// mapped into IPv6 (`::ffff:203.0.113.7`). A network of IPv6 around all mapped ones covers no
    /// address of IPv4.
    ///
    /// ```
    /// # fn main() -> Result<(), ban_fleet::PrefixError> {
    /// use ban_fleet::Prefix;
    ///
    /// let network: Prefix = "203.0.113.0/24".parse()?;
    /// assert!(network.covers("203.0.113.7".parse()?));
    /// assert!(network.covers("::ffff:203.0.113.7".parse()?));
    /// assert!(!"::/0".parse::<Prefix>()?.covers(network));
    /// # Ok(())
    /// # }
    /// ```
    pub fn covers(self, other: Self) -> bool {
        let around_all = self.address.is_ipv6() && self.length < MAPPED && other.address.is_ipv4();
        !around_all && covers(self.mapped(), other.mapped())
    }

    /// Whether an address is in both, mapped ones included: `::/64` has those of IPv4 in it.
    pub fn overlaps(self, other: Self) -> bool {
        let (one, other) = (self.mapped(), other.mapped());
        covers(one, other) || covers(other, one)
    }

    /// Its first address and its prefix length as one of IPv6.
    fn mapped(self) -> (u128, u8) {
        match self.address {
            IpAddr::V4(address) => (address.to_ipv6_mapped().to_bits(), MAPPED + self.length),
            IpAddr::V6(address) => (address.to_bits(), self.length),
        }
    }
}

fn covers(outer: (u128, u8), inner: (u128, u8)) -> bool {
    outer.1 <= inner.1 && first(inner.0, outer.1) == outer.0
}

/// The first address of the network of this length around one.
fn first(address: u128, length: u8) -> u128 {
    let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
    address & mask
}

impl From<IpAddr> for Prefix {
    fn from(address: IpAddr) -> Self {
        let length = if address.is_ipv4() { 32 } else { 128 };
        Self { address, length }
    }
}

/// `203.0.113.7`, `203.0.113.0/24`: the address is the first of its network.
impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| PrefixError::Address)?;
        let Some(length) = length else {
            return Ok(address.into());
        };
        if !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PrefixError::Length);
        }
        let length = length.parse().map_err(|_| PrefixError::Length)?;
        let prefix = Self::new(address, length)?;
        if prefix.address == address {
            Ok(prefix)
        } else {
            Err(PrefixError::NotFirst(prefix.address))
        }
    }
}

/// The shortest text: an address has no prefix length.
impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_address() {
            self.address.fmt(f)
        } else {
            write!(f, "{}/{}", self.address, self.length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().expect(text)
    }

    #[test]
    fn it_is_written_in_its_shortest_text() {
        for (text, shortest) in [
            ("203.0.113.7/32", "203.0.113.7"),
            ("2001:db8:0:0::7/128", "2001:db8::7"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
        ] {
            assert_eq!(prefix(text).to_string(), shortest);
        }
        for wrong in [
            "",
            "/",
            "203.0.113.7/33",
            "203.0.113.7/24",
            "::/129",
            "::/+1",
            "::/",
            "x",
        ] {
            assert!(wrong.parse::<Prefix>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn mapped_addresses_are_their_ipv4_addresses() {
        let covers = |outer, inner| prefix(outer).covers(prefix(inner));
        assert!(covers("203.0.113.7", "::ffff:203.0.113.7"));
        assert!(covers("::ffff:203.0.113.0/120", "203.0.113.7"));
        assert!(!covers("::/0", "203.0.113.7"));
        assert!(covers("::/0", "::ffff:203.0.113.7"));
        assert!(!covers("203.0.113.7", "203.0.113.0/24"));
        assert!(prefix("::/64").overlaps(prefix("203.0.113.7")));
        assert!(!prefix("203.0.113.0/24").overlaps(prefix("203.0.112.0/24")));
    }
}
