//! What a run has to say, as text for people and as one JSON document for programs.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use crate::findings::{Findings, Problem, Status};

/// What a command did: as JSON by its fields, as text by its `Display`.
///
/// The text says what was done; what went wrong is among the findings.
pub(crate) trait Report: Serialize + Display {
    /// The command, as it is spelt on the command line.
    const COMMAND: &'static str;
    /// Whether the text is what the command is run for: when it cannot be written, the exit status
    /// says so.
    const TEXT_IS_WANTED: bool = false;
}

/// Says what was done and what was found; returns the exit status.
///
/// The document, or the text, goes to standard output; warnings and errors go to standard error in
/// any case.
pub(crate) fn emit<R: Report>(report: &R, findings: &Findings, as_json: bool) -> ExitCode {
    let mut out = io::stdout().lock();
    let written = if as_json {
        write_json(&mut out, report, findings)
    } else {
        write!(out, "{report}")
    };
    end(written, out, R::TEXT_IS_WANTED, findings)
}

/// Says what was found beside a text that the command is run for, in no form of a report.
pub(crate) fn emit_text(text: &str, findings: &Findings) -> ExitCode {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes());
    end(written, out, true, findings)
}

/// Says what was found; returns the exit status.
fn end(
    written: io::Result<()>,
    mut out: impl Write,
    is_wanted: bool,
    findings: &Findings,
) -> ExitCode {
    let written = written.and_then(|()| out.flush());
    let mut err = io::stderr().lock();
    let warnings = findings.warnings.iter().map(|problem| ("warning", problem));
    let errors = findings.errors.iter().map(|problem| ("error", problem));
    for (what, problem) in warnings.chain(errors) {
        // Nobody is left to be told when standard error is closed.
        let _ = writeln!(err, "{what}: {problem}");
    }
    let mut status = findings.status();
    if let Err(error) = written {
        // Whoever closed it, as `head` does, has read what he wanted.
        if error.kind() != io::ErrorKind::BrokenPipe {
            let _ = writeln!(err, "error: cannot write to standard output: {error}");
        }
        if is_wanted {
            status = status.max(Status::Incomplete);
        }
    }
    ExitCode::from(status as u8)
}

/// Version of the document; a change that a reader of version 1 would misread makes it 2.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a, R> {
    version: u32,
    command: &'static str,
    exit_status: u8,
    #[serde(flatten)]
    report: &'a R,
    warnings: &'a [Problem],
    errors: &'a [Problem],
}

fn write_json<R: Report>(mut out: impl Write, report: &R, findings: &Findings) -> io::Result<()> {
    let document = Document {
        version: VERSION,
        command: R::COMMAND,
        exit_status: findings.status() as u8,
        report,
        warnings: &findings.warnings,
        errors: &findings.errors,
    };
    serde_json::to_writer_pretty(&mut out, &document)?;
    writeln!(out)
}
