use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "bitmap:ip",
    alias: "ipmap",
    set_type: SetType::BitmapIp,
    families: Families::Inet,
    elements: elements!(Ip@Ip),
    last_element_optional: false,
    revisions: revisions!(
        0 "Initial revision"
        1 "counters support"
        2 "comment support"
        3 "skbinfo support"
    ),
    create: CommandSpec {
        help: "range IP/CIDR|FROM-TO",
        arguments: arguments!(
            Range Netmask Timeout Counters@1 Comments@2 SkbInfo@3 From To
            Network
        ),
        needed: fields!(Ip IpTo),
        allowed: fields!(Ip IpTo),
    },
    add: CommandSpec {
        help: "IP|IP/CIDR|FROM-TO",
        arguments: arguments!(
            Timeout Packets@1 Bytes@1 Comment@2 SkbMark@3 SkbPrio@3 SkbQueue@3
        ),
        needed: fields!(Ip),
        allowed: fields!(Ip IpTo),
    },
    del: CommandSpec {
        help: "IP|IP/CIDR|FROM-TO",
        arguments: arguments!(),
        needed: fields!(Ip),
        allowed: fields!(Ip IpTo),
    },
    test: CommandSpec {
        help: "IP",
        arguments: arguments!(),
        needed: fields!(Ip),
        allowed: fields!(Ip),
    },
    usage: &[
        "where IP, FROM and TO are IPv4 addresses (or hostnames),",
        "      CIDR is a valid IPv4 CIDR prefix.",
    ],
    explains_ports: false,
};
