//! Exceptions: which are needed, which are ours, and when a network is let go for want of them.

use ban_sets::LONGEST;

use super::super::plan::Plan;
use super::super::plan::tests::{candidate, entry, members, outcomes, plan_for, words};
use super::*;
use crate::violation::Outcome;

const NETWORK: &str = "203.0.113.0/24";
const MONITOR: &str = "203.0.113.9";

/// A candidate for [`NETWORK`] with who is exempt in it.
fn guarded(rule: usize, seconds: u32, exempt: &[&str]) -> Candidate<'static> {
    let parts = exempt.iter().map(|network| Part {
        network: crate::rule::network(network).expect(network),
        why: "a member of whitelist".to_owned(),
        by_run: false,
    });
    Candidate {
        exempt: parts.collect(),
        ..candidate(rule, NETWORK, seconds)
    }
}

fn plan(members: &[Entry], candidates: Vec<Candidate<'static>>) -> Plan<'static> {
    plan_for(members, true, candidates)
}

fn why(plan: &Plan<'_>, rule: usize) -> String {
    match outcomes(plan).into_iter().nth(rule) {
        Some(Outcome::Exempt(why) | Outcome::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_exception_stays_longer_than_its_network() {
    let ban = plan(&[], vec![guarded(0, 60, &[MONITOR, "203.0.113.128/25"])]);
    assert_eq!(words(&ban), ["added"]);
    assert_eq!(ban.entries(), [entry(NETWORK, 60)]);
    let exceptions = [entry(MONITOR, 660), entry("203.0.113.128/25", 660)];
    assert_eq!(ban.exceptions(), exceptions.map(Entry::except));

    let most = longest_ban(LONGEST);
    let longest = plan(&[], vec![guarded(0, most, &[MONITOR])]);
    assert_eq!(longest.exceptions(), [entry(MONITOR, most + 600).except()]);
    assert_eq!(most + 660, LONGEST);
}

/// Only who is exempt for a reason that every scan knows can be told to be so no longer.
#[test]
fn exceptions_of_scans_are_known_by_their_end() {
    let of_scans = |entries: &[Entry]| of_scans(&members(entries));
    let network = || entry(NETWORK, 3000);
    let monitor = crate::rule::network(MONITOR).expect("an address");
    for (seconds, is_ours) in [
        (3601, true),
        (3600, true),
        (3580, true),
        (3579, false),
        (3602, false),
        (3660, false),
        (3000, false),
        (0, false),
    ] {
        let exception = entry(MONITOR, seconds).except();
        let expected = if is_ours { vec![monitor] } else { vec![] };
        assert_eq!(
            of_scans(&[network(), exception.clone()]),
            expected,
            "{seconds}"
        );
        // Of any network around it, and of none.
        let wider = [
            entry("203.0.0.0/16", 3000),
            entry(NETWORK, 10),
            exception.clone(),
        ];
        assert_eq!(of_scans(&wider), expected, "{seconds}");
        for without in [
            entry(NETWORK, 0),
            network().except(),
            entry("198.51.100.0/24", 3000),
        ] {
            assert!(
                of_scans(&[without, exception.clone()]).is_empty(),
                "{seconds}"
            );
        }
    }
    assert!(
        of_scans(&[network(), entry(MONITOR, 3600)]).is_empty(),
        "no exception"
    );
    let mut by_run = guarded(0, 3000, &[MONITOR]);
    by_run.exempt[0].by_run = true;
    let by_run = plan(&[], vec![by_run]);
    assert_eq!(by_run.exceptions(), [entry(MONITOR, 3660).except()]);
    for plan in [by_run, plan(&[], vec![guarded(0, 3000, &[MONITOR])])] {
        let after = [plan.exceptions(), plan.entries()].concat();
        let is_by_run = plan.exceptions()[0].end == entry(MONITOR, 3660).end;
        assert_eq!(of_scans(&after).is_empty(), is_by_run);
    }
}

#[test]
fn one_that_is_there_for_long_enough_is_left_as_it_is() {
    for left in [660, 1260, 0] {
        let members = [entry(MONITOR, left).except(), entry(NETWORK, 10)];
        let ban = plan(&members, vec![guarded(0, 60, &[MONITOR])]);
        assert_eq!(words(&ban), ["refreshed"]);
        assert!(ban.exceptions().is_empty(), "{left}");
    }
    let comment = || "ours".parse().ok();
    let shorter = entry(MONITOR, 659).except().because(comment());
    let ban = plan(&[shorter], vec![guarded(0, 60, &[MONITOR])]);
    let longer = entry(MONITOR, 660).except().because(comment());
    assert_eq!(ban.exceptions(), [longer]);
}

/// The second that passes until they are read back.
#[test]
fn one_that_was_there_does_not_run_low_while_another_is_added() {
    let other = Candidate {
        exempt: guarded(1, 60, &["198.51.100.9"]).exempt,
        ..candidate(1, "198.51.100.0/24", 60)
    };
    let members = [entry(MONITOR, 360).except()];
    let mut both = plan(&members, vec![guarded(0, 60, &[MONITOR]), other]);
    let exceptions = [entry("198.51.100.9", 660), entry(MONITOR, 660)];
    assert_eq!(both.exceptions(), exceptions.map(Entry::except));
    let later = [entry("198.51.100.9", 659), entry(MONITOR, 659)];
    both.guard(&self::members(&later.map(Entry::except)), None);
    assert_eq!(words(&both), ["added", "added"]);
}

#[test]
fn what_is_kept_needs_no_exceptions() {
    let kept = plan(&[entry(NETWORK, 600)], vec![guarded(0, 60, &[MONITOR])]);
    assert_eq!(words(&kept), ["kept"]);
    assert!(kept.exceptions().is_empty());
}

#[test]
fn of_two_bans_the_longer_is_excepted_from() {
    let candidates = vec![guarded(0, 60, &[MONITOR]), guarded(1, 600, &[MONITOR])];
    let both = plan(&[], candidates);
    assert_eq!(words(&both), ["kept", "added"]);
    assert_eq!(both.exceptions(), [entry(MONITOR, 1200).except()]);
}

#[test]
fn a_network_is_let_go_where_nobody_can_be_excepted() {
    let exempt = "not banned whole: 203.0.113.9 in it is a member of whitelist, and ";
    let by_itself = plan(
        &[entry(MONITOR, 60)],
        vec![guarded(0, 600, &["203.0.113.1", MONITOR])],
    );
    assert_eq!(
        why(&by_itself, 0),
        format!("{exempt}banned there by itself, ipset del blacklist 203.0.113.9")
    );
    let forceadd = plan_for(&[], false, vec![guarded(0, 60, &[MONITOR])]);
    assert_eq!(
        why(&forceadd, 0),
        format!("{exempt}a full blacklist would throw out the exception (forceadd)")
    );
    let many: Vec<_> = (0..=256)
        .map(|host| {
            format!(
                "203.0.113.{}/{}",
                host % 256,
                if host == 256 { 31 } else { 32 }
            )
        })
        .collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let crowded = plan(&[], vec![guarded(0, 60, &many)]);
    assert_eq!(
        why(&crowded, 0),
        "not banned whole: 257 networks in it are exempt, and at most 256 can be excepted"
    );
    assert_eq!(
        words(&plan(&[], vec![guarded(0, 60, &many[..256])])),
        ["added"]
    );
    for plan in [by_itself, forceadd, crowded] {
        assert!(plan.entries().is_empty() && plan.exceptions().is_empty());
    }
}

#[test]
fn whom_another_rule_bans_is_not_excepted() {
    let exempt =
        "not banned whole: 203.0.113.9 in it is a member of whitelist, and not exempt for rule 2";
    for other in [MONITOR, NETWORK, "203.0.0.0/16", "203.0.113.8/31"] {
        let both = plan(
            &[],
            vec![guarded(0, 600, &[MONITOR]), candidate(1, other, 60)],
        );
        assert_eq!(words(&both), ["exempt", "added"], "{other}");
        assert_eq!(why(&both, 0), exempt);
        assert!(both.exceptions().is_empty());
    }
    for other in ["203.0.113.8", "198.51.100.0/24"] {
        let both = plan(
            &[],
            vec![guarded(0, 600, &[MONITOR]), candidate(1, other, 900)],
        );
        assert_eq!(words(&both), ["added", "added"], "{other}");
    }
    let both_except = [
        guarded(0, 600, &[MONITOR]),
        guarded(1, 60, &["203.0.113.8/30"]),
    ];
    assert_eq!(words(&plan(&[], both_except.to_vec())), ["added", "exempt"]);
}

#[test]
fn nobody_is_banned_before_the_exceptions_are_there() {
    let candidates = || {
        vec![
            guarded(0, 600, &[MONITOR]),
            candidate(1, "203.0.113.1", 60),
            candidate(2, "198.51.100.1", 60),
        ]
    };
    let words_after = |members: &[Entry], broken| {
        let mut plan = plan(&[], candidates());
        plan.guard(&self::members(members), broken);
        (words(&plan), plan)
    };
    let there = entry(MONITOR, 1199).except();
    let (words, all) = words_after(std::slice::from_ref(&there), None);
    assert_eq!(words, ["added", "kept", "added"]);
    assert_eq!(all.entries().len(), 2);
    for members in [
        vec![],
        vec![entry(MONITOR, 899).except()],
        vec![entry(MONITOR, 0)],
    ] {
        let (words, mut given_up) = words_after(&members, None);
        assert_eq!(words, ["refused", "refused", "added"]);
        assert_eq!(given_up.entries(), [entry("198.51.100.1", 60)]);
        assert_eq!(
            why(&given_up, 0),
            "cannot add 203.0.113.0/24 to set \"blacklist\": 203.0.113.9 in it is a member of whitelist, and cannot be \
             excepted first: the exception is not there, read back after it was added"
        );
        // What the kernel says belongs to the entries that it was given.
        given_up.refuse(vec![Some("full".to_owned())]);
        assert_eq!(why(&given_up, 2), "full");
    }
    let (_, broken) = words_after(&[], Some("the socket is gone"));
    assert!(why(&broken, 0).ends_with("cannot be excepted first: the socket is gone"));
}
