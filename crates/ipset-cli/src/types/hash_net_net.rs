use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "hash:net,net",
    alias: "netnethash",
    set_type: SetType::HashNetNet,
    families: Families::Both,
    elements: elements!(Net@Ip Net@Ip2),
    last_element_optional: false,
    revisions: revisions!(
        0 "initial revision"
        1 "forceadd support"
        2 "skbinfo support"
        3 "bucketsize, initval support"
        4 "netmask and bitmask support"
    ),
    create: CommandSpec {
        help: "",
        arguments: arguments!(
            Family Inet Inet6 HashSize MaxElem Timeout Counters Comments
            ForceAdd@1 SkbInfo@2 BucketSize@3 InitVal@3 Bitmask@4 Netmask@4
        ),
        needed: fields!(),
        allowed: fields!(),
    },
    add: CommandSpec {
        help: "IP[/CIDR]|FROM-TO,IP[/CIDR]|FROM-TO",
        arguments: arguments!(
            Timeout NoMatch Packets Bytes Comment SkbMark@2 SkbPrio@2 SkbQueue@2
        ),
        needed: fields!(Ip Ip2),
        allowed: fields!(Ip Cidr IpTo Ip2 Cidr2 Ip2To),
    },
    del: CommandSpec {
        help: "IP[/CIDR]|FROM-TO,IP[/CIDR]|FROM-TO",
        arguments: arguments!(),
        needed: fields!(Ip Ip2),
        allowed: fields!(Ip Cidr IpTo Ip2 Cidr2 Ip2To),
    },
    test: CommandSpec {
        help: "IP[/CIDR],IP[/CIDR]",
        arguments: arguments!(NoMatch),
        needed: fields!(Ip Ip2),
        allowed: fields!(Ip Cidr Ip2 Cidr2),
    },
    usage: &[
        "where depending on the INET family",
        "      IP is an IPv4 or IPv6 address (or hostname),",
        "      CIDR is a valid IPv4 or IPv6 CIDR prefix.",
        "      IP range is not supported with IPv6.",
    ],
    explains_ports: false,
};
