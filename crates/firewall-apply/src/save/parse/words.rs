//! The words of a line, and numbers in them.

use std::str::FromStr;

use ipset_netlink::{Comment, SkbMark, Timeout};

use super::text_of;

/// The words of a line; one in double quotes may hold blanks.
pub(super) struct Words<'a>(pub(super) &'a [u8]);

impl<'a> Words<'a> {
    pub(super) fn next(&mut self) -> Result<Option<&'a str>, String> {
        let Some(word) = self.next_bytes()? else {
            return Ok(None);
        };
        let not_text = |_| format!("\"{}\" is no UTF-8 text", word.escape_ascii());
        std::str::from_utf8(word).map(Some).map_err(not_text)
    }

    /// The next word, whatever it encodes.
    fn next_bytes(&mut self) -> Result<Option<&'a [u8]>, String> {
        let rest = self.0.trim_ascii_start();
        let (word, rest) = if let Some(quoted) = rest.strip_prefix(b"\"") {
            cut(quoted, |byte| byte == b'"').ok_or("a quote is not closed")?
        } else if rest.is_empty() {
            return Ok(None);
        } else {
            cut(rest, |byte| byte.is_ascii_whitespace()).unwrap_or((rest, b""))
        };
        self.0 = rest;
        Ok(Some(word))
    }

    /// A comment, which the kernel takes in any encoding.
    pub(super) fn comment(&mut self, option: &str) -> Result<Comment, String> {
        let text = self
            .next_bytes()?
            .ok_or_else(|| format!("{option} lacks its value"))?;
        Comment::try_from(text)
            .map_err(|error| format!("{option} \"{}\": {error}", text.escape_ascii()))
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

/// What is before the first byte that `ends` it and what is behind that.
fn cut(bytes: &[u8], ends: impl Fn(u8) -> bool) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| ends(*byte))?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
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
