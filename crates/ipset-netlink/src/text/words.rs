//! A line in words, and what single words say.

use std::fmt::Display;
use std::str::FromStr;

use super::TextError;
use crate::{Comment, SkbMark, Timeout};

/// The words of a line. One in double quotes may hold blanks.
pub(super) struct Words<'a> {
    line: &'a [u8],
    /// The line, where all of it is UTF-8.
    text: Option<&'a str>,
    rest: &'a [u8],
    /// Where the last word began.
    at: usize,
}

impl<'a> Words<'a> {
    pub(super) fn new(line: &'a [u8]) -> Self {
        Self {
            line,
            text: std::str::from_utf8(line).ok(),
            rest: line,
            at: 0,
        }
    }

    /// The next word, whatever it encodes.
    #[inline]
    fn next_bytes(&mut self) -> Result<Option<&'a [u8]>, TextError> {
        let blanks = self.rest.iter().take_while(|byte| is_blank(**byte)).count();
        let rest = self.rest.get(blanks..).unwrap_or_default();
        self.at = self.line.len() - rest.len();
        let (quoted, text) = match rest.strip_prefix(b"\"") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let end = text
            .iter()
            .position(|byte| *byte == b'"' || !quoted && is_blank(*byte));
        let (word, rest) = match end.and_then(|end| text.split_at_checked(end)) {
            Some((word, [b'"', rest @ ..])) if quoted => (word, rest),
            Some((word, rest)) if !quoted && rest.first() != Some(&b'"') => (word, rest),
            None if !quoted => (text, &[][..]),
            _ if quoted => return Err(self.wrong("a quote is not closed")),
            _ => return Err(self.wrong("a quote stands within a word")),
        };
        if quoted && rest.first().is_some_and(|byte| !is_blank(*byte)) {
            return Err(self.wrong("a quote ends within a word"));
        }
        self.rest = rest;
        Ok((quoted || !word.is_empty()).then_some(word))
    }

    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<&'a str>, TextError> {
        let Some(word) = self.next_bytes()? else {
            return Ok(None);
        };
        let start = self.at + usize::from(self.line.get(self.at) == Some(&b'"'));
        let text = match self.text {
            Some(text) => text.get(start..start + word.len()),
            None => std::str::from_utf8(word).ok(),
        };
        text.map(Some)
            .ok_or_else(|| self.wrong(format_args!("\"{}\" is no UTF-8 text", word.escape_ascii())))
    }

    /// The next word, which is `what`.
    pub(super) fn need(&mut self, what: &str) -> Result<&'a str, TextError> {
        self.next()?
            .ok_or_else(|| self.wrong(format_args!("{what} is missing")))
    }

    /// The value of an option, which is the next word.
    pub(super) fn value(&mut self, option: &str) -> Result<&'a str, TextError> {
        self.next()?
            .ok_or_else(|| self.wrong(format_args!("{option} lacks its value")))
    }

    pub(super) fn read<T: FromStr<Err: Display>>(&mut self, option: &str) -> Result<T, TextError> {
        let text = self.value(option)?;
        text.parse()
            .map_err(|error| self.wrong(format_args!("{option} {text:?}: {error}")))
    }

    pub(super) fn number<N: TryFrom<u64>>(&mut self, option: &str) -> Result<N, TextError> {
        let text = self.value(option)?;
        number(text).ok_or_else(|| {
            self.wrong(format_args!(
                "{option} {text:?} is no number, or out of range"
            ))
        })
    }

    pub(super) fn timeout(&mut self) -> Result<Timeout, TextError> {
        let seconds = self.number("timeout")?;
        Timeout::from_secs(seconds).map_err(|error| self.wrong(error))
    }

    /// A comment, which the kernel takes in any encoding.
    pub(super) fn comment(&mut self) -> Result<Comment, TextError> {
        let text = self.next_bytes()?;
        let text = text.ok_or_else(|| self.wrong("comment lacks its value"))?;
        Comment::try_from(text).map_err(|error| {
            self.wrong(format_args!("comment \"{}\": {error}", text.escape_ascii()))
        })
    }

    /// `0x1/0xff`, or without a mask.
    pub(super) fn mark(&mut self, option: &str) -> Result<SkbMark, TextError> {
        let text = self.value(option)?;
        let hex = |text: &str| hexadecimal(text.strip_prefix("0x")?);
        let (value, mask) = text.split_once('/').unwrap_or((text, "0xffffffff"));
        let both = hex(value).zip(hex(mask));
        both.map(|(value, mask)| SkbMark { value, mask })
            .ok_or_else(|| {
                self.wrong(format_args!(
                    "{option} {text:?} is no mark (0xMARK or 0xMARK/0xMASK)"
                ))
            })
    }

    /// `1:a`, both hexadecimal.
    pub(super) fn class(&mut self, option: &str) -> Result<u32, TextError> {
        let text = self.value(option)?;
        let both = text.split_once(':');
        both.and_then(|(major, minor)| hexadecimal::<u16>(major).zip(hexadecimal::<u16>(minor)))
            .map(|(major, minor)| u32::from(major) << 16 | u32::from(minor))
            .ok_or_else(|| {
                self.wrong(format_args!(
                    "{option} {text:?} is no traffic class (MAJOR:MINOR)"
                ))
            })
    }

    /// What is wrong with the word that was read last.
    #[cold]
    pub(super) fn wrong(&self, reason: impl Display) -> TextError {
        TextError::new(self.at, reason)
    }
}

/// What `ipset` takes for the space between words.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A number in figures, or in hexadecimal after `0x`.
pub(super) fn number<N: TryFrom<u64>>(text: &str) -> Option<N> {
    match text.strip_prefix("0x") {
        Some(hex) => hexadecimal(hex),
        None => decimal(text),
    }
}

/// A number in figures. One with a leading zero is none: `ipset` takes it for octal.
#[inline]
pub(super) fn decimal<N: TryFrom<u64>>(text: &str) -> Option<N> {
    let plain = text == "0" || text.starts_with(|first| matches!(first, '1'..='9'));
    let number: u64 = plain.then(|| text.parse().ok())??;
    number.try_into().ok()
}

fn hexadecimal<N: TryFrom<u64>>(text: &str) -> Option<N> {
    // The standard library would take a sign.
    let digits = text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = digits.then(|| u64::from_str_radix(text, 16).ok())??;
    number.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &[u8]) -> Result<Vec<&str>, String> {
        let mut words = Words::new(line);
        std::iter::from_fn(|| words.next().map_err(|error| error.to_string()).transpose()).collect()
    }

    #[test]
    fn quotes_hold_blanks() {
        let line = b" add\ta  \"b c\" \"\" d\r\n";
        assert_eq!(words(line), Ok(vec!["add", "a", "b c", "", "d"]));
        assert_eq!(words(b" \r\n"), Ok(vec![]));
    }

    #[test]
    fn what_has_two_meanings_is_refused_with_its_place() {
        for (line, why) in [
            (&b"a \"b"[..], "byte 3: a quote is not closed"),
            (b"a b\"c\"", "byte 3: a quote stands within a word"),
            (b"a \"b\"c", "byte 3: a quote ends within a word"),
            (b"a \xff", "byte 3: \"\\xff\" is no UTF-8 text"),
        ] {
            assert_eq!(words(line), Err(why.into()));
        }
    }

    #[test]
    fn numbers_have_one_meaning() {
        for (text, expected) in [
            ("0", Some(0)),
            ("255", Some(255)),
            ("0xff", Some(255)),
            ("0x00ff", Some(255)),
        ] {
            assert_eq!(number::<u8>(text), expected, "{text}");
        }
        for text in [
            "", "-1", "+1", "010", "256", "0x", "0x+1", "0x100", "1 ", "ff",
        ] {
            assert_eq!(number::<u8>(text), None, "{text}");
        }
    }
}
