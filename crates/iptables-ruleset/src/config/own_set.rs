//! `[[set]]`: sets of the administrator's own.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::{SetType, set_name};
use crate::{BuildError, Family, SetName};

/// A set of the administrator's own, which is one for each family.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnSet {
    /// `name`: the name of the set for IPv4; that for IPv6 ends in `_v6`.
    pub name: SetName,
    /// `type`; by default `hash:net`.
    pub set_type: SetType,
    /// `family`: the only family that there is a set for; by default both.
    pub family: Option<Family>,
    /// `maxelem`: how many members it has room for; by default as many as the lists. One that a file
    /// fills has room for what is in the file, however much that is.
    pub maxelem: Option<NonZeroU32>,
    /// `timeout`, in whole seconds: how long a member stays that is added without one; by default
    /// for ever.
    pub timeout: Option<Duration>,
    /// `comment`: whether members can have a comment; by default not.
    pub comment: bool,
    /// `counters`: whether packets are counted for each member; by default not.
    pub counters: bool,
    /// `file`: what fills it, as the file names it; by default others do.
    pub files: Vec<PathBuf>,
}

impl OwnSet {
    /// A set for both families that others fill.
    pub fn new(name: SetName, set_type: SetType) -> Self {
        Self {
            name,
            set_type,
            family: None,
            maxelem: None,
            timeout: None,
            comment: false,
            counters: false,
            files: Vec::new(),
        }
    }

    /// The set of that family; `None` where there is none.
    ///
    /// # Errors
    /// When the name has no room for `_v6`, which [`Config::parse`](crate::Config::parse) sees to.
    pub fn set_name(&self, family: Family) -> Result<Option<SetName>, BuildError> {
        if self.family.is_some_and(|only| only != family) {
            return Ok(None);
        }
        set_name::in_family(&self.name, family).map(Some)
    }
}

/// Whole numbers with s, m, h, d or w: `1h30m`.
pub(super) fn span(text: &str) -> Result<Duration, BuildError> {
    let wrong = |reason: &str| BuildError::value("timeout", text, reason);
    let expected = || wrong("expected whole numbers with s, m, h, d or w, like 90s, 30m or 1h30m");
    let mut seconds = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
        let (number, unit) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| expected())?;
        let mut units = unit.chars();
        let unit = units.next().and_then(|unit| {
            let (_, seconds) = UNITS.iter().find(|(known, _)| *known == unit)?;
            Some(*seconds)
        });
        let more = number.checked_mul(unit.ok_or_else(expected)?);
        seconds = more
            .and_then(|more| seconds.checked_add(more))
            .ok_or_else(expected)?;
        rest = units.as_str();
    }
    match seconds {
        0 => Err(expected()),
        1..=MOST_SECONDS => Ok(Duration::from_secs(seconds)),
        _ => Err(wrong(
            "ipset knows no time longer than 2147483 seconds (24 days)",
        )),
    }
}

const UNITS: [(char, u64); 5] = [
    ('s', 1),
    ('m', 60),
    ('h', 3600),
    ('d', 86_400),
    ('w', 604_800),
];
/// `IPSET_MAX_TIMEOUT`, `linux/netfilter/ipset/ip_set.h`.
const MOST_SECONDS: u64 = 2_147_483;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_sums_of_numbers_with_units() {
        for (text, seconds) in [
            ("90s", 90),
            ("1h30m", 5400),
            ("2w", 1_209_600),
            ("1d1s", 86_401),
        ] {
            assert_eq!(span(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "0s",
            "90",
            "s",
            "-1s",
            "1.5h",
            "1h ",
            "1y",
            "9999999999999999999999s",
            "1h30",
        ] {
            let error = span(text).unwrap_err();
            assert!(error.reason().starts_with("expected"), "{text}: {error}");
        }
        assert!(span("25d").unwrap_err().reason().contains("24 days"));
    }
}
