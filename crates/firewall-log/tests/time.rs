//! Time stamps of every form, and the instants they mean.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::time::{Duration, SystemTime};

use firewall_log::{Clock, Event, LogTime};
use jiff::Timestamp;
use jiff::tz::{self, TimeZone};

const KERNEL: &str =
    "IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2 ";

fn at(text: &str) -> SystemTime {
    SystemTime::from(text.parse::<Timestamp>().unwrap())
}

/// Central European time, as every year since 1996.
fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

fn resolve(stamp: &str, clock: &Clock) -> String {
    let line = format!("{stamp} fw kernel: {KERNEL}");
    let time = Event::parse(line.as_bytes())
        .unwrap_or_else(|error| panic!("{error}: {line}"))
        .time;
    Timestamp::try_from(time.resolve(clock).unwrap())
        .unwrap()
        .to_string()
}

#[test]
fn a_full_instant_needs_no_clock() {
    let clock = Clock::new(at("2000-01-01T00:00:00Z"), TimeZone::UTC);
    for (stamp, expected) in [
        (
            "2026-11-22T09:25:54.194069+00:00",
            "2026-11-22T09:25:54.194069Z",
        ),
        ("2026-11-22T09:25:54Z", "2026-11-22T09:25:54Z"),
        ("2026-11-22t09:25:54z", "2026-11-22T09:25:54Z"),
        ("2026-11-22 09:25:54+01:00", "2026-11-22T08:25:54Z"),
        ("2026-11-22T09:25:54.5-0930", "2026-11-22T18:55:54.5Z"),
        ("2026-11-22T09:25:54+14", "2026-11-21T19:25:54Z"),
        ("2024-02-29T23:59:60.25Z", "2024-02-29T23:59:59.25Z"),
        ("1969-12-31T23:59:59.000001Z", "1969-12-31T23:59:59.000001Z"),
        (
            "2026-11-22T09:25:54.123456789Z",
            "2026-11-22T09:25:54.123456789Z",
        ),
    ] {
        assert_eq!(resolve(stamp, &clock), expected, "{stamp}");
    }
    for stamp in [
        "2026-11-22T09:25:5",
        "2026-11-22T24:00:00",
        "2026-02-29T09:25:54Z",
        "2026-13-01T09:25:54Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T09:25:61Z",
        "2026-11-22T09:25:54+24:00",
        "2026-11-22T09:25:54.Z",
        "2026-11-22X09:25:54Z",
        "9999-12-31T23:59:59-23:00",
    ] {
        let line = format!("{stamp} fw kernel: {KERNEL}");
        assert!(
            Event::parse(line.as_bytes()).unwrap_err().is_rejected(),
            "{stamp}"
        );
    }
}

#[test]
fn a_date_without_year_is_in_the_latest_that_is_not_the_future() {
    let new_year = Clock::new(at("2027-01-01T00:10:00Z"), TimeZone::UTC).tolerance(Duration::ZERO);
    for (now, tolerance, stamp, expected) in [
        (
            "2027-01-01T00:10:00Z",
            0,
            "Dec 31 23:59:59",
            "2026-12-31T23:59:59Z",
        ),
        (
            "2027-01-01T00:10:00Z",
            0,
            "Jan  1 00:00:00",
            "2027-01-01T00:00:00Z",
        ),
        (
            "2027-01-01T00:10:00Z",
            0,
            "Jan  1 00:10:00",
            "2027-01-01T00:10:00Z",
        ),
        (
            "2027-01-01T00:10:00Z",
            0,
            "Jan  1 00:10:01",
            "2026-01-01T00:10:01Z",
        ),
        (
            "2026-12-31T23:59:00Z",
            86_400,
            "Jan  1 00:00:30",
            "2027-01-01T00:00:30Z",
        ),
        (
            "2026-11-22T09:00:00Z",
            86_400,
            "Nov 22 10:00:00",
            "2026-11-22T10:00:00Z",
        ),
        (
            "2026-11-22T09:00:00Z",
            86_400,
            "Nov 23 09:00:01",
            "2025-11-23T09:00:01Z",
        ),
        (
            "2026-11-22T09:00:00Z",
            0,
            "Feb 29 12:00:00",
            "2024-02-29T12:00:00Z",
        ),
        (
            "2028-02-29T11:00:00Z",
            0,
            "Feb 29 12:00:00",
            "2024-02-29T12:00:00Z",
        ),
        (
            "2028-02-29T12:00:00Z",
            0,
            "Feb 29 12:00:00",
            "2028-02-29T12:00:00Z",
        ),
        (
            "2104-02-29T11:00:00Z",
            0,
            "Feb 29 12:00:00",
            "2096-02-29T12:00:00Z",
        ),
        (
            "2026-11-22T09:00:00Z",
            0,
            "Oct 22 08:00:60",
            "2026-10-22T08:00:59Z",
        ),
    ] {
        let clock = Clock::new(at(now), TimeZone::UTC).tolerance(Duration::from_secs(tolerance));
        assert_eq!(resolve(stamp, &clock), expected, "{stamp} read at {now}");
    }
    assert_eq!(new_year.now(), at("2027-01-01T00:10:00Z"));
}

#[test]
fn a_date_without_zone_is_local_also_where_the_clocks_change() {
    let clock = Clock::new(at("2026-11-22T09:00:00Z"), berlin());
    for (stamp, expected) in [
        ("Nov 22 09:00:00", "2026-11-22T08:00:00Z"),
        ("Jul 22 09:00:00", "2026-07-22T07:00:00Z"),
        // 29 March: 02:00 to 03:00 are skipped.
        ("Mar 29 01:59:59", "2026-03-29T00:59:59Z"),
        ("Mar 29 02:30:00", "2026-03-29T01:30:00Z"),
        ("Mar 29 03:00:00", "2026-03-29T01:00:00Z"),
        // 25 October: 02:00 to 03:00 come twice.
        ("Oct 25 01:59:59", "2026-10-24T23:59:59Z"),
        ("Oct 25 02:30:00", "2026-10-25T01:30:00Z"),
        ("Oct 25 03:00:00", "2026-10-25T02:00:00Z"),
    ] {
        assert_eq!(resolve(stamp, &clock), expected, "{stamp}");
    }
    // While they do, a line is of the hour in which it is not of the future.
    for (now, expected) in [
        ("2026-10-25T00:31:00Z", "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:29:00Z", "2026-10-25T00:30:00Z"),
        ("2026-10-25T01:31:00Z", "2026-10-25T01:30:00Z"),
    ] {
        let clock = Clock::new(at(now), berlin());
        assert_eq!(resolve("Oct 25 02:30:00", &clock), expected, "{now}");
    }
    // The year turns with the local clock.
    let tokyo = TimeZone::fixed(tz::offset(9));
    let clock = Clock::new(at("2026-12-31T15:00:30Z"), tokyo).tolerance(Duration::ZERO);
    assert_eq!(resolve("Jan  1 00:00:10", &clock), "2026-12-31T15:00:10Z");
}

#[test]
fn time_since_boot_needs_the_boot_instant() {
    let clock = Clock::new(at("2026-11-22T09:00:00Z"), TimeZone::UTC);
    let time = LogTime::SinceBoot(Duration::from_micros(1_500_001));
    assert!(time.resolve(&clock).unwrap_err().is_boot_unknown());
    let clock = clock.boot(at("2026-11-22T08:00:00Z"));
    assert_eq!(time.resolve(&clock), Ok(at("2026-11-22T08:00:01.500001Z")));
    assert!(
        !LogTime::SinceBoot(Duration::MAX)
            .resolve(&clock)
            .unwrap_err()
            .is_boot_unknown()
    );
}

#[test]
fn a_date_that_never_was_is_an_error() {
    let clock = Clock::new(at("2026-11-22T09:00:00Z"), TimeZone::UTC);
    let date = LogTime::Rfc3164 {
        month: 2,
        day: 30,
        hour: 0,
        minute: 0,
        second: 0,
        micros: 0,
    };
    assert!(date.resolve(&clock).is_err());
    let date = LogTime::Rfc3164 {
        month: 0,
        day: 200,
        hour: 255,
        minute: 255,
        second: 255,
        micros: u32::MAX,
    };
    assert!(date.resolve(&clock).is_err());
}

#[test]
fn both_stamps_of_a_line_are_kept() {
    let line = format!("Nov 22 09:25:54 fw kernel: [ 1836.585591] {KERNEL}");
    let event = Event::parse(line.as_bytes()).unwrap();
    assert_eq!(
        event.time,
        LogTime::Rfc3164 {
            month: 11,
            day: 22,
            hour: 9,
            minute: 25,
            second: 54,
            micros: 0
        }
    );
    assert_eq!(event.uptime, Some(Duration::new(1836, 585_591_000)));
    assert_eq!((event.host, event.priority), (&b"fw"[..], None));
    let raw = format!("<4>[ 1836.585591] {KERNEL}");
    let event = Event::parse(raw.as_bytes()).unwrap();
    assert_eq!(
        event.time,
        LogTime::SinceBoot(Duration::new(1836, 585_591_000))
    );
    assert_eq!(
        (event.uptime, event.priority),
        (Some(Duration::new(1836, 585_591_000)), Some(4))
    );
}
