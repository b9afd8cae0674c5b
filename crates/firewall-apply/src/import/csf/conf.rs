//! csf.conf: `KEY = "value"`.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use super::super::place::Place;
use super::super::source::Source;
use super::super::translation::Translation;

/// The settings.
#[derive(Debug)]
pub(super) struct Conf {
    path: Rc<Path>,
    settings: BTreeMap<String, Setting>,
}

#[derive(Debug)]
struct Setting {
    value: String,
    line: usize,
}

impl Conf {
    /// Reads them as csf does; a line that csf would refuse is left.
    pub(super) fn parse(source: &Source, made: &mut Translation) -> Self {
        let mut settings = BTreeMap::new();
        for (place, text) in source.lines() {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let Some((name, value)) = text.split_once('=') else {
                made.left(&place, text, "expected KEY = \"value\"");
                continue;
            };
            let name: String = name.split_whitespace().collect();
            let value = value
                .split_once('"')
                .and_then(|(_, rest)| rest.rsplit_once('"'));
            let Some((value, _)) = value else {
                made.left(
                    &place,
                    text,
                    "the value is not in quotes; csf refuses such a file",
                );
                continue;
            };
            let setting = Setting {
                value: value.to_owned(),
                line: place.line,
            };
            if settings.contains_key(&name) {
                let why = "it is set a second time, and csf refuses such a file; the first counts";
                made.left(&place, &name, why);
                continue;
            }
            settings.insert(name, setting);
        }
        Self {
            path: source.path().into(),
            settings,
        }
    }

    /// A value without blanks around it; empty where it is not set.
    pub(super) fn value(&self, key: &str) -> &str {
        self.settings
            .get(key)
            .map_or("", |setting| setting.value.trim())
    }

    /// Whether it is set to anything but nothing and 0.
    pub(super) fn is_on(&self, key: &str) -> bool {
        !matches!(self.value(key), "" | "0")
    }

    /// A value that is a number.
    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.value(key).parse().ok()
    }

    /// Where it is set, or the file.
    pub(super) fn place(&self, key: &str) -> Place {
        Place {
            path: Rc::clone(&self.path),
            line: self.settings.get(key).map_or(0, |setting| setting.line),
        }
    }

    /// Where it is set, if it is on.
    pub(super) fn set_place(&self, key: &str) -> Option<Place> {
        self.is_on(key).then(|| self.place(key))
    }

    /// The words of a list with commas, each with the place of the whole.
    pub(super) fn words(&self, key: &str) -> impl Iterator<Item = (String, Place)> {
        let place = self.place(key);
        let value: String = self.value(key).split_whitespace().collect();
        let words: Vec<String> = value
            .split(',')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        words.into_iter().map(move |word| (word, place.clone()))
    }

    /// All keys, with their values and places, in the order of the file.
    pub(super) fn all(&self) -> Vec<(&str, &str, Place)> {
        let all = self.settings.iter();
        let all = all.map(|(key, setting)| (key.as_str(), setting.value.trim(), self.place(key)));
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|(.., place)| place.line);
        all
    }
}
