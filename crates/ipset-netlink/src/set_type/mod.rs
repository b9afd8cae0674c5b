//! The types of sets. A type is a row of a table.

mod room;
mod table;

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use self::table::KNOWN;
pub use self::table::SetType;
use crate::{Element, Key};

impl SetType {
    /// All types that are known here. A kernel need not have all of them: ask it with
    /// [`IpSet::revisions`](crate::IpSet::revisions).
    pub fn all() -> impl Iterator<Item = Self> {
        KNOWN.iter().map(|known| known.set_type.clone())
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
        KNOWN.iter().find(|known| known.set_type == *self)
    }

    /// Whether a set of this type can have entries with this key, whatever the family.
    pub fn accepts(&self, key: &Key) -> bool {
        match (self.definition(), key.elements()) {
            (None, [Element::Raw(_)]) => true,
            (None, _) => false,
            (Some(definition), elements) => definition.accepts(elements),
        }
    }

    /// How a set of this type keeps its entries; `None` for a name that names no such way.
    pub fn method(&self) -> Option<Method> {
        match self.name().split_once(':')?.0 {
            "bitmap" => Some(Method::Bitmap),
            "hash" => Some(Method::Hash),
            "list" => Some(Method::List),
            _ => None,
        }
    }

    /// What the key of an entry is made of, in order, as in the type's name; nothing for
    /// [`SetType::Other`].
    ///
    /// ```
    /// use ipset_netlink::{Dimension, SetType};
    ///
    /// assert_eq!(SetType::HashNetPort.dimensions(), [Dimension::Net, Dimension::Port]);
    /// ```
    pub fn dimensions(&self) -> &'static [Dimension] {
        self.definition()
            .map_or(&[], |definition| definition.dimensions)
    }

    /// Whether entries can be exceptions (`nomatch`): those of networks can.
    pub fn holds_networks(&self) -> bool {
        self.dimensions().contains(&Dimension::Net)
    }

    /// Whether entries have an address. A set of such a type is of family IPv4 or, except for
    /// bitmaps, IPv6.
    pub fn holds_addresses(&self) -> bool {
        self.dimensions()
            .iter()
            .any(|dimension| dimension.is_address())
    }

    /// Whether a set of this type can be created with the option, by the word that `ipset create`
    /// has for it, such as `maxelem`. Of [`SetType::Other`] only the method is known, so it takes
    /// every word that is not another method's.
    ///
    /// ```
    /// use ipset_netlink::SetType;
    ///
    /// assert!(SetType::HashIp.takes("netmask"));
    /// assert!(!SetType::HashNet.takes("netmask"));
    /// ```
    pub fn takes(&self, option: &str) -> bool {
        let definition = self.definition();
        let method = match option {
            "timeout" | "counters" | "comment" | "skbinfo" => return true,
            "family" if definition.is_some() && !self.holds_addresses() => return false,
            "family" | "hashsize" | "maxelem" | "bucketsize" | "initval" | "forceadd" => {
                Method::Hash
            }
            "range" => Method::Bitmap,
            "size" => Method::List,
            _ => return definition.is_none_or(|known| known.options.contains(&option)),
        };
        self.method() == Some(method)
    }
}

/// What there is to know about a type.
#[derive(Debug)]
pub(crate) struct Definition {
    set_type: SetType,
    name: &'static str,
    /// What the key of an entry is made of.
    pub(crate) dimensions: &'static [Dimension],
    /// What a set can be created with besides the options that all sets of its method have: what
    /// leaves bits of an entry out of account.
    pub(crate) options: &'static [&'static str],
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
}

/// One part of the key of an entry, and what it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dimension {
    /// An address. A network or a range stands for an entry for each of its addresses.
    Ip,
    /// An address, and never more than one.
    SingleIp,
    /// A network, or an address as the smallest of them.
    Net,
    /// A port of a protocol.
    Port,
    /// A port whatever the protocol.
    PortOfAnyProtocol,
    /// A MAC address.
    Mac,
    /// A MAC address that may be left out.
    OptionalMac,
    /// A packet mark.
    Mark,
    /// The name of a network interface.
    Interface,
    /// The name of a set.
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

/// How a set keeps its entries, the first word of its type's name. Options and error numbers go by
/// that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// A bit, or a place, for each entry that a range has room for.
    Bitmap,
    /// A hash table.
    Hash,
    /// A list in order.
    List,
}

/// Any name is a type; one that this crate does not know is [`SetType::Other`].
impl FromStr for SetType {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(KNOWN
            .iter()
            .find(|known| known.name == name)
            .map_or_else(|| Self::Other(name.into()), |known| known.set_type.clone()))
    }
}

impl fmt::Display for SetType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
