//! What became of a list.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use serde::Serialize;

use super::exceptions::{Cut, Why};
use crate::words::{Count, Entries, join};

/// What became of a list.
#[derive(Debug, Serialize)]
pub(crate) struct ListReport {
    /// Its name.
    pub(crate) name: String,
    /// Whether its members are blocked.
    pub(crate) blocks: bool,
    /// Its files.
    pub(crate) files: Vec<PathBuf>,
    /// How many entries stand in them; null where they cannot be read, or are refused.
    pub(crate) entries: Option<u64>,
    /// How many networks these are, as few as they can be.
    pub(crate) networks: Option<u64>,
    /// What they have and the sets do not.
    pub(crate) taken_out: Vec<Cut>,
    /// What was done.
    pub(crate) outcome: Outcome,
    /// The sets.
    pub(crate) sets: Vec<ListedSet>,
}

/// What was done with a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// The sets have its members now.
    Replaced,
    /// The sets had its members, and nothing was sent.
    Unchanged,
    /// The sets are as they were, because of an error.
    Kept,
}

/// A set of a list.
#[derive(Debug, Serialize)]
pub(crate) struct ListedSet {
    /// Its name.
    pub(crate) name: String,
    /// `inet` or `inet6`.
    pub(crate) family: String,
    /// Networks that were in it; null where there was no such set.
    pub(crate) before: Option<u64>,
    /// Networks that are in it.
    pub(crate) after: Option<u64>,
}

/// `spamhaus          1204 entries, 1190 networks, 2 taken out (1 private, 1 own); 1195 put in, 1180 before`
impl Display for ListReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:<16}  ", self.name)?;
        if let (Some(entries), Some(networks)) = (self.entries, self.networks) {
            write!(f, "{}, {}", Entries(entries), Count(networks, "network"))?;
            if !self.taken_out.is_empty() {
                let counts = Why::ALL.into_iter().filter_map(|why| {
                    let count = self.taken_out.iter().filter(|cut| cut.why == why).count();
                    (count > 0).then(|| format!("{count} {}", why.word()))
                });
                write!(f, ", {} taken out ({})", self.taken_out.len(), join(counts))?;
            }
            f.write_str("; ")?;
        }
        let sum = |of: fn(&ListedSet) -> Option<u64>| self.sets.iter().filter_map(of).sum::<u64>();
        let (before, after) = (sum(|set| set.before), sum(|set| set.after));
        match self.outcome {
            Outcome::Replaced => write!(f, "{after} put in, {before} before"),
            Outcome::Unchanged => write!(f, "unchanged"),
            Outcome::Kept => write!(f, "kept as it was, {}", Count(before, "network")),
        }
    }
}
