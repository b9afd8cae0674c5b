//! The lines of a log that goes on, judged in about the time that a scan takes to read them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::history::{Breach, Limits as Histories, bytes_for};
use super::sources::{LEAST, Sources};
use super::{MEMORY, Violation};
use crate::rule::{Span, Threshold};
use crate::scan::{
    Block, Hit, Keep, LINE_MAX, Limits, Repeat, RuleGroup, RuleSets, Rules, Summary, Worker,
};
use crate::template::{Recognizer, Source};
use crate::time::{Clock, to_micros};

/// A [`Detector`](super::Detector) that reads the lines itself. It answers as one does to which
/// every event is shown, and reads a line that is built like one before as a
/// [`Scan`](crate::Scan) does: in a fraction of the time that parsing it takes.
///
/// What is said there of late lines and of memory holds here, too. Of repeated packets, the first
/// is looked for in the last 4 KiB, as a `Scan` does.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::{Duration, SystemTime};
///
/// use firewall_log::{Clock, LineDetector, Threshold};
/// use jiff::tz::TimeZone;
///
/// let two_in_a_minute = Threshold::new(NonZeroU32::new(2).unwrap(), Duration::from_secs(60));
/// let clock = Clock::new(SystemTime::now(), TimeZone::UTC);
/// let mut detector = LineDetector::new([two_in_a_minute], clock);
/// let line = "2026-11-22T09:25:54+00:00 fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2 \n";
///
/// assert!(detector.read(line.as_bytes()).is_empty());
/// let violations = detector.read(line.as_bytes());
/// assert_eq!(violations[0].source.to_string(), "203.0.113.7");
/// assert_eq!(detector.take_summary().counts.events, 2);
/// ```
#[derive(Debug, Clone)]
pub struct LineDetector {
    worker: Worker<Judged>,
    block: Block,
    /// Whether any rule asks for ports.
    ports: bool,
    /// Bytes that a single source must have room for.
    least: usize,
}

/// What is known of sources, by groups of rules: each has a table for IPv4 and one for IPv6.
#[derive(Debug, Clone)]
struct Judged {
    rules: Arc<Rules>,
    histories: Histories,
    sources: Sources,
    /// The numbers that sets of rules have in `histories`, by group and bits.
    sets: Vec<(usize, u64, u32)>,
    /// Hits that are not judged yet, at most [`WAITING`]: by group and rules.
    waiting: Vec<(usize, u64, Source, Span)>,
    violations: Vec<Violation>,
}

/// So many hits are judged at a time, so that the processor looks for all of their sources at once.
const WAITING: usize = 32;

impl LineDetector {
    /// A detector that has read nothing yet; `clock` is what times without a year, a zone or a date
    /// are read by.
    pub fn new(rules: impl IntoIterator<Item = Threshold>, clock: Clock) -> Self {
        let rules: Vec<_> = rules.into_iter().collect();
        let histories = Histories::new(rules.iter().map(Threshold::limit).collect());
        let least = rules.iter().map(|rule| bytes_for(rule.limit())).max();
        let rules = Arc::new(Rules::new(rules));
        let ports = rules.groups.iter().any(RuleGroup::asks_for_ports);
        let aggregates = rules.groups.iter().map(RuleGroup::aggregates);
        let tables = aggregates.flat_map(|(v4, v6)| [(true, v4), (false, v6)]);
        let sources = Sources::new(tables, ports);
        let limits = Limits {
            latest: i64::MAX,
            yearless_before: i64::MIN,
            max_line: LINE_MAX,
        };
        let judged = Judged {
            rules: rules.clone(),
            histories,
            sources,
            sets: Vec::new(),
            waiting: Vec::with_capacity(WAITING),
            violations: Vec::new(),
        };
        let recognizer = Recognizer::new(clock, ports);
        let new = Self {
            worker: Worker::new(recognizer, RuleSets::new(rules), limits, judged),
            block: Block::new(0),
            ports,
            least: least.unwrap_or_default().saturating_mul(LEAST),
        };
        new.memory(MEMORY)
    }

    /// As [`Detector::memory`](super::Detector::memory).
    pub fn memory(mut self, bytes: usize) -> Self {
        self.worker.kept.sources.allow(bytes.max(self.least));
        self
    }

    /// Reads by another clock from now on. What lines look like is learned anew, which takes as
    /// long as parsing a few dozen of them: once a minute is meant, and not with every line.
    pub fn set_clock(&mut self, clock: Clock) {
        self.worker
            .set_recognizer(Recognizer::new(clock, self.ports));
    }

    /// Does not count events after this instant, from now on.
    pub fn set_latest(&mut self, at: SystemTime) {
        self.worker.limits.latest = to_micros(at);
    }

    /// Reads whole lines, which follow those that were read before. Answers what a
    /// [`Detector`](super::Detector) answers to their events, in order.
    pub fn read(&mut self, lines: &[u8]) -> Vec<Violation> {
        let range = self.block.hold(lines);
        self.worker.read(&self.block, range);
        self.worker.kept.judge_waiting();
        std::mem::take(&mut self.worker.kept.violations)
    }

    /// What was read since this was asked last; of its bytes nothing is known.
    pub fn take_summary(&mut self) -> Summary {
        self.worker.take_summary()
    }

    /// As [`Detector::forget_before`](super::Detector::forget_before).
    pub fn forget_before(&mut self, at: SystemTime) {
        let at = to_micros(at);
        let Judged {
            sources, histories, ..
        } = &mut self.worker.kept;
        sources.retain(|source| source.forget_before(at, histories));
    }

    /// How many sources are known; one that is counted as several networks is as many.
    pub fn sources(&self) -> usize {
        self.worker.kept.sources.count()
    }

    /// As [`Detector::size`](super::Detector::size).
    pub fn size(&self) -> usize {
        self.worker.kept.sources.size()
    }

    /// As [`Detector::allowed`](super::Detector::allowed).
    pub fn allowed(&self) -> usize {
        self.worker.kept.sources.allowed()
    }

    /// How many sources were dropped because the memory was full.
    pub fn dropped(&self) -> u64 {
        self.worker.kept.sources.dropped()
    }
}

impl Judged {
    /// The number of a set of rules, which are some of a group.
    fn set(&mut self, group: usize, bits: u64) -> u32 {
        let mut sets = self.sets.iter();
        let known = sets.find(|(of, known, _)| *of == group && *known == bits);
        if let Some((_, _, set)) = known {
            return *set;
        }
        let rules = self.rules.groups.get(group).map(|group| &group.rules);
        let rules = (0_u32..).zip(rules.into_iter().flatten());
        let counting = rules.filter(|(bit, _)| bits >> bit & 1 == 1);
        let places: Vec<_> = counting.map(|(_, (place, _))| *place).collect();
        let set = self.histories.number(&places);
        self.sets.push((group, bits, set));
        set
    }

    /// Judges a hit, soon.
    #[inline]
    fn wait(&mut self, group: usize, bits: u64, source: Source, span: Span) {
        self.waiting.push((group, bits, source, span));
        if self.waiting.len() >= WAITING {
            self.judge_waiting();
        }
    }

    /// Judges the hits that wait, in their order.
    #[inline(never)]
    fn judge_waiting(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        let fetched = waiting.iter().fold(0, |all, (group, _, source, _)| {
            let place = self.place(*group, *source);
            all ^ place.map_or(0, |(table, bits, _)| self.sources.fetch(table, bits))
        });
        std::hint::black_box(fetched);
        for (group, bits, source, span) in waiting.drain(..) {
            self.judge(group, bits, source, span);
        }
        self.waiting = waiting;
    }

    /// The table of a source, its network's bits, and its network.
    fn place(&self, group: usize, source: Source) -> Option<(usize, u128, (IpAddr, u8))> {
        let (_, first) = self.rules.groups.get(group)?.rules.first()?;
        let (source, prefix_length) = first.network(source.ip());
        let (table, bits) = match source {
            IpAddr::V4(source) => (2 * group, source.to_bits().into()),
            IpAddr::V6(source) => (2 * group + 1, source.to_bits()),
        };
        Some((table, bits, (source, prefix_length)))
    }

    fn judge(&mut self, group: usize, bits: u64, source: Source, span: Span) {
        let set = self.set(group, bits);
        let Some((table, network_bits, network)) = self.place(group, source) else {
            return;
        };
        let Self {
            rules,
            histories,
            sources,
            violations,
            ..
        } = self;
        let group_rules = rules.groups.get(group).map(|group| &group.rules);
        let tell = |breach: Breach| {
            let mut rules = group_rules.into_iter().flatten();
            let rule = rules.find(|(place, _)| *place == breach.rule);
            let ports = rule.and_then(|(_, rule)| rule.ports());
            violations.push(Violation::new(&breach, network, ports));
        };
        sources.change(table, network_bits, |source| {
            source.add(span, set, histories, tell);
        });
    }
}

impl Keep for Judged {
    #[inline]
    fn add(&mut self, group: usize, rules: u64, source: Source, hit: Hit) {
        self.wait(group, rules, source, Span::of(&hit));
    }

    fn add_repeat(&mut self, group: usize, rules: u64, source: Source, repeat: Repeat) {
        self.wait(group, rules, source, repeat.span());
    }
}
