//! Which prefixes a log holds, for whoever asked for one that it does not hold.

use std::cmp::Reverse;
use std::collections::HashMap;

use firewall_log::Event;
use serde::{Serialize, Serializer};

use crate::rule::RuleName;

/// How many prefixes are told at most.
const MOST: usize = 5;

/// How often each prefix stands in the first lines of all logs.
#[derive(Debug, Default)]
pub(crate) struct Prefixes(HashMap<Vec<u8>, u64>);

/// A prefix and in how many of the first lines it stands.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PrefixCount {
    #[serde(serialize_with = "lossy")]
    pub(crate) prefix: Vec<u8>,
    pub(crate) lines: u64,
}

fn lossy<S: Serializer>(text: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&String::from_utf8_lossy(text))
}

impl Prefixes {
    /// Takes in the first lines of a log.
    pub(crate) fn add(&mut self, begin: &[u8]) {
        for line in begin.split(|byte| *byte == b'\n') {
            if let Ok(event) = Event::parse(line) {
                *self.0.entry(event.prefix.to_vec()).or_default() += 1;
            }
        }
    }

    /// The most frequent ones; none where one of all is what the name stands for.
    pub(crate) fn instead_of(&self, name: &RuleName) -> Vec<PrefixCount> {
        if self.0.keys().any(|prefix| name.stands_for(prefix)) {
            return Vec::new();
        }
        let all = self.0.iter().map(|(prefix, lines)| PrefixCount {
            prefix: prefix.clone(),
            lines: *lines,
        });
        let mut held: Vec<_> = all.collect();
        held.sort_unstable_by(|one, other| {
            (Reverse(one.lines), &one.prefix).cmp(&(Reverse(other.lines), &other.prefix))
        });
        held.truncate(MOST);
        held
    }
}
