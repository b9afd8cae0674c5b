//! Reading a firewall log, beside the way the peers read it: one regular expression per line, as
//! fail2ban's filters are.
//!
//! The expression runs on Rust's `regex` crate, which is faster than the Python it stands for. It
//! yields an address and nothing else; ours yields the whole packet. What counts is the ratio,
//! which `cargo bench --bench log_parse` prints at the end.

use std::collections::HashMap;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::{Duration, Instant, SystemTime};

use criterion::{Criterion, Throughput};
use firewall_log::{Clock, Detector, Event, LogReader, Protocol, Threshold};
use jiff::tz::TimeZone;
use regex::bytes::Regex;

const LINES: usize = 20_000;

fn main() {
    let log = log();
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("log");
    group.throughput(Throughput::Elements(LINES as u64));
    group.bench_function("parse", |bencher| bencher.iter(|| parse(black_box(&log))));
    group.bench_function("parse, regular expression", |bencher| {
        bencher.iter(|| parse_by_expression(black_box(&log)));
    });
    group.bench_function("read and detect", |bencher| {
        bencher.iter(|| detect(black_box(&log)));
    });
    group.bench_function("read and count, regular expression", |bencher| {
        bencher.iter(|| count_by_expression(black_box(&log)));
    });
    group.finish();
    criterion.final_summary();
    if std::env::args().any(|argument| argument == "--bench") {
        ratio("parse", || parse(&log), || parse_by_expression(&log));
        ratio(
            "read and detect",
            || detect(&log),
            || count_by_expression(&log),
        );
    }
}

/// A log in rsyslog's file form: mostly blocked packets of many sources, some of other programs.
fn log() -> Vec<u8> {
    let mut log = String::new();
    for line in 0..LINES {
        let (second, micro, source) = (line / 400 % 60, line % 400 * 2500, line % 4000);
        let head = format!("2026-11-22T09:25:{second:02}.{micro:06}+00:00 fw");
        let kernel = format!(
            "{head} kernel: [ 18{second:02}.{micro:06}] IPTABLES-BLOCKED: IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01"
        );
        let v4 = format!(
            "SRC=198.51.{}.{} DST=203.0.113.1",
            source / 256,
            source % 256
        );
        let text = match line % 10 {
            0 => format!(
                "{head} sshd[812]: Failed password for root from 198.51.100.7 port {line} ssh2\n"
            ),
            1 => format!(
                "{kernel}:08:00 {v4} LEN=56 TOS=0x00 PREC=0x00 TTL=64 ID=4660 PROTO=ICMP TYPE=3 CODE=3 [SRC=203.0.113.1 DST=203.0.113.7 LEN=28 \
                 TOS=0x00 PREC=0x00 TTL=64 ID=4660 PROTO=UDP SPT=33434 DPT=53 LEN=8 ] \n"
            ),
            2 | 3 => format!(
                "{kernel}:86:dd SRC=2001:0db8:0001:0000:0000:0000:0000:{source:04x} DST=2001:0db8:0001:0000:0000:0000:0000:0001 LEN=60 TC=0 \
                 HOPLIMIT=64 FLOWLBL=0 PROTO=TCP SPT=50000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 \n"
            ),
            _ => format!(
                "{kernel}:08:00 {v4} LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=4660 DF PROTO=TCP SPT=40000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0 \n"
            ),
        };
        log.push_str(&text);
    }
    log.into_bytes()
}

fn lines(log: &[u8]) -> impl Iterator<Item = &[u8]> {
    log.split(|byte| *byte == b'\n')
}

fn parse(log: &[u8]) -> usize {
    lines(log)
        .filter(|line| Event::parse(line).is_ok_and(|event| event.source().is_some()))
        .count()
}

fn detect(log: &[u8]) -> usize {
    let clock = Clock::new(SystemTime::UNIX_EPOCH, TimeZone::UTC);
    let rule = Threshold::new(NonZeroU32::MAX, Duration::from_secs(1800))
        .prefix("IPTABLES-BLOCKED")
        .protocol(Protocol::Tcp);
    let mut detector = Detector::new([rule]);
    let mut reader = LogReader::new(log);
    while let Some(event) = reader.next_event() {
        let Ok(event) = event else { continue };
        let Ok(at) = event.time.resolve(&clock) else {
            continue;
        };
        detector.observe(&event, at);
    }
    detector.sources()
}

#[expect(clippy::expect_used, reason = "the expression is this file's own")]
fn expression() -> Regex {
    Regex::new(r"(?-u)^(\S+) \S+ kernel: (?:\[ *\d+\.\d+\] )?IPTABLES-BLOCKED: IN=\S* OUT=\S* (?:MAC=\S* )?SRC=(\S+) .*PROTO=TCP")
        .expect("a valid expression")
}

fn parse_by_expression(log: &[u8]) -> usize {
    let expression = expression();
    lines(log)
        .filter(|line| {
            expression
                .captures(line)
                .is_some_and(|found| found.get(2).is_some())
        })
        .count()
}

fn count_by_expression(log: &[u8]) -> usize {
    let expression = expression();
    let mut hits: HashMap<Vec<u8>, Vec<Vec<u8>>> = HashMap::new();
    for line in lines(log) {
        let Some(found) = expression.captures(line) else {
            continue;
        };
        let (Some(time), Some(source)) = (found.get(1), found.get(2)) else {
            continue;
        };
        hits.entry(source.as_bytes().to_vec())
            .or_default()
            .push(time.as_bytes().to_vec());
    }
    hits.len()
}

/// The quickest of several rounds of each, in turns, so that what else the machine does meets both.
fn ratio(what: &str, ours: impl Fn() -> usize, theirs: impl Fn() -> usize) {
    let time = |work: &dyn Fn() -> usize| {
        let start = Instant::now();
        black_box(work());
        start.elapsed()
    };
    let (ours, theirs) = (0..20).fold((Duration::MAX, Duration::MAX), |(best, other), _| {
        (best.min(time(&ours)), other.min(time(&theirs)))
    });
    #[expect(clippy::cast_precision_loss, reason = "a number to look at")]
    let rate = |took: Duration| LINES as f64 / took.as_secs_f64() / 1e6;
    println!(
        "{what}: {:.2} million lines a second, {:.2} by regular expression, ratio {:.1}",
        rate(ours),
        rate(theirs),
        theirs.as_secs_f64() / ours.as_secs_f64()
    );
}
