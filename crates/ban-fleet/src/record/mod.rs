//! What hosts tell each other: bans, pardons and evidence.

mod ban;
mod evidence;
mod pardon;
mod words;

pub use ban::{Ban, Cause};
pub use evidence::{Bucket, Evidence, MAX_WIDTH};
pub use pardon::Pardon;
pub use words::{Words, WordsError};

use crate::time::Time;

/// One thing that a host tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Record {
    /// Somebody is banned.
    Ban(Ban),
    /// Somebody is let go.
    Pardon(Pardon),
    /// Somebody was seen.
    Evidence(Evidence),
}

impl Record {
    /// When it means nothing any more.
    pub fn end(&self) -> Time {
        match self {
            Self::Ban(ban) => ban.end,
            Self::Pardon(pardon) => pardon.until,
            Self::Evidence(evidence) => evidence.bucket.forgotten(),
        }
    }
}

impl From<Ban> for Record {
    fn from(ban: Ban) -> Self {
        Self::Ban(ban)
    }
}

impl From<Pardon> for Record {
    fn from(pardon: Pardon) -> Self {
        Self::Pardon(pardon)
    }
}

impl From<Evidence> for Record {
    fn from(evidence: Evidence) -> Self {
        Self::Evidence(evidence)
    }
}
