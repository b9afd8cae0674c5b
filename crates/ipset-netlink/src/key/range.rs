//! Ranges of addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Network;
use super::error::{Fault, KeyError};
use crate::Family;

/// All addresses from one to another, both included, of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

impl AddressRange {
    /// From `first` to `last`.
    ///
    /// # Errors
    ///
    /// They are of different families, or `last` comes before `first`.
    pub fn new(first: IpAddr, last: IpAddr) -> Result<Self, KeyError> {
        if Family::of(first) != Family::of(last) || last < first {
            return Err(KeyError(Fault::Range { first, last }));
        }
        Ok(Self { first, last })
    }

    /// The first address.
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// The last address.
    pub fn last(&self) -> IpAddr {
        self.last
    }
}

/// That address alone.
impl From<IpAddr> for AddressRange {
    fn from(address: IpAddr) -> Self {
        Self {
            first: address,
            last: address,
        }
    }
}

/// From the first address of the network to the last.
impl From<Network> for AddressRange {
    fn from(network: Network) -> Self {
        let first = network.address();
        let host_bits = |width: u8| u32::from(width - network.prefix_length());
        let last = match first {
            IpAddr::V4(v4) => {
                let hosts = u32::MAX.checked_shr(32 - host_bits(32)).unwrap_or(0);
                Ipv4Addr::from_bits(v4.to_bits() | hosts).into()
            }
            IpAddr::V6(v6) => {
                let hosts = u128::MAX.checked_shr(128 - host_bits(128)).unwrap_or(0);
                Ipv6Addr::from_bits(v6.to_bits() | hosts).into()
            }
        };
        Self { first, last }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}
