//! What a host has seen of a source, in buckets of time.

use std::time::Duration;

use crate::name::Rule;
use crate::prefix::Prefix;
use crate::time::Time;

/// How many packets of a source a host has seen in one bucket of time.
///
/// It is the whole number, and no increment: who reads a log twice says the same twice. Of two
/// numbers the larger one counts, because each is of packets that came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// The rule that counts them.
    pub rule: Rule,
    /// When they came.
    pub bucket: Bucket,
    /// Who sent them.
    pub source: Prefix,
    /// How many they are, at least one.
    pub hits: u64,
}

/// A stretch of time; all those of one width lie side by side from 1970 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket {
    width: u64,
    number: u64,
}

/// The widest bucket, in milliseconds: an eighth of 56 days.
pub const MAX_WIDTH: u64 = 7 * 24 * 3600 * 1000;

impl Bucket {
    /// The `number`-th bucket of so many milliseconds, from 0; `None` where the width is 0 or over
    /// [`MAX_WIDTH`], or it ends after the last [instant](Time::MAX).
    pub fn new(width: u64, number: u64) -> Option<Self> {
        let end = number.checked_add(1)?.checked_mul(width)?;
        let fits = (1..=MAX_WIDTH).contains(&width) && end <= Time::MAX.millis();
        fits.then_some(Self { width, number })
    }

    /// The one that an instant lies in.
    pub fn at(width: u64, time: Time) -> Option<Self> {
        Self::new(width, time.millis().checked_div(width)?)
    }

    /// Milliseconds.
    pub fn width(self) -> u64 {
        self.width
    }

    /// Its place among those of its width.
    pub fn number(self) -> u64 {
        self.number
    }

    /// Its first instant.
    pub fn start(self) -> Time {
        Time::from_millis(self.number.saturating_mul(self.width))
    }

    /// When nobody needs it any more: 16 widths, which is two windows, after its end.
    pub(crate) fn forgotten(self) -> Time {
        self.start()
            .after(Duration::from_millis(self.width.saturating_mul(17)))
    }
}
