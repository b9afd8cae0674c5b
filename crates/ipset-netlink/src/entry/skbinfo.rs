//! What an entry gives to the packets that match it.

/// What packets that match an entry get from it, where the rule asks for that
/// (`-j SET --map-set … --map-mark`). Read it through its fields, make it with `Default` and the
/// methods of the same names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SkbInfo {
    /// A mark, and which of its bits are set.
    pub mark: Option<SkbMark>,
    /// A traffic class: the major number in the high 16 bits, the minor in the low ones.
    pub priority: Option<u32>,
    /// A hardware queue.
    pub queue: Option<u16>,
}

impl SkbInfo {
    /// Gives packets this mark, in the bits of the mask.
    pub fn mark(self, value: u32, mask: u32) -> Self {
        Self {
            mark: Some(SkbMark { value, mask }),
            ..self
        }
    }

    /// Gives packets the traffic class `major:minor`.
    pub fn priority(self, major: u16, minor: u16) -> Self {
        Self {
            priority: Some(u32::from(major) << 16 | u32::from(minor)),
            ..self
        }
    }

    /// Gives packets this hardware queue.
    pub fn queue(self, queue: u16) -> Self {
        Self {
            queue: Some(queue),
            ..self
        }
    }
}

/// A mark and its mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SkbMark {
    /// The mark.
    pub value: u32,
    /// The bits of the packet's mark that it replaces.
    pub mask: u32,
}
