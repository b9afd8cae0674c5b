//! How the way of a packet ends.

use std::fmt;

/// How the way of a packet through a chain can end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ending {
    /// What becomes of the packet.
    pub verdict: Verdict,
    /// The step that says so, by its place in [`Explanation::steps`](super::Explanation::steps);
    /// `None` for the policy of the chain.
    pub step: Option<usize>,
    /// The lines that are written on the way.
    pub logged: Vec<LogLine>,
    /// The steps that have to match for it to end here, of those of which that is not known, by
    /// their places. Those before that match neither way are not named.
    pub if_matched: Vec<usize>,
}

/// A line in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogLine {
    /// What it begins with.
    pub prefix: String,
    /// Whether it is written for sure; a limit of lines may suppress it.
    pub certain: bool,
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It passes.
    Accept,
    /// It is gone without an answer.
    Drop,
    /// It is dropped and its sender told.
    Reject,
    /// A program decides.
    Queue,
    /// It gets another destination, so that other chains decide.
    Redirect,
    /// A target that is not known here may end its way or not.
    Undecided,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accepted",
            Self::Drop => "dropped",
            Self::Reject => "rejected",
            Self::Queue => "handed to a program",
            Self::Redirect => "passed on to another destination",
            Self::Undecided => "undecided",
        })
    }
}

/// The lines of two ways that come together: what only one of them writes is not certain.
pub(super) fn either(a: &[LogLine], b: &[LogLine]) -> Vec<LogLine> {
    let mut both: Vec<LogLine> = Vec::new();
    for line in a.iter().chain(b) {
        let in_both = a.contains(line) && b.contains(line);
        if !both.iter().any(|known| known.prefix == line.prefix) {
            both.push(LogLine {
                prefix: line.prefix.clone(),
                certain: line.certain && in_both,
            });
        }
    }
    both
}
