//! A flood of forged sources, of which the lines are read as they come.
#![allow(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use firewall_log::{Clock, LineDetector, Threshold};
use jiff::tz::TimeZone;

/// A patient source among forged ones is found, and what is
/// remembered has its bound.
#[test]
fn lines_of_forged_sources_take_no_more() {
    const MEMORY: usize = 384 << 10;
    let ten = Threshold::new(NonZeroU32::new(10).unwrap(), Duration::from_secs(60));
    let clock = Clock::new(SystemTime::now(), TimeZone::UTC);
    let clock = clock.boot(SystemTime::UNIX_EPOCH);
    let mut detector = LineDetector::new([ten], clock).memory(MEMORY);
    let line = |number: u32, source: u32| {
        let source = Ipv4Addr::from_bits(0x0a00_0000 + source);
        format!(
            "[    0.{number:06}] IN=eth0 OUT= SRC={source} DST=127.0.0.1 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2 \n"
        )
    };
    let mut violations = Vec::new();
    for begin in (0..60_000).step_by(2_000) {
        let forged = (begin..begin + 2_000).map(|number| line(number, number));
        let lines: String = forged.chain([line(begin + 1_999, 1_000_000)]).collect();
        violations.extend(detector.read(lines.as_bytes()));
        assert!(detector.sources() < MEMORY / 14, "{}", detector.sources());
    }
    assert_eq!(violations.len(), 21);
    let patient = Ipv4Addr::from_bits(0x0a00_0000 + 1_000_000);
    assert!(violations.iter().all(|one| one.source == patient));
    assert_eq!(detector.take_summary().counts.events, 60_030);
    let known = u64::try_from(detector.sources()).unwrap();
    assert!(detector.size() > 0 && detector.size() <= detector.allowed());
    assert_eq!(detector.dropped() + known, 60_001);
    assert!(detector.dropped() > known);
}
