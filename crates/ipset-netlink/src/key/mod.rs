//! What an entry of a set matches.

mod element;
mod encode;
mod error;
mod interface;
mod mac;
mod network;
mod port;
mod range;
mod raw;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use element::Element;
pub(crate) use encode::Parts;
pub(crate) use error::Fault;
pub use error::KeyError;
pub use interface::{Interface, InterfaceError};
pub use mac::{MacAddress, MacAddressError};
pub use network::Network;
pub use port::{Port, PortError};
pub use range::AddressRange;
pub use raw::RawKey;

use crate::Family;

/// What an entry of a set matches: one to three [`Element`]s, in the order the set's type names
/// them.
///
/// A `hash:net` has keys of one element, a `hash:ip,port,net` of three. Make them from the elements
/// themselves or from tuples of them. As text they are what `ipset` writes, but for names that it
/// looks up: ICMP types and most protocols are numbers here.
///
/// ```
/// use std::net::Ipv4Addr;
/// use ipset_netlink::{Key, Network, Port};
///
/// let host = Ipv4Addr::new(192, 0, 2, 7);
/// assert_eq!(Key::from(host).to_string(), "192.0.2.7");
///
/// let network = Network::new(Ipv4Addr::new(198, 51, 100, 0).into(), 24)?;
/// let key = Key::from((host, Port::tcp(443), network));
/// assert_eq!(key.to_string(), "192.0.2.7,tcp:443,198.51.100.0/24");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Elements);

/// Keys of one element, which nearly all are, need no allocation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Elements {
    One([Element; 1]),
    More(Box<[Element]>),
}

impl Key {
    /// A key of one address.
    pub fn ip(address: IpAddr) -> Self {
        Self::from(address)
    }

    /// A network, or the address itself where the prefix is as long as the address.
    ///
    /// # Errors
    ///
    /// A prefix longer than the address, see [`Network::new`].
    pub fn net(address: IpAddr, prefix_length: u8) -> Result<Self, KeyError> {
        Network::new(address, prefix_length).map(Self::from)
    }

    /// Its elements, one to three.
    pub fn elements(&self) -> &[Element] {
        match &self.0 {
            Elements::One(one) => one,
            Elements::More(more) => more,
        }
    }

    /// The address, in a key that is one address and nothing else.
    pub fn as_ip(&self) -> Option<IpAddr> {
        match self.elements() {
            [Element::Ip(address)] => Some(*address),
            _ => None,
        }
    }

    /// The addresses as a network, in a key that is one address or one network and nothing else.
    pub fn as_network(&self) -> Option<Network> {
        match self.elements() {
            [Element::Ip(address)] => Some(Network::from(*address)),
            [Element::Net(network)] => Some(*network),
            _ => None,
        }
    }

    /// The address family, where the key has one.
    pub fn family(&self) -> Option<Family> {
        self.elements().iter().find_map(Element::family)
    }

    pub(crate) fn of_elements(elements: Vec<Element>) -> Option<Self> {
        match <[Element; 1]>::try_from(elements) {
            Ok(one) => Some(Self(Elements::One(one))),
            Err(more) if more.is_empty() => None,
            Err(more) => Some(Self(Elements::More(more.into()))),
        }
    }
}

impl<E: Into<Element>> From<E> for Key {
    fn from(element: E) -> Self {
        Self(Elements::One([element.into()]))
    }
}

impl<A: Into<Element>, B: Into<Element>> From<(A, B)> for Key {
    fn from((a, b): (A, B)) -> Self {
        Self(Elements::More([a.into(), b.into()].into()))
    }
}

impl<A: Into<Element>, B: Into<Element>, C: Into<Element>> From<(A, B, C)> for Key {
    fn from((a, b, c): (A, B, C)) -> Self {
        Self(Elements::More([a.into(), b.into(), c.into()].into()))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, element) in self.elements().iter().enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            element.fmt(f)?;
        }
        Ok(())
    }
}

impl From<Ipv4Addr> for Element {
    fn from(address: Ipv4Addr) -> Self {
        Self::Ip(address.into())
    }
}

impl From<Ipv6Addr> for Element {
    fn from(address: Ipv6Addr) -> Self {
        Self::Ip(address.into())
    }
}
