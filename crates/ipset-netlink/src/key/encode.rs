//! Keys as what becomes attributes of an entry.

use std::net::IpAddr;

use super::{Element, Interface, Key, MacAddress, Port, RawKey};
use crate::SetName;

/// The elements of a key, each in the place of its attributes. The first address of a key and the
/// second have attributes of their own.
#[derive(Default)]
pub(crate) struct Parts<'a> {
    pub(crate) addresses: Option<&'a Element>,
    pub(crate) second_addresses: Option<&'a Element>,
    pub(crate) port: Option<&'a Port>,
    pub(crate) mac: Option<&'a MacAddress>,
    pub(crate) mark: Option<u32>,
    pub(crate) interface: Option<&'a Interface>,
    pub(crate) set: Option<&'a SetName>,
    pub(crate) raw: Option<&'a RawKey>,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(key: &'a Key) -> Self {
        let mut parts = Self::default();
        for element in key.elements() {
            match element {
                Element::Ip(_) | Element::Net(_) | Element::Range(_) => {
                    if parts.addresses.is_none() {
                        parts.addresses = Some(element);
                    } else {
                        parts.second_addresses = Some(element);
                    }
                }
                Element::Port(port) => parts.port = Some(port),
                Element::Mac(address) => parts.mac = Some(address),
                Element::Mark(mark) => parts.mark = Some(*mark),
                Element::Interface(interface) => parts.interface = Some(interface),
                Element::Set(set) => parts.set = Some(set),
                Element::Raw(raw) => parts.raw = Some(raw),
            }
        }
        parts
    }
}

impl Element {
    /// The address, or the first of a network or range.
    pub(crate) fn first_address(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Net(network) => Some(network.address()),
            Self::Range(range) => Some(range.first()),
            _ => None,
        }
    }

    /// The last address of a range.
    pub(crate) fn last_address(&self) -> Option<IpAddr> {
        match self {
            Self::Range(range) => Some(range.last()),
            _ => None,
        }
    }

    /// That of a network.
    pub(crate) fn prefix_length(&self) -> Option<u8> {
        match self {
            Self::Net(network) => Some(network.prefix_length()),
            _ => None,
        }
    }
}
