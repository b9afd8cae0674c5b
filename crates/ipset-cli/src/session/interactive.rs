//! Lines that somebody types.

use std::io::{self, BufRead};

use super::{Session, Source, print};
use crate::command_line::{self, PROGRAM, Stop};
use crate::{error_text, text};

impl Session {
    /// Runs the lines of standard input, after a prompt each. An error does not end it.
    pub(super) fn prompt(&mut self) -> Result<(), Stop> {
        self.source = Source::Prompt;
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        loop {
            print(&format!("{PROGRAM}> "))?;
            line.clear();
            match input.read_until(b'\n', &mut line) {
                Ok(0) => return Err(Stop::Quit),
                Ok(_) => {}
                Err(error) => return Err(Stop::Failed(error_text::without_number(&error))),
            }
            let result = self.typed(&line);
            if result == Err(Stop::Quit) {
                return result;
            }
            self.conclude(result);
        }
    }

    fn typed(&mut self, line: &[u8]) -> Result<(), Stop> {
        let line = line.trim_ascii_start();
        if line.is_empty() || line.starts_with(b"#") {
            return print(&format!("{PROGRAM}> "));
        }
        self.run(command_line::split(&text::of(line))?)
    }
}
