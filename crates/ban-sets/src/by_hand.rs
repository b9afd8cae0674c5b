//! What an administrator did, and the comment that says so.

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// What an administrator did. The comment of an entry has it behind a word:
/// `unban: since=2026-11-22T09:00:00Z why=the new backup server`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ByHand {
    /// As exactly as the clock says.
    #[serde(serialize_with = "as_text")]
    pub since: Timestamp,
    /// In his words; may be empty.
    pub why: String,
}

impl ByHand {
    /// In the administrator's words, of which quotes and what could steer a terminal are left out.
    pub fn new(since: Timestamp, why: &str) -> Self {
        let why = why.chars().filter(|c| *c != '"' && !c.is_control());
        Self {
            since,
            why: why.collect::<String>().trim().to_owned(),
        }
    }

    /// What stands behind the word of a comment.
    pub fn parse(text: &str) -> Option<Self> {
        let (pairs, why) = text.split_once(" why=").unwrap_or((text, ""));
        let mut pairs = pairs.split(' ').filter_map(|pair| pair.split_once('='));
        let (_, since) = pairs.find(|(name, _)| *name == "since")?;
        Some(Self::new(since.parse().ok()?, why))
    }
}

impl fmt::Display for ByHand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { since, why } = self;
        write!(f, "since={since}")?;
        if why.is_empty() {
            return Ok(());
        }
        write!(f, " why={why}")
    }
}

fn as_text<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(time)
}
