//! Whole lines of what comes in pieces.

use memchr::memrchr;

/// A line that goes on for longer is given on in what there is of it, and its rest left out. The
/// kernel's are never longer than 1 KiB, and readers take no more than 64.
const LONGEST: usize = 256 * 1024;

/// Gives on only lines that have ended.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// What there is of the last line.
    begun: Vec<u8>,
    /// What comes up to the next line feed is the rest of one that was too long.
    is_rest: bool,
}

impl Lines {
    /// Takes in what came, and gives on the lines that end in it, one or more at once.
    pub(crate) fn add(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(&[u8])) {
        if self.is_rest {
            let Some(end) = memchr::memchr(b'\n', bytes) else {
                return;
            };
            self.is_rest = false;
            bytes = bytes.get(end + 1..).unwrap_or_default();
        }
        let ended = memrchr(b'\n', bytes).map_or(0, |end| end + 1);
        let (mut whole, begun) = bytes.split_at(ended);
        if !self.begun.is_empty() && ended > 0 {
            let first = memchr::memchr(b'\n', whole).map_or(ended, |end| end + 1);
            let (rest, others) = whole.split_at(first);
            self.begun.extend_from_slice(rest);
            each(&self.begun);
            self.begun.clear();
            whole = others;
        }
        if !whole.is_empty() {
            each(whole);
        }
        self.begun.extend_from_slice(begun);
        if self.begun.len() > LONGEST {
            self.end(each);
            self.is_rest = true;
        }
    }

    /// Gives on what there is of a line that will not end.
    pub(crate) fn end(&mut self, each: &mut dyn FnMut(&[u8])) {
        self.is_rest = false;
        if !self.begun.is_empty() {
            each(&self.begun);
            self.begun.clear();
        }
    }

    /// Forgets what there is of a line: what comes next is not its rest.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pieces: &[&str]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut given = String::new();
        let mut each = |text: &[u8]| given.push_str(&String::from_utf8_lossy(text));
        for piece in pieces {
            lines.add(piece.as_bytes(), &mut each);
        }
        let whole = given.split_inclusive('\n').map(str::to_owned);
        whole.collect()
    }

    #[test]
    fn a_line_is_given_once_it_has_ended() {
        assert_eq!(given(&["a\nb", "b\nc\nd", "", "d"]), ["a\n", "bb\n", "c\n"]);
        assert_eq!(given(&["a", "\n", "\n\nb\n"]), ["a\n", "\n", "\n", "b\n"]);
        assert!(given(&["", "abc"]).is_empty());
    }

    #[test]
    fn what_never_ends_takes_no_memory() {
        let mut lines = Lines::default();
        let mut given = Vec::new();
        let mut add = |bytes: &[u8]| lines.add(bytes, &mut |text| given.push(text.len()));
        for _ in 0..100 {
            add(&vec![b'x'; 64 * 1024]);
        }
        add(b"x\nnext\n");
        assert_eq!(given, [5 * 64 * 1024, 5]);
        assert!(lines.begun.capacity() < 1024 * 1024);
    }
}
