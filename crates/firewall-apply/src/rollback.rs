//! `rollback`: what was there before a change comes back.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::args::RollbackArgs;
use crate::findings::Findings;
use crate::pending::{self, Place};
use crate::report;

/// What `rollback` did.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Where it was written down.
    pub(crate) path: PathBuf,
    /// When what was taken back had been put in; `None` when nothing was taken back.
    pub(crate) taken_back: Option<Timestamp>,
}

impl report::Report for Report {
    const COMMAND: &'static str = "rollback";
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.taken_back {
            Some(at) => writeln!(f, "the firewall is what it was before {at:.0}"),
            None => Ok(()),
        }
    }
}

/// Goes back to what is written down, at once or when it is due.
pub(crate) fn run(args: &RollbackArgs, findings: &mut Findings) -> Report {
    let path = &args.waiting.pending;
    let mut report = Report {
        path: path.clone(),
        taken_back: None,
    };
    let Some(place) = Place::of(path) else {
        return report;
    };
    report.taken_back = if args.when_due {
        pending::when_due(&place, findings)
    } else {
        pending::at_once(&place, findings)
    };
    report
}
