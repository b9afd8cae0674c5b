//! What rsyslog writes in place of equal messages counts as so many packets, and bans nobody who
//! sent fewer in the time.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::time::{Duration, SystemTime};

use firewall_log::{Clock, Finding, Scan, Summary, Threshold};
use jiff::tz::TimeZone;

const PACKET: &str = "IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=33 TOS=0x00 PREC=0x00 TTL=64 ID=4660 PROTO=UDP SPT=5353 DPT=53 LEN=13 ";
const V6: &str = "IP6TABLES-BLOCKED: IN=eth0 OUT= SRC=2001:0db8:0001:0000:0000:0000:0000:0007 DST=2001:0db8:0001:0000:0000:0000:0000:0001 LEN=53 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=UDP SPT=5353 DPT=53 LEN=13 ";

/// Minute and second of an hour.
fn stamp(second: u64) -> String {
    format!(
        "2026-11-22T09:{:02}:{:02}.000000+00:00 fw",
        second / 60,
        second % 60
    )
}

fn one(second: u64, packet: &str) -> String {
    format!("{} kernel: {packet}\n", stamp(second))
}

fn sum(second: u64, times: u64, packet: &str) -> String {
    format!(
        "{} kernel: message repeated {times} times: [ {packet}]\n",
        stamp(second)
    )
}

fn clock() -> Clock {
    // 2026-11-22T10:30:00Z
    Clock::new(
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_343_400),
        TimeZone::UTC,
    )
}

fn rule(hits: u32, within: u64) -> Threshold {
    Threshold::new(NonZeroU32::new(hits).unwrap(), Duration::from_secs(within))
        .prefix("IPTABLES-BLOCKED")
        .prefix("IP6TABLES-BLOCKED")
}

/// The same whatever the size of the blocks and the number of workers.
fn scan(log: &str, rule: &Threshold) -> (Summary, Finding) {
    let mut all = Vec::new();
    for (block, workers) in [(1 << 18, 1), (1100, 1), (1100, 3), (1500, 2), (5000, 1)] {
        let mut scan = Scan::new([rule.clone()], clock())
            .block(block)
            .max_line(1024)
            .workers(NonZeroUsize::new(workers).unwrap());
        let summary = scan.read(log.as_bytes()).unwrap();
        all.push((summary, scan.finish().remove(0)));
    }
    let first = all.remove(0);
    assert!(all.iter().all(|one| *one == first), "{first:?}\n{all:?}");
    first
}

fn violates(log: &str, rule: &Threshold) -> bool {
    !scan(log, rule).1.violators.is_empty()
}

#[test]
fn so_many_packets_are_counted() {
    for packet in [PACKET, V6] {
        let log = one(0, packet) + &sum(60, 499, packet);
        let (summary, finding) = scan(&log, &rule(500, 60));
        assert_eq!(
            (
                summary.counts.events,
                summary.repeated,
                summary.repeated_undated
            ),
            (2, 499, 0)
        );
        assert_eq!((finding.matched, finding.sources), (500, 1));
        let [violator] = &finding.violators[..] else {
            panic!("{finding:?}")
        };
        assert_eq!((violator.hits, violator.peak_hits), (500, 500));
        assert_eq!(
            violator.last_violating,
            Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_338_060))
        );
        assert!(!violates(&log, &rule(501, 60)));
        assert!(!violates(&log, &rule(500, 59)));
    }
}

/// They came between the first of them and the line, and nobody knows where.
#[test]
fn a_window_holds_them_only_if_it_holds_all_of_the_time() {
    let log = one(0, PACKET) + &sum(600, 9, PACKET);
    // Ten windows of a minute cover it; more than one of them is nobody's.
    assert!(violates(&log, &rule(1, 60)));
    assert!(!violates(&log, &rule(2, 60)));
    // With packets before and after that are near one of its ends only.
    let others = |at: u64| {
        (0..9)
            .map(|_| one(at, &PACKET.replace("ID=4660", "ID=1")))
            .collect::<String>()
    };
    assert!(!violates(&(log.clone() + &others(610)), &rule(12, 599)));
    assert!(violates(&(log.clone() + &others(610)), &rule(19, 610)));
    assert!(!violates(&(log.clone() + &others(610)), &rule(19, 609)));
    // A flood that goes on for long is found whatever the window is.
    let log = one(0, PACKET) + &sum(3000, 30_000, PACKET);
    assert!(violates(&log, &rule(100, 10)));
    assert!(!violates(&log, &rule(101, 10)));
}

#[test]
fn of_what_began_nobody_knows_when_no_window_is_made() {
    let other = PACKET.replace("SPT=5353", "SPT=5354");
    let elsewhere = one(0, PACKET).replace(" fw ", " other ");
    for before in [
        String::new(),
        one(0, &other),
        elsewhere,
        one(0, PACKET) + &one(1, &other),
        one(120, PACKET),
        one(0, PACKET) + &"x".repeat(1030) + "\n",
        one(0, PACKET) + &"x\n".repeat(2048),
    ] {
        let log = before.clone() + &sum(60, 499, PACKET);
        let (summary, finding) = scan(&log, &rule(400, 3600));
        assert_eq!(
            (summary.repeated, summary.repeated_undated),
            (499, 499),
            "{before}"
        );
        assert!(finding.matched >= 499 && finding.violators.is_empty());
    }
    // Lines of other programs may stand between.
    let log = one(0, PACKET)
        + &"2026-11-22T09:00:30+00:00 fw sshd[1]: x\n".repeat(50)
        + &sum(60, 499, PACKET);
    assert!(violates(&log, &rule(500, 60)));
}

#[test]
fn no_number_costs_more_than_another() {
    let log = (one(0, PACKET) + &sum(60, 2_147_483_647, PACKET)).repeat(1000);
    let (summary, finding) = scan(&log, &rule(u32::MAX, 60));
    assert_eq!(summary.repeated, 2_147_483_647 * 1000);
    assert_eq!(finding.matched, 2_147_483_648 * 1000);
    assert_eq!(finding.violators.len(), 1);
}

#[test]
fn equal_packets_went_to_one_port() {
    let log = one(0, PACKET) + &sum(60, 499, PACKET);
    let ports = |ports: u16| rule(500, 60).distinct_ports(NonZeroU16::new(ports).unwrap());
    assert!(violates(&log, &ports(1)));
    assert!(!violates(&log, &ports(2)));
    assert!(violates(
        &(log + &one(60, &PACKET.replace("DPT=53", "DPT=54"))),
        &ports(2)
    ));
}

/// The first of the prefixes that something stands before.
#[test]
fn lines_that_count_for_nothing_are_told() {
    let log = [
        one(0, PACKET),
        one(1, &format!("x {PACKET}")),
        one(2, &format!("fw kernel: {PACKET}")),
        one(2, &format!("fw kernel: {PACKET}")),
        one(2, &format!("fw kernel: {V6}")),
        one(3, "DROP IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=20 TOS=0x00 PREC=0x00 TTL=64 ID=4660 PROTO=2 "),
        one(4, &PACKET.replace("BLOCKED", "ALLOWED")),
    ]
    .concat();
    let (summary, finding) = scan(&log, &rule(1, 60));
    assert_eq!((summary.misplaced, finding.matched), (4, 1));
    assert_eq!(
        summary.misplaced_prefix.as_deref(),
        Some(&b"fw kernel: IP6TABLES-BLOCKED: "[..])
    );
}
