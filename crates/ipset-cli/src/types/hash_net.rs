use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "hash:net",
    alias: "nethash",
    set_type: SetType::HashNet,
    families: Families::Both,
    elements: elements!(Net@Ip),
    last_element_optional: false,
    revisions: revisions!(
        0 "Initial revision"
        1 "Add/del range support"
        2 "nomatch flag support"
        3 "counters support"
        4 "comment support"
        5 "forceadd support"
        6 "skbinfo support"
        7 "bucketsize, initval support"
    ),
    create: CommandSpec {
        help: "",
        arguments: arguments!(
            Family Inet Inet6 HashSize MaxElem Timeout Counters@3 Comments@4
            ForceAdd@5 SkbInfo@6 BucketSize@7 InitVal@7 Probes Resize
        ),
        needed: fields!(),
        allowed: fields!(),
    },
    add: CommandSpec {
        help: "IP[/CIDR]",
        arguments: arguments!(
            Timeout NoMatch@2 Packets@3 Bytes@3 Comment@4 SkbMark@6 SkbPrio@6
            SkbQueue@6
        ),
        needed: fields!(Ip),
        allowed: fields!(Ip Cidr IpTo),
    },
    del: CommandSpec {
        help: "IP[/CIDR]",
        arguments: arguments!(),
        needed: fields!(Ip),
        allowed: fields!(Ip Cidr IpTo),
    },
    test: CommandSpec {
        help: "IP[/CIDR]",
        arguments: arguments!(NoMatch@2),
        needed: fields!(Ip),
        allowed: fields!(Ip Cidr),
    },
    usage: &[
        "where depending on the INET family",
        "      IP is an IPv4 or IPv6 address (or hostname),",
        "      CIDR is a valid IPv4 or IPv6 CIDR prefix.",
    ],
    explains_ports: false,
};
