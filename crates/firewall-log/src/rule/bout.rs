//! When a source was over the threshold, in bouts.

use std::time::SystemTime;

use crate::time::from_micros;

/// A time in which a source was over the threshold again and again: the windows that reached it end
/// no further apart than the rule [asks for](crate::Threshold::bouts).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bout {
    /// The last packet of the first such window.
    pub first: SystemTime,
    /// The last packet of the last one.
    pub last: SystemTime,
}

/// Of more bouts in one log the latest are kept.
const MOST: usize = 64;

/// Makes bouts of the ends of windows, which are in any order, all in microseconds.
pub(super) fn bouts(mut ends: Vec<i64>, apart: i64) -> Vec<Bout> {
    ends.sort_unstable();
    let mut bouts: Vec<(i64, i64)> = Vec::new();
    for end in ends {
        match bouts.last_mut() {
            Some((_, last)) if end.saturating_sub(*last) <= apart => *last = end,
            _ => bouts.push((end, end)),
        }
    }
    let latest = bouts.split_off(bouts.len().saturating_sub(MOST));
    let bout = |(first, last)| Bout {
        first: from_micros(first),
        last: from_micros(last),
    };
    latest.into_iter().map(bout).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_far_apart_as_asked_for_is_one() {
        let bout = |first, last| Bout {
            first: from_micros(first),
            last: from_micros(last),
        };
        assert_eq!(bouts(Vec::new(), 10), []);
        assert_eq!(
            bouts(vec![30, 0, 10, 41, 20], 10),
            [bout(0, 30), bout(41, 41)]
        );
        let many = bouts((0..100).map(|n| n * 11).collect(), 10);
        assert_eq!(many.len(), MOST);
        assert_eq!(many.last(), Some(&bout(1089, 1089)));
    }
}
