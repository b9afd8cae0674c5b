//! What the user is told, and the exit status.

use std::io::{self, Write};

use super::change::Change;
use super::{Session, Source};
use crate::command_line::{PROGRAM, Stop, VERSION};
use crate::grammar::Values;
use crate::report::Severity;
use crate::text;

impl Session {
    /// Tells the user what there is to tell and gives the exit status.
    pub(crate) fn conclude(&mut self, result: Result<(), Stop>) -> u8 {
        let (text, status) = match result {
            Ok(()) | Err(Stop::Refused) => return self.tell_report(),
            Err(Stop::Usage(text)) => (
                format!("{text}\nTry `{PROGRAM} help' for more information."),
                2,
            ),
            Err(Stop::Failed(text)) => (text, 1),
            Err(Stop::Quit) => return 0,
        };
        if !self.is_quiet() {
            say(&format!("{PROGRAM} v{VERSION}: {text}\n"));
        }
        self.report.clear();
        status
    }

    /// Tells what is in the report and empties it.
    pub(crate) fn tell_report(&mut self) -> u8 {
        let text = self.report.text();
        let (prefix, quiet, status) = match self.report.severity() {
            Severity::Nothing => return 0,
            Severity::Warning => ("Warning: ".into(), self.options.quiet, 0),
            Severity::Notice => (String::new(), self.options.quiet, 1),
            Severity::Error => (format!("{PROGRAM} v{VERSION}: "), self.is_quiet(), 1),
        };
        if !quiet {
            say(&format!("{prefix}{text}"));
        }
        self.report.clear();
        status
    }

    /// Tells at once what a line made one wonder about, whatever comes of it.
    pub(super) fn tell_remarks(&self, values: &Values) {
        for remark in &values.remarks {
            if !self.options.quiet {
                say(&format!("Warning: {remark}\n"));
            }
        }
    }

    /// Errors are always told at the prompt.
    pub(super) fn is_quiet(&self) -> bool {
        self.options.quiet && self.source != Source::Prompt
    }

    /// The answer to a test.
    pub(super) fn tell_test(&mut self, change: &Change, present: bool) -> Result<(), Stop> {
        let Change { set, text, .. } = change;
        let set = text::of(set.as_bytes());
        match (present, self.options.quiet) {
            (true, true) => Ok(()),
            (true, false) => {
                self.report.warning(format_args!("{text} is in set {set}."));
                Ok(())
            }
            (false, false) => {
                self.report
                    .notice(format_args!("{text} is NOT in set {set}."));
                Err(Stop::Refused)
            }
            // What `ipset` says at its prompt; elsewhere it keeps quiet.
            (false, true) => Err(self.report.error("Internal protocol error").into()),
        }
    }
}

/// Where nobody listens there is nobody to tell that to.
fn say(text: &str) {
    let _ = io::stderr().write_all(&text::bytes(text));
}
