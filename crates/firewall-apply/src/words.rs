//! Words of the text that the reports share.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use jiff::SpanRelativeTo;
use jiff::fmt::friendly::SpanParser;

use crate::amount::write_seconds;

/// The items, with commas between them.
pub(crate) fn join(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// The first `most` of the items, with commas between them, and how many more there are.
pub(crate) fn first_of<T: Display>(items: &[T], most: usize) -> String {
    let named = join(items.iter().take(most).map(ToString::to_string));
    match items.len().saturating_sub(most) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// A number of things, with the plural where it belongs.
pub(crate) struct Count<'a>(pub(crate) u64, pub(crate) &'a str);

impl Display for Count<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)?;
        match self.0 {
            1 => Ok(()),
            _ => f.write_str("s"),
        }
    }
}

/// A number of entries.
pub(crate) struct Entries(pub(crate) u64);

impl Display for Entries {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 entry"),
            number => write!(f, "{number} entries"),
        }
    }
}

/// Seconds in the form durations are given in: `1h30m`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Span(pub(crate) u32);

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let days = SpanRelativeTo::days_are_24_hours();
        let span = SpanParser::new().parse_span(text).ok();
        span.and_then(|span| span.to_duration(days).ok())
            .filter(|duration| duration.subsec_nanos() == 0)
            .and_then(|duration| u32::try_from(duration.as_secs()).ok())
            .filter(|seconds| *seconds > 0)
            .map(Self)
            .ok_or("write whole numbers with s, m, h, d or w, like 90s, 30m or 1h30m")
    }
}

impl Display for Span {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_seconds(f, self.0.into(), usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_counted() {
        assert_eq!(first_of(&["a", "b"], 2), "a, b");
        assert_eq!(first_of(&["a", "b", "c"], 1), "a and 2 more");
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "0s", "60", "-60s", "s", "1.5s", "99999w", "1m x"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn spans_are_written_as_they_are_given() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (5400, "1h30m"),
            (86400, "1d"),
            (90061, "1d1h1m1s"),
        ] {
            assert_eq!(Span(seconds).to_string(), text);
            if seconds > 0 {
                assert_eq!(text.parse(), Ok(Span(seconds)));
            }
        }
    }
}
