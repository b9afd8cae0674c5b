//! Words of the text that the reports share.

use std::fmt::{self, Display, Formatter};

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

/// Seconds in the form durations are given in: `1h30m`.
pub(crate) struct Span(pub(crate) u32);

impl Display for Span {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut left = self.0;
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, seconds) in [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)] {
            if left >= seconds {
                write!(f, "{}{unit}", left / seconds)?;
                left %= seconds;
            }
        }
        Ok(())
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
    fn spans_are_written_as_they_are_given() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (5400, "1h30m"),
            (86400, "1d"),
            (90061, "1d1h1m1s"),
        ] {
            assert_eq!(Span(seconds).to_string(), text);
        }
    }
}
