//! The types of sets, one file each.

mod hash_ip;
mod hash_net;

use std::{convert::Infallible, fmt, str::FromStr};

/// What a set can hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SetType {
    /// `hash:ip`: single addresses.
    ///
    /// Adding an IPv4 network adds each of its addresses; an IPv6 network is refused.
    HashIp,
    /// `hash:net`: networks, and single addresses as the smallest of them. An address matches the
    /// set when it lies in any of its networks.
    ///
    /// A prefix length of 0 is refused by the kernel: add the two halves, `0.0.0.0/1` and
    /// `128.0.0.0/1`, or `::/1` and `8000::/1`.
    HashNet,
    /// A type that this crate knows by name only. Such sets can be listed, tested, changed and created without
    /// options; their keys are [`RawKey`](crate::RawKey)s.
    Other(String),
}

impl SetType {
    /// The name in the kernel's spelling, such as `hash:ip`.
    pub fn name(&self) -> &str {
        match self {
            Self::HashIp => "hash:ip",
            Self::HashNet => "hash:net",
            Self::Other(name) => name,
        }
    }
}

/// Any name is a type; one that this crate does not know is [`SetType::Other`].
impl FromStr for SetType {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(match name {
            "hash:ip" => Self::HashIp,
            "hash:net" => Self::HashNet,
            other => Self::Other(other.into()),
        })
    }
}

impl fmt::Display for SetType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
