//! Fields of a line, one after the other.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::WireError;

/// What is left of a line, and where the last field began.
pub(super) struct Fields<'a> {
    line: &'a str,
    /// `None` once the last field was taken.
    left: Option<&'a str>,
    last: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self {
            line,
            left: Some(line),
            last: 0,
        }
    }

    /// Something is wrong with the field that was taken last.
    pub(super) fn wrong(&self, why: impl Into<String>) -> WireError {
        WireError::new(self.last + 1, why)
    }

    /// The next field.
    pub(super) fn word(&mut self) -> Result<&'a str, WireError> {
        let left = self.take()?;
        let word = match left.split_once(' ') {
            Some((word, behind)) => {
                self.left = Some(behind);
                word
            }
            None => left,
        };
        if word.is_empty() {
            return Err(self.wrong("a field is missing"));
        }
        Ok(word)
    }

    /// All that is left.
    fn take(&mut self) -> Result<&'a str, WireError> {
        let left = self.left.take();
        self.last = self.line.len() - left.map_or(0, str::len);
        left.ok_or_else(|| self.wrong("a field is missing"))
    }

    /// The next field, and its text.
    pub(super) fn parse_with_text<T: FromStr<Err: Display>>(
        &mut self,
    ) -> Result<(T, &'a str), WireError> {
        let text = self.word()?;
        let value = text
            .parse()
            .map_err(|error: T::Err| self.wrong(error.to_string()))?;
        Ok((value, text))
    }

    pub(super) fn parse<T: FromStr<Err: Display>>(&mut self) -> Result<T, WireError> {
        self.parse_with_text().map(|(value, _)| value)
    }

    /// The value of the next field, whose key is this.
    fn value(&mut self, key: &str) -> Result<&'a str, WireError> {
        let word = self.word()?;
        self.behind(key, word)
    }

    fn behind(&mut self, key: &str, field: &'a str) -> Result<&'a str, WireError> {
        let value = field
            .strip_prefix(key)
            .and_then(|value| value.strip_prefix('='));
        let value = value.ok_or_else(|| self.wrong(format!("{key}= is missing")))?;
        self.last += key.len() + 1;
        Ok(value)
    }

    pub(super) fn parse_value<T: FromStr<Err: Display>>(
        &mut self,
        key: &str,
    ) -> Result<T, WireError> {
        let value = self.value(key)?;
        value
            .parse()
            .map_err(|error: T::Err| self.wrong(error.to_string()))
    }

    /// The number of the next field, whose key is this.
    pub(super) fn number(
        &mut self,
        key: &str,
        range: RangeInclusive<u64>,
    ) -> Result<u64, WireError> {
        let text = self.value(key)?;
        self.number_of(text, range)
    }

    /// The same, or `-`.
    pub(super) fn number_or_none(&mut self, key: &str) -> Result<Option<u32>, WireError> {
        match self.value(key)? {
            "-" => Ok(None),
            text => {
                let number = self.number_of(text, 0..=u32::MAX.into())?;
                Ok(u32::try_from(number).ok())
            }
        }
    }

    fn number_of(&self, text: &str, range: RangeInclusive<u64>) -> Result<u64, WireError> {
        let number = text
            .parse()
            .ok()
            .filter(|number: &u64| number.to_string() == text);
        let number = number.filter(|number| range.contains(number));
        let (least, most) = range.into_inner();
        number.ok_or_else(|| self.wrong(format!("this is not a number from {least} to {most}")))
    }

    /// The value of the last field, whose key is this, to the end of the line.
    pub(super) fn rest<T: FromStr<Err: Display>>(&mut self, key: &str) -> Result<T, WireError> {
        let field = self.take()?;
        let value = self.behind(key, field)?;
        value
            .parse()
            .map_err(|error: T::Err| self.wrong(error.to_string()))
    }

    /// Nothing is left.
    pub(super) fn end(&mut self) -> Result<(), WireError> {
        match self.take() {
            Ok(_) => Err(self.wrong("the record ends before this")),
            Err(_) => Ok(()),
        }
    }
}
