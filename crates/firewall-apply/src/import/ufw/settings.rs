//! `KEY=value` and `KEY="value"`, as a shell reads them.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use super::super::place::Place;
use super::super::source::Source;
use super::super::translation::Translation;
use crate::findings::Problem;

/// The settings of a file.
#[derive(Debug)]
pub(super) struct Settings {
    path: Rc<Path>,
    missing: bool,
    values: BTreeMap<String, (String, usize)>,
}

impl Settings {
    /// Reads a file that may be missing.
    pub(super) fn read(path: &Path, made: &mut Translation) -> Result<Self, Problem> {
        let mut values = BTreeMap::new();
        let source = Source::read_if_there(path)?;
        for (place, text) in source.iter().flat_map(Source::lines) {
            if text.starts_with('#') {
                continue;
            }
            if let Some((key, value)) = text.split_once('=') {
                // The last one counts.
                let value = unquoted(value.trim()).to_owned();
                values.insert(key.trim().to_owned(), (value, place.line));
            }
        }
        if source.is_some() {
            made.read.push(path.to_owned());
        }
        Ok(Self {
            path: path.into(),
            missing: source.is_none(),
            values,
        })
    }

    pub(super) fn is_missing(&self) -> bool {
        self.missing
    }

    /// A value; empty where it is not set.
    pub(super) fn value(&self, key: &str) -> &str {
        self.values.get(key).map_or("", |(value, _)| value)
    }

    /// Where it is set, or the file.
    pub(super) fn place(&self, key: &str) -> Place {
        Place {
            path: Rc::clone(&self.path),
            line: self.values.get(key).map_or(0, |(_, line)| *line),
        }
    }
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        let inner = value
            .strip_prefix(quote)
            .and_then(|rest| rest.split_once(quote));
        if let Some((inner, _)) = inner {
            return inner;
        }
    }
    value
        .split_once(" #")
        .map_or(value, |(value, _)| value)
        .trim_end()
}
