//! The words of a command line: options, the command, and what belongs to it.

mod command;
mod help;
mod option;
mod words;

pub(crate) use command::{Call, Command};
pub(crate) use help::{help, type_help};
pub(crate) use option::{Options, Output};
pub(crate) use words::{MOST_WORDS, split, too_long};

use crate::report::{Refused, in_line};

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

impl Stop {
    /// The same, of a line of a file. The report has its own.
    pub(crate) fn in_line(self, line: u64) -> Self {
        match self {
            Self::Usage(text) => Self::Usage(in_line(line) + &text),
            Self::Failed(text) => Self::Failed(in_line(line) + &text),
            Self::Refused | Self::Quit => self,
        }
    }
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
