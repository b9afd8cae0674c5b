use std::io::{self, BufRead, Read};

use super::Stop;

/// The lines of a file or of somebody who types, as `ipset` sees them: longer ones are cut into
/// pieces, each a line of its own.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    input: R,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            line: Vec::new(),
        }
    }

    /// The next line with its newline, from its first character that is not blank.
    pub(crate) fn next(&mut self) -> Result<Option<&str>, Stop> {
        self.line.clear();
        let read = (&mut self.input)
            .take(LONGEST)
            .read_until(b'\n', &mut self.line)
            .map_err(|error| cannot_read(&error))?;
        if read == 0 {
            return Ok(None);
        }
        let text = self
            .line
            .split(|byte| *byte == 0)
            .next()
            .unwrap_or_default();
        match std::str::from_utf8(text) {
            Ok(text) => Ok(Some(text.trim_ascii_start())),
            Err(_) => Err(Stop::Failed("The line is not UTF-8".into())),
        }
    }
}

fn cannot_read(error: &io::Error) -> Stop {
    Stop::Failed(format!(
        "Cannot read: {}",
        crate::message::without_number(error)
    ))
}

const LONGEST: u64 = 1023;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut() {
        let text = format!("  a\n{}\nb\0c\nd", "x".repeat(1500));
        let mut lines = Lines::new(text.as_bytes());
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.len(), line.chars().next()));
        }
        let expected = [(2, 'a'), (1023, 'x'), (478, 'x'), (1, 'b'), (1, 'd')];
        assert_eq!(found, expected.map(|(length, first)| (length, Some(first))));
        assert!(Lines::new(&b"\xff\n"[..]).next().is_err());
    }
}
