use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "hash:ip,mark",
    alias: "ipmarkhash",
    set_type: SetType::HashIpMark,
    families: Families::Both,
    elements: elements!(IpOrRange@Ip Mark@Mark),
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
            Family Inet Inet6 MarkMask HashSize MaxElem Timeout Counters
            Comments ForceAdd@1 SkbInfo@2 BucketSize@3 InitVal@3 Probes Resize
            IgnoredFrom IgnoredTo IgnoredNetwork
        ),
        needed: fields!(),
        allowed: fields!(),
    },
    add: CommandSpec {
        help: "IP,MARK",
        arguments: arguments!(Timeout Packets Bytes Comment SkbMark@2 SkbPrio@2 SkbQueue@2),
        needed: fields!(Ip Mark),
        allowed: fields!(Ip IpTo Mark),
    },
    del: CommandSpec {
        help: "IP,MARK",
        arguments: arguments!(),
        needed: fields!(Ip Mark),
        allowed: fields!(Ip IpTo Mark),
    },
    test: CommandSpec {
        help: "IP,MARK",
        arguments: arguments!(),
        needed: fields!(Ip Mark),
        allowed: fields!(Ip IpTo Mark),
    },
    usage: &[
        "where depending on the INET family",
        "      IP is a valid IPv4 or IPv6 address (or hostname).",
        "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form",
        "      is supported for IPv4.",
        "      Adding/deleting single mark element",
        "      is supported both for IPv4 and IPv6.",
    ],
    explains_ports: false,
};
