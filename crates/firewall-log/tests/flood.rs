//! A flood of forged sources, in a process of its own: its memory is measured.
#![allow(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use firewall_log::packet::{Ipv4, Ipv6, Transport};
use firewall_log::{Detector, Event, LogTime, Packet, Threshold};

fn instant(micros: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
}

/// Every other number is an IPv6 address.
fn event(number: u32) -> Event<'static> {
    let mut packet = if number % 2 == 0 {
        let source = Ipv4Addr::from_bits(0x0a00_0000 + number);
        Packet::new(Ipv4::new(source, Ipv4Addr::LOCALHOST, Transport::Other(2)))
    } else {
        let source = Ipv6Addr::from_bits(0x2001_0db9 << 96 | u128::from(number));
        Packet::new(Ipv6::new(source, Ipv6Addr::LOCALHOST, Transport::Other(2)))
    };
    packet.in_interface = b"eth0";
    Event::new(LogTime::SinceBoot(Duration::ZERO), b"", b"", packet)
}

/// Whoever floods with forged sources drives out those that sent nothing for long, takes no more
/// memory than is allowed, hides nobody, and makes nobody a violator.
#[test]
fn a_flood_of_forged_sources_takes_what_is_allowed_and_hides_nobody() {
    const MEMORY: usize = 3 << 20;
    const PATIENT: u32 = 1_000_000;
    let ten = || Threshold::new(NonZeroU32::new(10).unwrap(), Duration::from_secs(60));
    let rules = [ten(), ten().aggregate_v6(64)];
    let mut detector = Detector::new(rules).memory(MEMORY);
    let before = resident();
    let mut violations = Vec::new();
    let mut most = 0;
    for number in 0..300_000_u32 {
        // Some send a second time, soon.
        let sent = number.saturating_sub(if number % 8 == 1 { 4 } else { 0 });
        let found = detector.observe(&event(sent), instant(number.into()));
        violations.extend(found.into_iter().filter(|one| one.prefix_length > 64));
        if number % 20_000 == 0 {
            violations.extend(detector.observe(&event(PATIENT), instant(number.into())));
        }
        most = most.max(detector.sources());
    }
    let last: Vec<_> = violations
        .iter()
        .map(|one| (one.rule, one.source))
        .collect();
    assert_eq!(last.len(), 6 + 6, "{last:?}");
    assert!(
        last.iter()
            .all(|(_, source)| Some(*source) == event(PATIENT).source())
    );
    assert!(most > MEMORY / 80 && most < MEMORY / 15, "{most}");
    let known = u64::try_from(detector.sources()).unwrap();
    assert!(detector.size() > 0 && detector.size() <= detector.allowed());
    assert!(detector.dropped() + known > 230_000 && detector.dropped() > known);
    if let (Some(before), Some(after)) = (before, resident()) {
        let taken = after.saturating_sub(before);
        assert!(taken < MEMORY + MEMORY / 2, "{taken} of {MEMORY}");
    }
    detector.forget_before(instant(1 << 40));
    assert_eq!(detector.sources(), 0);
}

/// The memory of this process, in bytes, where the kernel tells it.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: usize = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
