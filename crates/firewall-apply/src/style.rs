//! How a text is written: how wide, and whether in colours.

use std::env;
use std::io::{self, IsTerminal as _};

/// How a text is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Columns of a line.
    pub(crate) width: usize,
    /// Whether the reader sees colours.
    pub(crate) colours: bool,
}

/// What a colour says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Colour {
    /// All is well.
    Good,
    /// To be looked at.
    Odd,
    /// To be put right.
    Bad,
    /// A heading.
    Strong,
}

impl Style {
    /// What a pipe gets.
    pub(crate) const PLAIN: Self = Self {
        width: NARROW,
        colours: false,
    };

    /// What suits where standard output goes.
    pub(crate) fn of_standard_output() -> Self {
        if !io::stdout().is_terminal() {
            return Self::PLAIN;
        }
        let width = terminal_size::terminal_size_of(io::stdout())
            .map_or(NARROW, |(width, _)| usize::from(width.0));
        // https://no-color.org: set, and not empty.
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            width: width.clamp(40, WIDE),
            colours: !unwanted,
        }
    }

    /// The text in a colour.
    pub(crate) fn paint(self, colour: Colour, text: &str) -> String {
        if !self.colours {
            return text.to_owned();
        }
        let code = match colour {
            Colour::Good => "32",
            Colour::Odd => "33",
            Colour::Bad => "31",
            Colour::Strong => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// Columns where nobody says how many there are.
const NARROW: usize = 80;
/// Longer lines are hard to read.
const WIDE: usize = 160;
