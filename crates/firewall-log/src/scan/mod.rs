//! Whole logs, at once and by several threads.
//!
//! ```text
//! log ─blocks▶ worker ─template▶ Observation ─group▶ rule set ─table▶ hits │ at the end: merge ─▶ verdict ─▶ finding
//! ```
//!
//! A worker writes down which source hit when, and which rules count that, and judges nothing. When
//! all is read, `merge` brings the workers' hits of each source together, and
//! `verdict` holds them against the rules.

mod address;
mod before;
mod blocks;
mod distinct;
mod finding;
mod group;
mod hits;
mod index;
mod merge;
mod table;
#[cfg(test)]
mod tests;
mod verdict;
mod worker;

use std::io::Read;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

pub(crate) use self::blocks::LINE_MAX;
use self::blocks::{BLOCK, Blocks};
pub(crate) use self::distinct::Distinct;
pub use self::finding::{Finding, ScanError, Summary};
pub(crate) use self::group::{RuleGroup, RuleSets, Rules};
pub(crate) use self::hits::{Hit, Repeat};
use self::merge::merge;
use self::table::SourceTables;
pub(crate) use self::worker::{Block, Keep, Limits, Worker};
use crate::rule::Threshold;
use crate::template::Recognizer;
use crate::time::{Clock, to_micros};

/// Reads logs to their end and says who hit too often.
///
/// It counts as a [`Detector`](crate::Detector) does to which every event of a
/// [`LogReader`](crate::LogReader) is shown, and is made for large logs: it answers at the end
/// only, it recognizes a line that is built like one it has read, and it can share the work among
/// threads. The answer is the same whatever the order of lines, the size of reads, and the number
/// of workers, but for the estimate that [`Finding::sources`] may be.
///
/// A hit takes four bytes of memory, or eight where lines are more than half a second apart or the
/// rules part packets into more than four sorts; four more where a rule asks for ports. Of sources
/// beyond the first few thousand, as in a flood of forged addresses, each hit takes the bytes of
/// its address in addition, 4 or 16, and nothing else is kept of them.
///
/// Of [repeated](crate::Event::repeated) packets it is known only that they came between the first
/// of them, which is the event before, and the line: a window holds them if it holds both; of those
/// that took longer than a rule's window, one window of that length has at least their share. If
/// the event before is not the first of them, they [count](Finding::matched) and are in no window.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::{Duration, SystemTime};
///
/// use firewall_log::{Clock, Scan, Threshold};
/// use jiff::tz::TimeZone;
///
/// # fn main() -> Result<(), firewall_log::ScanError> {
/// let log = "\
/// 2026-11-22T09:25:54+00:00 fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=4000 DPT=53 LEN=40
/// 2026-11-22T09:25:55+00:00 fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=2 PROTO=UDP SPT=4001 DPT=53 LEN=40
/// ";
/// let two_in_a_minute = Threshold::new(NonZeroU32::new(2).unwrap(), Duration::from_secs(60)).prefix("IPTABLES-BLOCKED");
/// let mut scan = Scan::new([two_in_a_minute], Clock::new(SystemTime::now(), TimeZone::UTC));
/// let summary = scan.read(log.as_bytes())?;
/// assert_eq!(summary.counts.events, 2);
/// let findings = scan.finish();
/// assert_eq!(findings[0].violators[0].source.to_string(), "203.0.113.7");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Scan {
    rules: Arc<Rules>,
    /// Bytes that are read at a time.
    block: usize,
    threads: usize,
    /// A worker that has seen nothing.
    fresh: Worker<Vec<SourceTables>>,
    workers: Vec<Worker<Vec<SourceTables>>>,
}

impl Scan {
    /// A scan by one thread that has read nothing yet; `clock` is what times without a year, a zone
    /// or a date are read by.
    pub fn new(rules: impl IntoIterator<Item = Threshold>, clock: Clock) -> Self {
        let rules = Arc::new(Rules::new(rules));
        let ports = rules.groups.iter().any(RuleGroup::asks_for_ports);
        let limits = Limits {
            latest: i64::MAX,
            yearless_before: i64::MIN,
            max_line: LINE_MAX,
        };
        let recognizer = Recognizer::new(clock, ports);
        let tables = rules.groups.iter().map(SourceTables::new).collect();
        let fresh = Worker::new(recognizer, RuleSets::new(rules.clone()), limits, tables);
        Self {
            rules,
            block: BLOCK,
            threads: 1,
            fresh,
            workers: Vec::new(),
        }
    }

    /// Shares the work among so many threads, of which the caller's is one; one unless set.
    pub fn workers(mut self, workers: NonZeroUsize) -> Self {
        self.threads = workers.get();
        self
    }

    /// Does not count events after this instant.
    pub fn latest(mut self, at: SystemTime) -> Self {
        self.fresh.limits.latest = to_micros(at);
        self
    }

    /// Skips lines of more than `bytes` bytes, their line end not counted; 64 KiB unless set. The
    /// kernel's are never longer than 1 KiB.
    pub fn max_line(mut self, bytes: usize) -> Self {
        self.fresh.limits.max_line = bytes;
        self
    }

    /// Reads so many bytes at a time, for each worker; 256 KiB unless set, and never less than a
    /// line may have.
    pub fn block(mut self, bytes: usize) -> Self {
        self.block = bytes;
        self
    }

    /// Says in the [`Summary`] how many dates without a year came out before this instant: more
    /// likely a wrong clock than a log that old.
    pub fn yearless_before(mut self, at: SystemTime) -> Self {
        self.fresh.limits.yearless_before = to_micros(at);
        self
    }

    /// Reads a log to its end; several make one stream, in any order.
    ///
    /// # Errors
    ///
    /// If the log cannot be read any further. What was read until then has been counted.
    pub fn read(&mut self, log: impl Read + Send) -> Result<Summary, ScanError> {
        let limits = self.fresh.limits;
        while self.workers.len() < self.threads {
            self.workers.push(self.fresh.clone());
        }
        for worker in &mut self.workers {
            worker.limits = limits;
        }
        let helpers = self.threads.saturating_sub(1);
        let blocks = Mutex::new(Blocks::new(log, limits.max_line));
        // Room for a line, its end, and one more byte that shows that there is no end.
        let size = self.block.max(limits.max_line.saturating_add(3));
        let mut total = thread::scope(|scope| {
            let Some((first, others)) = self.workers.split_first_mut() else {
                return Summary::default();
            };
            // A log of a block needs no help.
            let mut block = Block::new(size);
            let mut locked = blocks.lock().unwrap_or_else(PoisonError::into_inner);
            let lines = block.fill(&mut locked).unwrap_or_default();
            let ended = locked.ended();
            drop(locked);
            let others: Vec<_> = others
                .iter_mut()
                .take(if ended { 0 } else { helpers })
                .map(|worker| scope.spawn(|| worker.work(&blocks, &mut Block::new(size))))
                .collect();
            first.read(&block, lines);
            let mut total = first.work(&blocks, &mut block);
            for other in others {
                match other.join() {
                    Ok(summary) => total.join(&summary),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            total
        });
        let blocks = blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
        total.misplaced_prefix = total.misplaced_prefix.filter(|_| total.misplaced > 0);
        total.bytes = blocks.bytes;
        total.counts.lines += blocks.too_long;
        total.counts.too_long += blocks.too_long;
        match blocks.failed {
            None => Ok(total),
            Some(source) => Err(ScanError::new(source, total)),
        }
    }

    /// What each rule found, in the order in which they were given.
    pub fn finish(self) -> Vec<Finding> {
        let tables = self.workers.into_iter().map(|worker| worker.kept);
        merge(&self.rules, tables.collect(), self.threads)
    }
}
