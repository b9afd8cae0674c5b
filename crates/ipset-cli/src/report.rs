//! What a command has to tell the user besides its output.

use std::fmt::Display;

/// How bad the worst of it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    #[default]
    Nothing,
    Notice,
    Warning,
    Error,
}

/// The command cannot go on; why is in the [`Report`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// What there is to tell, line by line. A worse message silences those before it.
#[derive(Debug, Default)]
pub struct Report {
    severity: Severity,
    text: String,
    /// The line of the file being restored, counted from 1.
    line: Option<u64>,
}

impl Report {
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The text, each line ended.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// From now on errors name this line.
    pub fn set_line(&mut self, line: Option<u64>) {
        self.line = line;
    }

    pub fn clear(&mut self) {
        self.severity = Severity::Nothing;
        self.text.clear();
    }

    pub fn error(&mut self, text: impl Display) -> Refused {
        if let Some(line) = self.line {
            self.text = format!("Error in line {line}: ");
            self.severity = Severity::Error;
        }
        self.tell(Severity::Error, text);
        Refused
    }

    pub fn syntax_error(&mut self, text: impl Display) -> Refused {
        self.error(format_args!("Syntax error: {text}"))
    }

    pub fn warning(&mut self, text: impl Display) {
        self.tell(Severity::Warning, text);
    }

    pub fn notice(&mut self, text: impl Display) {
        self.tell(Severity::Notice, text);
    }

    /// Calls an error what was told as a warning only.
    pub fn warning_is_error(&mut self) -> Refused {
        self.severity = Severity::Error;
        Refused
    }

    fn tell(&mut self, severity: Severity, text: impl Display) {
        if self.severity != Severity::Nothing && self.severity < severity {
            self.text.clear();
        }
        self.text.push_str(&format!("{text}\n"));
        self.severity = severity;
    }
}
