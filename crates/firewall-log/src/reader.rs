//! Lines from a reader, one at a time, however long the log or a line of it is.

use std::io::{self, BufRead};

use memchr::memchr;

use crate::error::ParseError;
use crate::event::{Event, strip_hole};

/// Reads a log line by line and the events in it.
///
/// A line is not copied where it lies whole in the reader's buffer, and no more than
/// [`max_line`](Self::max_line) bytes of it are ever held. NUL bytes before a line, of a log that
/// was emptied while its writer kept its place, are passed over. After an I/O error the reader is
/// at its end: it answers `None` from then on.
#[derive(Debug)]
pub struct LogReader<R> {
    inner: R,
    max_line: usize,
    /// A line that does not lie whole in the reader's buffer.
    line: Vec<u8>,
    /// Bytes of the last line that still have to be taken from the reader's buffer.
    pending: usize,
    /// Where the last line began.
    begin: u64,
    position: u64,
    counts: Counts,
    failed: bool,
}

/// A line of the log, whatever is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line<'a> {
    /// The line's number, from 1.
    pub number: u64,
    /// Where the line begins: bytes from where the reader began.
    pub position: u64,
    /// The line without its line end.
    pub text: &'a [u8],
    /// Whether a line end was there; without one, the line may still be being written.
    pub terminated: bool,
}

/// What the lines read so far were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// All lines.
    pub lines: u64,
    /// Well-formed firewall lines of the kernel.
    pub events: u64,
    /// Firewall lines of the kernel that are not well formed.
    pub unparsed: u64,
    /// Lines with firewall text that the kernel did not write.
    pub rejected: u64,
    /// Lines longer than the limit, which were skipped unseen.
    pub too_long: u64,
}

/// What came instead of an event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The line is not an event; the next call goes on with the line after it.
    #[error(transparent)]
    Line(LineError),
    /// The log cannot be read any further. Not to be passed over: what comes after this is unknown.
    #[error("cannot read the log")]
    Io(#[source] io::Error),
}

/// A line that is not an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {problem}")]
pub struct LineError {
    number: u64,
    problem: LineProblem,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum LineProblem {
    #[error(transparent)]
    Parse(ParseError),
    #[error("longer than {limit} bytes")]
    TooLong { limit: usize },
}

impl<R: BufRead> LogReader<R> {
    /// Reads from where `inner` stands; lines of up to 64 KiB.
    pub fn new(inner: R) -> Self {
        let (line, counts) = (Vec::new(), Counts::default());
        Self {
            inner,
            max_line: 64 * 1024,
            line,
            pending: 0,
            begin: 0,
            position: 0,
            counts,
            failed: false,
        }
    }

    /// Skips lines of more than `bytes` bytes, their line end not counted. The kernel's are never
    /// longer than 1 KiB.
    pub fn max_line(mut self, bytes: usize) -> Self {
        self.max_line = bytes;
        self
    }

    /// The event of the next line, or why that line is none; `None` at the end of the log.
    ///
    /// [`ReadError::into_line_error`] parts the lines to pass over from the I/O errors to stop at.
    pub fn next_event(&mut self) -> Option<Result<Event<'_>, ReadError>> {
        let found = match self.find_line()? {
            Ok(found) => found,
            Err(error) => return Some(Err(error)),
        };
        let number = self.counts.lines;
        let Self {
            inner,
            line,
            counts,
            ..
        } = self;
        let text = match found.text(inner, line) {
            Ok(text) => text,
            Err(error) => return Some(Err(ReadError::Io(error))),
        };
        Some(match Event::parse(text) {
            Ok(event) => {
                counts.events += 1;
                Ok(event)
            }
            Err(error) => {
                counts.unparsed += u64::from(error.is_malformed());
                counts.rejected += u64::from(error.is_rejected());
                Err(ReadError::Line(LineError {
                    number,
                    problem: LineProblem::Parse(error),
                }))
            }
        })
    }

    /// The next line as it is; `None` at the end of the log. Counts as a line, whatever is in it.
    pub fn next_line(&mut self) -> Option<Result<Line<'_>, ReadError>> {
        let found = match self.find_line()? {
            Ok(found) => found,
            Err(error) => return Some(Err(error)),
        };
        let (number, position) = (self.counts.lines, self.begin);
        Some(match found.text(&mut self.inner, &self.line) {
            Ok(text) => Ok(Line {
                number,
                position,
                text,
                terminated: found.terminated,
            }),
            Err(error) => Err(ReadError::Io(error)),
        })
    }

    /// How many bytes have been read, the last line and its line end included.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The number of the last line, from 1; 0 before the first.
    pub fn line_number(&self) -> u64 {
        self.counts.lines
    }

    /// What the lines read so far were.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Finds the end of the next line and leaves the line where it is, if it can.
    fn find_line(&mut self) -> Option<Result<Found, ReadError>> {
        if self.failed {
            return None;
        }
        self.inner.consume(std::mem::take(&mut self.pending));
        self.line.clear();
        let mut length: usize = 0;
        loop {
            let buffer = match self.inner.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.failed = true;
                    return Some(Err(ReadError::Io(error)));
                }
            };
            if buffer.is_empty() && length == 0 {
                return None;
            }
            if length == 0 && buffer.starts_with(b"\0") {
                // Before a line they are none of it, however many there are.
                let hole = buffer.len() - strip_hole(buffer).len();
                self.inner.consume(hole);
                self.position += hole as u64;
                continue;
            }
            let end = memchr(b'\n', buffer);
            let taken = end.unwrap_or(buffer.len());
            let complete = end.is_some() || buffer.is_empty();
            length = length.saturating_add(taken);
            // Room for the `\r` of a line end, which is not counted.
            let fits = length <= self.max_line.saturating_add(1);
            if complete && self.line.is_empty() && fits {
                let whole = buffer.get(..taken).unwrap_or_default();
                let text = whole.strip_suffix(b"\r").unwrap_or(whole).len();
                self.pending = taken + usize::from(end.is_some());
                return Some(self.count_line(
                    Found {
                        in_buffer: true,
                        length: text,
                        terminated: end.is_some(),
                    },
                    length,
                ));
            }
            if fits {
                self.line
                    .extend_from_slice(buffer.get(..taken).unwrap_or_default());
            } else {
                self.line.clear();
            }
            self.inner.consume(taken + usize::from(end.is_some()));
            if complete {
                let text = self.line.strip_suffix(b"\r").unwrap_or(&self.line).len();
                let text = if fits { text } else { usize::MAX };
                return Some(self.count_line(
                    Found {
                        in_buffer: false,
                        length: text,
                        terminated: end.is_some(),
                    },
                    length,
                ));
            }
        }
    }

    fn count_line(&mut self, found: Found, length: usize) -> Result<Found, ReadError> {
        self.counts.lines += 1;
        self.begin = self.position;
        self.position += length as u64 + u64::from(found.terminated);
        if found.length <= self.max_line {
            return Ok(found);
        }
        self.counts.too_long += 1;
        let problem = LineProblem::TooLong {
            limit: self.max_line,
        };
        Err(ReadError::Line(LineError {
            number: self.counts.lines,
            problem,
        }))
    }
}

/// Where [`LogReader::find_line`] left the line.
#[derive(Debug, Clone, Copy)]
struct Found {
    in_buffer: bool,
    /// Without the line end.
    length: usize,
    terminated: bool,
}

impl Found {
    fn text<'a>(self, inner: &'a mut impl BufRead, line: &'a [u8]) -> io::Result<&'a [u8]> {
        // The line has not been consumed, so this is the same buffer and reads nothing.
        let bytes = if self.in_buffer {
            inner.fill_buf()?
        } else {
            line
        };
        Ok(bytes.get(..self.length).unwrap_or_default())
    }
}

impl<'a> Line<'a> {
    /// The event in the line.
    ///
    /// # Errors
    ///
    /// As [`Event::parse`].
    pub fn parse(&self) -> Result<Event<'a>, ParseError> {
        Event::parse(self.text)
    }
}

impl ReadError {
    /// The line to pass over, or the I/O error to stop at.
    ///
    /// # Errors
    ///
    /// The I/O error, if it was one.
    pub fn into_line_error(self) -> io::Result<LineError> {
        match self {
            Self::Line(error) => Ok(error),
            Self::Io(error) => Err(error),
        }
    }

    /// Whether the log cannot be read any further.
    pub fn is_io(&self) -> bool {
        matches!(self, Self::Io(_))
    }
}

impl LineError {
    /// The line's number, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Why the line is not an event; `None` for one that is too long to be looked at.
    pub fn parse_error(&self) -> Option<&ParseError> {
        match &self.problem {
            LineProblem::Parse(error) => Some(error),
            LineProblem::TooLong { .. } => None,
        }
    }

    /// Whether the line is longer than the reader's limit.
    pub fn is_too_long(&self) -> bool {
        matches!(self.problem, LineProblem::TooLong { .. })
    }
}
