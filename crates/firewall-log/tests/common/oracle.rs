//! What must hold of any bytes; shared by the fuzz targets `log_*` and the replay of their corpora.
#![allow(dead_code, reason = "each target has its own")]
#![allow(clippy::panic, reason = "what is wrong is said by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Read};
use std::net::IpAddr;
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::time::{Duration, SystemTime};

use firewall_log::{
    Clock, Counts, Detector, Event, Finding, LogReader, LogTime, Protocol, Scan, Threshold,
};
use jiff::tz::TimeZone;

/// Reads `log` as a log, in blocks of two sizes, and every line of it alone.
pub(crate) fn check(log: &[u8]) {
    let (large, small) = (count(log, 64 * 1024), count(log, 7));
    assert_eq!(large, small, "the size of the blocks matters");
    log.split(|byte| *byte == b'\n').for_each(check_line);
}

/// Reads `records` as records of the journal, however few bytes come at a time: each is a line.
pub(crate) fn check_journal(records: &[u8]) {
    let whole = as_lines(records);
    assert_eq!(
        whole,
        as_lines(Few(records)),
        "the size of the reads matters"
    );
    if firewall_log::Journal::begins(records) {
        assert!(whole.is_empty() || whole.ends_with(b"\n"));
        let lines = whole.split_inclusive(|byte| *byte == b'\n');
        assert!(lines.clone().count() <= records.len());
        for line in lines {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            assert!(text.iter().all(|byte| *byte == b'\t' || *byte >= b' '));
            check_line(text);
        }
    } else {
        assert_eq!(whole, records);
    }
}

fn as_lines(records: impl Read) -> Vec<u8> {
    let mut lines = Vec::new();
    let read = firewall_log::Journal::new(records).read_to_end(&mut lines);
    read.unwrap_or_else(|error| panic!("{error}"));
    lines
}

/// Gives three bytes at a time.
struct Few<'a>(&'a [u8]);

impl Read for Few<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let length = to.len().min(3);
        self.0.read(to.get_mut(..length).unwrap_or_default())
    }
}

/// How many lines, events and bytes there are.
fn count(log: &[u8], block: usize) -> (u64, u64, u64) {
    let mut reader = LogReader::new(BufReader::with_capacity(block, log)).max_line(2048);
    let mut answers = 0;
    while let Some(event) = reader.next_event() {
        answers += 1;
        if let Err(error) = event {
            assert!(!error.is_io());
        }
    }
    let counts = reader.counts();
    assert_eq!(answers, counts.lines);
    assert!(counts.events + counts.unparsed + counts.rejected + counts.too_long <= counts.lines);
    assert_eq!(reader.position(), log.len() as u64);
    (counts.lines, counts.events, reader.position())
}

/// What is read can be written, and is the same when it is read again.
fn check_line(line: &[u8]) {
    match Event::parse(line) {
        Ok(event) => {
            let mut written = Vec::new();
            event.render(&mut written);
            assert_eq!(
                Event::parse(&written).as_ref(),
                Ok(&event),
                "{}",
                written.escape_ascii()
            );
            assert!(event.packet.inner.is_none() || event.source().is_some());
            assert!(event.prefix.len() <= 127);
        }
        Err(error) => {
            assert!(error.offset() <= line.len());
            assert!(!error.to_string().is_empty());
        }
    }
}

/// Reads the same log as a stream, in blocks of sizes that its first bytes say, by one worker and
/// by three, and event by event: counts and findings are the same.
pub(crate) fn check_stream(input: &[u8]) {
    let (sizes, log) = input.split_at(input.len().min(4));
    let clock = clock(sizes.first().copied().unwrap_or_default());
    let rules = || {
        let rule = |hits, seconds| Threshold::new(number(hits), Duration::from_secs(seconds));
        [
            rule(1, 0),
            rule(2, 60).prefix("IPTABLES-BLOCKED"),
            rule(2, 3600).aggregate_v4(24).aggregate_v6(64),
            rule(1, 5).distinct_ports(NonZeroU16::MIN),
            rule(1, 5)
                .distinct_ports(NonZeroU16::MIN)
                .count_answers(true),
            rule(1, 60).count_multicast(true).protocol(Protocol::Udp),
            rule(1, 60).count_answers(true).count_multicast(true),
            rule(1, 60)
                .count_stealth_scans(true)
                .protocol(Protocol::Tcp),
            rule(1, 60).hidden_transport(),
        ]
    };
    let max_line = 300 + usize::from(sizes.get(1).copied().unwrap_or_default());
    let mut reader = LogReader::new(log).max_line(max_line);
    let mut followed = Followed::new(rules());
    let mut repeated = false;
    while let Some(event) = reader.next_event() {
        let Ok(event) = event else { continue };
        repeated |= event.repeated.is_some();
        if let Ok(at) = event.time.resolve(&clock) {
            followed.observe(&event, at);
        }
    }
    let mut known: Option<Vec<Finding>> = None;
    for workers in [1, 3] {
        let workers = NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN);
        let block = usize::from(sizes.get(2).copied().unwrap_or_default()) * 8;
        let mut scan = Scan::new(rules(), clock.clone())
            .workers(workers)
            .max_line(max_line)
            .block(block);
        let summary = match scan.read(Portions {
            log,
            sizes,
            turn: 0,
        }) {
            Ok(summary) => summary,
            Err(error) => panic!("{error}"),
        };
        let counts: Counts = summary.counts;
        assert_eq!(counts, reader.counts());
        assert_eq!(summary.bytes, log.len() as u64);
        assert_eq!(summary.newest.map(micros), followed.newest);
        let mut findings = scan.finish();
        for finding in &mut findings {
            finding.violators.sort_by_key(|tally| tally.source);
        }
        // A scan looks a little way back for the first of packets of which a line says how many
        // they were; a detector remembers the event before.
        if !repeated {
            followed.check(&findings);
        }
        assert_eq!(*known.get_or_insert_with(|| findings.clone()), findings);
    }
}

/// What a detector answered, and what is counted beside it.
struct Followed {
    rules: Vec<Threshold>,
    detector: Detector,
    newest: Option<i128>,
    /// By how much the latest of all lines came late, in microseconds.
    late: i128,
    /// For each rule, the packets it counted and the networks of their sources.
    counted: Vec<(u64, BTreeSet<IpAddr>)>,
    /// By rule and source, the end of the last window.
    ends: BTreeMap<(usize, IpAddr), SystemTime>,
}

impl Followed {
    fn new(rules: impl IntoIterator<Item = Threshold>) -> Self {
        let rules: Vec<_> = rules.into_iter().collect();
        Self {
            detector: Detector::new(rules.clone()),
            newest: None,
            late: 0,
            counted: vec![Default::default(); rules.len()],
            ends: BTreeMap::new(),
            rules,
        }
    }

    fn observe(&mut self, event: &Event<'_>, at: SystemTime) {
        let newest = self.newest.max(Some(micros(at))).unwrap_or_default();
        self.newest = Some(newest);
        self.late = self.late.max(newest - micros(at));
        for (rule, (packets, sources)) in self.rules.iter().zip(&mut self.counted) {
            if let Some(source) = event.source().filter(|_| rule.matches(event)) {
                *packets += 1;
                sources.insert(rule.network(source).0);
            }
        }
        for violation in self.detector.observe(event, at) {
            let end = (violation.rule, violation.source);
            let end = self.ends.entry(end).or_insert(violation.last_seen);
            *end = violation.last_seen.max(*end);
        }
    }

    /// What a scan found of the same lines is the same; if lines are late by more than a rule's
    /// window, the detector has no more than that.
    fn check(&self, findings: &[Finding]) {
        let rules = self.rules.iter().zip(&self.counted).zip(findings);
        for (number, ((rule, (packets, sources)), finding)) in rules.enumerate() {
            assert_eq!(finding.matched, *packets);
            assert_eq!(finding.sources, sources.len() as u64);
            for tally in &finding.violators {
                let found = self.ends.get(&(number, tally.source)).copied();
                if self.late <= i128::try_from(rule.within().as_micros()).unwrap_or(i128::MAX) {
                    assert_eq!(found, tally.last_violating);
                } else {
                    assert!(found <= tally.last_violating);
                }
            }
            let ends = self.ends.keys().filter(|(rule, _)| *rule == number);
            for (_, source) in ends {
                assert!(
                    finding
                        .violators
                        .iter()
                        .any(|tally| tally.source == *source)
                );
            }
        }
    }
}

/// Any bytes as the stamps of lines that go on well: in a stream each means what it means alone.
pub(crate) fn check_times(input: &[u8]) {
    const REST: &[u8] = b" fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2 \n";
    let (zone, stamps) = input.split_at(input.len().min(1));
    let clock = clock(zone.first().copied().unwrap_or_default());
    let mut log = vec![0; 4];
    for stamp in stamps.split(|byte| *byte == b'\n') {
        let line = [stamp, REST].concat();
        log.extend_from_slice(&line);
        let Ok(event) = Event::parse(&line) else {
            continue;
        };
        let Ok(at) = event.time.resolve(&clock) else {
            continue;
        };
        if let LogTime::Rfc3164 { .. } = event.time {
            // Never later than the present and the tolerance.
            assert!(at <= clock.now() + Duration::from_secs(24 * 60 * 60));
        }
    }
    if let (Some(first), Some(byte)) = (log.first_mut(), zone.first()) {
        *first = *byte;
    }
    check_stream(&log);
}

/// A few zones and presents: the ends of the year, hours that come twice and hours that are
/// skipped.
fn clock(which: u8) -> Clock {
    let zone = match which % 4 {
        0 => TimeZone::UTC,
        // Half an hour at a time, and on the southern side.
        1 => TimeZone::posix("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0").unwrap_or(TimeZone::UTC),
        2 => TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap_or(TimeZone::UTC),
        _ => TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap_or(TimeZone::UTC),
    };
    let now = match which / 4 % 4 {
        // 2026-11-22, 2026-10-25T01:15Z, 2027-01-01T00:10Z, 2028-02-29T12:00Z
        0 => 1_795_343_154,
        1 => 1_792_890_900,
        2 => 1_798_762_200,
        _ => 1_835_438_400,
    };
    Clock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(now), zone)
}

fn number(hits: u32) -> NonZeroU32 {
    NonZeroU32::new(hits).unwrap_or(NonZeroU32::MIN)
}

/// The grain at which times count.
fn micros(at: SystemTime) -> i128 {
    match at.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_micros()).unwrap_or(i128::MAX),
        Err(before) => {
            -i128::try_from(before.duration().as_nanos().div_ceil(1000)).unwrap_or(i128::MAX)
        }
    }
}

/// Gives as many bytes at a time as it is told to, over and over.
struct Portions<'a> {
    log: &'a [u8],
    sizes: &'a [u8],
    turn: usize,
}

impl Read for Portions<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes.get(self.turn % self.sizes.len().max(1));
        self.turn += 1;
        let portion = usize::from(*size.unwrap_or(&0)) + 1;
        let portion = portion.min(to.len()).min(self.log.len());
        let (now, later) = self.log.split_at(portion);
        to.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
        self.log = later;
        Ok(portion)
    }
}
