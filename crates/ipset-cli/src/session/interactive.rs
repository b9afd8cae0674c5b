//! Lines that somebody types.

use std::io;

use super::{Session, Source, print};
use crate::command_line::{self, Lines, PROGRAM, Stop};

impl Session {
    /// Runs the lines of standard input, after a prompt each. An error does not end it.
    pub(super) fn prompt(&mut self) -> Result<(), Stop> {
        self.source = Source::Prompt;
        let prompt = format!("{PROGRAM}> ");
        let mut lines = Lines::new(io::stdin().lock());
        print(&prompt)?;
        while let Some(line) = lines.next()? {
            if line.is_empty() || line.starts_with('#') {
                print(&prompt)?;
            } else {
                let result = command_line::split(line).and_then(|words| self.run(words));
                if result == Err(Stop::Quit) {
                    return result;
                }
                self.conclude(result);
            }
            print(&prompt)?;
        }
        Err(Stop::Quit)
    }
}
