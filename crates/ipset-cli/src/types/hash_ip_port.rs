use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "hash:ip,port",
    alias: "ipporthash",
    set_type: SetType::HashIpPort,
    families: Families::Both,
    elements: elements!(IpOrRange@Ip Port@Port),
    last_element_optional: false,
    revisions: revisions!(
        1 "SCTP and UDPLITE support"
        2 "counters support"
        3 "comment support"
        4 "forceadd support"
        5 "skbinfo support"
        6 "bucketsize, initval support"
        7 "netmask and bitmask support"
    ),
    create: CommandSpec {
        help: "",
        arguments: arguments!(
            Family Inet Inet6 HashSize MaxElem Timeout Counters@2 Comments@3
            ForceAdd@4 SkbInfo@5 BucketSize@6 InitVal@6 Netmask@7 Bitmask@7
            Probes Resize IgnoredFrom IgnoredTo IgnoredNetwork
        ),
        needed: fields!(),
        allowed: fields!(),
    },
    add: CommandSpec {
        help: "IP,[PROTO:]PORT",
        arguments: arguments!(
            Timeout Packets@2 Bytes@2 Comment@3 SkbMark@5 SkbPrio@5 SkbQueue@5
        ),
        needed: fields!(Ip Protocol Port),
        allowed: fields!(Ip IpTo Protocol Port PortTo),
    },
    del: CommandSpec {
        help: "IP,[PROTO:]PORT",
        arguments: arguments!(),
        needed: fields!(Ip Protocol Port),
        allowed: fields!(Ip IpTo Protocol Port PortTo),
    },
    test: CommandSpec {
        help: "IP,[PROTO:]PORT",
        arguments: arguments!(),
        needed: fields!(Ip Protocol Port),
        allowed: fields!(Ip Protocol Port),
    },
    usage: &[
        "where depending on the INET family",
        "      IP is a valid IPv4 or IPv6 address (or hostname).",
        "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form",
        "      is supported for IPv4.",
        "      Adding/deleting multiple elements with TCP/SCTP/UDP/UDPLITE",
        "      port range is supported both for IPv4 and IPv6.",
    ],
    explains_ports: true,
};
