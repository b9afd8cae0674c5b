//! What a line can say.

/// One thing that a line can say about a set or an entry. The order is the one in which a line is
/// searched for what it must not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Family,
    Ip,
    IpTo,
    Cidr,
    Mark,
    Port,
    PortTo,
    Timeout,
    Gc,
    HashSize,
    MaxElem,
    MarkMask,
    Netmask,
    Probes,
    Resize,
    Size,
    ForceAdd,
    Bitmask,
    Mac,
    Name,
    /// The set of a list that another stands before or after.
    Neighbour,
    Ip2,
    Cidr2,
    Ip2To,
    Protocol,
    Interface,
    Before,
    Physdev,
    NoMatch,
    Counters,
    Packets,
    Bytes,
    Comments,
    Comment,
    SkbInfo,
    SkbMark,
    SkbPrio,
    SkbQueue,
    Wildcard,
    BucketSize,
    InitVal,
}

impl Field {
    /// Whether it is there or not and has no value; it can be said twice.
    pub(crate) fn is_flag(self) -> bool {
        matches!(
            self,
            Self::ForceAdd
                | Self::NoMatch
                | Self::Counters
                | Self::Comments
                | Self::SkbInfo
                | Self::Wildcard
        )
    }

    const fn bit(self) -> u64 {
        1 << self as u32
    }
}

/// A set of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(u64);

impl Fields {
    pub(crate) const fn of(fields: &[Field]) -> Self {
        let mut rest = fields;
        let mut bits = 0;
        while let [field, tail @ ..] = rest {
            bits |= field.bit();
            rest = tail;
        }
        Self(bits)
    }

    pub(crate) fn contains(self, field: Field) -> bool {
        self.0 & field.bit() != 0
    }

    pub(crate) fn insert(&mut self, field: Field) {
        self.0 |= field.bit();
    }

    pub(crate) fn remove(&mut self, field: Field) {
        self.0 &= !field.bit();
    }
}
