//! The law by hand, and what the sets of a kernel in memory keep.

use ban_sets::{Left, Memory, Set};

use super::*;
use crate::rule::network;
use crate::source::Source;
use crate::violation::tests::{rule, time};

/// A first ban of an hour, doubled each time up to a day, remembered for so long.
fn doubling(within: &str) -> Rule {
    Rule {
        removeafter: "1h".parse().expect("an hour"),
        repeat: format!("within={within},factor=2,at-most=23h").parse().ok(),
        ..rule()
    }
}

fn at(text: &str) -> Timestamp {
    time(&format!("2026-11-{text}:00Z"))
}

fn bouts(of: &[(&str, &str)]) -> Bouts {
    let mut bouts = Bouts::default();
    for (first, last) in of {
        for end in [first, last] {
            bouts.take_in(&Bouts::at(at(end), SignedDuration::from_hours(1)));
        }
    }
    bouts
}

fn counted(known: Option<Record>, rule: &Rule, of: &[(&str, &str)]) -> (Record, u32) {
    let (record, numbers) = count(known, &[(rule, &bouts(of))]);
    (record.expect("a record"), numbers[0])
}

#[test]
fn what_comes_after_the_end_of_a_ban_is_another_offence() {
    let rule = doubling("7d");
    let first = [("01T08:00", "01T08:30")];
    let (record, number) = counted(None, &rule, &first);
    assert_eq!((number, record.offences), (1, 1));
    assert_eq!(
        (record.first, record.last),
        (at("01T08:00"), at("01T08:30"))
    );
    assert_eq!((record.end, record.until), (at("01T09:30"), at("08T08:30")));
    // Read again, and gone on until its last second.
    assert_eq!(counted(Some(record), &rule, &first), (record, 1));
    let (longer, number) = counted(Some(record), &rule, &[("01T09:30", "01T09:30")]);
    assert_eq!(
        (number, longer.first, longer.end),
        (1, record.first, at("01T10:30"))
    );
    let again = [first[0], ("01T09:31", "01T10:00")];
    let (second, number) = counted(Some(record), &rule, &again);
    assert_eq!((number, second.offences), (2, 2));
    assert_eq!((second.first, second.end), (at("01T09:31"), at("01T12:00")));
    assert_eq!(counted(None, &rule, &again), (second, 2), "of one log");
    // Within the second ban, which is longer; and what is older than it.
    let (same, number) = counted(Some(second), &rule, &[first[0], ("01T11:30", "01T11:30")]);
    assert_eq!((number, same.offences, same.end), (2, 2, at("01T13:30")));
    assert_eq!(counted(Some(second), &rule, &first), (second, 1));
}

#[test]
fn who_stays_away_for_long_enough_begins_anew() {
    let rule = doubling("2d");
    let (third, _) = counted(
        None,
        &rule,
        &[
            ("01T08:00", "01T08:00"),
            ("02T08:00", "02T08:00"),
            ("03T08:00", "03T08:00"),
        ],
    );
    assert_eq!((third.offences, third.end), (3, at("03T12:00")));
    let next = |when| counted(Some(third), &rule, &[(when, when)]).1;
    assert_eq!((next("05T08:00"), next("05T08:01")), (4, 1));
}

#[test]
fn rules_count_together_in_the_order_of_time() {
    let (rule, other) = (
        doubling("7d"),
        Rule {
            removeafter: "4h".parse().expect("hours"),
            ..doubling("7d")
        },
    );
    let of_rule = bouts(&[
        ("01T08:00", "01T08:00"),
        ("01T11:30", "01T11:30"),
        ("01T20:00", "01T20:00"),
    ]);
    let of_other = bouts(&[("01T08:05", "01T08:05")]);
    let (record, numbers) = count(None, &[(&other, &of_other), (&rule, &of_rule)]);
    // The second of the one comes within the ban of the other.
    assert_eq!(record.map(|record| record.offences), Some(2));
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn remembered_for_as_long_as_the_rule_says() {
    let mut kernel = Memory::new();
    let now = at("01T09:00");
    let record = |until| Record {
        offences: 2,
        first: at("01T08:00"),
        last: at("01T08:30"),
        end: at("01T09:30"),
        until,
    };
    let networks = [
        "203.0.113.7",
        "203.0.113.128/25",
        "2001:db8::/64",
        "::ffff:203.0.113.7",
    ];
    let networks = networks.map(|text| network(text).expect(text));
    let until = [
        at("02T09:00"),
        at("30T09:00"),
        at("02T09:00"),
        at("02T09:00"),
    ];
    let offenders: BTreeMap<_, _> = networks.into_iter().zip(until.map(record)).collect();
    assert_eq!(remember(&mut kernel, &offenders, now), [""; 0]);
    let timeouts = |kernel: &mut Memory| {
        let name = name_for(networks[0]).expect("a name");
        let members = kernel.members(&name, now).expect("listed");
        let lefts = members.iter().map(|(_, entry)| members.left(entry));
        let mut lefts: Vec<_> = lefts.collect();
        lefts.sort_unstable();
        lefts
    };
    let two_days = Left::Seconds(2 * 86_400);
    // 29 days are more than the kernel counts.
    assert_eq!(timeouts(&mut kernel), [two_days, Left::ForGood]);
    let known = Offenders::read(&mut kernel, now).expect("read");
    assert_eq!((&known.records, known.over()), (&offenders, &[][..]));
    assert_eq!(is_known(&mut kernel, networks[0]), Ok(true));
    // Those that the sets can count the time of leave by themselves.
    let mut later = Memory::new();
    assert_eq!(remember(&mut later, &offenders, now), [""; 0]);
    let later = Offenders::read(&mut later, time("2026-12-01T09:01:00Z")).expect("read");
    assert_eq!(later.over(), [networks[1]]);
    forget(&mut kernel, &[networks[1]]).expect("forgotten");
    assert_eq!(timeouts(&mut kernel), [two_days]);
    // With whom it is, and what is mapped.
    let all = network("203.0.113.0/24").expect("a network");
    let forgiven = forgive(&mut kernel, all).expect("forgiven");
    let forgiven: Vec<_> = forgiven
        .into_iter()
        .map(|one| Source::from(one).to_string())
        .collect();
    assert_eq!(forgiven, ["203.0.113.7", "::ffff:203.0.113.7"]);
    let left = Offenders::read(&mut kernel, now).expect("read");
    assert_eq!(left.records.keys().collect::<Vec<_>>(), [&networks[2]]);
}

#[test]
fn a_full_set_is_told_once() {
    let mut kernel = Memory::new();
    let name = "offenders".parse().expect("a name");
    kernel.create(Set {
        comments: true,
        most: Some(1),
        ..Memory::networks(name, Family::Inet)
    });
    let now = at("01T09:00");
    let (record, _) = counted(None, &doubling("7d"), &[("01T08:00", "01T08:30")]);
    let networks = ["203.0.113.7", "203.0.113.8", "203.0.113.9", "2001:db8::7"];
    let offenders = networks.map(|text| (network(text).expect(text), record));
    let warnings = remember(&mut kernel, &offenders.into(), now);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].ends_with("than a first one: it is full"),
        "{warnings:?}"
    );
    let known = Offenders::read(&mut kernel, now).expect("read");
    assert_eq!(known.records.len(), 2);
}
