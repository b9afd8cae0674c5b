//! Since when packets came of which an event says only how many.

use std::hash::{BuildHasher, RandomState};

use crate::event::Event;

/// The event before, by a hash with a key of its own. rsyslog writes the first of equal messages at
/// once and later, in one line, how many followed: if the two say the same, the packets came between
/// them.
#[derive(Debug, Clone, Default)]
pub(super) struct EventBefore {
    key: RandomState,
    /// The hash, and the time in microseconds.
    last: Option<(u64, i64)>,
}

impl EventBefore {
    /// Takes the next event for the one before from now on. If they are the same, and in order, the
    /// answer is the time of the one before, in microseconds.
    pub(super) fn replace(&mut self, event: &Event<'_>, at: i64) -> Option<i64> {
        let hash = self.key.hash_one((event.host, event.prefix, &event.packet));
        let (before, since) = self.last.replace((hash, at))?;
        (before == hash && since <= at).then_some(since)
    }
}
