//! The fleet's rule beside firewall-log's own judge over one merged log.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::{Duration, SystemTime};

use ban_fleet::{FleetRule, Host, Intake, Policy, Prefix, Record, State, Time};
use firewall_log::{Clock, Scan, Tally, Threshold};
use proptest::prelude::*;

use crate::drawn::host;

const BEGIN: u64 = 1_795_339_554_000_000;

/// A packet: which host logged it, which source sent it, and when, in microseconds.
type Packet = (usize, u8, u64);

fn source(number: u8) -> Prefix {
    format!("203.0.113.{number}").parse().unwrap()
}

fn time(micros: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(BEGIN + micros)
}

/// What the exact rule says of one log that has the lines of all hosts.
fn exact(packets: &[Packet], howmany: u32, within: Duration) -> BTreeMap<Prefix, Tally> {
    let mut log = String::new();
    for (host, source, micros) in packets {
        let at = BEGIN + micros;
        let (seconds, fraction) = (at / 1_000_000, at % 1_000_000);
        // As `journalctl -o short-unix` writes it.
        writeln!(
            log,
            "{seconds}.{fraction:06} host{host} kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.{source} DST=192.0.2.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=4000 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0"
        )
        .unwrap();
    }
    let rule = Threshold::new(NonZeroU32::new(howmany).unwrap(), within).prefix("IPTABLES-BLOCKED");
    let clock = Clock::new(time(0), jiff_utc());
    let mut scan = Scan::new([rule], clock);
    let summary = scan.read(log.as_bytes()).unwrap();
    assert_eq!(
        usize::try_from(summary.counts.events).unwrap(),
        packets.len()
    );
    let findings = scan.finish();
    let violators = findings[0].violators.iter();
    violators
        .map(|tally| (Prefix::from(tally.source), tally.clone()))
        .collect()
}

fn jiff_utc() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::UTC
}

fn policy() -> Policy {
    let mut policy = Policy::new(host(0));
    policy.from.push("host*".parse().unwrap());
    policy.rules.insert("blocked".parse().unwrap());
    policy
}

/// What the hosts tell of it; each has read its log `times` times, and once only its begin.
fn told(rule: &FleetRule, packets: &[Packet], most: usize) -> State {
    let mut state = State::default();
    for number in 0..6 {
        for part in [packets.len() / 2, packets.len(), packets.len()] {
            let mut counter = rule.counter();
            for (_, from, micros) in packets
                .iter()
                .take(part)
                .filter(|(host, ..)| *host == number)
            {
                counter.count(source(*from), time(*micros).into(), 1);
            }
            for evidence in counter.evidence(most) {
                state.insert(&host(number), Record::Evidence(evidence));
            }
        }
    }
    state
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn it_bans_nobody_whom_the_exact_rule_would_not(
        packets in prop::collection::vec((0_usize..6, 1_u8..4, 0_u64..6_000_000), 0..60),
        howmany in 1_u32..14,
        millis in 1000_u64..3000,
        hosts in 2_usize..4,
        floor in 1_u32..4,
        most in 1_usize..4,
    ) {
        let within = Duration::from_millis(millis);
        let rule = FleetRule::new(
            "blocked".parse().unwrap(),
            NonZeroU32::new(howmany).unwrap(),
            within,
            NonZeroUsize::new(hosts).unwrap(),
            NonZeroU32::new(floor).unwrap(),
        ).unwrap();
        let exact = exact(&packets, howmany, within);
        let state = told(&rule, &packets, most);
        let verdicts = rule.verdicts(&state, &policy(), &Intake::default(), time(6_000_000).into());
        for verdict in verdicts {
            let tally = exact.get(&verdict.source);
            prop_assert!(tally.is_some(), "{:?} of {:?}", verdict, packets);
            let tally = tally.unwrap();
            // Not even longer: a ban is dated from what is no later than the exact rule's.
            prop_assert!(SystemTime::from(verdict.last_hit) <= tally.last_violating.unwrap());
            prop_assert!(verdict.hits <= tally.peak_hits, "{:?} {:?}", verdict, tally);
            prop_assert!(verdict.hosts.len() >= hosts);
        }
    }
}

/// Three times at each of fifty hosts, and nowhere often enough, is found.
#[test]
fn who_knocks_everywhere_a_little_is_found() {
    let rule = FleetRule::new(
        "blocked".parse().unwrap(),
        NonZeroU32::new(100).unwrap(),
        Duration::from_secs(3600),
        NonZeroUsize::new(10).unwrap(),
        NonZeroU32::new(2).unwrap(),
    )
    .unwrap();
    let mut state = State::default();
    let hosts: Vec<Host> = (0..50).map(host).collect();
    for (number, host) in (0_u64..).zip(&hosts) {
        let mut counter = rule.counter();
        for knock in 0..3 {
            let at = time((number * 30 + knock * 600) * 1_000_000);
            counter.count(source(7), at.into(), 1);
        }
        // Who is seen once is told to nobody, however many they are.
        for other in 8..200 {
            counter.count(source(other), time(0).into(), 1);
        }
        let evidence = counter.evidence(1000);
        assert!(evidence.len() <= 3, "{}", evidence.len());
        for evidence in evidence {
            state.insert(host, evidence.into());
        }
    }
    let now: Time = time(3_600_000_000).into();
    let mut policy = policy();
    let verdicts = rule.verdicts(&state, &policy, &Intake::default(), now);
    assert_eq!(verdicts.len(), 1, "{verdicts:?}");
    assert!(
        verdicts[0].hits >= 100 && verdicts[0].hosts.len() >= 34,
        "{verdicts:?}"
    );
    // Nor is anybody who is protected, or pardoned after it.
    policy
        .protected
        .entry("203.0.113.0/28".parse().unwrap(), || ());
    assert_eq!(rule.verdicts(&state, &policy, &Intake::default(), now), []);
    policy.protected = ban_fleet::PrefixTable::default();
    let admin: Host = "admin-anna".parse().unwrap();
    let pardon = format!(
        "pardon 203.0.113.7 at={} until={} why=",
        now,
        now.after(Duration::from_secs(60))
    );
    state.insert(&admin, Record::parse(pardon.as_bytes()).unwrap());
    assert_eq!(rule.verdicts(&state, &policy, &Intake::default(), now), []);
}

/// One host that makes up a million packets needs the others.
#[test]
fn the_word_of_one_host_is_not_enough() {
    let rule = FleetRule::new(
        "blocked".parse().unwrap(),
        NonZeroU32::new(10).unwrap(),
        Duration::from_secs(8),
        NonZeroUsize::new(2).unwrap(),
        NonZeroU32::MIN,
    )
    .unwrap();
    let mut state = State::default();
    let mut tell = |host: &Host, hits| {
        let mut counter = rule.counter();
        counter.count(source(7), time(0).into(), hits);
        for evidence in counter.evidence(10) {
            state.insert(host, evidence.into());
        }
        rule.verdicts(&state, &policy(), &Intake::default(), time(0).into())
            .len()
    };
    assert_eq!(tell(&host(1), 1_000_000), 0);
    // Nor is it trusted by anybody whom the policy does not name.
    assert_eq!(tell(&"stranger".parse().unwrap(), 5), 0);
    assert_eq!(tell(&host(2), 1), 1);
}
