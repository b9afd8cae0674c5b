use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "bitmap:ip,mac",
    alias: "macipmap",
    set_type: SetType::BitmapIpMac,
    families: Families::Inet,
    elements: elements!(SingleIp@Ip Mac@Mac),
    last_element_optional: true,
    revisions: revisions!(
        0 "Initial revision"
        1 "counters support"
        2 "comment support"
        3 "skbinfo support"
    ),
    create: CommandSpec {
        help: "range IP/CIDR|FROM-TO",
        arguments: arguments!(Range Timeout Counters@1 Comments@2 SkbInfo@3 From To Network),
        needed: fields!(Ip IpTo),
        allowed: fields!(Ip IpTo),
    },
    add: CommandSpec {
        help: "IP[,MAC]",
        arguments: arguments!(
            Timeout Packets@1 Bytes@1 Comment@2 SkbMark@3 SkbPrio@3 SkbQueue@3
        ),
        needed: fields!(Ip),
        allowed: fields!(Ip Mac),
    },
    del: CommandSpec {
        help: "IP[,MAC]",
        arguments: arguments!(),
        needed: fields!(Ip),
        allowed: fields!(Ip Mac),
    },
    test: CommandSpec {
        help: "IP[,MAC]",
        arguments: arguments!(),
        needed: fields!(Ip),
        allowed: fields!(Ip Mac),
    },
    usage: &[
        "where IP, FROM and TO are IPv4 addresses (or hostnames),",
        "      CIDR is a valid IPv4 CIDR prefix.",
        "      MAC is a valid MAC address.",
    ],
    explains_ports: false,
};
