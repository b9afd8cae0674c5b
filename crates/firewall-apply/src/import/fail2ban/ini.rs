//! fail2ban's files: sections of `key = value`, read one over the other, with `%(key)s` in values.
//!
//! As Python's configparser reads them with fail2ban's additions: `[INCLUDES]`, `%(section/key)s`,
//! `%(known/key)s`, and `.local` beside each file that is included.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::super::place::Place;
use super::super::source::Source;
use super::super::translation::Translation;
use crate::findings::Problem;

/// A value, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) place: Place,
}

/// The keys of a section.
type Section = BTreeMap<String, Value>;

/// Files that were read one over the other.
#[derive(Debug, Default)]
pub(super) struct Ini {
    defaults: Section,
    sections: BTreeMap<String, Section>,
    /// What stood there before the last file said otherwise.
    known: BTreeMap<String, Section>,
    /// The sections in the order of their first line.
    pub(super) order: Vec<String>,
}

impl Ini {
    /// Reads the files in this order, each with what it includes before and after it; those that are
    /// missing are passed over.
    pub(super) fn read(paths: &[PathBuf], made: &mut Translation) -> Result<Self, Problem> {
        let mut ini = Self::default();
        for path in paths {
            ini.file(path, &mut BTreeSet::new(), made)?;
        }
        Ok(ini)
    }

    fn file(
        &mut self,
        path: &Path,
        around: &mut BTreeSet<PathBuf>,
        made: &mut Translation,
    ) -> Result<(), Problem> {
        if around.len() > MOST_INCLUDED || !around.insert(path.to_owned()) {
            return Ok(());
        }
        if let Some(source) = Source::read_if_there(path)? {
            made.read.push(path.to_owned());
            let sections = parse(&source, made);
            let includes = sections.iter().find(|(name, _)| name == "INCLUDES");
            let of = |key: &str| -> Vec<PathBuf> {
                let value = includes.and_then(|(_, section)| section.get(key));
                let files = value.into_iter().flat_map(|value| value.text.lines());
                let files = files.map(str::trim).filter(|name| !name.is_empty());
                let folder = path.parent().unwrap_or_else(|| Path::new(""));
                files.map(|name| folder.join(name)).collect()
            };
            let (before, after) = (of("before"), of("after"));
            for one in &before {
                self.with_local(one, around, made)?;
            }
            self.merge(sections);
            for one in &after {
                self.with_local(one, around, made)?;
            }
        }
        around.remove(path);
        Ok(())
    }

    /// What is included may have a file of the administrator's beside it.
    fn with_local(
        &mut self,
        path: &Path,
        around: &mut BTreeSet<PathBuf>,
        made: &mut Translation,
    ) -> Result<(), Problem> {
        self.file(path, around, made)?;
        let local = path.with_extension("local");
        if local == path {
            return Ok(());
        }
        self.file(&local, around, made)
    }

    fn merge(&mut self, sections: Vec<(String, Section)>) {
        for (name, section) in sections {
            if name == "DEFAULT" {
                self.defaults.extend(section);
                continue;
            }
            if !self.sections.contains_key(&name) {
                self.order.push(name.clone());
            }
            let old = self.sections.entry(name.clone()).or_default();
            let known = self.known.entry(name).or_default();
            for (key, value) in section {
                if let Some(before) = old.insert(key.clone(), value) {
                    known.insert(key, before);
                }
            }
        }
    }

    /// A value with what it refers to put in; `None` where neither the section nor `[DEFAULT]` has
    /// it.
    ///
    /// # Errors
    ///
    /// What it refers to is not there, or refers to itself.
    pub(super) fn get(&self, section: &str, key: &str) -> Result<Option<Value>, String> {
        let Some(value) = self.raw(section, key) else {
            return Ok(None);
        };
        let mut room = MOST_TEXT;
        let text = self.interpolated(section, &value.text, 0, &mut room)?;
        Ok(Some(Value {
            text,
            place: value.place.clone(),
        }))
    }

    /// A value as it is written.
    pub(super) fn raw_text(&self, section: &str, key: &str) -> Option<String> {
        self.raw(section, key).map(|value| value.text.clone())
    }

    fn raw(&self, section: &str, key: &str) -> Option<&Value> {
        let own = self
            .sections
            .get(section)
            .and_then(|section| section.get(key));
        own.or_else(|| self.defaults.get(key))
    }

    fn referred(&self, section: &str, name: &str) -> Option<&Value> {
        let Some((other, key)) = name.split_once('/') else {
            return self.raw(section, name);
        };
        let known = self.known.get(section).and_then(|section| section.get(key));
        let own = match other {
            "known" => known,
            "default" => None,
            // Names of sections have their letters as they are; keys do not.
            other => {
                let mut sections = self.sections.iter();
                let found = sections.find(|(name, _)| name.eq_ignore_ascii_case(other));
                found.and_then(|(_, section)| section.get(key))
            }
        };
        own.or_else(|| self.defaults.get(key))
    }

    fn interpolated(
        &self,
        section: &str,
        text: &str,
        depth: usize,
        room: &mut usize,
    ) -> Result<String, String> {
        if depth > MOST_DEPTH {
            return Err("it refers to itself".to_owned());
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('%') {
            out.push_str(before);
            if let Some(behind) = behind.strip_prefix('%') {
                out.push('%');
                rest = behind;
            } else if let Some((name, behind)) = behind
                .strip_prefix('(')
                .and_then(|rest| rest.split_once(")s"))
            {
                let name = name.to_ascii_lowercase();
                if name == "__name__" {
                    out.push_str(section);
                } else {
                    let value = self.referred(section, &name);
                    let value = value
                        .ok_or_else(|| format!("it refers to {name:?}, which is not there"))?;
                    let value = self.interpolated(section, &value.text, depth + 1, room)?;
                    *room = room.checked_sub(value.len()).ok_or("it is too long")?;
                    out.push_str(&value);
                }
                rest = behind;
            } else {
                return Err("a % is followed by neither % nor (NAME)s".to_owned());
            }
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// The sections of one file; a line that configparser would refuse is left.
fn parse(source: &Source, made: &mut Translation) -> Vec<(String, Section)> {
    let mut sections: Vec<(String, Section)> = Vec::new();
    let mut key: Option<String> = None;
    for (place, text, is_indented) in source.lines_as_they_are() {
        let trimmed = text.trim();
        if trimmed.starts_with(['#', ';']) {
            continue;
        }
        // A comment behind a value begins with a blank and a semicolon.
        let text = match text.find(" ;").or_else(|| text.find("\t;")) {
            Some(at) => text.get(..at).unwrap_or(text),
            None => text,
        };
        let trimmed = text.trim();
        if trimmed.is_empty() {
            continue;
        }
        let last = sections.last_mut();
        if let (true, Some(key), Some((_, section))) = (is_indented, &key, last) {
            if let Some(value) = section.get_mut(key) {
                value.text.push('\n');
                value.text.push_str(trimmed);
            }
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[') {
            let name = name.split(']').next().unwrap_or(name);
            // `[Init?family=inet6]` is of another family alone.
            sections.push((name.to_owned(), Section::new()));
            key = None;
            continue;
        }
        let at = trimmed.find(['=', ':']);
        let pair = at.and_then(|at| Some((trimmed.get(..at)?, trimmed.get(at + 1..)?)));
        if let (Some((name, value)), Some((_, section))) = (pair, sections.last_mut()) {
            let name = name.trim().to_ascii_lowercase();
            let value = Value {
                text: value.trim().to_owned(),
                place,
            };
            section.insert(name.clone(), value);
            key = Some(name);
        } else {
            made.left(&place, trimmed, "expected KEY = VALUE in a [SECTION]");
            key = None;
        }
    }
    sections
}

/// Files that include each other, one within the other.
const MOST_INCLUDED: usize = 20;
/// `MAX_INTERPOLATION_DEPTH` of configparser.
const MOST_DEPTH: usize = 10;
/// Bytes that values are put together from: each may name others several times.
const MOST_TEXT: usize = 1 << 20;
