//! Spans as fail2ban writes them: `600`, `10m`, `1h 30m`, `1 week`.

/// Seconds; `None` for what is no span, or is calculated otherwise than by adding. -1 is for ever.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let mut total = 0_f64;
    let mut rest = text.trim_start_matches('+');
    while !rest.trim().is_empty() {
        rest = rest.trim_start_matches([' ', '+']);
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(digits);
        let behind = behind.trim_start();
        let letters = behind
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(letters);
        total += number.parse::<f64>().ok()? * length(&unit.to_ascii_lowercase())?;
        rest = behind;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a fraction of a second is none, and the rest has room"
    )]
    let whole = total as i64;
    // Beyond is a number of seconds that no clock will reach.
    (0.0..9e15).contains(&total).then_some(whole)
}

/// `MyTime.str2seconds` of fail2ban: a month is the twelfth of a year.
fn length(unit: &str) -> Option<f64> {
    const YEAR: f64 = 31_557_600.0;
    Some(match unit {
        "s" | "ss" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "mm" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hh" | "hour" | "hours" => 3600.0,
        "d" | "dd" | "day" | "days" => 86_400.0,
        "w" | "ww" | "week" | "weeks" => 604_800.0,
        "mo" | "mon" | "month" | "months" => YEAR / 12.0,
        "y" | "yy" | "year" | "years" => YEAR,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right column is what `MyTime.str2seconds` of fail2ban 1.0.2 says.
    #[test]
    fn spans_are_read_as_fail2ban_reads_them() {
        for (text, expected) in [
            ("600", Some(600)),
            ("-1", Some(-1)),
            ("10m", Some(600)),
            ("1h 30m", Some(5400)),
            ("1hour+30min", Some(5400)),
            ("1d12h", Some(129_600)),
            ("1 week", Some(604_800)),
            ("6 months", Some(15_778_800)),
            ("1y", Some(31_557_600)),
            ("1.5h", Some(5400)),
            ("", Some(0)),
            ("x", None),
            ("10 parsecs", None),
            ("1h-5m", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
