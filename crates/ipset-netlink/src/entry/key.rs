use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use crate::Family;

/// What an entry of a set matches.
///
/// As text it is `192.0.2.1` or `192.0.2.0/24`, as `ipset` writes it. A prefix as long as the address
/// is a single address: [`FromStr`], [`Key::net`] and listings all give [`Key::Ip`] for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Key {
    /// One address.
    Ip(IpAddr),
    /// All addresses of a network.
    Net(Network),
    /// The key of an entry in a set whose type this crate does not know.
    Other(RawKey),
}

impl Key {
    /// A network, or the address itself where the prefix is as long as the address.
    ///
    /// # Errors
    ///
    /// A prefix longer than the address, see [`Network::new`].
    pub fn net(address: IpAddr, prefix_length: u8) -> Result<Self, KeyError> {
        Network::new(address, prefix_length).map(Self::from)
    }

    /// The address family, where the key has one.
    pub fn family(&self) -> Option<Family> {
        match self {
            Self::Ip(address) => Some(Family::of(*address)),
            Self::Net(network) => Some(Family::of(network.address())),
            Self::Other(_) => None,
        }
    }
}

impl From<IpAddr> for Key {
    fn from(address: IpAddr) -> Self {
        Self::Ip(address)
    }
}

impl From<Ipv4Addr> for Key {
    fn from(address: Ipv4Addr) -> Self {
        Self::Ip(address.into())
    }
}

impl From<Ipv6Addr> for Key {
    fn from(address: Ipv6Addr) -> Self {
        Self::Ip(address.into())
    }
}

impl From<Network> for Key {
    fn from(network: Network) -> Self {
        if network.is_single_address() {
            Self::Ip(network.address)
        } else {
            Self::Net(network)
        }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_a_key = || KeyError(Fault::Text(text.into()));
        match text.split_once('/') {
            None => text.parse().map(Self::Ip).map_err(|_| not_a_key()),
            Some((address, prefix)) => {
                // u8::from_str takes a sign.
                if !prefix.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(not_a_key());
                }
                let address = address.parse().map_err(|_| not_a_key())?;
                let prefix = prefix.parse().map_err(|_| not_a_key())?;
                Self::net(address, prefix)
            }
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Net(network) => network.fmt(f),
            Self::Other(raw) => raw.fmt(f),
        }
    }
}

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

    fn is_single_address(self) -> bool {
        self.prefix_length == bits(self.address)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_length)
    }
}

/// The key of an entry in a set whose type this crate does not know: the attributes as the kernel
/// sent them. It can be added to a set of the same type, deleted from it, and looked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawKey(Box<[u8]>);

impl RawKey {
    pub(crate) fn new(attributes: Vec<u8>) -> Self {
        Self(attributes.into())
    }

    /// The netlink attributes, one after the other.
    pub fn attributes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for RawKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why something is not a [`Key`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct KeyError(Fault);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("{0:?} is neither an address nor a network (ADDRESS/PREFIX)")]
    Text(Box<str>),
    #[error("a prefix of {prefix_length} bits is longer than the address {address}")]
    Prefix { address: IpAddr, prefix_length: u8 },
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

    fn key(text: &str) -> String {
        text.parse::<Key>()
            .map_or_else(|e| e.to_string(), |key| key.to_string())
    }

    #[test]
    fn reads_and_writes_what_ipset_does() {
        assert_eq!(key("192.0.2.1"), "192.0.2.1");
        assert_eq!(key("192.0.2.1/32"), "192.0.2.1");
        assert_eq!(key("192.0.2.1/24"), "192.0.2.0/24");
        assert_eq!(key("0.0.0.0/0"), "0.0.0.0/0");
        assert_eq!(key("2001:db8::1/128"), "2001:db8::1");
        assert_eq!(key("2001:DB8:0::1/32"), "2001:db8::/32");
    }

    #[test]
    fn refuses_the_rest_and_says_why() {
        for bad in [
            "",
            "/",
            "1.2.3",
            "192.0.2.1/",
            "192.0.2.1/+8",
            "192.0.2.1/256",
            "192.0.2.1/a",
        ] {
            assert_eq!(
                key(bad),
                format!("{bad:?} is neither an address nor a network (ADDRESS/PREFIX)")
            );
        }
        assert_eq!(
            key("192.0.2.1/33"),
            "a prefix of 33 bits is longer than the address 192.0.2.1"
        );
    }

    #[test]
    fn a_network_contains_its_own_addresses_only() {
        let network = Network::new("192.0.2.9".parse().unwrap(), 24).unwrap();
        assert!(network.contains("192.0.2.255".parse().unwrap()));
        assert!(!network.contains("192.0.3.0".parse().unwrap()));
        assert!(!network.contains("::ffff:192.0.2.1".parse().unwrap()));
    }
}
