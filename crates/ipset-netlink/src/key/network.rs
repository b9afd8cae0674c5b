//! Networks: an address and a prefix length.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::error::{Fault, KeyError};
use crate::Family;

/// A network: an address whose host bits are zero, and a prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    prefix_length: u8,
}

impl Network {
    /// The network that contains `address`; host bits are cleared, as the kernel does.
    ///
    /// A prefix length of 0 is a network like any other here, but no `hash:net` set takes it:
    /// `0.0.0.0/1` and `128.0.0.0/1` together say the same (`::/1` and `8000::/1`).
    ///
    /// # Errors
    ///
    /// A prefix longer than 32 (IPv4) or 128 (IPv6).
    pub fn new(address: IpAddr, prefix_length: u8) -> Result<Self, KeyError> {
        if prefix_length > bits(address) {
            return Err(KeyError(Fault::Prefix {
                address,
                prefix_length,
            }));
        }
        let host_bits = u32::from(bits(address) - prefix_length);
        let address = match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
                Ipv4Addr::from_bits(v4.to_bits() & mask).into()
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
                Ipv6Addr::from_bits(v6.to_bits() & mask).into()
            }
        };
        Ok(Self {
            address,
            prefix_length,
        })
    }

    /// The first address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The number of leading bits that all its addresses share.
    pub fn prefix_length(&self) -> u8 {
        self.prefix_length
    }

    /// Whether `address` lies in it. Never for an address of the other family.
    pub fn contains(&self, address: IpAddr) -> bool {
        Family::of(address) == Family::of(self.address)
            && Self::new(address, self.prefix_length).is_ok_and(|network| network == *self)
    }

    pub(crate) fn is_single_address(self) -> bool {
        self.prefix_length == bits(self.address)
    }
}

/// The network of that address alone.
impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self {
            address,
            prefix_length: bits(address),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_length)
    }
}

fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_its_own_addresses_only() {
        let network = Network::new("192.0.2.9".parse().unwrap(), 24).unwrap();
        assert!(network.contains("192.0.2.255".parse().unwrap()));
        assert!(!network.contains("192.0.3.0".parse().unwrap()));
        assert!(!network.contains("::ffff:192.0.2.1".parse().unwrap()));
    }
}
