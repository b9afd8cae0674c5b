use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "hash:net,iface",
    alias: "netifacehash",
    set_type: SetType::HashNetIface,
    families: Families::Both,
    elements: elements!(Net@Ip Interface@Interface),
    last_element_optional: false,
    revisions: revisions!(
        0 "Initial revision"
        1 "nomatch flag support"
        2 "/0 network support"
        3 "counters support"
        4 "comment support"
        5 "forceadd support"
        6 "skbinfo support"
        7 "skbinfo and wildcard support"
        8 "bucketsize, initval support"
    ),
    create: CommandSpec {
        help: "",
        arguments: arguments!(
            Family Inet Inet6 HashSize MaxElem Timeout Counters@3 Comments@4
            ForceAdd@5 SkbInfo@6 BucketSize@8 InitVal@8
        ),
        needed: fields!(),
        allowed: fields!(),
    },
    add: CommandSpec {
        help: "IP[/CIDR]|FROM-TO,[physdev:]IFACE",
        arguments: arguments!(
            Timeout NoMatch@1 Wildcard@7 Packets@3 Bytes@3 Comment@4 SkbMark@6
            SkbPrio@6 SkbQueue@6
        ),
        needed: fields!(Ip Interface),
        allowed: fields!(Ip Cidr IpTo Interface Physdev),
    },
    del: CommandSpec {
        help: "IP[/CIDR]|FROM-TO,[physdev:]IFACE",
        arguments: arguments!(),
        needed: fields!(Ip Interface),
        allowed: fields!(Ip Cidr IpTo Interface Physdev),
    },
    test: CommandSpec {
        help: "IP[/CIDR],[physdev:]IFACE",
        arguments: arguments!(NoMatch@1),
        needed: fields!(Ip Interface),
        allowed: fields!(Ip Cidr Interface Physdev),
    },
    usage: &[
        "where depending on the INET family",
        "      IP is a valid IPv4 or IPv6 address (or hostname),",
        "      CIDR is a valid IPv4 or IPv6 CIDR prefix.",
        "      Adding/deleting multiple elements with IPv4 is supported.",
    ],
    explains_ports: false,
};
