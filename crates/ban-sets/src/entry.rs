//! Entries: a network, until when it is there, and why.

use ipset_netlink::{Comment, Network};
use jiff::{RoundMode, SignedDuration, SignedDurationRound, Timestamp, Unit};

/// One entry of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whom it is about.
    pub network: Network,
    /// When it leaves the set by itself.
    pub end: End,
    /// Why it is there, in a set that keeps comments.
    pub comment: Option<Comment>,
    /// Whether what it covers does *not* match the set, although a network around it does.
    pub exception: bool,
}

impl Entry {
    /// A network for good, without a comment.
    pub fn new(network: Network) -> Self {
        Self {
            network,
            end: End::Never,
            comment: None,
            exception: false,
        }
    }

    /// It leaves the set then.
    pub fn until(self, end: End) -> Self {
        Self { end, ..self }
    }

    /// It is there for this reason.
    pub fn because(self, comment: Option<Comment>) -> Self {
        Self { comment, ..self }
    }

    /// It is an exception from a network around it.
    pub fn except(self) -> Self {
        Self {
            exception: true,
            ..self
        }
    }
}

/// When an entry leaves its set; later is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// At this instant.
    At(Timestamp),
    /// Not by itself.
    Never,
}

impl End {
    /// So many seconds after `now`; the last instant that there is where that is later.
    pub fn after(now: Timestamp, seconds: u32) -> Self {
        let span = SignedDuration::from_secs(seconds.into());
        Self::At(now.saturating_add(span).unwrap_or(Timestamp::MAX))
    }

    /// How much time is left at `now`, to the nearest second: what a backend that counts seconds
    /// has said at `now` is that number again.
    pub fn left(self, now: Timestamp) -> Left {
        match self {
            Self::Never => Left::ForGood,
            Self::At(end) => {
                let nearest = SignedDurationRound::new().smallest(Unit::Second);
                Left::Seconds(seconds(end, now, nearest))
            }
        }
    }

    /// The same, no fraction of a second dropped and at least one: what is put so long ends no
    /// earlier than here, and what is over does not stay for good.
    pub(crate) fn left_at_least(self, now: Timestamp) -> Left {
        match self {
            Self::Never => Left::ForGood,
            Self::At(end) => {
                let up = SignedDurationRound::new().smallest(Unit::Second);
                Left::Seconds(seconds(end, now, up.mode(RoundMode::Ceil)).max(1))
            }
        }
    }
}

/// The seconds from `now` to an end, none where it is past.
fn seconds(end: Timestamp, now: Timestamp, round: SignedDurationRound) -> u32 {
    let left = end.duration_since(now);
    let left = left.round(round).unwrap_or(left).as_secs();
    u32::try_from(left.max(0)).unwrap_or(u32::MAX)
}

/// How long an entry stays; longer is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// So many seconds.
    Seconds(u32),
    /// Until it is taken out.
    ForGood,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_seconds_survives_the_instant_between() {
        let now: Timestamp = "2026-11-22T09:00:00.123456789Z".parse().expect("a time");
        for number in [0, 1, 59, 86_341, 2_147_483, u32::MAX] {
            assert_eq!(End::after(now, number).left(now), Left::Seconds(number));
        }
        assert_eq!(End::Never.left(now), Left::ForGood);
        assert_eq!(End::At(Timestamp::MIN).left(now), Left::Seconds(0));
    }

    #[test]
    fn what_is_put_ends_no_earlier() {
        let now: Timestamp = "2026-11-22T09:00:00Z".parse().expect("a time");
        for (millis, seconds) in [(-5, 1), (0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            let end = End::At(now + SignedDuration::from_millis(millis));
            assert_eq!(end.left_at_least(now), Left::Seconds(seconds), "{millis}");
        }
        assert_eq!(End::Never.left_at_least(now), Left::ForGood);
    }
}
