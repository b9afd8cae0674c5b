use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "hash:ip,port,net",
    alias: "ipportnethash",
    set_type: SetType::HashIpPortNet,
    families: Families::Both,
    elements: elements!(IpOrRange@Ip Port@Port Net@Ip2),
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
            ForceAdd@6 SkbInfo@7 BucketSize@8 InitVal@8 Probes Resize
            IgnoredFrom IgnoredTo IgnoredNetwork
        ),
        needed: fields!(),
        allowed: fields!(),
    },
    add: CommandSpec {
        help: "IP,[PROTO:]PORT,IP[/CIDR]",
        arguments: arguments!(
            Timeout NoMatch@3 Packets@4 Bytes@4 Comment@5 SkbMark@7 SkbPrio@7
            SkbQueue@7
        ),
        needed: fields!(Ip Protocol Port Ip2),
        allowed: fields!(Ip IpTo Protocol Port PortTo Ip2 Cidr2 Ip2To),
    },
    del: CommandSpec {
        help: "IP,[PROTO:]PORT,IP[/CIDR]",
        arguments: arguments!(),
        needed: fields!(Ip Protocol Port Ip2),
        allowed: fields!(Ip IpTo Protocol Port PortTo Ip2 Cidr2 Ip2To),
    },
    test: CommandSpec {
        help: "IP,[PROTO:]PORT,IP[/CIDR]",
        arguments: arguments!(NoMatch@3),
        needed: fields!(Ip Protocol Port Ip2),
        allowed: fields!(Ip Protocol Port Ip2 Cidr2),
    },
    usage: &[
        "where depending on the INET family",
        "      IP are valid IPv4 or IPv6 addresses (or hostnames),",
        "      CIDR is a valid IPv4 or IPv6 CIDR prefix.",
        "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form",
        "      in the first IP component is supported for IPv4.",
        "      Adding/deleting multiple elements with TCP/SCTP/UDP/UDPLITE",
        "      port range is supported both for IPv4 and IPv6.",
    ],
    explains_ports: true,
};
