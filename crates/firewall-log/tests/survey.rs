//! A survey against counting by hand in the text of the same lines.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use firewall_log::Event;
use firewall_log::survey::{Decision, Split, Survey};
use proptest::collection::vec;
use proptest::prelude::*;

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(second)
}

/// A line; `what` says which protocol.
fn line(source: u8, what: u8, port: u16, allowed: bool) -> String {
    let word = if allowed { "ALLOWED" } else { "BLOCKED" };
    let transport = match what {
        0 => format!("PROTO=TCP SPT=1 DPT={port} WINDOW=1 RES=0x00 SYN URGP=0 "),
        1 => format!("PROTO=UDP SPT=1 DPT={port} LEN=8 "),
        _ => "PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=1 ".to_owned(),
    };
    format!(
        "[1.0] IPTABLES-{word}: IN=eth0 OUT= SRC=203.0.{}.{source} DST=192.0.2.1 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 {transport}",
        source / 4
    )
}

/// What follows a key in a line.
fn field<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split(' ').find_map(|word| word.strip_prefix(key))
}

/// Counts by what a line gives.
fn count<K: Ord>(lines: &[(u64, String)], key: impl Fn(&str) -> Option<K>) -> BTreeMap<K, Split> {
    let mut counts: BTreeMap<K, Split> = BTreeMap::new();
    for (_, line) in lines {
        if let Some(key) = key(line) {
            let split = counts.entry(key).or_default();
            if line.contains("ALLOWED") {
                split.allowed += 1;
            } else {
                split.blocked += 1;
            }
        }
    }
    counts
}

proptest! {
    #[test]
    fn a_survey_is_what_counting_by_hand_says(
        lines in vec((0_u64..300, 0_u8..12, 0_u8..3, 20_u16..25, any::<bool>()), 0..200),
        parts in 1_usize..9,
    ) {
        let (since, until) = (100, 200);
        let lines = lines.into_iter().map(|(second, source, what, port, allowed)| (second, line(source, what, port, allowed)));
        let lines: Vec<_> = lines.collect();
        let mut survey = Survey::new(at(since), at(until), parts);
        for (second, line) in &lines {
            let decision = if line.contains("ALLOWED") { Decision::Allowed } else { Decision::Blocked };
            survey.add(&Event::parse(line.as_bytes()).unwrap(), at(*second), decision);
        }
        let known = lines.iter().filter(|(second, _)| *second < since);
        let known: BTreeSet<_> = known.filter_map(|(_, line)| field(line, "SRC=")).collect();
        let lines: Vec<_> = lines.iter().filter(|(second, _)| (since..=until).contains(second)).cloned().collect();
        let all = count(&lines, |_| Some(())).remove(&()).unwrap_or_default();
        prop_assert_eq!(survey.packets(), all);
        let over_time: Vec<_> = survey.over_time().collect();
        prop_assert_eq!(over_time.len(), parts);
        prop_assert_eq!(over_time[0].0, at(since));
        for (number, (begin, packets)) in over_time.iter().enumerate() {
            let end = over_time.get(number + 1).map_or(at(until + 1), |next| next.0);
            let own: Vec<_> = lines.iter().filter(|(second, _)| (*begin..end).contains(&at(*second))).cloned().collect();
            let expected = count(&own, |_| Some(())).remove(&()).unwrap_or_default();
            prop_assert_eq!(*packets, expected, "part {} of {}", number, parts);
        }
        let by_source = count(&lines, |line| field(line, "SRC=").map(str::to_owned));
        let found: BTreeMap<_, _> = survey.sources(100).into_iter().map(|one| {
            assert_eq!((one.lacks, one.prefix_length), (0, 32));
            assert_eq!(one.known, known.contains(one.source.to_string().as_str()));
            (one.source.to_string(), one.packets)
        }).collect();
        prop_assert_eq!(&found, &by_source);
        let number = survey.number_of_sources();
        prop_assert_eq!(number.all, by_source.len() as u64);
        let of_before = by_source.keys().filter(|source| known.contains(source.as_str())).count();
        prop_assert_eq!(number.known, of_before as u64);
        prop_assert!(number.exact);
        let network = |line: &str| field(line, "SRC=").map(|source| format!("{}.0", source.rsplit_once('.').unwrap().0));
        let found: BTreeMap<_, _> = survey.networks(100).into_iter().map(|one| (one.source.to_string(), one.packets)).collect();
        prop_assert_eq!(found, count(&lines, network));
        let protocol = |line: &str| field(line, "PROTO=").map(str::to_owned);
        let found: BTreeMap<_, _> = survey.protocols().into_iter().map(|(protocol, packets)| (protocol.unwrap().to_string(), packets)).collect();
        prop_assert_eq!(found, count(&lines, protocol));
        let port = |line: &str| field(line, "DPT=").map(|port| format!("{} {port}", field(line, "PROTO=").unwrap()));
        let expected = count(&lines, port);
        prop_assert_eq!(survey.number_of_ports(), expected.len());
        let found: BTreeMap<_, _> = survey.ports(100).into_iter().map(|(protocol, port, packets)| (format!("{protocol} {port}"), packets)).collect();
        prop_assert_eq!(found, expected);
        // The first are those that were kept out most.
        let order: Vec<_> = survey.sources(3).into_iter().map(|one| one.packets.blocked).collect();
        prop_assert!(order.is_sorted_by(|one, other| one >= other));
        let mut blocked: Vec<_> = by_source.values().map(|packets| packets.blocked).collect();
        blocked.sort_unstable_by(|one, other| other.cmp(one));
        prop_assert_eq!(order.as_slice(), &blocked[..order.len()]);
    }
}

/// A flood of sources that come once neither hides who sends most nor is counted as few.
#[test]
fn a_flood_hides_nobody() {
    let mut survey = Survey::new(at(0), at(100), 4).keep(200);
    for number in 0..20_000_u32 {
        let source = std::net::Ipv4Addr::from(0x0a00_0000 + number);
        let flood = line(0, 0, 22, false).replace("203.0.0.0", &source.to_string());
        survey.add(
            &Event::parse(flood.as_bytes()).unwrap(),
            at(10),
            Decision::Blocked,
        );
        if number % 20 == 0 {
            let heavy = line(7, 0, 22, false);
            survey.add(
                &Event::parse(heavy.as_bytes()).unwrap(),
                at(10),
                Decision::Blocked,
            );
        }
    }
    let first = &survey.sources(1)[0];
    assert_eq!(first.source.to_string(), "203.0.1.7");
    assert_eq!((first.packets.blocked, first.lacks), (1_000, 0));
    assert!(
        (1..=21_000 / 201).contains(&survey.lacks()),
        "{}",
        survey.lacks()
    );
    let number = survey.number_of_sources();
    assert!(!number.exact && number.known == 0, "{number:?}");
    assert!((19_600..=20_400).contains(&number.all), "{number:?}");
    assert_eq!(survey.packets().blocked, 21_000);
    assert!(survey.sources(usize::MAX).len() <= 400);
}

/// What rsyslog sums up is as many packets as it says.
#[test]
fn repeated_packets_count() {
    let line = line(1, 0, 22, false);
    let line = line.strip_prefix("[1.0] ").unwrap();
    let line = format!("Nov 22 09:25:54 fw kernel: message repeated 199 times: [ {line}]");
    let mut survey = Survey::new(at(0), at(100), 4);
    survey.add(
        &Event::parse(line.as_bytes()).unwrap(),
        at(10),
        Decision::Blocked,
    );
    assert_eq!(survey.packets().blocked, 199);
    assert_eq!(survey.sources(1)[0].packets.blocked, 199);
}

/// Whoever may set rules can make any number of prefixes, and they take no more room than 256.
#[test]
fn prefixes_are_bounded() {
    let mut survey = Survey::new(at(0), at(100), 4);
    for number in 0..1_000 {
        let line = line(1, 0, 22, false).replace("BLOCKED", &number.to_string());
        survey.add(
            &Event::parse(line.as_bytes()).unwrap(),
            at(10),
            Decision::Blocked,
        );
    }
    let prefixes = survey.prefixes();
    assert_eq!(prefixes.len(), 257);
    let (rest, packets) = prefixes.last().unwrap();
    assert_eq!((*rest, packets.blocked), (None, 744));
}
