//! Logs in which it is known who violates the rule: sources at the exact edges of it, and just
//! beyond.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::time::{Duration, SystemTime};

use firewall_log::{Clock, Detector, LogReader, Protocol, Scan, Tally, Threshold};
use jiff::Timestamp;
use jiff::tz::TimeZone;

const HITS: u32 = 20;
const WITHIN: u64 = 600;

/// 2026-11-22T09:00:00Z
const START: u64 = 1_795_338_000;

#[derive(Clone, Copy)]
enum Form {
    Rfc3164,
    Rfc3339,
}

/// What is written of one source: seconds after the start, and whether it is a violator, with the
/// last hit of its last violating window.
struct Plant {
    hits: Vec<(u64, &'static str)>,
    violates: Option<u64>,
}

fn plants() -> Vec<Plant> {
    let tcp = |times: Vec<u64>| {
        times
            .into_iter()
            .map(|time| (time, "TCP"))
            .collect::<Vec<_>>()
    };
    let spread = |count: u64, over: u64| {
        (0..count)
            .map(move |hit| hit * over / (count - 1))
            .collect::<Vec<u64>>()
    };
    let hits = u64::from(HITS);
    let mut plants = vec![
        // Both ends of the window are inside.
        Plant {
            hits: tcp(spread(hits, WITHIN)),
            violates: Some(WITHIN),
        },
        Plant {
            hits: tcp(spread(hits, WITHIN + 1)),
            violates: None,
        },
        Plant {
            hits: tcp(spread(hits - 1, WITHIN)),
            violates: None,
        },
        // All at once.
        Plant {
            hits: tcp(vec![77; 20]),
            violates: Some(77),
        },
        Plant {
            hits: tcp(vec![77; 19]),
            violates: None,
        },
        // Two bursts that are near, and none is enough.
        Plant {
            hits: tcp([vec![0; 10], vec![601; 19]].concat()),
            violates: None,
        },
        Plant {
            hits: tcp([vec![0; 1], vec![600; 19], vec![1201; 19]].concat()),
            violates: Some(600),
        },
        // Two windows; the later counts.
        Plant {
            hits: tcp([vec![5; 20], vec![3000; 25]].concat()),
            violates: Some(3000),
        },
        // The last hit comes too late for the window of the first.
        Plant {
            hits: tcp([vec![0; 20], vec![600, 601]].concat()),
            violates: Some(600),
        },
    ];
    // Not of the rule's protocol.
    let mut mixed = tcp(vec![9; 19]);
    mixed.extend([(9, "UDP"); 50]);
    plants.push(Plant {
        hits: mixed,
        violates: None,
    });
    plants
}

fn source(plant: usize) -> String {
    if plant % 2 == 0 {
        format!("203.0.113.{plant}")
    } else {
        format!("2001:0db8:0000:0000:0000:0000:0000:{plant:04x}")
    }
}

fn line(form: Form, second: u64, source: &str, protocol: &str) -> String {
    let time = Timestamp::new(i64::try_from(START + second).unwrap(), 0)
        .unwrap()
        .to_zoned(TimeZone::UTC);
    let stamp = match form {
        Form::Rfc3164 => format!(
            "Nov 22 {:02}:{:02}:{:02}",
            time.hour(),
            time.minute(),
            time.second()
        ),
        Form::Rfc3339 => format!(
            "2026-11-22T{:02}:{:02}:{:02}.000000+00:00",
            time.hour(),
            time.minute(),
            time.second()
        ),
    };
    let ip = if source.contains(':') {
        format!(
            "SRC={source} DST=2001:0db8:0000:0000:0000:0000:0000:0001 LEN=60 TC=0 HOPLIMIT=64 FLOWLBL=0"
        )
    } else {
        format!("SRC={source} DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1")
    };
    let ports = if protocol == "TCP" {
        "WINDOW=1 RES=0x00 SYN URGP=0"
    } else {
        "LEN=8"
    };
    format!(
        "{stamp} fw kernel: [ 1.0] IPTABLES-BLOCKED: IN=eth0 OUT= {ip} PROTO={protocol} SPT=1 DPT={} {ports} \n",
        second % 7 + 1
    )
}

fn clock() -> Clock {
    Clock::new(
        SystemTime::UNIX_EPOCH + Duration::from_secs(START + 7200),
        TimeZone::UTC,
    )
}

fn rule() -> Threshold {
    Threshold::new(NonZeroU32::new(HITS).unwrap(), Duration::from_secs(WITHIN))
        .prefix("iptables-blocked")
        .protocol(Protocol::Tcp)
}

/// Who violates, and when last.
type Answer = Vec<(String, u64)>;

fn second(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() - START
}

fn answer(tallies: Vec<Tally>) -> Answer {
    let mut answer: Vec<_> = tallies
        .into_iter()
        .map(|tally| {
            (
                tally.source.to_string(),
                second(tally.last_violating.unwrap()),
            )
        })
        .collect();
    answer.sort();
    answer
}

fn scanned(log: &str, rule: &Threshold, workers: usize) -> Answer {
    let mut scan = Scan::new([rule.clone()], clock()).workers(NonZeroUsize::new(workers).unwrap());
    scan.read(log.as_bytes()).unwrap();
    answer(scan.finish().remove(0).violators)
}

fn detected(log: &str, rule: &Threshold) -> Answer {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    let mut detector = Detector::new([rule.clone()]);
    let mut reader = LogReader::new(log.as_bytes());
    while let Some(event) = reader.next_event() {
        let event = event.unwrap();
        for violation in detector.observe(&event, event.time.resolve(&clock()).unwrap()) {
            let last = last.entry(violation.source.to_string()).or_default();
            *last = second(violation.last_seen).max(*last);
        }
    }
    last.into_iter().collect()
}

/// The same order each time, and no order (splitmix64).
fn shuffled(mut lines: Vec<String>) -> Vec<String> {
    lines.sort_by_cached_key(|line| {
        line.bytes().fold(7_u64, |hash, byte| {
            (hash ^ u64::from(byte))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
        })
    });
    lines
}

#[test]
fn exactly_who_was_planted_is_found() {
    let mut expected: Vec<(String, u64)> = plants()
        .iter()
        .enumerate()
        .filter_map(|(number, plant)| {
            let address: std::net::IpAddr = source(number).parse().unwrap();
            Some((address.to_string(), plant.violates?))
        })
        .collect();
    expected.sort();
    assert_eq!(expected.len(), 5);
    for form in [Form::Rfc3164, Form::Rfc3339] {
        let mut hits: Vec<(u64, String)> = plants()
            .iter()
            .enumerate()
            .flat_map(|(number, plant)| {
                let hits = plant.hits.clone();
                hits.into_iter().map(move |(second, protocol)| {
                    (second, line(form, second, &source(number), protocol))
                })
            })
            .collect();
        hits.sort();
        let in_order: Vec<String> = hits.into_iter().map(|(_, line)| line).collect();
        let backwards = in_order.iter().rev().cloned().collect();
        for log in [shuffled(in_order.clone()), in_order, backwards] {
            let log = log.concat();
            for workers in [1, 2] {
                assert_eq!(scanned(&log, &rule(), workers), expected);
            }
            assert_eq!(detected(&log, &rule()), expected);
            // The same, asked for a scan of ports.
            let ports = |ports| rule().distinct_ports(NonZeroU16::new(ports).unwrap());
            for rule in [ports(1), ports(3), ports(8)] {
                assert_eq!(scanned(&log, &rule, 2), detected(&log, &rule));
            }
            assert!(scanned(&log, &ports(8), 1).is_empty());
        }
    }
}

/// Among sources without number those that hit often are found, and how many there were is known.
#[test]
fn a_flood_hides_nobody() {
    let sources = 130_000_u32;
    let mut log = String::new();
    for number in 0..sources {
        let [_, a, b, c] = number.to_be_bytes();
        log.push_str(&line(
            Form::Rfc3339,
            u64::from(number / 100),
            &format!("10.{a}.{b}.{c}"),
            "TCP",
        ));
        // One that comes so late that it is not kept for itself.
        if number >= 110_000 && number % 1000 == 0 {
            log.push_str(&line(
                Form::Rfc3339,
                u64::from(number / 100),
                "198.51.100.7",
                "TCP",
            ));
        }
    }
    for workers in [1, 2, 3] {
        let rule = Threshold::new(NonZeroU32::new(20).unwrap(), Duration::from_secs(190));
        let mut scan =
            Scan::new([rule.clone()], clock()).workers(NonZeroUsize::new(workers).unwrap());
        scan.read(log.as_bytes()).unwrap();
        let finding = scan.finish().remove(0);
        assert_eq!(
            (finding.sources, finding.sources_exact),
            (u64::from(sources) + 1, true)
        );
        assert_eq!(finding.matched, u64::from(sources) + 20);
        assert_eq!(
            answer(finding.violators),
            [("198.51.100.7".to_owned(), 1290)]
        );
    }
}
