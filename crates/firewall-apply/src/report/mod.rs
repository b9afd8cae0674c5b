//! What a run has to say, as text for people and as one JSON document for programs.

mod json;
mod text;

use std::io::{self, Write as _};
use std::process::ExitCode;

use serde::Serialize;

use crate::findings::{Findings, Status};
use crate::{apply, check, print, reset, restore, save};

/// What a command did.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Body {
    /// Of `apply`.
    Apply(apply::Report),
    /// Of `check`.
    Check(check::Report),
    /// Of `print`.
    Print(print::Report),
    /// Of `reset`.
    Reset(reset::Report),
    /// Of `restore`.
    Restore(restore::Report),
    /// Of `save`.
    Save(save::Report),
}

impl Body {
    /// The command, as it is spelt on the command line.
    pub(crate) fn command(&self) -> &'static str {
        match self {
            Self::Apply(_) => "apply",
            Self::Check(_) => "check",
            Self::Print(_) => "print",
            Self::Reset(_) => "reset",
            Self::Restore(_) => "restore",
            Self::Save(_) => "save",
        }
    }
}

/// Says what was done and what was found; returns the exit status.
///
/// The document, or the text, goes to standard output; warnings and errors go to standard error in
/// any case.
pub(crate) fn emit(body: &Body, findings: &Findings, as_json: bool) -> ExitCode {
    let mut out = io::stdout().lock();
    let written = if as_json {
        json::write(&mut out, body, findings)
    } else {
        write!(out, "{body}")
    }
    .and_then(|()| out.flush());
    let mut err = io::stderr().lock();
    let warnings = findings.warnings.iter().map(|problem| ("warning", problem));
    let errors = findings.errors.iter().map(|problem| ("error", problem));
    for (what, problem) in warnings.chain(errors) {
        // Nobody is left to be told when standard error is closed.
        let _ = writeln!(err, "{what}: {problem}");
    }
    let mut status = findings.status();
    if let Err(error) = written {
        let _ = writeln!(err, "error: cannot write to standard output: {error}");
        if matches!(body, Body::Check(_) | Body::Print(_)) {
            // What was wanted is the text itself.
            status = status.max(Status::Incomplete);
        }
    }
    ExitCode::from(status as u8)
}
