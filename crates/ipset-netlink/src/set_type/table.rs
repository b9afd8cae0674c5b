//! The types that are known: a variant, which says what sets of it hold, and a row each.

use super::Dimension::{
    Interface, Ip, Mac, Mark, Net, OptionalMac, Port, PortOfAnyProtocol, Set, SingleIp,
};
use super::{Definition, Dimension};

/// What a set can hold. The name says what an entry is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SetType {
    /// `bitmap:ip`: single IPv4 addresses out of one range of at most 65536, which the set is
    /// created with ([`CreateSet::range`](crate::CreateSet::range)). With a netmask, networks of
    /// that size.
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
    /// `hash:net,iface`: networks with a network interface each. Here a prefix length of 0 is
    /// possible.
    HashNetIface,
    /// `list:set`: other sets, asked one after the other. They have an order: see
    /// [`Entry::before`](crate::Entry::before).
    ListSet,
    /// A type that this crate knows by name only. The keys of its entries are
    /// [`RawKey`](crate::RawKey)s.
    Other(String),
}

/// Variant, name, what an entry is made of, and what `create` takes besides the options of all sets
/// of the method.
#[rustfmt::skip]
pub(super) static KNOWN: [Definition; 16] = [
    row(SetType::BitmapIp, "bitmap:ip", &[Ip], &["netmask"]),
    row(SetType::BitmapIpMac, "bitmap:ip,mac", &[SingleIp, OptionalMac], &[]),
    row(SetType::BitmapPort, "bitmap:port", &[PortOfAnyProtocol], &[]),
    row(SetType::HashIp, "hash:ip", &[Ip], &["netmask", "bitmask"]),
    row(SetType::HashMac, "hash:mac", &[Mac], &[]),
    row(SetType::HashIpMac, "hash:ip,mac", &[SingleIp, Mac], &[]),
    row(SetType::HashNet, "hash:net", &[Net], &[]),
    row(SetType::HashNetNet, "hash:net,net", &[Net, Net], &["netmask", "bitmask"]),
    row(SetType::HashIpPort, "hash:ip,port", &[Ip, Port], &["netmask", "bitmask"]),
    row(SetType::HashNetPort, "hash:net,port", &[Net, Port], &[]),
    row(SetType::HashIpPortIp, "hash:ip,port,ip", &[Ip, Port, SingleIp], &[]),
    row(SetType::HashIpPortNet, "hash:ip,port,net", &[Ip, Port, Net], &[]),
    row(SetType::HashIpMark, "hash:ip,mark", &[Ip, Mark], &["markmask"]),
    row(SetType::HashNetPortNet, "hash:net,port,net", &[Net, Port, Net], &[]),
    row(SetType::HashNetIface, "hash:net,iface", &[Net, Interface], &[]),
    row(SetType::ListSet, "list:set", &[Set], &[]),
];

const fn row(
    set_type: SetType,
    name: &'static str,
    dimensions: &'static [Dimension],
    options: &'static [&'static str],
) -> Definition {
    Definition {
        set_type,
        name,
        dimensions,
        options,
    }
}
