//! The two ends of a packet.

/// Which end of the packet an element of the set is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a packet has two ends")]
pub enum Direction {
    /// `src`: where it comes from.
    Source,
    /// `dst`: where it goes.
    Destination,
}
