//! What is told to whoever started the program.

use std::io::Write as _;

/// One line on standard error; that it is closed stops nothing.
pub(crate) fn say(text: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "log-collector: {text}");
}
