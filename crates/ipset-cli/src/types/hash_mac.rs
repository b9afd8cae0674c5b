use super::{CommandSpec, Families, TypeSpec, arguments, elements, fields, revisions};
use ipset_netlink::SetType;

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "hash:mac",
    alias: "machash",
    set_type: SetType::HashMac,
    families: Families::Neutral,
    elements: elements!(Mac@Mac),
    last_element_optional: false,
    revisions: revisions!(
        0 "Initial revision"
        1 "bucketsize, initval support"
    ),
    create: CommandSpec {
        help: "",
        arguments: arguments!(
            HashSize MaxElem Timeout Counters Comments ForceAdd SkbInfo
            BucketSize@1 InitVal@1
        ),
        needed: fields!(),
        allowed: fields!(),
    },
    add: CommandSpec {
        help: "MAC",
        arguments: arguments!(Timeout Packets Bytes Comment SkbMark SkbPrio SkbQueue),
        needed: fields!(Mac),
        allowed: fields!(Mac),
    },
    del: CommandSpec {
        help: "MAC",
        arguments: arguments!(),
        needed: fields!(Mac),
        allowed: fields!(Mac),
    },
    test: CommandSpec {
        help: "MAC",
        arguments: arguments!(),
        needed: fields!(Mac),
        allowed: fields!(Mac),
    },
    usage: &[""],
    explains_ports: false,
};
