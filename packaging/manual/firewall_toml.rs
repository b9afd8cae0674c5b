//! `firewall.toml(5)`: the packaged file, key by key, and what the README says of them.

use clap_mangen::roff::{Roff, roman};

use crate::markdown;
use crate::page::{Issue, head, heading, paragraph, see_also, subheading, term, tidy};

/// Every key with its default, as it is installed.
const PACKAGED: &str = include_str!("../rampart/firewall.toml");
const README: &str = include_str!("../../crates/firewall-apply/README.md");
/// The README speaks of the configuration from this heading …
const FROM: &str = "Members that the configuration names";
/// … to before this one.
const UNTIL: &str = "The first apply";

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "packaging/rampart/firewall.toml: {key} in {table} has no comment that says what it does"
    )]
    NoComment { table: String, key: String },
    #[error("crates/firewall-apply/README.md has no \"## {FROM}\" followed by \"## {UNTIL}\"")]
    Readme,
}

/// A table of the file.
#[derive(Debug, Default)]
struct Table {
    /// `[[service]]`.
    label: String,
    about: String,
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    name: String,
    /// `name = value`, the default or an example.
    example: String,
    about: String,
}

impl Table {
    /// A key with its comment, or a comment that goes on with that of the key before.
    fn take(&mut self, code: &str, comment: &str) {
        let Some(name) = name(code) else {
            if let Some(key) = self.keys.last_mut() {
                add(&mut key.about, comment);
            }
            return;
        };
        let key = Key {
            name: name.to_owned(),
            example: code.to_owned(),
            about: comment.to_owned(),
        };
        match self.keys.iter().position(|known| known.name == name) {
            // What goes on behind it goes on with the one that is kept.
            Some(known) => {
                let known = self.keys.remove(known);
                let told = !known.about.is_empty();
                self.keys.push(if told { known } else { key });
            }
            None => self.keys.push(key),
        }
    }
}

pub(crate) fn page(issue: &Issue) -> Result<String, Error> {
    let mut roff = Roff::new();
    head(
        &mut roff,
        "firewall.toml",
        "5",
        "what the firewall of Rampart shall do",
        issue,
    );
    heading(&mut roff, "SYNOPSIS");
    paragraph(
        &mut roff,
        [roman(
            "/etc/rampart/firewall.toml, /etc/rampart/firewall.d/*.toml",
        )],
    );
    heading(&mut roff, "DESCRIPTION");
    paragraph(
        &mut roff,
        [roman(
            "A file in TOML. Every key may be left out. The value that is shown is the default, or an example where the \
             text says what becomes of it without the key. An unknown key, a value that is no such value and a file with \
             nothing in it are errors with line and column, and nothing is applied.",
        )],
    );
    heading(&mut roff, "KEYS");
    for table in tables(PACKAGED) {
        subheading(&mut roff, &table.label);
        if !table.about.is_empty() {
            paragraph(&mut roff, [roman(&table.about)]);
        }
        for key in &table.keys {
            if key.about.is_empty() {
                return Err(Error::NoComment {
                    table: table.label.clone(),
                    key: key.name.clone(),
                });
            }
            term(&mut roff, &key.example, &key.about);
        }
    }
    let part = markdown::part(README, FROM, Some(UNTIL)).ok_or(Error::Readme)?;
    markdown::write(&mut roff, part);
    see_also(
        &mut roff,
        &[
            "firewall-apply(8)",
            "scan.toml(5)",
            "iptables(8)",
            "ipset(8)",
        ]
        .map(str::to_owned),
    );
    Ok(tidy(&roff.to_roff()))
}

/// The tables of the file; those of an array that stand one after the other are one, and a key that
/// is there several times has the first comment that says something of it.
fn tables(text: &str) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let mut about = String::new();
    let mut at = None;
    for line in text.lines() {
        if line.is_empty() {
            about.clear();
            continue;
        }
        let said = line.strip_prefix("# ").unwrap_or(line);
        let (code, comment) = split(said);
        let here = at.and_then(|at: usize| tables.get_mut(at));
        if let Some(label) = label(code) {
            let found = tables.iter().position(|table| table.label == label);
            let place = found.unwrap_or(tables.len());
            if found.is_none() {
                tables.push(Table {
                    label: label.to_owned(),
                    ..Table::default()
                });
            }
            if let Some(table) = tables.get_mut(place) {
                add(&mut table.about, &std::mem::take(&mut about));
                add(&mut table.about, comment);
            }
            at = Some(place);
        } else if let (Some(table), true) = (here, name(code).is_some() || code.is_empty()) {
            table.take(code, comment);
        } else {
            add(&mut about, said.trim_start_matches('#').trim());
        }
    }
    tables
}

fn add(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

/// What stands before a comment, and the comment. A `#` in quotes begins none.
fn split(line: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, sign) in line.char_indices() {
        match sign {
            '"' => quoted = !quoted,
            '#' if !quoted => {
                let (code, comment) = line.split_at(at);
                return (code.trim(), comment.trim_start_matches('#').trim());
            }
            _ => {}
        }
    }
    (line.trim(), "")
}

/// `[policy]`, `[[service]]`.
fn label(code: &str) -> Option<&str> {
    let is_label = code.starts_with('[') && code.ends_with(']') && !code.contains([' ', '"']);
    is_label.then_some(code)
}

/// `ports` of `ports = [22]`.
fn name(code: &str) -> Option<&str> {
    let (name, _) = code.split_once(" = ")?;
    let of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.bytes().all(of_name).then_some(name)
}

#[cfg(test)]
mod tests {
    use iptables_ruleset::Config;

    use super::*;

    /// The keys that the reader knows in a table, asked for by one that it does not.
    fn known(table: &str) -> Vec<String> {
        let error = Config::parse(&format!("{table}\n\"@@@@@@@@\" = 1\n")).unwrap_err();
        let error = error.to_string();
        let (_, known) = error.split_once("known are ").expect(&error);
        known.split(", ").map(str::to_owned).collect()
    }

    impl Table {
        /// Its keys, and the words that are said of them and of it: what is the same for another
        /// table is not told twice.
        fn words(&self) -> impl Iterator<Item = &str> {
            let keys = self.keys.iter();
            let names = keys.clone().map(|key| key.name.as_str());
            let texts = keys.map(|key| &key.about).chain([&self.about]);
            let texts = texts.flat_map(|text| text.split([' ', ',', ';', '(', ')', ':']));
            names.chain(texts)
        }
    }

    #[test]
    fn every_key_that_is_read_is_told() {
        let tables = tables(PACKAGED);
        let mut seen = 0;
        let paths = tables
            .iter()
            .map(|table| table.label.trim_matches(['[', ']']));
        let paths: Vec<&str> = paths.collect();
        // [output] is there for [[output.service]] alone.
        let is_table = |path: &str| {
            let below = format!("{path}.");
            paths
                .iter()
                .any(|known| *known == path || known.starts_with(&below))
        };
        for key in known("") {
            assert!(
                is_table(&key),
                "[{key}] is not in packaging/rampart/firewall.toml"
            );
        }
        for table in &tables {
            let path = table.label.trim_matches(['[', ']']);
            let words: Vec<&str> = table.words().collect();
            for key in known(&table.label) {
                assert!(
                    words.contains(&key.as_str()) || is_table(&format!("{path}.{key}")),
                    "{key} of {} is not in packaging/rampart/firewall.toml",
                    table.label
                );
                seen += 1;
            }
        }
        assert!(seen > 80, "only {seen} keys");
    }

    #[test]
    fn every_key_is_told_what_it_does() {
        page(&Issue::of(Some("0")).unwrap()).unwrap();
    }

    #[test]
    fn tables_keys_and_comments() {
        let text = "\
# The head.

# What it is.
[one]   # and more
# a = \"#1\"   # first
#           #   and on
# b-2 = []

# [[two]]
# a = 1
# [[two]]
# a = 2     # second
";
        let tables = tables(text);
        let shown: Vec<_> = tables
            .iter()
            .map(|table| {
                let keys = table.keys.iter();
                let keys = keys.map(|key| format!("{}|{}|{}", key.name, key.example, key.about));
                (
                    table.label.as_str(),
                    table.about.as_str(),
                    keys.collect::<Vec<_>>(),
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                (
                    "[one]",
                    "What it is. and more",
                    vec![
                        "a|a = \"#1\"|first and on".to_owned(),
                        "b-2|b-2 = []|".to_owned()
                    ]
                ),
                ("[[two]]", "", vec!["a|a = 2|second".to_owned()]),
            ]
        );
    }
}
