//! One thread's part of a scan.

use std::io::Read;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use memchr::memchr;

use super::bank::{Bank, Class};
use super::blocks::Blocks;
use super::{Limits, Summary};
use crate::event::strip_end;
use crate::packet::Protocol;
use crate::sight::{Eye, Sender, Sight, WINDOW, Window};
use crate::time::from_micros;

/// So many packets wait to be counted.
const QUEUE: usize = 256;

/// What one thread has seen.
#[derive(Debug, Clone)]
#[repr(align(128))]
pub(super) struct Worker {
    eye: Eye,
    /// For each kind of packet, its class in each bank.
    kinds: Vec<Kind>,
    /// Packets to be counted.
    queue: Vec<(i64, Sender)>,
    pub(super) banks: Vec<Bank>,
    /// The last event of the log that is read, in microseconds; `i64::MIN` for none.
    pub(super) newest: i64,
}

/// Packets that are counted alike.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kind {
    /// The class in each bank, where any of its rules counts them.
    classes: Vec<Option<Class>>,
    is_counted: bool,
}

/// A block of a log, and room behind it.
pub(super) struct Block {
    bytes: Vec<u8>,
    size: usize,
}

impl Block {
    /// Of so many bytes.
    pub(super) fn new(size: usize) -> Self {
        Self {
            bytes: vec![0; size.saturating_add(WINDOW)],
            size,
        }
    }

    /// Lets it be filled with the next lines; where they are.
    pub(super) fn fill<R: Read>(&mut self, blocks: &mut Blocks<R>) -> Option<Range<usize>> {
        blocks.next(self.bytes.get_mut(..self.size)?)
    }
}

impl Worker {
    pub(super) fn new(eye: Eye, banks: Vec<Bank>) -> Self {
        Self {
            eye,
            kinds: Vec::new(),
            queue: Vec::new(),
            banks,
            newest: i64::MIN,
        }
    }

    /// Reads blocks until there are no more.
    pub(super) fn work<R: Read>(
        &mut self,
        blocks: &Mutex<Blocks<R>>,
        block: &mut Block,
        limits: Limits,
    ) -> Summary {
        let mut summary = Summary::default();
        loop {
            // Locked while it is read, and not while it is parsed.
            let lines = block.fill(&mut blocks.lock().unwrap_or_else(PoisonError::into_inner));
            match lines {
                Some(lines) => self.read(block, lines, limits, &mut summary),
                None => {
                    self.count_all();
                    return summary;
                }
            }
        }
    }

    /// Reads the lines of a block.
    pub(super) fn read(
        &mut self,
        block: &Block,
        lines: Range<usize>,
        limits: Limits,
        summary: &mut Summary,
    ) {
        let Range { mut start, end } = lines;
        while start < end {
            let text = block.bytes.get(start..).unwrap_or_default();
            if let Some(window) = Window::new(text)
                && let Some((sight, length)) = self.eye.recognize(window)
                // Behind the lines is what the block held before.
                && length <= limits.max_line.min(end - start)
            {
                start += length;
                summary.counts.lines += 1;
                summary.counts.events += 1;
                self.count(&sight, limits, summary);
            } else {
                let text = text.get(..end - start).unwrap_or_default();
                let length = memchr(b'\n', text).map_or(text.len(), |end| end + 1);
                start += length;
                self.read_line(text.get(..length).unwrap_or_default(), limits, summary);
            }
            if self.queue.len() >= QUEUE {
                self.count_all();
            }
        }
    }

    /// Reads a line that is not like one before.
    #[inline(never)]
    fn read_line(&mut self, line: &[u8], limits: Limits, summary: &mut Summary) {
        summary.counts.lines += 1;
        if strip_end(line).len() > limits.max_line {
            summary.counts.too_long += 1;
            return;
        }
        let Self {
            eye, kinds, banks, ..
        } = self;
        let judge = |prefix: &[u8], protocol| kind(kinds, banks, prefix, protocol);
        match eye.study(line, judge) {
            Ok(sight) => {
                summary.counts.events += 1;
                self.count(&sight, limits, summary);
            }
            Err(error) => {
                summary.counts.unparsed += u64::from(error.is_malformed());
                summary.counts.rejected += u64::from(error.is_rejected());
            }
        }
    }

    /// Counts an event, soon: when there are many, one need not wait for what memory says of the one before it.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "so that what it is given is never in memory"
    )]
    fn count(&mut self, sight: &Sight, limits: Limits, summary: &mut Summary) {
        let Some(at) = sight.at else {
            summary.undated += 1;
            return;
        };
        if at > limits.latest {
            summary.ahead += 1;
            summary.latest_ahead = summary.latest_ahead.max(Some(from_micros(at)));
            return;
        }
        if sight.yearless && at < limits.yearless_before {
            summary.yearless_old += 1;
        }
        self.newest = self.newest.max(at);
        if let Some(sender) = sight.sender
            && self
                .kinds
                .get(sender.kind as usize)
                .is_some_and(|kind| kind.is_counted)
        {
            self.queue.push((at, sender));
        }
    }

    /// Counts what waits for it.
    #[inline(never)]
    fn count_all(&mut self) {
        for (at, sender) in &self.queue {
            let Some(kind) = self.kinds.get(sender.kind as usize) else {
                continue;
            };
            for (bank, class) in self.banks.iter_mut().zip(&kind.classes) {
                if let Some(class) = class {
                    bank.add(*class, sender.source.address(), sender.port, *at);
                }
            }
        }
        self.queue.clear();
    }
}

/// The kind of a packet. There are no more kinds than the rules make, whatever prefixes and protocols there are.
fn kind(
    kinds: &mut Vec<Kind>,
    banks: &mut [Bank],
    prefix: &[u8],
    protocol: Option<Protocol>,
) -> u32 {
    let classes: Vec<_> = banks
        .iter_mut()
        .map(|bank| bank.class(prefix, protocol))
        .collect();
    let known = kinds.iter().position(|known| known.classes == classes);
    let place = known.unwrap_or_else(|| {
        let is_counted = classes.iter().any(Option::is_some);
        kinds.push(Kind {
            classes,
            is_counted,
        });
        kinds.len() - 1
    });
    u32::try_from(place).unwrap_or(u32::MAX)
}
