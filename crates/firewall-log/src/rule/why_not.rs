//! Why a rule does not count a packet.

/// Why a rule does not [count](crate::Threshold#what-counts) a packet, from what it looks at first to
/// what it looks at last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WhyNot {
    /// It was logged under another prefix.
    Prefix,
    /// It has no IP source, as ARP: nobody could be banned for it.
    NoSource,
    /// This host sent it: `IN=` is empty.
    Own,
    /// It is of another protocol.
    Type,
    /// It went to many: a multicast or broadcast address, or a frame to all.
    Multicast,
    /// It is or may be an answer to a packet that somebody forged, or is no begin of anything.
    Answer,
    /// Its source is in a network that the rule leaves out.
    Excepted,
}
