//! What a command has to tell the user besides its output.

use std::fmt::Display;

/// How bad the worst of it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    #[default]
    Nothing,
    /// The command has done what it was to do.
    Warning,
    /// It has done so, and the answer is no.
    Notice,
    Error,
}

/// The command cannot go on; why is in the [`Report`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// What there is to tell, line by line. A worse message silences those before it.
#[derive(Debug, Default)]
pub(crate) struct Report {
    severity: Severity,
    text: String,
    /// The line of the file being restored, counted from 1.
    line: Option<u64>,
}

impl Report {
    pub(crate) fn severity(&self) -> Severity {
        self.severity
    }

    /// The text, each line ended.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// From now on errors name this line.
    pub(crate) fn set_line(&mut self, line: Option<u64>) {
        self.line = line;
    }

    pub(crate) fn clear(&mut self) {
        self.severity = Severity::Nothing;
        self.text.clear();
    }

    pub(crate) fn error(&mut self, text: impl Display) -> Refused {
        if let Some(line) = self.line {
            self.text = in_line(line);
            self.severity = Severity::Error;
        }
        self.tell(Severity::Error, text);
        Refused
    }

    pub(crate) fn syntax_error(&mut self, text: impl Display) -> Refused {
        self.error(format_args!("Syntax error: {text}"))
    }

    pub(crate) fn warning(&mut self, text: impl Display) {
        self.tell(Severity::Warning, text);
    }

    pub(crate) fn notice(&mut self, text: impl Display) {
        self.tell(Severity::Notice, text);
    }

    /// Calls an error what was told as a warning only.
    pub(crate) fn warning_is_error(&mut self) -> Refused {
        self.severity = Severity::Error;
        Refused
    }

    fn tell(&mut self, severity: Severity, text: impl Display) {
        if self.severity != Severity::Nothing && self.severity < severity {
            self.text.clear();
        }
        self.text.push_str(&text.to_string());
        self.text.push('\n');
        self.severity = severity;
    }
}

/// What a message about a line of a file begins with.
pub(crate) fn in_line(line: u64) -> String {
    format!("Error in line {line}: ")
}
