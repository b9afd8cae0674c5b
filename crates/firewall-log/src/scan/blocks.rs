//! A log in large blocks that end where a line does.

use std::io::{self, ErrorKind, Read};
use std::ops::Range;

use memchr::{memchr, memrchr};

use super::before::LOOK_BACK;

/// Bytes of a block unless set: large enough that reading costs few calls, small enough to stay in
/// a processor's own cache until it is parsed.
pub(super) const BLOCK: usize = 256 * 1024;

/// The longest line that is looked at unless set, its line end not counted, as of a
/// [`LogReader`](crate::LogReader).
pub(crate) const LINE_MAX: usize = 64 * 1024;

/// The blocks of one log, whoever takes them.
#[derive(Debug)]
pub(super) struct Blocks<R> {
    inner: R,
    max_line: usize,
    /// The beginning of a line whose end has not been read.
    carry: Vec<u8>,
    /// The end of what was given out, as much as is [looked back to](LOOK_BACK).
    before: Vec<u8>,
    /// What is read next belongs to a line too long to look at.
    skipping: bool,
    ended: bool,
    /// The log cannot be read any further, and why.
    pub(super) failed: Option<io::Error>,
    pub(super) bytes: u64,
    /// Lines so long that no part of them was given to anyone.
    pub(super) too_long: u64,
}

impl<R: Read> Blocks<R> {
    pub(super) fn new(inner: R, max_line: usize) -> Self {
        Self {
            inner,
            max_line,
            carry: Vec::new(),
            before: Vec::new(),
            skipping: false,
            ended: false,
            failed: None,
            bytes: 0,
            too_long: 0,
        }
    }

    /// Whether there is nothing more to come.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Fills a block and says where in it whole lines are; it must be longer than a line and its
    /// end. Only the last line of the log may lack its end. `None` at the end of the log, or where
    /// it cannot be read.
    pub(super) fn next(&mut self, block: &mut [u8]) -> Option<Range<usize>> {
        loop {
            if self.ended {
                return None;
            }
            let filled = self.fill(block);
            let mut text = 0..filled;
            if self.skipping {
                match memchr(b'\n', block.get(..filled)?) {
                    Some(end) => (text.start, self.skipping) = (end + 1, false),
                    None => continue,
                }
            }
            // NUL bytes before a line are none of it, however many there are.
            let hole = block.get(text.clone())?.iter().position(|byte| *byte != 0);
            text.start = hole.map_or(text.end, |hole| text.start + hole);
            if !self.ended {
                match memrchr(b'\n', block.get(text.clone())?) {
                    Some(end) => text.end = text.start + end + 1,
                    // A line that fills a block is longer than any that is looked at. One that has
                    // only begun may still end.
                    None if filled - text.start > self.max_line.saturating_add(1) => {
                        self.skipping = true;
                        self.before.clear();
                        self.too_long += 1;
                        continue;
                    }
                    None => text.end = text.start,
                }
                self.carry.extend_from_slice(block.get(text.end..filled)?);
            }
            if !text.is_empty() {
                self.remember(block.get(text.clone())?);
                return Some(text);
            }
        }
    }

    /// What stands before the next block.
    pub(super) fn before(&self) -> &[u8] {
        &self.before
    }

    fn remember(&mut self, text: &[u8]) {
        let new = text.len().min(LOOK_BACK);
        let old = self.before.len().min(LOOK_BACK - new);
        self.before.drain(..self.before.len() - old);
        self.before
            .extend_from_slice(text.get(text.len() - new..).unwrap_or_default());
    }

    /// Fills the block from its beginning, as far as the log goes. After an error, what had been
    /// read of the last line is not a line.
    fn fill(&mut self, block: &mut [u8]) -> usize {
        let mut filled = self.carry.len();
        if let Some(start) = block.get_mut(..filled) {
            start.copy_from_slice(&self.carry);
        }
        self.carry.clear();
        while let Some(room) = block.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.inner.read(room) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => {
                    let read = read.min(room.len());
                    filled += read;
                    self.bytes += read as u64;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = Some(error);
                    self.ended = true;
                    let whole = block.get(..filled).and_then(|text| memrchr(b'\n', text));
                    return whole.map_or(0, |end| end + 1);
                }
            }
        }
        filled
    }
}
