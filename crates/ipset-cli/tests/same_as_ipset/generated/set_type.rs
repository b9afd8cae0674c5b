//! What a script has to know of each set type.

/// A part of an element.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    Ip,
    Net,
    /// With its protocol.
    Port,
    /// Of a `bitmap:port`.
    BitmapPort,
    /// Of a bitmap: IPv4 from a small range.
    BitmapIp,
    Mac,
    Mark,
    Interface,
    Set,
}

use Part::{BitmapIp, BitmapPort, Interface, Ip, Mac, Mark, Net, Port, Set};

pub(crate) struct SetType {
    pub(crate) name: &'static str,
    /// Another name that the tool takes.
    pub(crate) alias: &'static str,
    pub(crate) parts: &'static [Part],
    /// Options of `create` beside those that nearly all types have.
    pub(crate) own: &'static [&'static str],
}

const fn hash(
    name: &'static str,
    alias: &'static str,
    parts: &'static [Part],
    own: &'static [&'static str],
) -> SetType {
    SetType {
        name,
        alias,
        parts,
        own,
    }
}

pub(crate) static SET_TYPES: [SetType; 16] = [
    hash("bitmap:ip", "ipmap", &[BitmapIp], &["range", "netmask"]),
    hash("bitmap:ip,mac", "macipmap", &[BitmapIp, Mac], &["range"]),
    hash("bitmap:port", "portmap", &[BitmapPort], &["range"]),
    hash("hash:ip", "iphash", &[Ip], &["netmask", "bitmask"]),
    hash("hash:mac", "machash", &[Mac], &[]),
    hash("hash:ip,mac", "ipmachash", &[Ip, Mac], &["bitmask"]),
    hash("hash:net", "nethash", &[Net], &["nomatch"]),
    hash(
        "hash:net,net",
        "netnethash",
        &[Net, Net],
        &["nomatch", "netmask", "bitmask"],
    ),
    hash(
        "hash:ip,port",
        "ipporthash",
        &[Ip, Port],
        &["netmask", "bitmask"],
    ),
    hash("hash:net,port", "netporthash", &[Net, Port], &["nomatch"]),
    hash("hash:ip,port,ip", "ipportiphash", &[Ip, Port, Ip], &[]),
    hash(
        "hash:ip,port,net",
        "ipportnethash",
        &[Ip, Port, Net],
        &["nomatch"],
    ),
    hash("hash:ip,mark", "ipmarkhash", &[Ip, Mark], &["markmask"]),
    hash(
        "hash:net,port,net",
        "netportnethash",
        &[Net, Port, Net],
        &["nomatch"],
    ),
    hash(
        "hash:net,iface",
        "netifacehash",
        &[Net, Interface],
        &["nomatch", "wildcard"],
    ),
    hash("list:set", "setlist", &[Set], &["size", "before"]),
];

impl SetType {
    pub(crate) fn is_hash(&self) -> bool {
        self.name.starts_with("hash:")
    }

    pub(crate) fn has_own(&self, option: &str) -> bool {
        self.own.contains(&option)
    }

    /// Whether its elements have addresses of a family.
    pub(crate) fn has_family(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Ip | Net))
    }
}
