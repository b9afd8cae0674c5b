//! TOML as a person writes it.

use std::fmt::{Display, Write as _};

/// A text in quotes.
pub(super) fn quoted(text: impl Display) -> String {
    let text = text.to_string();
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A comment, whatever stands in it.
pub(crate) fn comment(out: &mut String, text: &str) {
    // A control character in a comment makes the file none.
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    out.push_str("# ");
    out.push_str(line.trim_end());
    out.push('\n');
}

/// A table, item by item.
pub(super) struct Table<'a> {
    out: &'a mut String,
}

impl<'a> Table<'a> {
    /// Begins a table, below what is said of it.
    pub(super) fn new<'r>(
        out: &'a mut String,
        head: &str,
        remarks: impl IntoIterator<Item = &'r String>,
    ) -> Self {
        out.push('\n');
        for remark in remarks {
            comment(out, remark);
        }
        out.push_str(head);
        out.push('\n');
        Self { out }
    }

    /// A key with a value as TOML has it.
    pub(super) fn value(&mut self, key: &str, value: impl Display) {
        let _ = writeln!(self.out, "{key} = {value}");
    }

    /// A key with a text.
    pub(super) fn text(&mut self, key: &str, text: impl Display) {
        self.value(key, quoted(text));
    }

    /// A key with one value, or a list of them; without any there is no key.
    pub(super) fn one_or_several(&mut self, key: &str, values: &[String]) {
        match values {
            [] => {}
            [one] => self.value(key, one),
            several => self.list(key, several),
        }
    }

    /// A key with a list, over as many lines as it takes; without a value there is no key.
    pub(super) fn list(&mut self, key: &str, values: &[String]) {
        if values.is_empty() {
            return;
        }
        let whole = values.join(", ");
        if key.len() + whole.len() + 5 <= WIDTH {
            self.value(key, format_args!("[{whole}]"));
            return;
        }
        let _ = writeln!(self.out, "{key} = [");
        let mut line = String::new();
        for value in values {
            if line.len() + value.len() + 6 > WIDTH && !line.is_empty() {
                let _ = writeln!(self.out, "   {line}");
                line.clear();
            }
            let _ = write!(line, " {value},");
        }
        let _ = writeln!(self.out, "   {line}\n]");
    }
}

const WIDTH: usize = 100;
