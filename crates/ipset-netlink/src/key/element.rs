//! The elements that keys are made of.

use std::fmt;
use std::net::IpAddr;

use super::{AddressRange, Interface, MacAddress, Network, Port, RawKey};
use crate::{Family, SetName};

/// One of the things that a [`Key`](crate::Key) is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Element {
    /// One address.
    Ip(IpAddr),
    /// All addresses of a network. A prefix as long as the address is [`Element::Ip`]: listings
    /// never give a `Net` for it, and converting a [`Network`] does not make one.
    Net(Network),
    /// All addresses from one to another, to be added or deleted; listings do not have it. A type
    /// that holds networks gets the networks that make up the range, the others its addresses.
    Range(AddressRange),
    /// A port, or a range of ports to be added or deleted.
    Port(Port),
    /// The address of a network card.
    Mac(MacAddress),
    /// The mark of a packet.
    Mark(u32),
    /// A network interface.
    Interface(Interface),
    /// Another set.
    Set(SetName),
    /// All there is in a key of a set whose type this crate does not know.
    Raw(RawKey),
}

impl Element {
    /// The address family, of an element that has one.
    pub fn family(&self) -> Option<Family> {
        match self {
            Self::Ip(address) => Some(Family::of(*address)),
            Self::Net(network) => Some(Family::of(network.address())),
            Self::Range(range) => Some(Family::of(range.first())),
            _ => None,
        }
    }
}

impl From<IpAddr> for Element {
    fn from(address: IpAddr) -> Self {
        Self::Ip(address)
    }
}

impl From<Network> for Element {
    fn from(network: Network) -> Self {
        if network.is_single_address() {
            Self::Ip(network.address())
        } else {
            Self::Net(network)
        }
    }
}

impl From<AddressRange> for Element {
    fn from(range: AddressRange) -> Self {
        Self::Range(range)
    }
}

impl From<Port> for Element {
    fn from(port: Port) -> Self {
        Self::Port(port)
    }
}

impl From<MacAddress> for Element {
    fn from(address: MacAddress) -> Self {
        Self::Mac(address)
    }
}

impl From<Interface> for Element {
    fn from(interface: Interface) -> Self {
        Self::Interface(interface)
    }
}

impl From<SetName> for Element {
    fn from(set: SetName) -> Self {
        Self::Set(set)
    }
}

impl From<RawKey> for Element {
    fn from(raw: RawKey) -> Self {
        Self::Raw(raw)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Net(network) => network.fmt(f),
            Self::Range(range) => range.fmt(f),
            Self::Port(port) => port.fmt(f),
            Self::Mac(address) => address.fmt(f),
            Self::Mark(mark) => write!(f, "{mark:#010x}"),
            Self::Interface(interface) => interface.fmt(f),
            Self::Set(set) => set.fmt(f),
            Self::Raw(raw) => raw.fmt(f),
        }
    }
}
