use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "list:set",
    alias: "setlist",
    set_type: SetType::ListSet,
    families: Families::Neutral,
    elements: elements!(SetName@Name),
    last_element_optional: false,
    revisions: revisions!(
        0 "Initial revision"
        1 "counters support"
        2 "comment support"
        3 "skbinfo support"
    ),
    create: CommandSpec {
        help: "",
        arguments: arguments!(Size Timeout Counters@1 Comments@2 SkbInfo@3),
        needed: fields!(),
        allowed: fields!(),
    },
    add: CommandSpec {
        help: "NAME [before|after NAME]",
        arguments: arguments!(
            Timeout Before After Packets@1 Bytes@1 Comment@2 SkbMark@3 SkbPrio@3
            SkbQueue@3
        ),
        needed: fields!(Name),
        allowed: fields!(Name Before),
    },
    del: CommandSpec {
        help: "NAME [before|after NAME]",
        arguments: arguments!(Before After),
        needed: fields!(Name),
        allowed: fields!(Name Before),
    },
    test: CommandSpec {
        help: "NAME [before|after NAME]",
        arguments: arguments!(Before After),
        needed: fields!(Name),
        allowed: fields!(Name Before),
    },
    usage: &["where NAME are existing set names."],
    explains_ports: false,
};
