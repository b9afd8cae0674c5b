//! The addresses of one family as ranges in order, of which no two touch.

use super::number::Number;

/// From the first address to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range<N> {
    pub(super) first: N,
    pub(super) last: N,
}

/// In order, with an address between each two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges<N>(Vec<Range<N>>);

impl<N> Default for Ranges<N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<N: Number> Ranges<N> {
    /// Those in any order, however they lie to each other.
    pub(super) fn merged(mut ranges: Vec<Range<N>>) -> Self {
        ranges.sort_unstable_by_key(|range| range.first);
        ranges.dedup_by(|later, kept| {
            // After the last address there is none that could be left out.
            let joins = kept.last.next().is_none_or(|next| later.first <= next);
            if joins {
                kept.last = kept.last.max(later.last);
            }
            joins
        });
        Self(ranges)
    }

    pub(super) fn as_slice(&self) -> &[Range<N>] {
        &self.0
    }

    pub(super) fn contains(&self, address: N) -> bool {
        let after = self.0.partition_point(|range| range.first <= address);
        let at = after.checked_sub(1).and_then(|at| self.0.get(at));
        at.is_some_and(|range| address <= range.last)
    }

    /// Those that are not in `other`.
    pub(super) fn without(&self, other: &Self) -> Self {
        let mut left = Vec::with_capacity(self.0.len());
        let mut cuts = other.0.iter().peekable();
        for range in &self.0 {
            let mut start = Some(range.first);
            while let (Some(first), Some(cut)) = (start, cuts.peek()) {
                if cut.last < first {
                    cuts.next();
                    continue;
                }
                if cut.first > range.last {
                    break;
                }
                if let Some(last) = cut.first.before().filter(|last| *last >= first) {
                    left.push(Range { first, last });
                }
                // It may reach into the next range.
                start = cut.last.next().filter(|next| *next <= range.last);
            }
            if let Some(first) = start {
                let last = range.last;
                left.push(Range { first, last });
            }
        }
        Self(left)
    }

    /// Those that are in `other`, too.
    pub(super) fn common(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        let mut others = other.0.iter().peekable();
        for range in &self.0 {
            while let Some(one) = others.peek() {
                let first = range.first.max(one.first);
                let last = range.last.min(one.last);
                if first <= last {
                    both.push(Range { first, last });
                }
                if one.last > range.last {
                    break;
                }
                others.next();
            }
        }
        Self(both)
    }

    /// The fewest networks: the first address of each and its host bits.
    pub(super) fn networks(&self) -> Blocks<'_, N> {
        Blocks {
            ranges: self.0.iter(),
            rest: None,
        }
    }

    /// How many addresses; the largest number if there are more.
    pub(super) fn count(&self) -> u128 {
        let counts = self.0.iter().map(|range| range.first.count_to(range.last));
        counts.fold(0, u128::saturating_add)
    }
}

/// Networks that make up ranges.
#[derive(Clone, Debug)]
pub(super) struct Blocks<'a, N> {
    ranges: std::slice::Iter<'a, Range<N>>,
    /// What is left of a range.
    rest: Option<Range<N>>,
}

impl<N: Number> Iterator for Blocks<'_, N> {
    type Item = (N, u8);

    fn next(&mut self) -> Option<(N, u8)> {
        let range = match self.rest.take() {
            Some(rest) => rest,
            None => *self.ranges.next()?,
        };
        let host_bits = range.first.host_bits_up_to(range.last);
        let end = range.first.network_end(host_bits);
        if end < range.last {
            self.rest = end.next().map(|first| Range { first, ..range });
        }
        Some((range.first, host_bits))
    }
}
