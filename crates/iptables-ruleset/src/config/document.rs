//! A TOML document read key by key, so that every error has a place and a reason.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use crate::BuildError;

/// A table of the document.
pub(super) struct Section<'d> {
    text: &'d str,
    /// `[throttle.soft]`, as the user finds it; empty for the whole file.
    label: String,
    path: String,
    start: usize,
    table: &'d DeTable<'d>,
}

/// A key of a table, and how its value is read into what the table stands for.
pub(super) type Key<T> = (
    &'static str,
    fn(&mut T, &Value<'_>) -> Result<(), ConfigError>,
);

/// A value and where it is.
pub(super) struct Value<'d> {
    text: &'d str,
    /// `blocked-level in [log]`.
    name: String,
    /// `throttle.soft`.
    path: String,
    spanned: &'d Spanned<DeValue<'d>>,
}

impl<'d> Section<'d> {
    pub(super) fn whole(text: &'d str, table: &'d DeTable<'d>) -> Self {
        Self {
            text,
            label: String::new(),
            path: String::new(),
            start: 0,
            table,
        }
    }

    /// Reads the keys that are there into `to`, in the order of `keys`, and refuses every other.
    pub(super) fn read<T>(&self, to: &mut T, keys: &[Key<T>]) -> Result<(), ConfigError> {
        self.only(keys)?;
        for (key, read) in keys {
            if let Some(value) = self.get(key) {
                read(to, &value)?;
            }
        }
        Ok(())
    }

    /// Refuses every key but these.
    pub(super) fn only<T>(&self, keys: &[Key<T>]) -> Result<(), ConfigError> {
        let known: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
        self.only_named(&known)
    }

    /// Refuses every key but those of these names.
    pub(super) fn only_named(&self, known: &[&str]) -> Result<(), ConfigError> {
        let unknown = self
            .table
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()));
        let Some(key) = unknown.min_by_key(|key| key.span().start) else {
            return Ok(());
        };
        let name: &str = key.get_ref().as_ref();
        let hint = match nearest(name, known) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("known are {}", known.join(", ")),
        };
        let key_in = self.named(&format!("{name:?}"));
        Err(ConfigError::at(
            self.text,
            key.span().start,
            format!("unknown key {key_in}; {hint}"),
        ))
    }

    pub(super) fn get(&self, key: &str) -> Option<Value<'d>> {
        let (_, value) = self
            .table
            .iter()
            .find(|(name, _)| name.get_ref().as_ref() == key)?;
        let path = if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        };
        Some(Value {
            text: self.text,
            name: self.named(key),
            path,
            spanned: value,
        })
    }

    /// `blocked-level in [log]`.
    fn named(&self, key: &str) -> String {
        match self.label.as_str() {
            "" => key.to_owned(),
            label => format!("{key} in {label}"),
        }
    }

    /// A value that has to be there.
    pub(super) fn require(&self, key: &str) -> Result<Value<'d>, ConfigError> {
        self.get(key)
            .ok_or_else(|| self.error(format!("{} has no {key}", self.label)))
    }

    /// An error about the table as a whole.
    pub(super) fn error(&self, message: impl Into<String>) -> ConfigError {
        ConfigError::at(self.text, self.start, message)
    }
}

impl<'d> Value<'d> {
    /// The table `[key]`.
    pub(super) fn section(&self) -> Result<Section<'d>, ConfigError> {
        let label = format!("[{}]", self.path);
        let wrong = || self.error(format!("{} must be a table: {label}", self.name));
        let table = self.spanned.get_ref().as_table().ok_or_else(wrong)?;
        Ok(self.table(label.clone(), self.spanned.span().start, table))
    }

    /// The tables `[[key]]`.
    pub(super) fn sections(&self) -> Result<Vec<Section<'d>>, ConfigError> {
        let label = format!("[[{}]]", self.path);
        let wrong = |at: usize| {
            let message = format!("{} must be tables: {label}", self.path);
            ConfigError::at(self.text, at, message)
        };
        let array = self.spanned.get_ref().as_array();
        let array = array.ok_or_else(|| wrong(self.spanned.span().start))?;
        let tables = array.iter().map(|element| {
            let start = element.span().start;
            let table = element.get_ref().as_table().ok_or_else(|| wrong(start))?;
            Ok(self.table(label.clone(), start, table))
        });
        tables.collect()
    }

    fn table(&self, label: String, start: usize, table: &'d DeTable<'d>) -> Section<'d> {
        Section {
            text: self.text,
            label,
            path: self.path.clone(),
            start,
            table,
        }
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ConfigError {
        ConfigError::at(self.text, self.spanned.span().start, message)
    }

    pub(super) fn string(&self) -> Result<&'d str, ConfigError> {
        self.spanned
            .get_ref()
            .as_str()
            .ok_or_else(|| self.expected("a string"))
    }

    pub(super) fn list(&self) -> Result<Vec<Self>, ConfigError> {
        let array = self
            .spanned
            .get_ref()
            .as_array()
            .ok_or_else(|| self.expected("a list"))?;
        Ok(array.iter().map(|value| self.element(value)).collect())
    }

    /// The values of a list, or the one value that is none.
    pub(super) fn one_or_several(&self) -> Vec<Self> {
        // An error is not made for nothing: to find its place takes as long as the file is.
        match self.spanned.get_ref().as_array() {
            Some(array) => array.iter().map(|value| self.element(value)).collect(),
            None => vec![self.element(self.spanned)],
        }
    }

    /// A value of a list, which is called what the list is called.
    fn element(&self, value: &'d Spanned<DeValue<'d>>) -> Self {
        Self {
            text: self.text,
            name: self.name.clone(),
            path: self.path.clone(),
            spanned: value,
        }
    }

    /// A string that means something.
    pub(super) fn parse<T: FromStr<Err = BuildError>>(&self) -> Result<T, ConfigError> {
        let text = self.string()?;
        text.parse()
            .map_err(|error: BuildError| self.refused(text, &error))
    }

    /// What a good value is not good enough for.
    pub(super) fn refused(&self, value: impl Display, error: &BuildError) -> ConfigError {
        self.error(format!("{} \"{value}\": {}", self.name, error.reason()))
    }

    /// A whole number.
    pub(super) fn integer<T>(&self, range: RangeInclusive<T>) -> Result<T, ConfigError>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let wanted = || format!("a whole number, {} to {}", range.start(), range.end());
        let number = self
            .spanned
            .get_ref()
            .as_integer()
            .ok_or_else(|| self.expected(&wanted()))?;
        i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .and_then(|number| T::try_from(number).ok())
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                self.error(format!(
                    "{} must be {}; it is {}",
                    self.name,
                    wanted(),
                    number.as_str()
                ))
            })
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Result<bool, ConfigError> {
        self.spanned
            .get_ref()
            .as_bool()
            .ok_or_else(|| self.expected("true or false"))
    }

    /// A string, or a date and time without quotes, that means something.
    pub(super) fn parse_time<T: FromStr<Err = BuildError>>(&self) -> Result<T, ConfigError> {
        let DeValue::Datetime(time) = self.spanned.get_ref() else {
            return self.parse();
        };
        let text = time.to_string();
        text.parse()
            .map_err(|error: BuildError| self.refused(text, &error))
    }

    pub(super) fn is_integer(&self) -> bool {
        self.spanned.get_ref().is_integer()
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, ConfigError> {
        let word = self.string()?;
        if let Some((_, chosen)) = words.iter().find(|(name, _)| *name == word) {
            Ok(*chosen)
        } else {
            let known: Vec<String> = words.iter().map(|(name, _)| format!("{name:?}")).collect();
            Err(self.error(format!(
                "{} must be {}; it is {word:?}",
                self.name,
                known.join(" or ")
            )))
        }
    }

    fn expected(&self, what: &str) -> ConfigError {
        self.error(format!(
            "{} must be {what}; it is {}",
            self.name,
            self.spanned.get_ref().type_str()
        ))
    }
}

/// The known word that was most likely meant.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let distance = |near: &&str| strsim::damerau_levenshtein(word, near);
    known
        .iter()
        .copied()
        .min_by_key(distance)
        .filter(|near| distance(near) <= (near.len() / 3).max(1))
}
