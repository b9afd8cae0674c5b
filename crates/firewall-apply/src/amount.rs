//! Amounts as people read them.

use std::fmt::{self, Display, Formatter};

/// A number with its thousands apart: `1,204`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grouped(pub(crate) u64);

impl Display for Grouped {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at) % 3 == 0 {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// Bytes, in the unit that suits: `1.2 MiB`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes(pub(crate) u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (mut whole, mut tenths) = (self.0, 0);
        let mut units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].into_iter();
        let mut unit = units.next().unwrap_or_default();
        while whole >= 1024 {
            let Some(next) = units.next() else { break };
            tenths = (whole % 1024) * 10 / 1024;
            whole /= 1024;
            unit = next;
        }
        if unit == "B" {
            write!(f, "{whole} B")
        } else {
            write!(f, "{whole}.{tenths} {unit}")
        }
    }
}

/// Seconds in their two largest units: `3h12m`, `6d`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rough(pub(crate) u64);

impl Display for Rough {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_seconds(f, self.0, 2)
    }
}

/// Writes seconds in units, from the largest that they fill on, as many of them as `most`.
pub(crate) fn write_seconds(f: &mut Formatter<'_>, seconds: u64, most: usize) -> fmt::Result {
    let units = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
    let Some(first) = units.iter().position(|(_, length)| seconds >= *length) else {
        return f.write_str("0s");
    };
    let mut left = seconds;
    for (unit, length) in units.iter().skip(first).take(most) {
        if left >= *length {
            write!(f, "{}{unit}", left / length)?;
            left %= length;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short() {
        let grouped = [0, 999, 1204, 1_048_576].map(|n| Grouped(n).to_string());
        assert_eq!(grouped, ["0", "999", "1,204", "1,048,576"]);
        let bytes = [0, 1023, 1024, 1536, 1_258_291, u64::MAX].map(|n| Bytes(n).to_string());
        assert_eq!(
            bytes,
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.1 MiB", "15.9 EiB"]
        );
        let rough = [0, 59, 3600, 11_520, 90_061, 604_800].map(|n| Rough(n).to_string());
        assert_eq!(rough, ["0s", "59s", "1h", "3h12m", "1d1h", "7d"]);
    }
}
