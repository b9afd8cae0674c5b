//! What revisions of the kernel's set types brought.

use super::Argument::{
    self, Bitmask, BucketSize, Bytes, Comment, Comments, Counters, ForceAdd, InitVal, Netmask,
    NoMatch, Packets, SkbInfo, SkbMark, SkbPrio, SkbQueue, Wildcard,
};

/// One step in the life of a set type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Revision {
    /// Its words in the list of types.
    pub(super) text: &'static str,
    /// The arguments that there are since then. What no revision of a type brings was always there.
    pub(super) brings: &'static [Argument],
}

const fn revision(text: &'static str, brings: &'static [Argument]) -> Revision {
    Revision { text, brings }
}

pub(super) const INITIAL: Revision = revision("Initial revision", &[]);
/// `ipset` writes it so for the types that came last.
pub(super) const INITIAL_SMALL: Revision = revision("initial revision", &[]);
pub(super) const SCTP: Revision = revision("SCTP and UDPLITE support", &[]);
pub(super) const RANGE: Revision = revision("Add/del range support", &[]);
pub(super) const NETWORK_0: Revision = revision("/0 network support", &[]);
pub(super) const NOMATCH: Revision = revision("nomatch flag support", &[NoMatch]);
pub(super) const COUNTERS: Revision = revision("counters support", &[Counters, Packets, Bytes]);
pub(super) const COMMENT: Revision = revision("comment support", &[Comments, Comment]);
pub(super) const FORCEADD: Revision = revision("forceadd support", &[ForceAdd]);
pub(super) const SKBINFO: Revision =
    revision("skbinfo support", &[SkbInfo, SkbMark, SkbPrio, SkbQueue]);
pub(super) const WILDCARD: Revision = revision("skbinfo and wildcard support", &[Wildcard]);
pub(super) const BUCKETSIZE: Revision =
    revision("bucketsize, initval support", &[BucketSize, InitVal]);
pub(super) const BITMASK: Revision = revision("bitmask support", &[Bitmask]);
pub(super) const NETMASK: Revision = revision("netmask and bitmask support", &[Netmask, Bitmask]);
