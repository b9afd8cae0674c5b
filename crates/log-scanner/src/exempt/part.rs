//! Who is exempt in a network that is not exempt as a whole.

use std::cmp::Reverse;
use std::fmt;

use ban_sets::Network;
use ban_sets::network::{holds, spelled};

use crate::source::Source;

/// Who is exempt in a network that is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) network: Network,
    /// As in "203.0.113.7 is …".
    pub(crate) why: String,
    /// Whether `--exempt` or a rule says so, and a run without them would not.
    pub(crate) by_run: bool,
}

impl Part {
    /// A network that is exempt for a reason that every run knows.
    pub(crate) fn new(network: Network, why: &str) -> Self {
        Self {
            network,
            why: why.to_owned(),
            by_run: false,
        }
    }

    /// One that only this run has a reason for.
    pub(crate) fn by_run(network: Network, why: String) -> Self {
        Self {
            network,
            why,
            by_run: true,
        }
    }

    /// The part of `source` that this is, which it holds in one of its forms.
    pub(crate) fn of(self, source: Source) -> Self {
        Self {
            network: source.spell(self.network),
            ..self
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in it is {}", spelled(self.network), self.why)
    }
}

/// The parts in order, each once, and none within another.
pub(crate) fn distinct(mut parts: Vec<Part>) -> Vec<Part> {
    parts.sort_by_key(|part| (part.network, Reverse(part.by_run)));
    parts.dedup_by(|part, around| holds(around.network, part.network));
    parts
}
