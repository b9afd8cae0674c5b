//! A network interface of a host of the world, and the two families of its addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network interface of a host, and what is at the other end of the wire.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Interface {
    /// `eth0` or `eth1`.
    pub name: &'static str,
    /// Its number in its namespace.
    pub index: u32,
    /// Its own MAC address.
    pub mac: [u8; 6],
    /// The MAC address at the other end.
    pub peer_mac: [u8; 6],
    pub(crate) addresses: (IpAddr, IpAddr),
    pub(crate) peer_addresses: (IpAddr, IpAddr),
}

impl Interface {
    /// Its own address.
    pub fn address(&self, family: Family) -> IpAddr {
        family.pick(self.addresses.0, self.addresses.1)
    }

    /// The address at the other end.
    pub fn peer_address(&self, family: Family) -> IpAddr {
        family.pick(self.peer_addresses.0, self.peer_addresses.1)
    }
}

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a test goes through both of them and there is no third"
)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both families.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// The family of `address`.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }

    /// The one of the two that belongs to this family.
    pub fn pick<T>(self, v4: T, v6: T) -> T {
        match self {
            Self::V4 => v4,
            Self::V6 => v6,
        }
    }

    /// The stranger number `n`: an address outside that no host has, whose packets the gateway
    /// answers to the attacker. 198.51.100.n and `2001:db8:66::n`.
    pub fn stranger(self, n: u8) -> IpAddr {
        self.pick(
            Ipv4Addr::new(198, 51, 100, n).into(),
            Ipv6Addr::new(0x2001, 0xdb8, 0x66, 0, 0, 0, 0, n.into()).into(),
        )
    }
}
