//! When a source was over the threshold of a rule: what tells one offence from the next.

use std::time::SystemTime;

use firewall_log::Bout;
use jiff::{SignedDuration, Timestamp};

/// Times in which a source was over a threshold again and again, in order. None are kept for a rule
/// that does not ask who has come back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bouts {
    /// How far apart windows of one bout end at most.
    apart: SignedDuration,
    /// From the first window to the last.
    bouts: Vec<(Timestamp, Timestamp)>,
}

/// Of more bouts the latest are kept, as firewall-log does.
const MOST: usize = 64;

impl Bouts {
    /// One, of a single window that ended at `end`.
    pub(crate) fn at(end: Timestamp, apart: SignedDuration) -> Self {
        let bouts = vec![(end, end)];
        Self { apart, bouts }
    }

    /// Those that a scan found.
    pub(crate) fn found(found: &[Bout], apart: SignedDuration) -> Self {
        let time = |time: SystemTime| Timestamp::try_from(time).ok();
        let bouts = found.iter();
        let bouts = bouts.filter_map(|bout| Some((time(bout.first)?, time(bout.last)?)));
        let bouts = bouts.collect();
        Self { apart, bouts }
    }

    /// From the first window to the last of each, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.bouts.iter().copied()
    }

    /// Adds others of the same source and rule.
    pub(crate) fn take_in(&mut self, more: &Self) {
        if more.bouts.is_empty() {
            return;
        }
        self.apart = self.apart.max(more.apart);
        let mut all: Vec<_> = self.bouts.iter().chain(&more.bouts).copied().collect();
        all.sort_unstable();
        self.bouts.clear();
        for (first, end) in all {
            match self.bouts.last_mut() {
                Some((_, last)) if first.duration_since(*last) <= self.apart => {
                    *last = end.max(*last);
                }
                _ => self.bouts.push((first, end)),
            }
        }
        let more = self.bouts.len().saturating_sub(MOST);
        self.bouts.drain(..more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_are_near_are_one() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let one = |second| Bouts::at(at(second), SignedDuration::from_secs(10));
        let mut bouts = one(0);
        for second in [30, 10, 41, 20] {
            bouts.take_in(&one(second));
        }
        let told: Vec<_> = bouts.iter().collect();
        assert_eq!(told, [(at(0), at(30)), (at(41), at(41))]);
        for second in 0..100 {
            bouts.take_in(&one(100 + 11 * second));
        }
        assert_eq!(bouts.iter().count(), MOST);
    }
}
