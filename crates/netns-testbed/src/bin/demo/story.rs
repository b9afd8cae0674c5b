//! How the story is told.

use std::env;
use std::fmt::Display;
use std::io::{self, IsTerminal as _};

use netns_testbed::Failed;

/// Prints the story and keeps count of what was checked.
pub(crate) struct Story {
    chapter: u32,
    checked: u32,
    colour: bool,
}

impl Story {
    pub(crate) fn begin() -> Self {
        let colour = io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none();
        Self {
            chapter: 0,
            checked: 0,
            colour,
        }
    }

    /// Starts a chapter.
    pub(crate) fn chapter(&mut self, title: &str) {
        self.chapter += 1;
        println!(
            "\n{}",
            self.painted(BOLD, &format!("{}. {title}", self.chapter))
        );
    }

    /// Says something.
    pub(crate) fn say(&self, text: impl Display) {
        println!("   {}", self.painted(PLAIN, &text.to_string()));
    }

    /// Shows a command as one would type it.
    pub(crate) fn command(&self, line: &str) {
        println!("   {}", self.painted(BOLD, &format!("$ {line}")));
    }

    /// Shows what a command printed.
    pub(crate) fn output(&self, text: &str) {
        for line in text.lines() {
            println!("   {}", self.painted(DIM, &format!("│ {line}")));
        }
    }

    /// Says `what` was found to be so, or ends the story with what was found instead.
    pub(crate) fn check(
        &mut self,
        what: &str,
        holds: bool,
        found: impl Display,
    ) -> Result<(), Failed> {
        if !holds {
            return Err(format!("expected: {what}; found: {found}").into());
        }
        self.checked += 1;
        println!("   {} {what}", self.painted(GREEN, "✔"));
        Ok(())
    }

    /// The last words.
    pub(crate) fn end(&self) {
        let checked = self.checked;
        println!(
            "\n{}",
            self.painted(
                BOLD,
                &format!("All {checked} checks held. The host's own network was not touched.")
            )
        );
    }

    fn painted(&self, style: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

const PLAIN: &str = "0";
const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";
