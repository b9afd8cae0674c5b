//! Which packets count against who sent them.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::num::{NonZeroU16, NonZeroU32};
use std::time::{Duration, SystemTime};

use firewall_log::{Clock, Detector, Event, Protocol, Scan, Threshold};
use jiff::tz::TimeZone;

const IN: &str = "IN=eth0 OUT= MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 ";
const V4: &str = "SRC=203.0.113.7 DST=192.0.2.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 ";
const V6: &str = "SRC=2001:0db8:0001:0000:0000:0000:0000:0007 DST=2001:0db8:0001:0000:0000:0000:0000:0001 LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=0 ";

const SYN: &str = "PROTO=TCP SPT=40000 DPT=22 WINDOW=1 RES=0x00 SYN URGP=0 ";
const SYN_ACK: &str = "PROTO=TCP SPT=80 DPT=40000 WINDOW=1 RES=0x00 ACK SYN URGP=0 ";
const RESET: &str = "PROTO=TCP SPT=80 DPT=40000 WINDOW=1 RES=0x00 ACK RST URGP=0 ";
const LATE_FIN: &str = "PROTO=TCP SPT=40000 DPT=443 WINDOW=1 RES=0x00 ACK FIN URGP=0 ";
const XMAS: &str = "PROTO=TCP SPT=40000 DPT=22 WINDOW=1 RES=0x00 URG PSH FIN URGP=0 ";
const NULL: &str = "PROTO=TCP SPT=40000 DPT=22 WINDOW=1 RES=0x00 URGP=0 ";
const QUERY: &str = "PROTO=UDP SPT=40000 DPT=53 LEN=8 ";
const DNS: &str = "PROTO=UDP SPT=53 DPT=40000 LEN=8 ";
const PING: &str = "PROTO=ICMP TYPE=8 CODE=0 ID=1 SEQ=1 ";
const PONG: &str = "PROTO=ICMP TYPE=0 CODE=0 ID=1 SEQ=1 ";
const UNREACHABLE: &str = "PROTO=ICMP TYPE=3 CODE=3 [SRC=192.0.2.1 DST=203.0.113.7 LEN=40 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 SYN URGP=0 ] ";
const GRE: &str = "PROTO=47 ";
const CUT: &str = "TRUNCATED";
const SHORT: &str = "MF PROTO=TCP INCOMPLETE [8 bytes] ";
const ESP_OVER_IPV6: &str = "";

fn rule() -> Threshold {
    Threshold::new(NonZeroU32::MIN, Duration::from_secs(60))
}

fn five() -> Threshold {
    Threshold::new(NonZeroU32::new(5).unwrap(), Duration::from_secs(60))
}

fn line(packet: &str) -> String {
    format!("2026-11-22T09:25:54Z fw kernel: [ 1.0] IPTABLES-BLOCKED: {packet}\n")
}

/// Whether a rule counts a packet: as a rule says it, as a detector does it, and as a scan does.
fn counts(rule: &Threshold, packet: &str) -> bool {
    let line = line(packet);
    let event = Event::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
    let says = rule.matches(&event);
    let mut detector = Detector::new([rule.clone()]);
    let detected = detector.observe(&event, SystemTime::UNIX_EPOCH);
    // The second one is recognized by the first.
    let clock = Clock::new(SystemTime::UNIX_EPOCH, TimeZone::UTC);
    let mut scan = Scan::new([rule.clone()], clock);
    scan.read(line.repeat(2).as_bytes()).unwrap();
    let scanned = scan.finish()[0].matched;
    assert_eq!(detector.sources(), usize::from(says), "{line}");
    assert_eq!(scanned, 2 * u64::from(says), "{line}");
    // A rule of one packet and no port is broken by what it counts.
    assert!(rule.ports().is_some() || detected.is_empty() != says);
    says
}

/// Which of some packets rules count; each column a rule.
#[track_caller]
fn table<const N: usize>(rules: &[Threshold; N], packets: &[(&str, [bool; N])]) {
    for (packet, expected) in packets {
        let ip = if packet.is_empty() { V6 } else { V4 };
        let packet = format!("{IN}{ip}{packet}");
        assert_eq!(
            rules.each_ref().map(|rule| counts(rule, &packet)),
            *expected,
            "{packet}"
        );
    }
}

#[test]
fn what_opens_something_counts_and_what_answers_does_not() {
    let tcp = || rule().protocol(Protocol::Tcp);
    table(
        &[
            rule(),
            tcp(),
            tcp().count_stealth_scans(true),
            rule().count_answers(true),
        ],
        &[
            (SYN, [true, true, true, true]),
            (SYN_ACK, [false, false, false, true]),
            (RESET, [false, false, false, true]),
            (LATE_FIN, [false, false, false, true]),
            (XMAS, [false, false, true, true]),
            (NULL, [false, false, true, true]),
            (QUERY, [true, false, false, true]),
            (DNS, [true, false, false, true]),
            (PING, [true, false, false, true]),
            (PONG, [false, false, false, true]),
            (UNREACHABLE, [false, false, false, true]),
            (GRE, [true, false, false, true]),
            (ESP_OVER_IPV6, [true, false, false, true]),
        ],
    );
}

#[test]
fn what_hides_its_transport_counts_for_every_type() {
    let of = |protocol| rule().protocol(protocol);
    let hidden = rule().hidden_transport();
    table(
        &[
            rule(),
            of(Protocol::Tcp),
            of(Protocol::Udp),
            of(Protocol::Esp),
            hidden.clone(),
            hidden.protocol(Protocol::Udp),
        ],
        &[
            (CUT, [true; 6]),
            (SHORT, [true; 6]),
            (ESP_OVER_IPV6, [true, false, false, false, false, false]),
            (SYN, [true, true, false, false, false, false]),
            (QUERY, [true, false, true, false, false, true]),
        ],
    );
}

/// What is hidden has no port, so it makes no scanner, but is among the hits of one.
#[test]
fn what_is_hidden_is_no_port() {
    let ports = |ports| NonZeroU16::new(ports).unwrap();
    let rules = [1, 2].map(|least| five().distinct_ports(ports(least)));
    let packets = [CUT, SHORT, CUT, SYN, SHORT];
    let mut detector = Detector::new(rules.clone());
    let mut scan = Scan::new(rules, Clock::new(SystemTime::UNIX_EPOCH, TimeZone::UTC));
    let mut violations = Vec::new();
    for packet in packets {
        let line = line(&format!("{IN}{V4}{packet}"));
        let event = Event::parse(line.as_bytes()).unwrap();
        violations.extend(detector.observe(&event, SystemTime::UNIX_EPOCH));
        scan.read(line.as_bytes()).unwrap();
    }
    let [violation] = &violations[..] else {
        panic!("{violations:?}")
    };
    assert_eq!((violation.rule, violation.hits), (0, 5));
    assert_eq!(violation.ports, Some(1));
    let findings = scan.finish();
    let [tally] = &findings[0].violators[..] else {
        panic!("{findings:?}")
    };
    assert_eq!((tally.hits, tally.peak_ports), (5, Some(1)));
    assert_eq!((findings[1].matched, findings[1].violators.len()), (5, 0));
}

#[test]
fn whom_everybody_asks_is_no_scanner() {
    let scan = || rule().distinct_ports(NonZeroU16::MIN);
    let from = |port: u16| format!("PROTO=UDP SPT={port} DPT=40000 LEN=8 ");
    let ports = [53, 123, 443, 52, 40000].map(from);
    for (place, packet) in ports.iter().enumerate() {
        let expected = [place > 2, true, true];
        table(
            &[
                scan(),
                scan().count_answers(true),
                rule().protocol(Protocol::Udp),
            ],
            &[(packet, expected)],
        );
    }
    // A port of the same number is another one with TCP, and where the packet goes is not where it
    // comes from.
    let tcp = SYN.replace("SPT=40000", "SPT=53");
    table(&[scan()], &[(&tcp, [true]), (QUERY, [true])]);
}

#[test]
fn what_neighbours_say_to_all_does_not_count() {
    let to = |destination: &str, mac: &str| {
        let ip = V4.replace("192.0.2.1", destination);
        format!("{}{ip}{QUERY}", IN.replace("02:00:00:00:00:02:", mac))
    };
    let v6 = |destination: &str, mac: &str| {
        let ip = V6.replace("DST=2001:0db8:0001", destination);
        format!("{}{ip}{QUERY}", IN.replace("02:00:00:00:00:02:", mac))
    };
    let unicast = "02:00:00:00:00:02:";
    let decoded = "IN=eth0 OUT= MACSRC=02:00:00:00:00:01 MACDST=ff:ff:ff:ff:ff:ff MACPROTO=0800 ";
    for (packet, counted) in [
        (to("192.0.2.1", unicast), true),
        (to("192.0.2.255", unicast), true),
        (to("192.0.2.255", "ff:ff:ff:ff:ff:ff:"), false),
        (to("255.255.255.255", unicast), false),
        (to("239.255.255.250", unicast), false),
        (to("224.0.0.251", "01:00:5e:00:00:fb:"), false),
        (v6("DST=2001:0db8:0001", unicast), true),
        (v6("DST=ff02:0000:0000", unicast), false),
        (v6("DST=2001:0db8:0001", "33:33:00:00:00:01:"), false),
        (format!("{decoded}{V4}{QUERY}"), false),
        (format!("IN=tun0 OUT= MAC= {V4}{QUERY}"), true),
    ] {
        assert_eq!(counts(&rule(), &packet), counted, "{packet}");
        assert!(counts(&rule().count_multicast(true), &packet), "{packet}");
        // Hidden or not, and answers or not.
        let hidden = packet.replace(QUERY, CUT);
        assert_eq!(counts(&rule(), &hidden), counted, "{hidden}");
        let answers = rule().count_answers(true);
        assert_eq!(counts(&answers, &packet), counted, "{packet}");
    }
}

#[test]
fn what_this_host_sent_never_counts() {
    for rest in [SYN, QUERY, CUT] {
        for (interfaces, counted) in [
            ("IN= OUT=eth0 ", false),
            ("IN=eth0 OUT=eth1 ", true),
            ("IN=eth0 OUT= ", true),
        ] {
            let packet = format!("{interfaces}{V4}{rest}");
            let all = rule().count_answers(true).count_multicast(true);
            assert_eq!(counts(&rule(), &packet), counted, "{packet}");
            assert_eq!(counts(&all, &packet), counted, "{packet}");
        }
    }
}

/// What a packet is by the words of its line, where no parser has been.
fn counts_by_words(line: &str) -> bool {
    let quoted = [" [SRC=", " [TRUNCATED]"].map(|start| line.find(start).unwrap_or(line.len()));
    let outer = &line[..quoted[0].min(quoted[1])];
    let words: Vec<&str> = outer.split(' ').collect();
    let has = |word: &str| words.contains(&word);
    let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key));
    let number = |key: &str| value(key).and_then(|text| text.parse::<u32>().ok());
    let Some(destination) = value("DST=") else {
        return false;
    };
    let v6 = destination.contains(':');
    let many = match destination.split_once('.') {
        Some((first, _)) => {
            (224..240).contains(&first.parse::<u32>().unwrap()) || destination == "255.255.255.255"
        }
        None => destination.starts_with("ff"),
    };
    let frame = value("MACDST=").or_else(|| value("MAC=")).unwrap_or("");
    let groups = ["ff:ff:ff:ff:ff:ff", "01:00:5e:", "33:33:"];
    if has("IN=") || many || groups.iter().any(|group| frame.starts_with(group)) {
        return false;
    }
    let later = number("FRAG:").unwrap_or(0) * if v6 { 1 } else { 8 };
    match value("PROTO=") {
        Some("TCP") if later > 0 => later < 20,
        Some("TCP") => has("INCOMPLETE") || (has("SYN") && !has("ACK") && !has("RST")),
        Some("ICMP" | "ICMPv6") if later > 0 => false,
        Some("ICMP") => {
            number("TYPE=").is_none_or(|kind| ![0, 3, 4, 5, 9, 11, 12, 14, 16, 18].contains(&kind))
        }
        Some("ICMPv6") => {
            number("TYPE=").is_none_or(|kind| kind > 127 && ![129, 134, 136, 137].contains(&kind))
        }
        _ => true,
    }
}

#[test]
fn lines_as_the_kernel_printed_them() {
    let samples = [
        include_str!("samples/kernel.log"),
        include_str!("samples/unseen.log"),
    ];
    let lines = samples.iter().flat_map(|samples| samples.lines());
    // Of others nobody is known who sent them.
    let lines = lines.filter(|line| line.contains(" SRC="));
    let mut counted = [0, 0];
    for line in lines.filter(|line| !line.starts_with('#')) {
        let Some((_, packet)) = line.split_once("] ") else {
            continue;
        };
        let packet = &packet[packet.find("IN=").unwrap()..];
        let expected = counts_by_words(packet);
        assert_eq!(counts(&rule(), packet), expected, "{packet}");
        counted[usize::from(expected)] += 1;
    }
    assert!(counted.iter().all(|number| *number > 25), "{counted:?}");
}
