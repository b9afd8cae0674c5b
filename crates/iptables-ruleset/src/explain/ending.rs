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
    /// The sets that its source or destination goes into on the way.
    pub added: Vec<Added>,
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

/// An address of the packet in a set, by `-j SET`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Added {
    /// The name of the set.
    pub set: String,
    /// Whether it is put there for sure; a limit before it may not be over.
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

/// What happens on the way of a packet.
pub(super) trait OnTheWay: Clone + PartialEq {
    /// What it is.
    fn what(&self) -> &str;

    /// The same, certain only if `also` is.
    fn certain_if(&self, also: bool) -> Self;
}

impl OnTheWay for LogLine {
    fn what(&self) -> &str {
        &self.prefix
    }

    fn certain_if(&self, also: bool) -> Self {
        Self {
            prefix: self.prefix.clone(),
            certain: self.certain && also,
        }
    }
}

impl OnTheWay for Added {
    fn what(&self) -> &str {
        &self.set
    }

    fn certain_if(&self, also: bool) -> Self {
        Self {
            set: self.set.clone(),
            certain: self.certain && also,
        }
    }
}

/// What happens on one of two ways that come together: what happens on the other, too, is certain.
pub(super) fn either<T: OnTheWay>(a: &[T], b: &[T]) -> Vec<T> {
    let mut both: Vec<T> = Vec::new();
    for one in a.iter().chain(b) {
        let in_both = a.contains(one) && b.contains(one);
        if !both.iter().any(|known| known.what() == one.what()) {
            both.push(one.certain_if(in_both));
        }
    }
    both
}
