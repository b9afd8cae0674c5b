//! The types of sets, one file each.

mod bitmap_ip;
mod bitmap_ip_mac;
mod bitmap_port;
mod hash_ip;
mod hash_ip_mac;
mod hash_ip_mark;
mod hash_ip_port;
mod hash_ip_port_ip;
mod hash_ip_port_net;
mod hash_mac;
mod hash_net;
mod hash_net_iface;
mod hash_net_net;
mod hash_net_port;
mod hash_net_port_net;
mod list_set;
mod room;

use std::{convert::Infallible, fmt, str::FromStr};

use crate::{Element, Key};

/// What a set can hold. The name says what an entry is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SetType {
    /// `bitmap:ip`: single IPv4 addresses out of one range of at most 65536, which the set is created
    /// with ([`CreateSet::range`](crate::CreateSet::range)). With a netmask, networks of that size.
    BitmapIp,
    /// `bitmap:ip,mac`: IPv4 addresses out of one range, each with the MAC address a packet from it
    /// must have. Without one, the card of the first packet that matches is taken.
    BitmapIpMac,
    /// `bitmap:port`: ports out of one range, whatever the protocol.
    BitmapPort,
    /// `hash:ip`: single addresses.
    ///
    /// Adding an IPv4 network or range adds each of its addresses; an IPv6 network is refused.
    HashIp,
    /// `hash:mac`: MAC addresses.
    HashMac,
    /// `hash:ip,mac`: addresses with a MAC address each.
    HashIpMac,
    /// `hash:net`: networks, and single addresses as the smallest of them. An address matches the
    /// set when it lies in any of its networks.
    ///
    /// A prefix length of 0 is refused by the kernel: add the two halves, `0.0.0.0/1` and
    /// `128.0.0.0/1`, or `::/1` and `8000::/1`.
    HashNet,
    /// `hash:net,net`: pairs of networks.
    HashNetNet,
    /// `hash:ip,port`: addresses with a port of a protocol each.
    HashIpPort,
    /// `hash:net,port`: networks with a port of a protocol each.
    HashNetPort,
    /// `hash:ip,port,ip`: an address, a port of a protocol and a second address.
    HashIpPortIp,
    /// `hash:ip,port,net`: an address, a port of a protocol and a network.
    HashIpPortNet,
    /// `hash:ip,mark`: addresses with a packet mark each.
    HashIpMark,
    /// `hash:net,port,net`: a network, a port of a protocol and a second network.
    HashNetPortNet,
    /// `hash:net,iface`: networks with a network interface each. Here a prefix length of 0 is possible.
    HashNetIface,
    /// `list:set`: other sets, asked one after the other. They have an order: see
    /// [`Entry::before`](crate::Entry::before).
    ListSet,
    /// A type that this crate knows by name only. The keys of its entries are
    /// [`RawKey`](crate::RawKey)s.
    Other(String),
}

impl SetType {
    /// All types that are known here. A kernel need not have all of them: ask it with
    /// [`IpSet::revisions`](crate::IpSet::revisions).
    pub fn all() -> impl Iterator<Item = Self> {
        KNOWN.iter().map(|(set_type, _)| set_type.clone())
    }

    /// The name in the kernel's spelling, such as `hash:ip`.
    pub fn name(&self) -> &str {
        match (self, self.definition()) {
            (Self::Other(name), _) => name,
            (_, Some(definition)) => definition.name,
            (_, None) => "",
        }
    }

    pub(crate) fn definition(&self) -> Option<&'static Definition> {
        KNOWN
            .iter()
            .find(|(known, _)| known == self)
            .map(|(_, definition)| *definition)
    }

    /// Whether a set of this type can have entries with this key, whatever the family.
    pub fn accepts(&self, key: &Key) -> bool {
        match (self.definition(), key.elements()) {
            (None, [Element::Raw(_)]) => true,
            (None, _) => false,
            (Some(definition), elements) => definition.accepts(elements),
        }
    }

    pub(crate) fn kind(&self) -> Option<Kind> {
        match self.name().split_once(':')?.0 {
            "bitmap" => Some(Kind::Bitmap),
            "hash" => Some(Kind::Hash),
            "list" => Some(Kind::List),
            _ => None,
        }
    }
}

/// What there is to know about a type.
#[derive(Debug)]
pub(crate) struct Definition {
    name: &'static str,
    /// What the key of an entry is made of.
    pub(crate) dimensions: &'static [Dimension],
    /// What a set can be created with besides the options that all sets of its kind have.
    pub(crate) masks: &'static [Mask],
}

impl Definition {
    fn accepts(&self, elements: &[Element]) -> bool {
        self.fits(elements, Dimension::accepts)
    }

    /// Whether these can be the elements of one entry.
    pub(crate) fn holds(&self, elements: &[Element]) -> bool {
        self.fits(elements, Dimension::holds)
    }

    fn fits(&self, elements: &[Element], fits: impl Fn(Dimension, &Element) -> bool) -> bool {
        let mut elements = elements.iter().peekable();
        for dimension in self.dimensions {
            let found = elements.next_if(|element| fits(*dimension, element));
            if found.is_none() && *dimension != Dimension::OptionalMac {
                return false;
            }
        }
        elements.next().is_none()
    }

    /// Whether its entries have addresses, and so a family.
    pub(crate) fn holds_addresses(&self) -> bool {
        self.dimensions
            .iter()
            .any(|dimension| dimension.is_address())
    }

    /// Whether its entries can be exceptions (`nomatch`).
    pub(crate) fn holds_networks(&self) -> bool {
        self.dimensions.contains(&Dimension::Net)
    }

    /// Whether its entries have an order.
    pub(crate) fn holds_sets(&self) -> bool {
        self.dimensions.contains(&Dimension::Set)
    }
}

/// One part of the keys of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    /// An address; a network or a range is one entry for each of its addresses.
    Ip,
    /// An address, and never more than one.
    SingleIp,
    Net,
    Port,
    PortOfAnyProtocol,
    Mac,
    OptionalMac,
    Mark,
    Interface,
    Set,
}

impl Dimension {
    pub(crate) fn is_address(self) -> bool {
        matches!(self, Self::Ip | Self::SingleIp | Self::Net)
    }

    /// Whether an entry can have this element, rather than be one of the many that it stands for.
    pub(crate) fn holds(self, element: &Element) -> bool {
        match element {
            Element::Range(_) => false,
            Element::Net(_) => self == Self::Net,
            Element::Port(port) => !port.is_range(),
            _ => self.accepts(element),
        }
    }

    fn accepts(self, element: &Element) -> bool {
        match (self, element) {
            (Self::Ip | Self::Net, Element::Ip(_) | Element::Net(_) | Element::Range(_))
            | (Self::SingleIp, Element::Ip(_))
            | (Self::Mac | Self::OptionalMac, Element::Mac(_))
            | (Self::Mark, Element::Mark(_))
            | (Self::Interface, Element::Interface(_))
            | (Self::Set, Element::Set(_)) => true,
            (Self::Port, Element::Port(port)) => port.protocol().is_some() && port.is_kept(),
            (Self::PortOfAnyProtocol, Element::Port(port)) => port.protocol().is_none(),
            _ => false,
        }
    }
}

/// An option that leaves bits of an entry out of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mask {
    Prefix,
    Bits,
    Mark,
}

/// How a type keeps its entries; its options and error numbers go by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bitmap,
    Hash,
    List,
}

/// Any name is a type; one that this crate does not know is [`SetType::Other`].
impl FromStr for SetType {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(KNOWN
            .iter()
            .find(|(_, definition)| definition.name == name)
            .map_or_else(|| Self::Other(name.into()), |(known, _)| known.clone()))
    }
}

impl fmt::Display for SetType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

static KNOWN: [(SetType, &Definition); 16] = [
    (SetType::BitmapIp, &bitmap_ip::DEFINITION),
    (SetType::BitmapIpMac, &bitmap_ip_mac::DEFINITION),
    (SetType::BitmapPort, &bitmap_port::DEFINITION),
    (SetType::HashIp, &hash_ip::DEFINITION),
    (SetType::HashMac, &hash_mac::DEFINITION),
    (SetType::HashIpMac, &hash_ip_mac::DEFINITION),
    (SetType::HashNet, &hash_net::DEFINITION),
    (SetType::HashNetNet, &hash_net_net::DEFINITION),
    (SetType::HashIpPort, &hash_ip_port::DEFINITION),
    (SetType::HashNetPort, &hash_net_port::DEFINITION),
    (SetType::HashIpPortIp, &hash_ip_port_ip::DEFINITION),
    (SetType::HashIpPortNet, &hash_ip_port_net::DEFINITION),
    (SetType::HashIpMark, &hash_ip_mark::DEFINITION),
    (SetType::HashNetPortNet, &hash_net_port_net::DEFINITION),
    (SetType::HashNetIface, &hash_net_iface::DEFINITION),
    (SetType::ListSet, &list_set::DEFINITION),
];
