use super::Field;

/// An argument that a command takes after its set and entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
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
pub struct Definition {
    pub name: &'static str,
    /// Whether another word follows that belongs to it.
    pub takes_value: bool,
    pub field: Field,
    /// Its line in the help of a type; none if empty.
    pub help: &'static str,
}

impl Argument {
    pub fn definition(self) -> Definition {
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
            Self::Family => value("family", Field::Family, ""),
            Self::Inet => flag("-4", Field::Family, ""),
            Self::Inet6 => flag("-6", Field::Family, ""),
            Self::HashSize => value("hashsize", Field::HashSize, ""),
            Self::MaxElem => value("maxelem", Field::MaxElem, ""),
            Self::Probes => value("probes", Field::Probes, ""),
            Self::Resize => value("resize", Field::Resize, ""),
            Self::Gc => value("gc", Field::Gc, ""),
            Self::IgnoredFrom => value("from", Field::Ip, ""),
            Self::IgnoredTo => value("to", Field::IpTo, ""),
            Self::IgnoredNetwork => value("network", Field::Ip, ""),
            Self::Size => value("size", Field::Size, ""),
            Self::Range => value("range", Field::Ip, ""),
            Self::Netmask => value("netmask", Field::Netmask, ""),
            Self::PortRange => value("range", Field::Port, ""),
            Self::Before => value("before", Field::Neighbour, ""),
            Self::After => value("after", Field::Neighbour, ""),
            Self::From => value("from", Field::Ip, ""),
            Self::To => value("to", Field::IpTo, ""),
            Self::Network => value("network", Field::Ip, ""),
            Self::FromPort => value("from", Field::Port, ""),
            Self::ToPort => value("to", Field::PortTo, ""),
            Self::ForceAdd => flag("forceadd", Field::ForceAdd, ""),
            Self::MarkMask => value("markmask", Field::MarkMask, ""),
            Self::NoMatch => flag("nomatch", Field::NoMatch, ""),
            Self::Wildcard => flag("wildcard", Field::Wildcard, ""),
            Self::Timeout => value("timeout", Field::Timeout, ""),
            Self::Counters => flag("counters", Field::Counters, ""),
            Self::Packets => value("packets", Field::Packets, ""),
            Self::Bytes => value("bytes", Field::Bytes, ""),
            Self::Comments => flag("comment", Field::Comments, ""),
            Self::Comment => value("comment", Field::Comment, ""),
            Self::SkbInfo => flag("skbinfo", Field::SkbInfo, ""),
            Self::SkbMark => value("skbmark", Field::SkbMark, ""),
            Self::SkbPrio => value("skbprio", Field::SkbPrio, ""),
            Self::SkbQueue => value("skbqueue", Field::SkbQueue, ""),
            Self::BucketSize => value("bucketsize", Field::BucketSize, ""),
            Self::InitVal => value("initval", Field::InitVal, ""),
            Self::Bitmask => value("bitmask", Field::Bitmask, ""),
        }
    }

    pub fn name(self) -> &'static str {
        self.definition().name
    }

    pub fn field(self) -> Field {
        self.definition().field
    }
}
