//! Lines that somebody types.

use std::io;

use super::{Session, Source};
use crate::command_line::{self, PROGRAM, Stop};

impl Session {
    /// Runs the lines of standard input, after a prompt each. An error does not end it.
    pub(super) fn prompt(&mut self) -> Result<(), Stop> {
        self.source = Source::Prompt;
        let prompt = format!("{PROGRAM}> ");
        self.print(&prompt)?;
        for line in io::stdin().lines() {
            let line = line.map_err(|error| Stop::Failed(error.to_string()))?;
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                self.print(&prompt)?;
            } else {
                let result = command_line::split(line).and_then(|words| self.run(words));
                if result == Err(Stop::Quit) {
                    return result;
                }
                self.conclude(result);
            }
            self.print(&prompt)?;
        }
        Err(Stop::Quit)
    }
}
