//! Reads commands from a file.

use std::io::BufRead;

use crate::{
    command_line::{self, Stop},
    session::Session,
};

/// Runs the lines of a file, up to the first that fails.
pub(crate) fn restore(session: &mut Session, mut input: impl BufRead) -> Result<(), Stop> {
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let read = input
            .read_until(b'\n', &mut bytes)
            .map_err(|error| Stop::Failed(error.to_string()))?;
        if read == 0 {
            break;
        }
        session.report.set_line(Some(line));
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Stop::Failed("it is not UTF-8".into()))?
            .trim_start();
        if text.is_empty() || text.starts_with('#') || text.trim_end() == "COMMIT" {
            continue;
        }
        session.run(command_line::split(text)?)?;
        session.tell_report();
    }
    Ok(())
}
