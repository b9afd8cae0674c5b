//! The types that are known, a row each.

use super::Dimension::{
    Interface, Ip, Mac, Mark, Net, OptionalMac, Port, PortOfAnyProtocol, Set, SingleIp,
};
use super::{Definition, Dimension, SetType};

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
