use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "bitmap:port",
    alias: "portmap",
    set_type: SetType::BitmapPort,
    families: Families::Neutral,
    elements: elements!(PlainPort@Port),
    last_element_optional: false,
    revisions: revisions!(
        0 "Initial revision"
        1 "counters support"
        2 "comment support"
        3 "skbinfo support"
    ),
    create: CommandSpec {
        help: "range [PROTO:]FROM-TO",
        arguments: arguments!(
            PortRange Timeout Counters@1 Comments@2 SkbInfo@3 FromPort ToPort
        ),
        needed: fields!(Port PortTo),
        allowed: fields!(Port PortTo),
    },
    add: CommandSpec {
        help: "[PROTO:]PORT|FROM-TO",
        arguments: arguments!(
            Timeout Packets@1 Bytes@1 Comment@2 SkbMark@3 SkbPrio@3 SkbQueue@3
        ),
        needed: fields!(Port),
        allowed: fields!(Port PortTo),
    },
    del: CommandSpec {
        help: "[PROTO:]PORT|FROM-TO",
        arguments: arguments!(),
        needed: fields!(Port),
        allowed: fields!(Port PortTo),
    },
    test: CommandSpec {
        help: "[PROTO:]PORT",
        arguments: arguments!(),
        needed: fields!(Port),
        allowed: fields!(Port),
    },
    usage: &[
        "where PORT, FROM and TO are port numbers or port names from /etc/services.",
        "      PROTO is only needed if a service name is used and it does not exist",
        "      as a TCP service; just the resolved service numer is stored in the set.",
    ],
    explains_ports: false,
};
