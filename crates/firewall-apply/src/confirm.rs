//! `confirm`: what was put in stays.

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use crate::findings::Findings;
use crate::pending::Place;
use crate::report;
use crate::turn::wait_for_turn;

/// What `confirm` did.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Where it was written down.
    pub(crate) path: PathBuf,
    /// When what stays was put in; `None` when nothing was confirmed.
    pub(crate) confirmed: Option<Timestamp>,
}

impl report::Report for Report {
    const COMMAND: &'static str = "confirm";
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.confirmed {
            Some(at) => writeln!(f, "the firewall that was put in at {at:.0} stays"),
            None => Ok(()),
        }
    }
}

/// Confirms what is written down at `path`.
pub(crate) fn run(path: &Path, findings: &mut Findings) -> Report {
    let mut report = Report {
        path: path.to_owned(),
        confirmed: None,
    };
    let _turn = wait_for_turn(findings);
    let Some(place) = Place::of(path) else {
        return report;
    };
    let pending = match place.waiting() {
        Ok(pending) => pending,
        Err(why) => {
            findings.refuse(why);
            return report;
        }
    };
    if pending.is_of_another_boot() {
        findings.refuse(format!(
            "the host was started anew since the firewall of {:.0} was put in: apply again",
            pending.at
        ));
        return report;
    }
    // From here on it is confirmed, whatever else fails.
    match place.clear() {
        Ok(()) => report.confirmed = Some(pending.at),
        Err(why) => {
            findings.refuse(why);
            return report;
        }
    }
    place.forget();
    pending.keep(findings);
    report
}
