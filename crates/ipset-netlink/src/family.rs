//! Address families.

use std::fmt;
use std::net::IpAddr;

/// The address family of a set. A set holds addresses of one family only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
    /// None: what sets that hold no addresses of their own have, such as `list:set`.
    Unspec,
    /// One this crate does not know, by its number (`NFPROTO_*`).
    Other(u8),
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Inet,
            IpAddr::V6(_) => Self::Inet6,
        }
    }
}

impl From<u8> for Family {
    fn from(number: u8) -> Self {
        match number {
            NFPROTO_UNSPEC => Self::Unspec,
            NFPROTO_IPV4 => Self::Inet,
            NFPROTO_IPV6 => Self::Inet6,
            other => Self::Other(other),
        }
    }
}

impl From<Family> for u8 {
    fn from(family: Family) -> Self {
        match family {
            Family::Unspec => NFPROTO_UNSPEC,
            Family::Inet => NFPROTO_IPV4,
            Family::Inet6 => NFPROTO_IPV6,
            Family::Other(number) => number,
        }
    }
}

impl From<IpAddr> for Family {
    fn from(address: IpAddr) -> Self {
        Self::of(address)
    }
}

/// As `ipset` writes it: `inet`, `inet6`, `unspec`, or the number.
impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet => f.pad("inet"),
            Self::Inet6 => f.pad("inet6"),
            Self::Unspec => f.pad("unspec"),
            Self::Other(number) => number.fmt(f),
        }
    }
}

// linux/netfilter.h
const NFPROTO_UNSPEC: u8 = 0;
const NFPROTO_IPV4: u8 = 2;
const NFPROTO_IPV6: u8 = 10;
