//! The words of a command line: options, the command, and what belongs to it.

mod command;
mod help;
mod option;
mod words;

pub(crate) use command::{Call, Command};
pub(crate) use help::{help, type_help};
pub(crate) use option::{Options, Output};
pub(crate) use words::{MOST_WORDS, split, too_long};

use crate::report::Refused;

/// Why a line ends here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is not a line that `ipset` understands.
    Usage(String),
    /// It cannot be done.
    Failed(String),
    /// It was refused; why is in the report.
    Refused,
    /// Nothing is to be done after it.
    Quit,
}

impl From<Refused> for Stop {
    fn from(_: Refused) -> Self {
        Self::Refused
    }
}

/// What the program calls itself: scripts look for the name and version of the tool whose command
/// line this is.
pub(crate) const PROGRAM: &str = "ipset";
pub(crate) const VERSION: &str = "7.17";
