//! What `doctor` found.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use super::found::{Found, Outcome};
use crate::config::Source;
use crate::report;
use crate::style::{Colour, Style};
use crate::words::Count;

/// What `doctor` found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    config: Source,
    items: Vec<Found>,
    #[serde(skip)]
    style: Style,
}

impl report::Report for Report {
    const COMMAND: &'static str = "doctor";
    const TEXT_IS_WANTED: bool = true;
}

impl Report {
    pub(super) fn new(config: Source, items: impl Iterator<Item = Found>) -> Self {
        Self {
            config,
            items: items.collect(),
            style: Style::of_standard_output(),
        }
    }

    /// Whether something does not work.
    pub(super) fn failed(&self) -> bool {
        self.count(Outcome::Failure) > 0
    }

    fn count(&self, outcome: Outcome) -> u64 {
        let items = self.items.iter();
        items.filter(|item| item.outcome() == outcome).count() as u64
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for item in &self.items {
            let (colour, word) = match item.outcome() {
                Outcome::Ok => (Colour::Good, "ok     "),
                Outcome::Warning => (Colour::Odd, "warning"),
                Outcome::Failure => (Colour::Bad, "failure"),
            };
            let word = self.style.paint(colour, word);
            write!(f, "{word}  {:<NAME$}  ", item.item())?;
            lines(f, item.about(), self.style)?;
            if let Some(cure) = item.cure() {
                write!(f, "{:7}  {:>NAME$}  ", "", "cure:")?;
                lines(f, cure, self.style)?;
            }
        }
        writeln!(
            f,
            "{}, {}",
            Count(self.count(Outcome::Failure), "failure"),
            Count(self.count(Outcome::Warning), "warning"),
        )
    }
}

/// The text in lines of the width that is left; a word that is longer stays whole, so that a
/// command can be copied.
fn lines(f: &mut Formatter<'_>, text: &str, style: Style) -> fmt::Result {
    let mut column = INDENT;
    for (number, word) in text.split_whitespace().enumerate() {
        let length = word.chars().count();
        if number > 0 && column + 1 + length > style.width {
            write!(f, "\n{:INDENT$}", "")?;
            column = INDENT;
        } else if number > 0 {
            f.write_str(" ")?;
            column += 1;
        }
        f.write_str(word)?;
        column += length;
    }
    writeln!(f)
}

/// Columns of an item's name.
const NAME: usize = 13;
/// Where what was found begins.
const INDENT: usize = 7 + 2 + NAME + 2;
