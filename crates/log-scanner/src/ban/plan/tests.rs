//! What becomes of candidates, one set at a time, without a kernel.

use std::slice::from_ref;
use std::sync::LazyLock;

use ban_sets::End;
use ban_sets::network::parse;
use jiff::Timestamp;

use super::*;
use crate::violation::tests::{ban, rule};
use crate::violation::{Ban, Violator};

const SOURCE: &str = "203.0.113.7";

static SET: LazyLock<SetName> = LazyLock::new(|| "blacklist".parse().expect("a name"));

/// One by which the hits are the evidence.
static RULE: LazyLock<Rule> = LazyLock::new(|| Rule {
    howmany: 1000.try_into().expect("some"),
    ..rule()
});

/// When all is read and put.
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// An entry that has so many seconds left; for good where that is none.
pub(in super::super) fn entry(key: &str, seconds: u32) -> Entry {
    let entry = Entry::new(parse(key).expect(key));
    if seconds == 0 {
        return entry;
    }
    entry.until(End::after(NOW, seconds))
}

pub(in super::super) fn members(entries: &[Entry]) -> Members {
    Members::new(NOW, entries.iter().cloned())
}

/// What the rule of this number, from 0, wants for so many seconds, which are its evidence, too.
pub(in super::super) fn candidate(rule: usize, source: &str, seconds: u32) -> Candidate<'static> {
    let wanted = ban(&RULE, rule + 1, source);
    Candidate {
        ban: Ban {
            violator: Violator {
                peak_hits: seconds.into(),
                ..wanted.violator
            },
            expires: Timestamp::from_second(seconds.into()).expect("a time"),
            ..wanted
        },
        seconds,
        exempt: Vec::new(),
        connected: false,
    }
}

pub(in super::super) fn plan_for(
    members: &[Entry],
    keeps: bool,
    candidates: Vec<Candidate<'static>>,
) -> Plan<'static> {
    Plan::new(&SET, candidates, self::members(members), keeps, false)
}

fn plan(members: &[Entry], candidates: Vec<Candidate<'static>>) -> Plan<'static> {
    plan_for(members, true, candidates)
}

/// The outcome by rule, from 0.
pub(in super::super) fn outcomes(plan: &Plan<'_>) -> Vec<Outcome> {
    let additions = plan.additions.iter();
    let additions =
        additions.flat_map(|addition| addition.outlasted.iter().chain([&addition.decided]));
    let mut all: Vec<_> = additions
        .chain(&plan.others)
        .map(|decided| (decided.candidate.ban.number, decided.outcome.clone()))
        .collect();
    all.sort_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Their words.
pub(in super::super) fn words(plan: &Plan<'_>) -> Vec<&'static str> {
    outcomes(plan).iter().map(Outcome::word).collect()
}

/// The word of the outcome for [`SOURCE`] and the entry to add.
fn decided(existing: &[Entry], seconds: u32) -> (&'static str, Option<Entry>) {
    let plan = plan(existing, vec![candidate(0, SOURCE, seconds)]);
    (words(&plan)[0], plan.entries().first().cloned())
}

#[test]
fn a_new_source_is_added() {
    assert_eq!(decided(&[], 60), ("added", Some(entry(SOURCE, 60))));
    let network = plan(&[], vec![candidate(0, "2001:db8::/64", 60)]);
    assert_eq!(network.entries(), [entry("2001:db8::/64", 60)]);
}

#[test]
fn the_later_of_the_two_ends_is_kept() {
    for (left, seconds, word) in [
        (60, 59, "kept"),
        (60, 60, "kept"),
        (60, 61, "kept"),
        (60, 62, "refreshed"),
    ] {
        assert_eq!(
            decided(&[entry(SOURCE, left)], seconds).0,
            word,
            "{left} {seconds}"
        );
    }
    assert_eq!(decided(&[entry(SOURCE, 0)], 2_147_483), ("kept", None));
    assert_eq!(decided(&[entry(SOURCE, 0)], 1), ("kept", None));
}

#[test]
fn a_refreshed_entry_keeps_its_comment() {
    let comment = || "by hand".parse().ok();
    let existing = entry(SOURCE, 60).because(comment());
    let expected = entry(SOURCE, 600).because(comment());
    assert_eq!(decided(&[existing], 600), ("refreshed", Some(expected)));
}

#[test]
fn a_network_that_covers_the_source_counts() {
    let network = entry("203.0.113.0/24", 60);
    assert_eq!(decided(from_ref(&network), 30).0, "kept");
    assert_eq!(
        decided(from_ref(&network), 90),
        ("added", Some(entry(SOURCE, 90)))
    );
    assert_eq!(
        decided(&[network.clone(), entry(SOURCE, 10)], 30),
        ("kept", None),
        "the network stays when the address is gone"
    );
    assert_eq!(decided(&[network.clone().except()], 90), ("exempt", None));
    assert_eq!(decided(&[entry(SOURCE, 0).except()], 90), ("exempt", None));
    let behind_an_exception = [
        entry(SOURCE, 10),
        entry("203.0.113.0/28", 0).except(),
        network,
    ];
    assert_eq!(decided(&behind_an_exception, 30).0, "refreshed");
}

#[test]
fn of_several_rules_the_later_end_wins() {
    for seconds in [[60, 600, 300], [600, 60, 300], [300, 600, 60]] {
        let candidates = seconds
            .iter()
            .enumerate()
            .map(|(rule, seconds)| candidate(rule, SOURCE, *seconds));
        let plan = plan(&[], candidates.collect());
        assert_eq!(plan.entries(), [entry(SOURCE, 600)]);
        let winner = seconds.iter().position(|seconds| *seconds == 600);
        for (rule, word) in words(&plan).into_iter().enumerate() {
            let expected = if Some(rule) == winner {
                "added"
            } else {
                "kept"
            };
            assert_eq!(word, expected, "{seconds:?} {rule}");
        }
    }
    // The first of two that end at the same time.
    let same = plan(
        &[],
        vec![candidate(0, SOURCE, 60), candidate(1, SOURCE, 60)],
    );
    assert_eq!(words(&same), ["added", "kept"]);
    let expected = Outcome::Outlasted {
        rule: 1,
        until: Timestamp::from_second(60).expect("a time"),
    };
    assert_eq!(outcomes(&same), [Outcome::Added, expected]);
}

#[test]
fn a_network_that_one_rule_bans_bans_the_addresses_of_others() {
    let network = "203.0.113.0/24";
    let wider_and_longer = plan(
        &[],
        vec![candidate(0, SOURCE, 60), candidate(1, network, 600)],
    );
    assert_eq!(wider_and_longer.entries(), [entry(network, 600)]);
    assert_eq!(words(&wider_and_longer), ["kept", "added"]);
    let wider_and_shorter = plan(
        &[],
        vec![candidate(0, SOURCE, 600), candidate(1, network, 60)],
    );
    assert_eq!(
        wider_and_shorter.entries(),
        [entry(SOURCE, 600), entry(network, 60)]
    );
    assert_eq!(words(&wider_and_shorter), ["added", "added"]);
}

#[test]
fn what_is_refused_for_one_rule_is_refused_for_all() {
    let mut plan = plan(
        &[],
        vec![candidate(0, SOURCE, 60), candidate(1, SOURCE, 600)],
    );
    plan.refuse(vec![Some("full".to_owned())]);
    assert_eq!(words(&plan), ["refused", "refused"]);
}

#[test]
fn what_is_wanted_and_not_there_is_refused() {
    let after = |members: &[Entry], passed| {
        let mut plan = plan(&[], vec![candidate(0, SOURCE, 60)]);
        plan.compare(&self::members(members), passed, None);
        outcomes(&plan).into_iter().next()
    };
    let why = |members: &[Entry], passed| match after(members, passed) {
        Some(Outcome::Refused(why)) => why,
        other => panic!("{other:?}"),
    };
    let added = Some(Outcome::Added);
    assert_eq!(after(&[entry(SOURCE, 60)], 0), added);
    assert_eq!(after(&[entry(SOURCE, 59)], 0), added);
    assert_eq!(after(&[entry(SOURCE, 49)], 10), added);
    assert_eq!(after(&[entry(SOURCE, 0)], 0), added);
    assert_eq!(after(&[entry("203.0.113.0/24", 60)], 0), added);
    assert_eq!(after(&[], 59), added, "it ran out");
    assert_eq!(
        why(&[], 0),
        "cannot add 203.0.113.7 to set \"blacklist\": it is not there, read back after it was filled"
    );
    assert!(why(&[entry("203.0.113.8", 60)], 58).contains("not there"));
    assert!(why(&[entry(SOURCE, 58)], 0).contains("leaves 58 s from now, not 60 s"));
    assert!(why(&[entry(SOURCE, 60).except()], 0).contains("excepted (nomatch) there as"));
    let mut kept = plan(&[entry(SOURCE, 600)], vec![candidate(0, SOURCE, 60)]);
    assert_eq!(words(&kept), ["kept"]);
    kept.compare(&members(&[]), 0, None);
    assert_eq!(words(&kept), ["refused"]);
    let other = "203.0.113.8";
    let mut broken = plan(&[], vec![candidate(0, SOURCE, 60), candidate(1, other, 60)]);
    let half = members(&[entry(SOURCE, 60)]);
    broken.compare(&half, 0, Some("the socket is gone"));
    assert_eq!(words(&broken), ["added", "refused"]);
    let expected = format!("cannot add {other} to set \"blacklist\": the socket is gone");
    assert_eq!(outcomes(&broken)[1], Outcome::Refused(expected));
    let mut unread = plan(&[], vec![candidate(0, SOURCE, 60)]);
    unread.unread("gone");
    assert_eq!(words(&unread), ["refused"]);
}

#[test]
fn whom_this_host_is_connected_to_is_let_go() {
    let connected = |source| Candidate {
        connected: true,
        ..candidate(0, source, 60)
    };
    let plan_of = |members: &[Entry]| {
        plan(
            members,
            vec![connected(SOURCE), candidate(1, "203.0.113.8", 60)],
        )
    };
    assert_eq!(words(&plan_of(&[])), ["connected", "added"]);
    assert_eq!(plan_of(&[]).entries(), [entry("203.0.113.8", 60)]);
    assert_eq!(
        words(&plan_of(&[entry(SOURCE, 10)])),
        ["connected", "added"]
    );
    assert_eq!(words(&plan_of(&[entry(SOURCE, 0)])), ["kept", "added"]);
    // Another rule does not let go.
    let both = plan(&[], vec![connected(SOURCE), candidate(1, SOURCE, 30)]);
    assert_eq!(words(&both), ["connected", "added"]);
}

#[test]
fn what_is_postponed_is_not_added() {
    let candidates = vec![
        candidate(0, SOURCE, 60),
        candidate(1, "203.0.113.8", 600),
        candidate(2, SOURCE, 30),
    ];
    let mut plan = plan(&[], candidates);
    let new_entries = |plan: &Plan<'_>| {
        let mut new: Vec<_> = plan.new_entries().collect();
        new.sort_unstable();
        new
    };
    let new = new_entries(&plan);
    assert_eq!(new, [(60, 1), (600, 0)]);
    let places = BTreeSet::from([1]);
    assert_eq!(plan.wanting(&places), 2);
    plan.give_up(&places, &Outcome::BeyondMaxBans);
    assert_eq!(
        words(&plan),
        ["beyond-max-bans", "added", "beyond-max-bans"]
    );
    assert_eq!(plan.entries(), [entry("203.0.113.8", 600)]);
    assert_eq!(new_entries(&plan), [(600, 0)]);
    let there = self::plan(&[entry(SOURCE, 1)], vec![candidate(0, SOURCE, 60)]);
    assert_eq!(words(&there), ["refreshed"]);
    assert_eq!(new_entries(&there), []);
}
