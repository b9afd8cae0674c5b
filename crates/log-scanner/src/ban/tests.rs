//! The whole step, with the sets of a kernel in memory, whose time stands still.

mod absent;
mod full;
mod pardoned;
mod slow;

use std::num::NonZeroU32;
use std::ops::ControlFlow;

use ban_sets::network::{parse, spelled};
use ban_sets::{Backend as _, End, Entry, Family, Left, Memory, Set};

use super::*;
use crate::clock::AsOf;
use crate::connected::{Peers, Table};
use crate::source::Source;
use crate::violation::Remaining;
use crate::violation::tests::{ban, rule, time, violator};

const SOURCE: &str = "203.0.113.7";
const NETWORK: &str = "203.0.113.0/24";
const MONITOR: &str = "203.0.113.9";
/// Seconds that a ban of [`ban`] has left.
const DAY: u32 = 86_341;

/// A kernel with `blacklist` and `blacklist_v6`, which hold networks.
fn kernel() -> Memory {
    kernel_with(|set| set)
}

fn kernel_with(options: impl Fn(Set) -> Set) -> Memory {
    let kernel = Memory::new();
    for (name, family) in [("blacklist", Family::Inet), ("blacklist_v6", Family::Inet6)] {
        kernel.create(options(Memory::networks(set(name), family)));
    }
    kernel
}

fn now() -> Timestamp {
    time("2026-11-22T09:00:00Z")
}

/// A whitelist, without timeouts, and its members.
fn whitelist(kernel: &mut Memory, name: &str, members: &[&str]) {
    let family = if name.ends_with("_v6") {
        Family::Inet6
    } else {
        Family::Inet
    };
    kernel.create(Memory::networks(set(name), family));
    let entries = members.iter().map(|key| entry(key, 0));
    add(kernel, name, entries);
}

fn add(kernel: &mut Memory, name: &str, entries: impl IntoIterator<Item = Entry>) {
    let entries: Vec<_> = entries.into_iter().collect();
    let refused = kernel.put(&set(name), &entries, now(), IfThere::Refuse);
    assert!(refused.expect("put").is_empty());
}

/// An entry that has so many seconds left; for good where that is none.
fn entry(key: &str, seconds: u32) -> Entry {
    let entry = Entry::new(parse(key).expect(key));
    if seconds == 0 {
        return entry;
    }
    entry.until(End::after(now(), seconds))
}

fn set(name: &str) -> SetName {
    name.parse().expect(name)
}

/// The members of a set in the order they came, as `203.0.113.7 86341`.
fn members(kernel: &Memory, name: &str) -> Vec<String> {
    let mut told = Vec::new();
    let listed = kernel.clone().list(&set(name), now(), &mut |entry| {
        let nomatch = if entry.exception { " nomatch" } else { "" };
        let seconds = match entry.end.left(now()) {
            Left::Seconds(seconds) => seconds,
            Left::ForGood => 0,
        };
        told.push(format!("{} {seconds}{nomatch}", spelled(entry.network)));
        ControlFlow::Continue(())
    });
    listed.expect("listed");
    told
}

/// What is asked for besides rules and bans.
struct Asked {
    dry_run: bool,
    most: u32,
    exempt: Vec<Network>,
    pardons: Pardons,
    connected: fn(&Exemptions) -> Result<Peers, String>,
    known: Known,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            dry_run: false,
            most: 1000,
            exempt: Vec::new(),
            pardons: Pardons::default(),
            connected: |_| Ok(Peers::default()),
            known: Known::Nothing,
        }
    }
}

impl Asked {
    fn act<'r>(
        &self,
        kernel: &mut Memory,
        rules: &'r [Rule],
        bans: Vec<Ban<'r>>,
    ) -> Result<Acted<'r>, Fatal> {
        let as_of = time("2026-11-22T09:00:00Z");
        let (mut sets, _) = Sets::of(Box::new(kernel.clone()), rules);
        let mut banning = Banning {
            sets: Some(&mut sets),
            exemptions: &Exemptions::new(BTreeSet::new(), &self.exempt),
            pardons: &self.pardons,
            dry_run: self.dry_run,
            as_of,
            present: &Present::new(AsOf::At(as_of)),
            quota: &Quota::new(NonZeroU32::new(self.most), Span::Run),
            known: self.known,
        };
        banning.act(rules, bans, &mut Table::new(self.connected))
    }

    /// One rule and whom it wants banned for a day.
    fn ban_by(&self, kernel: &mut Memory, rule: &Rule, sources: &[&str]) -> Told {
        let bans = sources.iter().map(|source| ban(rule, 1, source));
        let acted = self.act(kernel, std::slice::from_ref(rule), bans.collect());
        Told::from(acted.expect("decided"))
    }

    fn ban(&self, kernel: &mut Memory, sources: &[&str]) -> Told {
        self.ban_by(kernel, &rule(), sources)
    }
}

/// What came of it, apart from its rules.
struct Told {
    /// By rule and source.
    outcomes: Vec<Outcome>,
    /// Who was excepted.
    exceptions: Vec<String>,
    lifted: Vec<Lifted>,
    warnings: Vec<String>,
}

impl From<Acted<'_>> for Told {
    fn from(mut acted: Acted<'_>) -> Self {
        let order = |banned: &Banned<'_>| (banned.ban.number, banned.ban.source());
        acted.banned.sort_by_key(order);
        let exceptions = acted.banned.iter().flat_map(|banned| &banned.exceptions);
        Self {
            exceptions: exceptions.map(ToString::to_string).collect(),
            outcomes: acted
                .banned
                .into_iter()
                .map(|banned| banned.outcome)
                .collect(),
            lifted: acted.lifted,
            warnings: acted.warnings,
        }
    }
}

fn exempt(why: &str) -> Outcome {
    Outcome::Exempt(why.to_owned())
}

fn refusal(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ban_goes_into_the_set_of_its_family_and_is_kept_there() {
    let mut kernel = kernel();
    let told = Asked::default().ban(&mut kernel, &[SOURCE, "2001:db8::7"]);
    assert_eq!(told.outcomes, [Outcome::Added, Outcome::Added]);
    assert_eq!(members(&kernel, "blacklist"), ["203.0.113.7 86341"]);
    assert_eq!(members(&kernel, "blacklist_v6"), ["2001:db8::7 86341"]);
    let told = Asked::default().ban(&mut kernel, &[SOURCE]);
    assert_eq!(told.outcomes, [Outcome::Kept(Remaining::Seconds(DAY))]);
    assert_eq!(members(&kernel, "blacklist"), ["203.0.113.7 86341"]);
    assert!(told.lifted.is_empty() && told.warnings.is_empty());
}

#[test]
fn a_dry_run_decides_the_same_and_changes_nothing() {
    let mut kernel = kernel();
    add(&mut kernel, "blacklist", [entry("203.0.113.8", 0)]);
    let dry_run = Asked {
        dry_run: true,
        ..Asked::default()
    };
    let told = dry_run.ban(&mut kernel, &[SOURCE, "203.0.113.8"]);
    let kept = Outcome::Kept(Remaining::Permanent);
    assert_eq!(told.outcomes, [Outcome::WouldAdd, kept]);
    assert_eq!(members(&kernel, "blacklist"), ["203.0.113.8 0"]);
}

#[test]
fn who_is_exempt_is_let_go() {
    let mut kernel = kernel();
    whitelist(&mut kernel, "whitelist", &["203.0.113.128/25"]);
    whitelist(&mut kernel, "whitelist_v6", &["2001:db8::/64"]);
    let asked = Asked {
        exempt: vec![crate::rule::network("198.51.100.1").expect("an address")],
        ..Asked::default()
    };
    let rule = Rule {
        exempt: vec![crate::rule::network("192.0.2.0/24").expect("a network")],
        ..rule()
    };
    let sources = [
        "192.0.2.5",
        "198.51.100.1",
        SOURCE,
        "203.0.113.200",
        "::ffff:203.0.113.200",
        "2001:db8::7",
        "2001:db8:1::7",
    ];
    let told = asked.ban_by(&mut kernel, &rule, &sources);
    let expected = [
        exempt("covered by exempt 192.0.2.0/24 of its rule"),
        exempt("covered by --exempt 198.51.100.1"),
        Outcome::Added,
        exempt("a member of whitelist"),
        exempt("a member of whitelist"),
        exempt("a member of whitelist_v6"),
        Outcome::Added,
    ];
    assert_eq!(told.outcomes, expected);
    assert_eq!(members(&kernel, "blacklist"), ["203.0.113.7 86341"]);
    assert_eq!(members(&kernel, "blacklist_v6"), ["2001:db8:1::7 86341"]);
}

#[test]
fn a_network_is_banned_except_for_who_is_exempt_in_it() {
    let mut kernel = kernel();
    whitelist(&mut kernel, "whitelist", &[MONITOR, "198.51.100.1"]);
    let told = Asked::default().ban(&mut kernel, &[NETWORK]);
    assert_eq!(told.outcomes, [Outcome::Added]);
    let why = "203.0.113.9 in it is a member of whitelist";
    assert_eq!(told.exceptions, [why]);
    // It was there first, and stays longer.
    let expected = ["203.0.113.9 86941 nomatch", "203.0.113.0/24 86341"];
    assert_eq!(members(&kernel, "blacklist"), expected);
    assert!(Asked::default().ban(&mut kernel, &[]).lifted.is_empty());
}

#[test]
fn a_network_whose_exception_is_refused_is_not_banned() {
    let mut kernel = kernel();
    whitelist(&mut kernel, "whitelist", &[MONITOR]);
    kernel.refuse_next(1);
    let told = Asked::default().ban(&mut kernel, &[NETWORK, "198.51.100.1"]);
    let [other, network] = told.outcomes.as_slice() else {
        panic!("{:?}", told.outcomes)
    };
    assert_eq!(*other, Outcome::Added);
    assert!(refusal(network).contains("cannot be excepted first"));
    assert!(refusal(network).contains("full"), "{network:?}");
    assert!(told.exceptions.is_empty());
    assert_eq!(members(&kernel, "blacklist"), ["198.51.100.1 86341"]);
}

#[test]
fn an_exception_goes_when_nobody_in_it_is_exempt_any_more() {
    let filled = || {
        let mut kernel = kernel();
        let exception = entry(MONITOR, 3600).except();
        add(&mut kernel, "blacklist", [entry(NETWORK, 3000), exception]);
        kernel
    };
    let there = ["203.0.113.0/24 3000", "203.0.113.9 3600 nomatch"];
    let mut kernel = filled();
    let told = Asked::default().ban(&mut kernel, &[]);
    let lifted = Lifted {
        source: Source::from(crate::rule::network(MONITOR).expect("an address")),
        set: set("blacklist"),
        error: None,
    };
    assert_eq!(told.lifted, std::slice::from_ref(&lifted));
    assert_eq!(members(&kernel, "blacklist"), there[..1]);

    let dry_run = Asked {
        dry_run: true,
        ..Asked::default()
    };
    let mut kernel = filled();
    assert_eq!(dry_run.ban(&mut kernel, &[]).lifted, [lifted]);
    assert_eq!(members(&kernel, "blacklist"), there);

    let connected = Asked {
        connected: |_| {
            Ok([MONITOR]
                .map(|peer| peer.parse().expect(peer))
                .into_iter()
                .collect())
        },
        ..Asked::default()
    };
    let mut whitelisted = filled();
    whitelist(&mut whitelisted, "whitelist", &[MONITOR]);
    for (mut kernel, asked) in [(whitelisted, Asked::default()), (filled(), connected)] {
        assert!(asked.ban(&mut kernel, &[]).lifted.is_empty());
        assert_eq!(members(&kernel, "blacklist"), there);
    }
}

#[test]
fn a_full_set_refuses_and_says_how_to_make_room() {
    let mut kernel = kernel_with(|set| Set {
        most: Some(1),
        ..set
    });
    let rules = [rule()];
    let told = Asked::default().ban(&mut kernel, &[SOURCE, "203.0.113.8"]);
    let [first, second] = told.outcomes.as_slice() else {
        panic!("{:?}", told.outcomes)
    };
    assert_eq!(*first, Outcome::Added);
    for words in ["blacklist", "full", "to make room"] {
        assert!(refusal(second).contains(words), "{words}: {second:?}");
    }
    assert_eq!(members(&kernel, "blacklist"), ["203.0.113.7 86341"]);
    let (mut sets, troubles) = Sets::of(Box::new(kernel), &rules);
    assert!(troubles.is_empty());
    let warnings = sets.fullness();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].starts_with("set \"blacklist\" is 100 % full, 1 of 1 entries"),
        "{warnings:?}"
    );
}

#[test]
fn a_set_that_is_missing_is_told_and_taken_for_empty() {
    let dry_run = Asked {
        dry_run: true,
        ..Asked::default()
    };
    let mut kernel = Memory::new();
    assert_eq!(
        dry_run.ban(&mut kernel, &[SOURCE]).outcomes,
        [Outcome::WouldAdd]
    );
    let (_, troubles) = Sets::of(Box::new(kernel), &[rule()]);
    let missing = |name| format!("cannot add to set \"{name}\": it does not exist");
    assert_eq!(troubles, ["blacklist", "blacklist_v6"].map(missing));
}

#[test]
fn evidence_that_has_expired_bans_nobody() {
    let rule = rule();
    let mut kernel = kernel();
    let old = |source, last| {
        let violator = violator(source, last);
        Ban::new(&rule, 1, violator, time("2026-11-22T09:00:00Z")).expect("a ban")
    };
    let bans = vec![
        old(SOURCE, "2026-11-21T09:00:00Z"),
        old("203.0.113.8", "2026-11-21T09:00:01Z"),
    ];
    let acted = Asked::default().act(&mut kernel, std::slice::from_ref(&rule), bans);
    let told = Told::from(acted.expect("decided"));
    assert_eq!(told.outcomes, [Outcome::Expired, Outcome::Added]);
    assert_eq!(members(&kernel, "blacklist"), ["203.0.113.8 1"]);
}

#[test]
fn of_several_rules_the_longer_end_wins() {
    let hours = |hours: u32| Rule {
        removeafter: format!("{hours}h").parse().expect("a duration"),
        ..rule()
    };
    let rules = [hours(1), hours(3), hours(2)];
    let mut kernel = kernel();
    let each = rules.iter().zip(1..);
    let bans = each.map(|(rule, number)| ban(rule, number, SOURCE));
    let acted = Asked::default().act(&mut kernel, &rules, bans.collect());
    let outlasted = || Outcome::Outlasted {
        rule: 2,
        until: time("2026-11-22T11:59:00.25Z"),
    };
    assert_eq!(
        Told::from(acted.expect("decided")).outcomes,
        [outlasted(), Outcome::Added, outlasted()]
    );
    assert_eq!(members(&kernel, "blacklist"), ["203.0.113.7 10741"]);
    // A shorter one that was there stays longer now, one that lasts is left alone.
    add(&mut kernel, "blacklist", [entry("203.0.113.8", 60)]);
    let told = Asked::default().ban_by(&mut kernel, &rules[0], &[SOURCE, "203.0.113.8"]);
    let kept = Outcome::Kept(Remaining::Seconds(10_741));
    assert_eq!(told.outcomes, [kept, Outcome::Refreshed]);
    let expected = ["203.0.113.7 10741", "203.0.113.8 3541"];
    assert_eq!(members(&kernel, "blacklist"), expected);
}

#[test]
fn no_more_new_bans_than_asked_for_the_most_evidence_first() {
    let rule = rule();
    let mut kernel = kernel();
    add(&mut kernel, "blacklist", [entry("203.0.113.9", 60)]);
    let with = |source, peak_hits| {
        let mut ban = ban(&rule, 1, source);
        ban.violator.peak_hits = peak_hits;
        ban
    };
    let bans = vec![
        with(SOURCE, 501),
        with("203.0.113.8", 900),
        // It is no new one.
        with("203.0.113.9", 500),
        with("2001:db8::7", 502),
    ];
    let asked = Asked {
        most: 2,
        ..Asked::default()
    };
    let acted = asked.act(&mut kernel, std::slice::from_ref(&rule), bans);
    let told = Told::from(acted.expect("decided"));
    assert_eq!(
        told.outcomes,
        [
            Outcome::BeyondMaxBans,
            Outcome::Added,
            Outcome::Refreshed,
            Outcome::Added
        ]
    );
    assert_eq!(
        told.warnings,
        [
            "not banned: 1 violator, because one run adds at most 2 new bans (--max-bans), those with the most evidence"
        ]
    );
    assert_eq!(members(&kernel, "blacklist_v6"), ["2001:db8::7 86341"]);
}

#[test]
fn whom_this_host_has_connected_to_is_let_go() {
    let mut kernel = kernel();
    let asked = Asked {
        connected: |_| {
            let peers = [SOURCE, "198.51.100.1"].map(|peer| peer.parse().expect(peer));
            Ok(peers.into_iter().collect())
        },
        ..Asked::default()
    };
    let sources = ["198.51.100.0/24", SOURCE];
    let told = asked.ban(&mut kernel, &sources);
    assert_eq!(told.outcomes, [Outcome::Added, Outcome::Connected]);
    let expected = ["198.51.100.1 86941 nomatch", "198.51.100.0/24 86341"];
    assert_eq!(members(&kernel, "blacklist"), expected);
    let rule = Rule {
        ban_connected: true,
        ..rule()
    };
    let told = asked.ban_by(&mut kernel, &rule, &[SOURCE]);
    assert_eq!(told.outcomes, [Outcome::Added]);

    let failing = Asked {
        connected: |_| Err("no".to_owned()),
        ..Asked::default()
    };
    let mut kernel = self::kernel();
    let told = failing.ban(&mut kernel, &[SOURCE]);
    assert_eq!(told.outcomes, [Outcome::Added]);
    assert!(told.warnings[0].starts_with("cannot tell to whom this host has opened"));
}
