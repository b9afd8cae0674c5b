//! The words that follow a set and its entry.

use super::Field;

/// An argument that a command takes after its set and entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    Family,
    Inet,
    Inet6,
    HashSize,
    MaxElem,
    Probes,
    Resize,
    Gc,
    IgnoredFrom,
    IgnoredTo,
    IgnoredNetwork,
    Size,
    Range,
    Netmask,
    PortRange,
    Before,
    After,
    From,
    To,
    Network,
    FromPort,
    ToPort,
    ForceAdd,
    MarkMask,
    NoMatch,
    Wildcard,
    Timeout,
    Counters,
    Packets,
    Bytes,
    Comments,
    Comment,
    SkbInfo,
    SkbMark,
    SkbPrio,
    SkbQueue,
    BucketSize,
    InitVal,
    Bitmask,
}

/// What there is to know of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    /// Whether another word follows that belongs to it.
    pub(crate) takes_value: bool,
    pub(crate) field: Field,
    /// Its line in the help of a type; none if empty.
    pub(crate) help: &'static str,
}

impl Argument {
    pub(crate) fn definition(self) -> Definition {
        let argument = |takes_value| {
            move |name, field, help| Definition {
                name,
                takes_value,
                field,
                help,
            }
        };
        let (value, flag) = (argument(true), argument(false));
        match self {
            Self::Family => value("family", Field::Family, "[family inet|inet6]|[-4|-6]"),
            Self::Inet => flag("-4", Field::Family, ""),
            Self::Inet6 => flag("-6", Field::Family, ""),
            Self::HashSize => value("hashsize", Field::HashSize, "[hashsize VALUE]"),
            Self::MaxElem => value("maxelem", Field::MaxElem, "[maxelem VALUE]"),
            Self::Probes => value("probes", Field::Probes, ""),
            Self::Resize => value("resize", Field::Resize, ""),
            Self::Gc => value("gc", Field::Gc, ""),
            Self::Size => value("size", Field::Size, "[size VALUE]"),
            Self::Range => value("range", Field::Ip, ""),
            Self::Netmask => value("netmask", Field::Netmask, "[netmask CIDR]"),
            Self::PortRange => value("range", Field::Port, ""),
            Self::Before => value("before", Field::Neighbour, "[before|after NAME]"),
            Self::After => value("after", Field::Neighbour, ""),
            Self::From | Self::IgnoredFrom => value("from", Field::Ip, ""),
            Self::To | Self::IgnoredTo => value("to", Field::IpTo, ""),
            Self::Network | Self::IgnoredNetwork => value("network", Field::Ip, ""),
            Self::FromPort => value("from", Field::Port, ""),
            Self::ToPort => value("to", Field::PortTo, ""),
            Self::ForceAdd => flag("forceadd", Field::ForceAdd, "[forceadd]"),
            Self::MarkMask => value("markmask", Field::MarkMask, "markmask VALUE"),
            Self::NoMatch => flag("nomatch", Field::NoMatch, "[nomatch]"),
            Self::Wildcard => flag("wildcard", Field::Wildcard, "[wildcard]"),
            Self::Timeout => value("timeout", Field::Timeout, "[timeout VALUE]"),
            Self::Counters => flag("counters", Field::Counters, "[counters]"),
            Self::Packets => value("packets", Field::Packets, "[packets VALUE]"),
            Self::Bytes => value("bytes", Field::Bytes, "[bytes VALUE]"),
            Self::Comments => flag("comment", Field::Comments, "[comment]"),
            Self::Comment => value("comment", Field::Comment, "[comment \"string\"]"),
            Self::SkbInfo => flag("skbinfo", Field::SkbInfo, "[skbinfo]"),
            Self::SkbMark => value("skbmark", Field::SkbMark, "[skbmark VALUE]"),
            Self::SkbPrio => value("skbprio", Field::SkbPrio, "[skbprio VALUE]"),
            Self::SkbQueue => value("skbqueue", Field::SkbQueue, "[skbqueue VALUE]"),
            Self::BucketSize => value("bucketsize", Field::BucketSize, "[bucketsize VALUE]"),
            Self::InitVal => value("initval", Field::InitVal, "[initval VALUE]"),
            Self::Bitmask => value("bitmask", Field::Bitmask, "[bitmask bitmask]"),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.definition().name
    }

    pub(crate) fn field(self) -> Field {
        self.definition().field
    }
}
