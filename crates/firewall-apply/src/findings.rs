//! What goes wrong and what is odd in a run, and the exit status that follows.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use iptables_ruleset::ApplyError;
use serde::Serialize;

/// The exit status of the program.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Status {
    /// All that was wanted is in the kernel, or was printed or written.
    Done = 0,
    /// The run finished, but something wanted is not in the kernel.
    Incomplete = 1,
    /// Configuration or input cannot be read; nothing was changed.
    Refused = 2,
}

/// What went wrong and what is odd, in the order it was found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// What is odd although all that was wanted was done.
    pub(crate) warnings: Vec<Problem>,
    /// What was wanted and not done.
    pub(crate) errors: Vec<Problem>,
    refused: bool,
    differs: bool,
}

/// One thing that is wrong or odd.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub(crate) struct Problem {
    /// What was tried, on what, and why it failed.
    pub(crate) message: String,
    /// The file it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<PathBuf>,
    /// The line of that file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    /// The character of that line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<usize>,
    /// The line itself with a mark under the place.
    #[serde(skip)]
    pub(crate) excerpt: Option<String>,
}

impl Findings {
    /// Notes an oddity, once.
    pub(crate) fn warn(&mut self, problem: impl Into<Problem>) {
        note(&mut self.warnings, problem.into());
    }

    /// Notes something wanted that is not in the kernel, once: what is tried again fails again.
    pub(crate) fn fail(&mut self, problem: impl Into<Problem>) {
        note(&mut self.errors, problem.into());
    }

    /// Notes something that cannot be read, before anything was changed.
    pub(crate) fn refuse(&mut self, problem: impl Into<Problem>) {
        self.refused = true;
        self.errors.push(problem.into());
    }

    /// Notes that what was looked at is not as it should be, which the report says.
    pub(crate) fn differs(&mut self) {
        self.differs = true;
    }

    /// Turns the errors so far into warnings.
    pub(crate) fn only_warn(&mut self) {
        self.warnings.append(&mut self.errors);
        self.refused = false;
    }

    /// Takes the refusal back: something is in the kernel although what was wanted could not be
    /// read.
    pub(crate) fn something_is_in(&mut self) {
        self.refused = false;
    }

    /// Makes it a refusal: nothing is in the kernel, whatever the reason.
    pub(crate) fn nothing_is_in(&mut self) {
        self.refused = true;
    }

    /// Adds what another run of the same found.
    pub(crate) fn add(&mut self, other: Self) {
        for problem in other.warnings {
            self.warn(problem);
        }
        for problem in other.errors {
            self.fail(problem);
        }
        self.refused |= other.refused;
        self.differs |= other.differs;
    }

    /// The errors, in one sentence.
    pub(crate) fn why(&self) -> String {
        let errors: Vec<String> = self.errors.iter().map(ToString::to_string).collect();
        errors.join("; ")
    }

    /// Takes out all that was noted so far.
    pub(crate) fn take(&mut self) -> Vec<Problem> {
        self.only_warn();
        std::mem::take(&mut self.warnings)
    }

    /// The exit status that follows.
    pub(crate) fn status(&self) -> Status {
        match (self.refused, self.errors.is_empty() && !self.differs) {
            (true, _) => Status::Refused,
            (false, false) => Status::Incomplete,
            (false, true) => Status::Done,
        }
    }

    /// Whether there is any error.
    pub(crate) fn failed(&self) -> bool {
        !self.errors.is_empty()
    }
}

fn note(problems: &mut Vec<Problem>, problem: Problem) {
    if !problems.contains(&problem) {
        problems.push(problem);
    }
}

impl Problem {
    /// A problem in a file as a whole.
    pub(crate) fn file(path: &Path, message: impl Into<String>) -> Self {
        Self {
            path: Some(path.to_owned()),
            ..message.into().into()
        }
    }

    /// A problem on a line of a file.
    pub(crate) fn line(path: &Path, line: usize, message: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            ..Self::file(path, message)
        }
    }
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }
}

impl From<&str> for Problem {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

/// `path:line:column: message`, and the excerpt below.
impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}:", path.display())?;
            for number in [self.line, self.column].into_iter().flatten() {
                write!(f, "{number}:")?;
            }
            f.write_str(" ")?;
        }
        f.write_str(&self.message)?;
        match &self.excerpt {
            Some(excerpt) => write!(f, "\n{excerpt}"),
            None => Ok(()),
        }
    }
}

/// Why the rules could not be changed; missing privilege is called by its name.
pub(crate) fn refusal(error: &ApplyError) -> String {
    if error.is_permission_denied() {
        return format!("{error}: CAP_NET_ADMIN is needed in this network namespace");
    }
    causes(error)
}

/// An error with all its causes, in one line.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // A transparent error shows its cause as its own text.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
