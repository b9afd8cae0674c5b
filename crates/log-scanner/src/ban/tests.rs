//! The whole step, with the sets of a kernel in memory, whose time stands still.

mod full;

use std::num::NonZeroU32;

use ipset_netlink::testing::FakeKernel;
use ipset_netlink::{CreateSet, Entry, Family, IfExists, IpSet, SetType, Timeout};

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
fn kernel() -> FakeKernel {
    kernel_with(|set| set)
}

fn kernel_with(options: impl Fn(CreateSet) -> CreateSet) -> FakeKernel {
    let mut kernel = FakeKernel::new();
    for (name, family) in [("blacklist", Family::Inet), ("blacklist_v6", Family::Inet6)] {
        let set = CreateSet::new(set(name), SetType::HashNet, family);
        create(&mut kernel, &options(set.timeout(Timeout::PERMANENT)));
    }
    kernel
}

fn create(kernel: &mut FakeKernel, set: &CreateSet) {
    let mut sets = IpSet::with_transport(kernel).expect("connected");
    sets.create(set, IfExists::Fail).expect("created");
}

/// A whitelist, without timeouts, and its members.
fn whitelist(kernel: &mut FakeKernel, name: &str, members: &[&str]) {
    let family = if name.ends_with("_v6") {
        Family::Inet6
    } else {
        Family::Inet
    };
    create(kernel, &CreateSet::new(set(name), SetType::HashNet, family));
    let entries = members
        .iter()
        .map(|key| Entry::new(key.parse().expect(key)));
    add(kernel, name, entries);
}

fn add(kernel: &mut FakeKernel, name: &str, entries: impl IntoIterator<Item = Entry>) {
    let mut sets = IpSet::with_transport(kernel).expect("connected");
    for entry in entries {
        sets.add(&set(name), &entry, IfExists::Fail).expect("added");
    }
}

fn entry(key: &str, seconds: u32) -> Entry {
    let timeout = Timeout::from_secs(seconds).expect("short");
    Entry::new(key.parse().expect(key)).timeout(timeout)
}

fn set(name: &str) -> SetName {
    name.parse().expect(name)
}

/// The members of a set in the order they came, as `203.0.113.7 86341`.
fn members(kernel: &FakeKernel, name: &str) -> Vec<String> {
    let sets = kernel.sets().iter();
    let mut sets = sets.filter(|listed| listed.header.name == set(name));
    let entries = &sets.next().expect(name).entries;
    let told = entries.iter().map(|entry| {
        let nomatch = if entry.nomatch { " nomatch" } else { "" };
        let seconds = entry.timeout.map_or(0, Timeout::as_secs);
        format!("{} {seconds}{nomatch}", entry.key)
    });
    told.collect()
}

/// What is asked for besides rules and bans.
struct Asked {
    dry_run: bool,
    most: u32,
    exempt: Vec<Network>,
    connected: fn(&Exemptions) -> Result<Peers, String>,
    known: Known,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            dry_run: false,
            most: 1000,
            exempt: Vec::new(),
            connected: |_| Ok(Peers::default()),
            known: Known::Nothing,
        }
    }
}

impl Asked {
    fn act<'r>(
        &self,
        kernel: &mut FakeKernel,
        rules: &'r [Rule],
        bans: Vec<Ban<'r>>,
    ) -> Result<Acted<'r>, Fatal> {
        let as_of = time("2026-11-22T09:00:00Z");
        let session = IpSet::with_transport(kernel).expect("connected");
        let (mut sets, _) = Sets::of(session, rules);
        let mut banning = Banning {
            sets: Some(&mut sets),
            exemptions: &Exemptions::new(BTreeSet::new(), &self.exempt),
            dry_run: self.dry_run,
            as_of,
            present: &Present::new(AsOf::At(as_of)),
            quota: &Quota::new(NonZeroU32::new(self.most), Span::Run),
            known: self.known,
        };
        banning.act(rules, bans, &mut Table::new(self.connected))
    }

    /// One rule and whom it wants banned for a day.
    fn ban_by(&self, kernel: &mut FakeKernel, rule: &Rule, sources: &[&str]) -> Told {
        let bans = sources.iter().map(|source| ban(rule, 1, source));
        let acted = self.act(kernel, std::slice::from_ref(rule), bans.collect());
        Told::from(acted.expect("decided"))
    }

    fn ban(&self, kernel: &mut FakeKernel, sources: &[&str]) -> Told {
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
    const IPSET_ERR_HASH_FULL: i32 = 4352;
    let mut kernel = kernel();
    whitelist(&mut kernel, "whitelist", &[MONITOR]);
    kernel.refuse_next(IPSET_ERR_HASH_FULL);
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
        let exception = entry(MONITOR, 3600).nomatch();
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
    let mut kernel = kernel_with(|set| set.max_elements(1));
    let rules = [rule()];
    let told = Asked::default().ban(&mut kernel, &[SOURCE, "203.0.113.8"]);
    let [first, second] = told.outcomes.as_slice() else {
        panic!("{:?}", told.outcomes)
    };
    assert_eq!(*first, Outcome::Added);
    for words in ["blacklist", "full", "to make room", "maxelem 2"] {
        assert!(refusal(second).contains(words), "{words}: {second:?}");
    }
    assert_eq!(members(&kernel, "blacklist"), ["203.0.113.7 86341"]);
    let session = IpSet::with_transport(&mut kernel).expect("connected");
    let (mut sets, troubles) = Sets::of(session, &rules);
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
    let mut kernel = FakeKernel::new();
    assert_eq!(
        dry_run.ban(&mut kernel, &[SOURCE]).outcomes,
        [Outcome::WouldAdd]
    );
    let session = IpSet::with_transport(&mut kernel).expect("connected");
    let (_, troubles) = Sets::of(session, &[rule()]);
    let missing = |name, family| {
        format!(
            "cannot add to set \"{name}\": it does not exist; firewall-apply creates the firewall's own sets, others: \
             ipset create {name} hash:ip family {family} timeout 0"
        )
    };
    let expected = [
        missing("blacklist", "inet"),
        missing("blacklist_v6", "inet6"),
    ];
    assert_eq!(troubles, expected);
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

/// Nobody is added over somebody who came in meanwhile.
#[test]
fn sets_that_are_not_read_are_filled_all_the_same() {
    let quick = Asked {
        known: Known::Absent,
        ..Asked::default()
    };
    let mut kernel = kernel();
    add(&mut kernel, "blacklist", [entry("198.51.100.0/24", 0)]);
    let told = quick.ban(&mut kernel, &[SOURCE, "2001:db8::7"]);
    assert_eq!(told.outcomes, [Outcome::Added, Outcome::Added]);
    let expected = ["198.51.100.0/24 0".to_owned(), format!("{SOURCE} {DAY}")];
    assert_eq!(members(&kernel, "blacklist"), expected);

    let mut kernel = self::kernel();
    add(&mut kernel, "blacklist", [entry(SOURCE, 0)]);
    let told = quick.ban(&mut kernel, &[SOURCE]);
    let [Outcome::Refused(why)] = told.outcomes.as_slice() else {
        panic!("{:?}", told.outcomes)
    };
    assert!(why.contains(SOURCE), "{why}");
    assert_eq!(members(&kernel, "blacklist"), [format!("{SOURCE} 0")]);
}

#[test]
fn who_is_a_stranger_to_a_set() {
    let mut kernel = kernel();
    let exception = entry("203.0.113.128/25", 0).nomatch();
    add(&mut kernel, "blacklist", [entry(NETWORK, 0), exception]);
    let rules = [rule()];
    let session = IpSet::with_transport(&mut kernel).expect("connected");
    let (mut sets, _) = Sets::of(session, &rules);
    for (address, expected) in [
        ("203.0.112.255", true),
        ("203.0.113.7", false),
        ("203.0.113.129", false),
        ("203.0.114.0", true),
    ] {
        let is = sets.is_stranger(&set("blacklist"), address.parse().expect(address));
        assert_eq!(is, Ok(expected), "{address}");
    }
    let unknown = sets.is_stranger(&set("other"), "203.0.112.1".parse().expect("one"));
    assert_eq!(unknown, Ok(false));
}

/// A kernel in which seconds pass after the first look at `blacklist`, while `blacklist_v6` is read.
struct Passing {
    now: FakeKernel,
    later: FakeKernel,
    listings: u32,
}

const SECONDS: u32 = 3;

impl Transport for Passing {
    fn send(&mut self, request: &[u8]) -> std::io::Result<()> {
        // linux/netfilter/ipset/ip_set.h
        const IPSET_CMD_LIST: u8 = 7;
        let kind = request.get(4..6).and_then(|kind| kind.try_into().ok());
        let [_, command] = kind.map_or(0, u16::from_ne_bytes).to_be_bytes();
        let mut texts = request.windows(13);
        let is_listed = command == IPSET_CMD_LIST && texts.any(|text| text == b"blacklist_v6\0");
        self.listings += u32::from(is_listed);
        // Its header, and its members.
        if is_listed && self.listings == 2 {
            std::thread::sleep(std::time::Duration::from_secs(SECONDS.into()));
            std::mem::swap(&mut self.now, &mut self.later);
        }
        self.now.send(request)
    }

    fn receive(&mut self, datagram: &mut Vec<u8>) -> std::io::Result<()> {
        self.now.receive(datagram)
    }

    fn port(&self) -> u32 {
        self.now.port()
    }
}

/// What was read first, and by that needs no change, has less time left when it is read back.
#[test]
fn reading_large_sets_makes_no_ban_too_short() {
    let [mut now, mut later] = [kernel(), kernel()];
    add(&mut now, "blacklist", [entry(SOURCE, DAY)]);
    add(&mut later, "blacklist", [entry(SOURCE, DAY - SECONDS)]);
    let passing = Passing {
        now,
        later,
        listings: 0,
    };
    let rules = [rule()];
    let as_of = time("2026-11-22T09:00:00Z");
    let session = IpSet::with_transport(passing).expect("connected");
    let (mut sets, _) = Sets::of(session, &rules);
    let mut banning = Banning {
        sets: Some(&mut sets),
        exemptions: &Exemptions::new(BTreeSet::new(), &[]),
        dry_run: false,
        as_of,
        present: &Present::new(AsOf::At(as_of)),
        quota: &Quota::new(Some(NonZeroU32::MAX), Span::Run),
        known: Known::Nothing,
    };
    let mut nobody = Table::new(|_| Ok(Peers::default()));
    let acted = banning.act(&rules, vec![ban(&rules[0], 1, SOURCE)], &mut nobody);
    let told = Told::from(acted.expect("decided"));
    assert_eq!(told.outcomes, [Outcome::Kept(Remaining::Seconds(DAY))]);
}
