use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "hash:net,port",
    alias: "netporthash",
    set_type: SetType::HashNetPort,
    families: Families::Both,
    elements: elements!(Net@Ip Port@Port),
    last_element_optional: false,
    revisions: revisions!(
        1 "SCTP and UDPLITE support"
        2 "Add/del range support"
        3 "nomatch flag support"
        4 "counters support"
        5 "comment support"
        6 "forceadd support"
        7 "skbinfo support"
        8 "bucketsize, initval support"
    ),
    create: CommandSpec {
        help: "",
        arguments: arguments!(
            Family Inet Inet6 HashSize MaxElem Timeout Counters@4 Comments@5
            ForceAdd@6 SkbInfo@7 BucketSize@8 InitVal@8
        ),
        needed: fields!(),
        allowed: fields!(),
    },
    add: CommandSpec {
        help: "IP[/CIDR]|FROM-TO,[PROTO:]PORT",
        arguments: arguments!(
            Timeout NoMatch@3 Packets@4 Bytes@4 Comment@5 SkbMark@7 SkbPrio@7
            SkbQueue@7
        ),
        needed: fields!(Ip Protocol Port),
        allowed: fields!(Ip Protocol Port PortTo Cidr IpTo),
    },
    del: CommandSpec {
        help: "IP[/CIDR]|FROM-TO,[PROTO:]PORT",
        arguments: arguments!(),
        needed: fields!(Ip Protocol Port),
        allowed: fields!(Ip Protocol Port PortTo Cidr IpTo),
    },
    test: CommandSpec {
        help: "IP[/CIDR],[PROTO:]PORT",
        arguments: arguments!(NoMatch@3),
        needed: fields!(Ip Protocol Port),
        allowed: fields!(Ip Protocol Port Cidr),
    },
    usage: &[
        "where depending on the INET family",
        "      IP is a valid IPv4 or IPv6 address (or hostname),",
        "      CIDR is a valid IPv4 or IPv6 CIDR prefix.",
        "      Adding/deleting multiple elements with TCP/SCTP/UDP/UDPLITE",
        "      port range is supported both for IPv4 and IPv6.",
    ],
    explains_ports: true,
};
