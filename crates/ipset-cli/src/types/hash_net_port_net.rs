use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "hash:net,port,net",
    alias: "netportnethash",
    set_type: SetType::HashNetPortNet,
    families: Families::Both,
    elements: elements!(Net@Ip Port@Port Net@Ip2),
    last_element_optional: false,
    revisions: revisions!(
        0 "initial revision"
        1 "forceadd support"
        2 "skbinfo support"
        3 "bucketsize, initval support"
    ),
    create: CommandSpec {
        help: "",
        arguments: arguments!(
            Family Inet Inet6 HashSize MaxElem Timeout Counters Comments
            ForceAdd@1 SkbInfo@2 BucketSize@3 InitVal@3
        ),
        needed: fields!(),
        allowed: fields!(),
    },
    add: CommandSpec {
        help: "IP[/CIDR],[PROTO:]PORT,IP[/CIDR]",
        arguments: arguments!(
            Timeout NoMatch Packets Bytes Comment SkbMark@2 SkbPrio@2 SkbQueue@2
        ),
        needed: fields!(Ip Protocol Port Ip2),
        allowed: fields!(Ip Protocol Port PortTo Cidr IpTo Ip2 Cidr2 Ip2To),
    },
    del: CommandSpec {
        help: "IP[/CIDR],[PROTO:]PORT,IP[/CIDR]",
        arguments: arguments!(),
        needed: fields!(Ip Protocol Port Ip2),
        allowed: fields!(Ip Protocol Port PortTo Cidr IpTo Ip2 Cidr2 Ip2To),
    },
    test: CommandSpec {
        help: "IP[/CIDR],[PROTO:]PORT,IP[/CIDR]",
        arguments: arguments!(NoMatch),
        needed: fields!(Ip Protocol Port Ip2),
        allowed: fields!(Ip Protocol Port Cidr Ip2 Cidr2),
    },
    usage: &[
        "where depending on the INET family",
        "      IP are valid IPv4 or IPv6 addresses (or hostnames),",
        "      CIDR is a valid IPv4 or IPv6 CIDR prefix.",
        "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form",
        "      in both IP components are supported for IPv4.",
        "      Adding/deleting multiple elements with TCP/SCTP/UDP/UDPLITE",
        "      port range is supported both for IPv4 and IPv6.",
    ],
    explains_ports: true,
};
