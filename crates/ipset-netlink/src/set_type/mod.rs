//! The types of sets, one file each.

mod hash_ip;
mod hash_net;

use std::{convert::Infallible, fmt, str::FromStr};

use netlink_packet_core::Emitable;

use crate::{DecodeError, Key, RawKey, packet::EntryAttribute};

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
    /// A type that this crate knows by name only. The keys of its entries are
    /// [`RawKey`]s.
    Other(String),
}

impl SetType {
    /// The name in the kernel's spelling, such as `hash:ip`.
    pub fn name(&self) -> &str {
        match self {
            Self::HashIp => hash_ip::DEFINITION.name,
            Self::HashNet => hash_net::DEFINITION.name,
            Self::Other(name) => name,
        }
    }

    pub(crate) fn definition(&self) -> Option<&'static Definition> {
        match self {
            Self::HashIp => Some(&hash_ip::DEFINITION),
            Self::HashNet => Some(&hash_net::DEFINITION),
            Self::Other(_) => None,
        }
    }

    pub(crate) fn is_hash(&self) -> bool {
        self.name().starts_with("hash:")
    }

    /// Makes a key of what an entry has besides its extensions.
    pub(crate) fn decode_key(&self, attributes: &[EntryAttribute]) -> Result<Key, DecodeError> {
        match self.definition() {
            Some(definition) => (definition.decode_key)(attributes),
            None => Ok(raw_key(attributes)),
        }
    }
}

/// What there is to know about a type.
pub(crate) struct Definition {
    name: &'static str,
    /// The newest revision known here.
    pub(crate) revision: u8,
    decode_key: fn(&[EntryAttribute]) -> Result<Key, DecodeError>,
    /// Whether a network is one entry, rather than one for each of its addresses.
    pub(crate) holds_networks: bool,
    pub(crate) has_netmask: bool,
}

/// An address, with or without a prefix length.
fn address_key(attributes: &[EntryAttribute]) -> Result<Key, DecodeError> {
    let mut address = None;
    let mut prefix_length = None;
    for attribute in attributes {
        match attribute {
            EntryAttribute::Ip(ip) => address = Some(*ip),
            EntryAttribute::Cidr(bits) => prefix_length = Some(*bits),
            _ => {}
        }
    }
    let address = address.ok_or_else(|| DecodeError::new("an entry has no address"))?;
    match prefix_length {
        None => Ok(Key::Ip(address)),
        Some(bits) => Key::net(address, bits).map_err(|e| DecodeError::new(e.to_string())),
    }
}

fn raw_key(attributes: &[EntryAttribute]) -> Key {
    let mut bytes = vec![0; attributes.buffer_len()];
    attributes.emit(&mut bytes);
    Key::Other(RawKey::new(bytes))
}

/// Any name is a type; one that this crate does not know is [`SetType::Other`].
impl FromStr for SetType {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok([Self::HashIp, Self::HashNet]
            .into_iter()
            .find(|set_type| set_type.name() == name)
            .unwrap_or_else(|| Self::Other(name.into())))
    }
}

impl fmt::Display for SetType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
