//! Addresses and networks.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::{BuildError, Family};

/// An address or a network, the host bits always zero.
///
/// ```
/// use iptables_ruleset::Network;
///
/// let network: Network = "192.0.2.77/24".parse()?;
/// assert_eq!(network.to_string(), "192.0.2.0/24");
/// assert_eq!("2001:db8::1".parse::<Network>()?.to_string(), "2001:db8::1/128");
/// # Ok::<(), iptables_ruleset::BuildError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    prefix_length: u8,
}

impl Network {
    /// The network of `address` with the first `prefix_length` bits fixed.
    ///
    /// # Errors
    /// When the prefix is longer than an address of that family: 32 or 128 bits.
    pub fn new(address: IpAddr, prefix_length: u8) -> Result<Self, BuildError> {
        let family = Family::of(address);
        if prefix_length > family.address_bits() {
            let reason = format!(
                "an {family} prefix has at most {} bits",
                family.address_bits()
            );
            return Err(BuildError::value(
                "network",
                format!("{address}/{prefix_length}"),
                reason,
            ));
        }
        let address = match address {
            IpAddr::V4(v4) => {
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask_v4(prefix_length)))
            }
            IpAddr::V6(v6) => {
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask_v6(prefix_length)))
            }
        };
        Ok(Self {
            address,
            prefix_length,
        })
    }

    /// The address, its host bits zero.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The address with its host bits one: the last of the network.
    ///
    /// ```
    /// use iptables_ruleset::Network;
    ///
    /// let office: Network = "192.0.2.128/25".parse()?;
    /// assert_eq!(office.last_address().to_string(), "192.0.2.255");
    /// # Ok::<(), iptables_ruleset::BuildError>(())
    /// ```
    pub fn last_address(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(v4) => {
                Ipv4Addr::from_bits(v4.to_bits() | !mask_v4(self.prefix_length)).into()
            }
            IpAddr::V6(v6) => {
                Ipv6Addr::from_bits(v6.to_bits() | !mask_v6(self.prefix_length)).into()
            }
        }
    }

    /// How many bits are fixed: 0 to 32, or 0 to 128.
    pub fn prefix_length(&self) -> u8 {
        self.prefix_length
    }

    /// The family of the address.
    pub fn family(&self) -> Family {
        Family::of(self.address)
    }

    /// Whether `address` is in it; none of the other family is.
    pub fn contains(&self, address: IpAddr) -> bool {
        Self::new(address, self.prefix_length).is_ok_and(|of_address| of_address == *self)
    }

    /// Whether every address of `family` is in one of `networks`, as with the two halves
    /// `0.0.0.0/1` and `128.0.0.0/1`.
    pub fn cover_all(networks: impl IntoIterator<Item = Self>, family: Family) -> bool {
        let of_family = networks.into_iter().filter(|one| one.family() == family);
        let mut ranges: Vec<(u128, u128)> = of_family.map(Self::range).collect();
        ranges.sort_unstable();
        let last = u128::MAX >> (128 - u32::from(family.address_bits()));
        let mut next = 0;
        for (first, end) in ranges {
            if first > next {
                return false;
            }
            if end == last {
                return true;
            }
            next = next.max(end + 1);
        }
        false
    }

    /// The first and the last address as numbers.
    fn range(self) -> (u128, u128) {
        match self.address {
            IpAddr::V4(v4) => (
                v4.to_bits().into(),
                (v4.to_bits() | !mask_v4(self.prefix_length)).into(),
            ),
            IpAddr::V6(v6) => (v6.to_bits(), v6.to_bits() | !mask_v6(self.prefix_length)),
        }
    }

    /// The network of an address of which only the leading octets are given.
    pub(crate) fn of_octets(family: Family, octets: &[u8], prefix_length: u8) -> Option<Self> {
        let mut whole = [0; 16];
        whole.get_mut(..octets.len())?.copy_from_slice(octets);
        let address = match family {
            Family::Ipv4 => IpAddr::from(*whole.first_chunk::<4>()?),
            Family::Ipv6 => IpAddr::from(whole),
        };
        Self::new(address, prefix_length).ok()
    }

    /// The address in network order.
    pub(crate) fn octets(&self) -> Vec<u8> {
        match self.address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        }
    }

    /// The mask in network order.
    pub(crate) fn mask(&self) -> Vec<u8> {
        match self.family() {
            Family::Ipv4 => mask_v4(self.prefix_length).to_be_bytes().to_vec(),
            Family::Ipv6 => mask_v6(self.prefix_length).to_be_bytes().to_vec(),
        }
    }
}

fn mask_v4(prefix_length: u8) -> u32 {
    u32::MAX
        .checked_shl(32 - u32::from(prefix_length))
        .unwrap_or(0)
}

fn mask_v6(prefix_length: u8) -> u128 {
    u128::MAX
        .checked_shl(128 - u32::from(prefix_length))
        .unwrap_or(0)
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self {
            address,
            prefix_length: Family::of(address).address_bits(),
        }
    }
}

impl FromStr for Network {
    type Err = BuildError;

    fn from_str(text: &str) -> Result<Self, BuildError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| {
            BuildError::value("network", text, "expected an address or ADDRESS/PREFIX")
        })?;
        match prefix {
            None => Ok(address.into()),
            Some(prefix) => {
                let digits = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
                let length = prefix
                    .parse::<u8>()
                    .ok()
                    .filter(|_| digits)
                    .ok_or_else(|| {
                        BuildError::value(
                            "network",
                            text,
                            "the prefix length after \"/\" must be a number of bits",
                        )
                    })?;
                Self::new(address, length)
            }
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_that_leave_nobody_out_are_known() {
        let cover = |family, networks: &[&str]| {
            let networks = networks.iter().map(|text| text.parse().unwrap());
            Network::cover_all(networks, family)
        };
        assert!(cover(Family::Ipv4, &["128.0.0.0/1", "0.0.0.0/1"]));
        assert!(cover(Family::Ipv4, &["0.0.0.0/0"]));
        assert!(cover(
            Family::Ipv4,
            &["0.0.0.0/2", "10.0.0.0/8", "64.0.0.0/2", "128.0.0.0/1"]
        ));
        assert!(cover(Family::Ipv6, &["::/1", "8000::/1", "0.0.0.0/1"]));
        assert!(!cover(
            Family::Ipv4,
            &["0.0.0.0/1", "128.0.0.0/2", "193.0.0.0/8"]
        ));
        assert!(!cover(Family::Ipv4, &["::/0"]));
        assert!(!cover(Family::Ipv6, &["8000::/1"]));
        assert!(!cover(Family::Ipv6, &[]));
    }

    #[test]
    fn host_bits_are_cleared_and_prefixes_checked() {
        for (text, canonical) in [
            ("192.0.2.77/24", "192.0.2.0/24"),
            ("192.0.2.77", "192.0.2.77/32"),
            ("255.255.255.255/0", "0.0.0.0/0"),
            ("2001:DB8:0::FFFF/120", "2001:db8::ff00/120"),
            ("ffff::/0", "::/0"),
        ] {
            assert_eq!(
                text.parse::<Network>().map(|n| n.to_string()),
                Ok(canonical.to_owned()),
                "{text}"
            );
        }
        for bad in [
            "",
            "192.0.2.1/33",
            "::/129",
            "192.0.2.1/",
            "192.0.2.1/+8",
            "192.0.2.1/8/8",
            "host",
            "1.2.3/8",
        ] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
