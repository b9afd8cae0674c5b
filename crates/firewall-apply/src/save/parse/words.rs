//! The words of a line, and numbers in them.

use std::str::FromStr;

use ipset_netlink::{SkbMark, Timeout};

use super::text_of;

/// The words of a line; one in double quotes may hold blanks.
pub(super) struct Words<'a>(pub(super) &'a str);

impl<'a> Words<'a> {
    pub(super) fn next(&mut self) -> Result<Option<&'a str>, String> {
        let rest = self.0.trim_ascii_start();
        let (word, rest) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted.split_once('"').ok_or("a quote is not closed")?
        } else if rest.is_empty() {
            return Ok(None);
        } else {
            rest.split_once(|c: char| c.is_ascii_whitespace())
                .unwrap_or((rest, ""))
        };
        self.0 = rest;
        Ok(Some(word))
    }

    pub(super) fn value(&mut self, option: &str) -> Result<&'a str, String> {
        self.next()?
            .ok_or_else(|| format!("{option} lacks its value"))
    }

    pub(super) fn read<T: FromStr<Err: std::error::Error>>(
        &mut self,
        option: &str,
    ) -> Result<T, String> {
        let text = self.value(option)?;
        text.parse()
            .map_err(|error| format!("{option} {text:?}: {error}"))
    }

    pub(super) fn number<N: TryFrom<u64>>(&mut self, option: &str) -> Result<N, String> {
        let text = self.value(option)?;
        number(text).ok_or_else(|| format!("{option} {text:?} is no number, or out of range"))
    }

    /// `0x1/0xff`, or without a mask.
    pub(super) fn mark(&mut self, option: &str) -> Result<SkbMark, String> {
        let text = self.value(option)?;
        let (value, mask) = text.split_once('/').unwrap_or((text, "0xffffffff"));
        number(value)
            .zip(number(mask))
            .map(|(value, mask)| SkbMark { value, mask })
            .ok_or_else(|| format!("{option} {text:?} is no mark (MARK or MARK/MASK)"))
    }

    /// `1:a`, both hexadecimal.
    pub(super) fn class(&mut self, option: &str) -> Result<u32, String> {
        let text = self.value(option)?;
        let half = |text| digits(text, 16).and_then(|half| u16::try_from(half).ok());
        text.split_once(':')
            .and_then(|(major, minor)| half(major).zip(half(minor)))
            .map(|(major, minor)| u32::from(major) << 16 | u32::from(minor))
            .ok_or_else(|| format!("{option} {text:?} is no traffic class (MAJOR:MINOR)"))
    }

    pub(super) fn timeout(&mut self) -> Result<Timeout, String> {
        Timeout::from_secs(self.number("timeout")?).map_err(text_of)
    }
}

fn number<N: TryFrom<u64>>(text: &str) -> Option<N> {
    let number = match text.strip_prefix("0x") {
        Some(hex) => digits(hex, 16),
        None => digits(text, 10),
    };
    number.and_then(|number| number.try_into().ok())
}

/// Without the sign that the standard library would take.
fn digits(text: &str, radix: u32) -> Option<u64> {
    let only = text.chars().all(|digit| digit.is_digit(radix));
    only.then(|| u64::from_str_radix(text, radix).ok())?
}
