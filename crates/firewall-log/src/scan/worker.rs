//! One thread's part of a scan: it reads lines and keeps the packets that rules count.

use std::io::Read;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use memchr::memchr;

use super::before::{LOOK_BACK, is_doubled, since};
use super::blocks::Blocks;
use super::finding::Summary;
use super::group::{MISPLACED, NO_RULE, RuleSets};
use super::hits::{Hit, Repeat, TIME_MAX};
use crate::event::{strip_end, strip_hole};
use crate::loss::lost;
use crate::template::{Observation, PADDED, PaddedLine, ParsedLine, Recognizer, Source};
use crate::time::from_micros;

/// Which events are counted, and which are remarked on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) latest: i64,
    pub(crate) yearless_before: i64,
    pub(crate) max_line: usize,
}

/// Where packets go that rules count. The rules are those of a group, as bits.
pub(crate) trait Keep {
    /// Takes a packet.
    fn add(&mut self, group: usize, rules: u64, source: Source, hit: Hit);

    /// Takes several of which it is only known how many they were.
    fn add_repeat(&mut self, group: usize, rules: u64, source: Source, repeat: Repeat);
}

/// What one thread has seen.
#[derive(Debug, Clone)]
#[repr(align(128))]
pub(crate) struct Worker<K> {
    recognizer: Recognizer,
    rule_sets: RuleSets,
    /// The packet that is being looked at.
    what: Observation,
    /// What it has seen of the sources.
    pub(crate) kept: K,
    pub(crate) limits: Limits,
    /// What the log that is read holds, so far.
    summary: Summary,
    /// The first event of the log that is read, in microseconds; `i64::MAX` for none.
    oldest: i64,
    /// The last event of the log that is read, in microseconds; `i64::MIN` for none.
    newest: i64,
}

/// A block of a log, and room behind it.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    size: usize,
    /// The end of what the log holds before it.
    before: Vec<u8>,
}

impl Block {
    /// Of so many bytes.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            bytes: vec![0; size.saturating_add(PADDED)],
            size,
            before: Vec::new(),
        }
    }

    /// Lets it be filled with the next lines; where they are.
    pub(super) fn fill<R: Read>(&mut self, blocks: &mut Blocks<R>) -> Option<Range<usize>> {
        self.before.clear();
        self.before.extend_from_slice(blocks.before());
        blocks.next(self.bytes.get_mut(..self.size)?)
    }

    /// Holds other lines, which follow those it held; where they are.
    pub(crate) fn hold(&mut self, lines: &[u8]) -> Range<usize> {
        let held = self.bytes.get(..self.size).unwrap_or_default();
        self.before = end_of(&self.before, held);
        self.size = lines.len();
        self.bytes.clear();
        self.bytes.extend_from_slice(lines);
        self.bytes.resize(lines.len() + PADDED, 0);
        0..lines.len()
    }

    /// Whether a line, which begins at a place and is so long, is the same as the one before it;
    /// the first line of the block is at `first`.
    #[cold]
    fn doubles(&self, first: usize, start: usize, length: usize) -> bool {
        let line = self.bytes.get(start..start + length).unwrap_or_default();
        let read = self.bytes.get(first..start).unwrap_or_default();
        is_doubled(line, if read.is_empty() { &self.before } else { read })
    }
}

impl<K: Keep> Worker<K> {
    pub(crate) fn new(
        recognizer: Recognizer,
        rule_sets: RuleSets,
        limits: Limits,
        kept: K,
    ) -> Self {
        Self {
            recognizer,
            what: Observation::default(),
            kept,
            rule_sets,
            limits,
            summary: Summary::default(),
            oldest: i64::MAX,
            newest: i64::MIN,
        }
    }

    /// Reads lines by another recognizer, which knows another clock.
    pub(crate) fn set_recognizer(&mut self, recognizer: Recognizer) {
        self.recognizer = recognizer;
    }

    /// What was read since this was asked last.
    pub(crate) fn take_summary(&mut self) -> Summary {
        let mut summary = std::mem::take(&mut self.summary);
        summary
            .misplaced_prefix
            .clone_from(&self.rule_sets.misplaced);
        let oldest = std::mem::replace(&mut self.oldest, i64::MAX);
        let newest = std::mem::replace(&mut self.newest, i64::MIN);
        if oldest <= newest {
            summary.oldest = Some(from_micros(oldest));
            summary.newest = Some(from_micros(newest));
        }
        summary
    }

    /// Reads blocks until there are no more; what they held.
    pub(super) fn work<R: Read>(
        &mut self,
        blocks: &Mutex<Blocks<R>>,
        block: &mut Block,
    ) -> Summary {
        // Locked while it is read, and not while it is parsed.
        let next = |block: &mut Block| {
            block.fill(&mut blocks.lock().unwrap_or_else(PoisonError::into_inner))
        };
        while let Some(lines) = next(block) {
            self.read(block, lines);
        }
        self.take_summary()
    }

    /// Reads the lines of a block.
    pub(crate) fn read(&mut self, block: &Block, lines: Range<usize>) {
        let Range { mut start, end } = lines;
        let first = start;
        let mut recognized = 0;
        // Of the line before, if it was recognized: its time, and where it began.
        let mut last = None;
        while start < end {
            let text = block.bytes.get(start..).unwrap_or_default();
            let length = PaddedLine::new(text)
                .and_then(|line| self.recognizer.recognize(line, &mut self.what))
                // Behind the lines is what the block held before.
                .filter(|length| *length <= self.limits.max_line.min(end - start));
            if let Some(length) = length {
                // What is the same has the same time and length.
                let before = last.replace((self.what.at, start));
                let may_be_same = |(at, before)| at == self.what.at && start - before == length;
                if before.is_none_or(may_be_same) {
                    self.summary.doubled += u64::from(block.doubles(first, start, length));
                }
                start += length;
                recognized += 1;
                self.count();
            } else {
                let text = text.get(..end - start).unwrap_or_default();
                let length = memchr(b'\n', text).map_or(text.len(), |end| end + 1);
                let line = strip_hole(text.get(..length).unwrap_or_default());
                if line.is_empty() {
                    // The log ends with NUL bytes, which are no line.
                    break;
                }
                self.summary.doubled += u64::from(block.doubles(first, start, length));
                last = None;
                if let Some(repeated) = self.read_line(line) {
                    let read = block.bytes.get(first..start).unwrap_or_default();
                    let before = end_of(&block.before, read);
                    self.count_repeated(repeated, line, &before);
                }
                start += length;
            }
        }
        self.summary.counts.lines += recognized;
        self.summary.counts.events += recognized;
    }

    /// Reads a line that is not like one before, and counts its packet; if it stands for several,
    /// that is left, and how many they are is answered.
    #[inline(never)]
    fn read_line(&mut self, line: &[u8]) -> Option<NonZeroU32> {
        let Self {
            recognizer,
            rule_sets,
            limits,
            summary,
            ..
        } = self;
        summary.counts.lines += 1;
        if strip_end(line).len() > limits.max_line {
            summary.counts.too_long += 1;
            return None;
        }
        match recognizer.parse(line, |prefix, nature| rule_sets.number(prefix, nature)) {
            Ok(ParsedLine { at: None, .. }) => {
                summary.counts.events += 1;
                summary.undated += 1;
            }
            Ok(ParsedLine {
                at: Some(at),
                observation,
                repeated,
            }) => {
                summary.counts.events += 1;
                // Of a packet without a source only the time matters.
                self.what = observation.unwrap_or(Observation {
                    at,
                    rule_set: NO_RULE,
                    ..Observation::default()
                });
                if repeated.is_some() {
                    return repeated;
                }
                self.count();
            }
            Err(error) => {
                summary.counts.unparsed += u64::from(error.is_malformed());
                summary.counts.rejected += u64::from(error.is_rejected());
                if error.is_not_firewall_line() {
                    if let Some(lost) = lost(line) {
                        summary.losses += 1;
                        summary.lost = summary.lost.saturating_add(lost);
                    }
                }
            }
        }
        None
    }

    /// Counts the packet that is being looked at.
    #[inline]
    fn count(&mut self) {
        if self.is_in_time() {
            self.keep(self.what.at, K::add);
        }
    }

    /// Keeps the packet for each group of which any rule counts it; `since` is the earliest that it
    /// may have come.
    #[inline]
    fn keep(&mut self, since: i64, add: impl Fn(&mut K, usize, u64, Source, Hit)) {
        let Observation { source, .. } = self.what;
        let hit = Hit {
            at: self.what.at.clamp(-TIME_MAX, TIME_MAX),
            rule_set: self.what.rule_set,
            port: self.what.port,
        };
        let counted_by = self.rule_sets.get(hit.rule_set).iter();
        let groups = counted_by.zip(&self.rule_sets.rules.groups).enumerate();
        for (number, (rules, group)) in groups {
            if *rules != 0 && !group.excepts(source, since) {
                add(&mut self.kept, number, *rules, source, hit);
            }
        }
    }

    /// Counts packets like the one that is being looked at, of which a line says how many they
    /// were.
    #[cold]
    fn count_repeated(&mut self, times: NonZeroU32, line: &[u8], before: &[u8]) {
        if !self.is_in_time() {
            return;
        }
        let times = u64::from(times.get());
        let since = since(line, before, self.limits.max_line)
            .and_then(|time| self.recognizer.instant(time))
            .filter(|since| *since <= self.what.at);
        self.summary.repeated += times;
        if since.is_none() {
            self.summary.repeated_undated += times;
        }
        let since = since.map(|since| since.clamp(-TIME_MAX, TIME_MAX));
        let earliest = since.unwrap_or(self.what.at);
        self.keep(earliest, |kept, group, rules, source, hit| {
            kept.add_repeat(group, rules, source, Repeat { hit, since, times });
        });
    }

    /// Takes down the time of the packet that is being looked at, and whether its prefix is
    /// misplaced; `false` if it is too late to be counted.
    #[inline]
    fn is_in_time(&mut self) -> bool {
        let Self {
            what,
            limits,
            summary,
            ..
        } = self;
        if what.at > limits.latest {
            summary.ahead += 1;
            summary.latest_ahead = summary.latest_ahead.max(Some(from_micros(what.at)));
            return false;
        }
        if what.yearless && what.at < limits.yearless_before {
            summary.yearless_old += 1;
        }
        self.oldest = self.oldest.min(what.at);
        self.newest = self.newest.max(what.at);
        summary.misplaced += u64::from(what.rule_set == MISPLACED);
        true
    }
}

/// The end of two texts, as much as is looked back to.
fn end_of(first: &[u8], second: &[u8]) -> Vec<u8> {
    let new = second.len().min(LOOK_BACK);
    let old = first.len().min(LOOK_BACK - new);
    let first = first.get(first.len() - old..).unwrap_or_default();
    let second = second.get(second.len() - new..).unwrap_or_default();
    [first, second].concat()
}
