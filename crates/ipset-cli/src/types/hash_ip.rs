use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "hash:ip",
    alias: "iphash",
    set_type: SetType::HashIp,
    families: Families::Both,
    elements: elements!(IpOrRange@Ip),
    last_element_optional: false,
    revisions: revisions!(
        0 "Initial revision"
        1 "counters support"
        2 "comment support"
        3 "forceadd support"
        4 "skbinfo support"
        5 "bucketsize, initval support"
        6 "bitmask support"
    ),
    create: CommandSpec {
        help: "",
        arguments: arguments!(
            Family Inet Inet6 HashSize MaxElem Netmask Bitmask@6 Timeout
            Counters@1 Comments@2 ForceAdd@3 SkbInfo@4 BucketSize@5 InitVal@5
            Probes Resize Gc
        ),
        needed: fields!(),
        allowed: fields!(),
    },
    add: CommandSpec {
        help: "IP",
        arguments: arguments!(
            Timeout Packets@1 Bytes@1 Comment@2 SkbMark@4 SkbPrio@4 SkbQueue@4
        ),
        needed: fields!(Ip),
        allowed: fields!(Ip IpTo),
    },
    del: CommandSpec {
        help: "IP",
        arguments: arguments!(),
        needed: fields!(Ip),
        allowed: fields!(Ip IpTo),
    },
    test: CommandSpec {
        help: "IP",
        arguments: arguments!(),
        needed: fields!(Ip),
        allowed: fields!(Ip IpTo),
    },
    usage: &[
        "where depending on the INET family",
        "      IP is a valid IPv4 or IPv6 address (or hostname),",
        "      CIDR is a valid IPv4 or IPv6 CIDR prefix.",
        "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form",
        "      is supported for IPv4.",
    ],
    explains_ports: false,
};
