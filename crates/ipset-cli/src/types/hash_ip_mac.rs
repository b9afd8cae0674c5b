use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "hash:ip,mac",
    alias: "ipmachash",
    set_type: SetType::HashIpMac,
    families: Families::Both,
    elements: elements!(IpOrRange@Ip Mac@Mac),
    last_element_optional: false,
    revisions: revisions!(
        0 "Initial revision"
        1 "bucketsize, initval support"
    ),
    create: CommandSpec {
        help: "",
        arguments: arguments!(
            Family Inet Inet6 HashSize MaxElem Timeout Counters Comments
            ForceAdd SkbInfo BucketSize@1 InitVal@1
        ),
        needed: fields!(),
        allowed: fields!(),
    },
    add: CommandSpec {
        help: "IP,MAC",
        arguments: arguments!(Timeout Packets Bytes Comment SkbMark SkbPrio SkbQueue),
        needed: fields!(Ip Mac),
        allowed: fields!(Ip Mac),
    },
    del: CommandSpec {
        help: "IP,MAC",
        arguments: arguments!(),
        needed: fields!(Ip Mac),
        allowed: fields!(Ip Mac),
    },
    test: CommandSpec {
        help: "IP,MAC",
        arguments: arguments!(),
        needed: fields!(Ip Mac),
        allowed: fields!(Ip Mac),
    },
    usage: &[
        "where depending on the INET family",
        "      IP is a valid IPv4 or IPv6 address (or hostname),",
        "      MAC is a MAC address.",
    ],
    explains_ports: false,
};
