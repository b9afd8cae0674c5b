//! What the lines of a log are that no rule counts.

use std::collections::BTreeMap;

use firewall_log::{Clock, Event, Threshold, WhyNot};
use jiff::Timestamp;
use serde::Serialize;

use crate::clock::Present;
use crate::words::plain;

/// How many of a kind are shown.
const SHOWN: usize = 3;

/// How many prefixes are told apart; who logs under more of them is told with the rest.
const PREFIXES: usize = 32;

/// Characters of a line that are shown.
const EXCERPT: usize = 120;

/// A line that is longer than this is not looked at by any reader, in bytes.
const LONGEST: usize = 64 * 1024;

/// Every line, by what becomes of it.
#[derive(Debug)]
pub(super) struct Census {
    rules: Vec<Threshold>,
    clock: Clock,
    horizon: Timestamp,
    /// Lines of the firewall that a rule counts.
    pub(super) counted: u64,
    not_counted: BTreeMap<(Reason, Option<String>), u64>,
    /// Lines that are none of the firewall, by [`Kind`].
    strange: BTreeMap<Kind, Strange>,
}

/// Why no rule counts a line of the firewall; of several rules it is the one that went furthest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reason {
    Prefix,
    NoSource,
    Own,
    Type,
    Multicast,
    Answer,
    Exempt,
    Ahead,
    Undated,
    /// What a later version of the library knows.
    Other,
}

/// Lines of the firewall that no rule counts.
#[derive(Clone, Debug, Serialize)]
pub(super) struct NotCounted<'a> {
    pub(super) why: Reason,
    /// `None`: of prefixes that are too many to be told apart.
    pub(super) prefix: Option<&'a str>,
    pub(super) lines: u64,
}

/// What a line is that is none of the firewall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Other,
    Unparsed,
    Rejected,
    TooLong,
}

/// Lines of a kind.
#[derive(Debug, Default, Serialize)]
pub(super) struct Strange {
    pub(super) lines: u64,
    /// The first of them.
    pub(super) first: Vec<Example>,
}

/// A line and what is the matter with it.
#[derive(Debug, Serialize)]
pub(super) struct Example {
    pub(super) log: String,
    /// From 1, in its log.
    pub(super) line: u64,
    /// Nothing in it steers a terminal.
    pub(super) text: String,
    /// `None` where nothing in it is of a firewall.
    pub(super) why: Option<String>,
}

impl Census {
    /// Of lines that are counted by `rules`.
    pub(super) fn new(rules: Vec<Threshold>, present: &Present) -> Self {
        Self {
            rules,
            clock: present.clock.clone(),
            horizon: present.horizon,
            counted: 0,
            not_counted: BTreeMap::new(),
            strange: BTreeMap::new(),
        }
    }

    /// Takes in a line of a log; `number` is from 1.
    pub(super) fn add(&mut self, log: &str, number: u64, line: &[u8]) {
        if line.len() > LONGEST {
            return self.add_strange(Kind::TooLong, log, number, line, None);
        }
        match Event::parse(line) {
            Ok(event) => self.add_event(&event),
            Err(error) => {
                let kind = if error.is_malformed() {
                    Kind::Unparsed
                } else if error.is_rejected() {
                    Kind::Rejected
                } else {
                    Kind::Other
                };
                let why = (kind != Kind::Other).then(|| error.to_string());
                self.add_strange(kind, log, number, line, why);
            }
        }
    }

    fn add_event(&mut self, event: &Event<'_>) {
        let Some(why) = self.why_not(event) else {
            self.counted += 1;
            return;
        };
        let mut key = (why, Some(plain(event.prefix.trim_ascii_end())));
        if !self.not_counted.contains_key(&key) && self.not_counted.len() >= PREFIXES {
            key.1 = None;
        }
        *self.not_counted.entry(key).or_default() += 1;
    }

    /// `None` where a rule counts it.
    fn why_not(&self, event: &Event<'_>) -> Option<Reason> {
        let mut furthest = WhyNot::Prefix;
        for rule in &self.rules {
            let Some(why) = rule.why_not(event) else {
                let at = event.time.resolve(&self.clock).ok();
                let at = at.and_then(|at| Timestamp::try_from(at).ok());
                return match at {
                    None => Some(Reason::Undated),
                    Some(at) => (at > self.horizon).then_some(Reason::Ahead),
                };
            };
            furthest = furthest.max(why);
        }
        Some(match furthest {
            WhyNot::Prefix => Reason::Prefix,
            WhyNot::NoSource => Reason::NoSource,
            WhyNot::Own => Reason::Own,
            WhyNot::Type => Reason::Type,
            WhyNot::Multicast => Reason::Multicast,
            WhyNot::Answer => Reason::Answer,
            WhyNot::Excepted => Reason::Exempt,
            _ => Reason::Other,
        })
    }

    fn add_strange(
        &mut self,
        kind: Kind,
        log: &str,
        number: u64,
        line: &[u8],
        why: Option<String>,
    ) {
        let strange = self.strange.entry(kind).or_default();
        strange.lines += 1;
        if strange.first.len() < SHOWN {
            strange.first.push(Example {
                log: log.to_owned(),
                line: number,
                text: excerpt(line),
                why,
            });
        }
    }

    /// What no rule counts, the most frequent first.
    pub(super) fn not_counted(&self) -> Vec<NotCounted<'_>> {
        let all = self.not_counted.iter();
        let mut all: Vec<_> = all
            .map(|((why, prefix), lines)| NotCounted {
                why: *why,
                prefix: prefix.as_deref(),
                lines: *lines,
            })
            .collect();
        all.sort_by_key(|kind| std::cmp::Reverse(kind.lines));
        all
    }

    /// What is no line of the firewall.
    pub(super) fn strange(&self) -> &BTreeMap<Kind, Strange> {
        &self.strange
    }
}

/// The begin of a line, as a person may read it.
fn excerpt(line: &[u8]) -> String {
    // No character of the text is made of more bytes than four.
    let begin = line.get(..line.len().min(4 * EXCERPT)).unwrap_or_default();
    let text = plain(begin);
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_steers_nothing() {
        assert_eq!(excerpt(b"abc"), "abc");
        assert_eq!(excerpt(b"\x1b[2J"), "\\u{1b}[2J");
        let long = excerpt("x".repeat(100_000).as_bytes());
        assert_eq!(long.chars().count(), EXCERPT + 1);
        assert_eq!(
            excerpt("é".repeat(200).as_bytes()).chars().count(),
            EXCERPT + 1
        );
    }
}
