//! Reads commands from a file.

use std::io::BufRead;

use crate::{
    command_line::{self, Lines, Stop},
    report::Severity,
    session::Session,
};

/// Runs the lines of a file, up to the first that has something to tell: a mistake, the answer to a
/// test, an option that means nothing any more.
pub(crate) fn restore(session: &mut Session, input: impl BufRead) -> Result<(), Stop> {
    let mut lines = Lines::new(input);
    let mut number = 0;
    loop {
        number += 1;
        session.report.set_line(Some(number));
        let line = match lines.next() {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(Stop::Failed(text)) => return Err(session.report.error(text).into()),
            Err(stop) => return Err(stop),
        };
        if line.is_empty() || line.starts_with('#') || matches!(line, "COMMIT\n" | "COMMIT\r\n") {
            continue;
        }
        session.run(command_line::split(line)?)?;
        if session.report.severity() != Severity::Nothing {
            return Err(Stop::Refused);
        }
    }
}
