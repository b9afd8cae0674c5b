//! Hosts, an administrator and an engine with every fault there is: at rest all want the same.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::time::Duration;

use ban_fleet::{Ban, Engine, Host, MemoryEngine, Node, Pardon, Policy, Prefix, Record, Set, Time};
use proptest::prelude::*;
use proptest::sample::select;

use crate::drawn::host;

const HOSTS: usize = 4;
const BEGIN: u64 = 1_795_339_554_000;

/// What happens; hosts by number, of which the last is the administrator.
#[derive(Clone, Debug)]
enum Step {
    /// A host bans for so long, by a clock that is so wrong.
    Ban(usize, Prefix, &'static str, u64, i64),
    Pardon(Prefix),
    Sync(usize),
    /// A host loses what it knows; its outbox is on disk.
    Crash(usize),
    /// What a host knows is kept in a file until its program runs again.
    Keep(usize),
    /// What a host told comes once more.
    Duplicate(usize),
    LoseLast(usize),
    RestartEmpty,
    Copy,
    Restore,
    Trim,
    CutOff(usize, bool),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let any_host = || 0..=HOSTS;
    let prefix = || {
        select(vec![
            "203.0.113.7",
            "203.0.113.8",
            "203.0.113.0/24",
            "198.51.100.1",
            "2001:db8::7",
            "2001:db8::/64",
        ])
        .prop_map(|text| text.parse().unwrap())
    };
    prop_oneof![
        6 => (0..HOSTS, prefix(), select(vec!["blacklist", "throttle-soft"]), 1_u64..3000, -30_i64..30)
            .prop_map(|(host, prefix, set, seconds, offset)| Step::Ban(host, prefix, set, seconds, offset)),
        1 => prefix().prop_map(Step::Pardon),
        8 => any_host().prop_map(Step::Sync),
        1 => any_host().prop_map(Step::Crash),
        3 => any_host().prop_map(Step::Keep),
        1 => (0..HOSTS).prop_map(Step::Duplicate),
        1 => (1_usize..5).prop_map(Step::LoseLast),
        1 => Just(Step::RestartEmpty),
        1 => Just(Step::Copy),
        1 => Just(Step::Restore),
        1 => Just(Step::Trim),
        2 => (any_host(), any::<bool>()).prop_map(|(host, is_cut_off)| Step::CutOff(host, is_cut_off)),
        3 => (1_u64..400).prop_map(Step::Pass),
    ]
}

struct Fleet {
    engine: MemoryEngine,
    copy: MemoryEngine,
    hosts: Vec<Member>,
    now: Time,
}

struct Member {
    node: Node,
    policy: Policy,
    /// What is on its disk.
    outbox: Vec<Record>,
}

impl Fleet {
    fn new(protected: &[Prefix]) -> Self {
        let names = (0..HOSTS).map(host).chain(["admin-anna".parse().unwrap()]);
        let hosts = names.map(|own: Host| {
            let mut policy = Policy::new(own.clone());
            policy.from.push("host*".parse().unwrap());
            policy.protected = protected.iter().copied().collect();
            for set in ["blacklist", "throttle-soft"] {
                policy
                    .take_set(set.parse().unwrap(), NonZeroUsize::MIN)
                    .unwrap();
            }
            Member {
                node: Node::new(own),
                policy,
                outbox: Vec::new(),
            }
        });
        Self {
            engine: MemoryEngine::default(),
            copy: MemoryEngine::default(),
            hosts: hosts.collect(),
            now: Time::from_millis(BEGIN),
        }
    }

    fn tell(&mut self, number: usize, record: Record) {
        let host = &mut self.hosts[number];
        host.outbox.push(record.clone());
        host.node.tell(record);
    }

    fn sync(&mut self, number: usize) {
        let Member { node, policy, .. } = &mut self.hosts[number];
        // What cannot be reached is asked again.
        let _ = node.sync(&mut self.engine.session(&policy.own), policy, self.now);
    }

    fn go(&mut self, step: &Step) {
        match *step {
            Step::Ban(number, prefix, set, seconds, offset) => {
                let last_hit =
                    Time::from_millis(self.now.millis().saturating_add_signed(offset * 1000));
                let line = format!(
                    "ban {set} {prefix} end={} last={last_hit} scan rule=blocked hits=5 ports=-",
                    last_hit.after(Duration::from_secs(seconds))
                );
                self.tell(number, Record::parse(line.as_bytes()).unwrap());
            }
            Step::Pardon(prefix) => {
                let until = self.now.after(Duration::from_secs(7200));
                let line = format!("pardon {prefix} at={} until={until} why=", self.now);
                self.tell(HOSTS, Record::parse(line.as_bytes()).unwrap());
            }
            Step::Sync(number) => self.sync(number),
            Step::Crash(number) => {
                let host = &mut self.hosts[number];
                host.node = Node::new(host.policy.own.clone());
                for record in &host.outbox {
                    host.node.tell(record.clone());
                }
            }
            Step::Keep(number) => {
                let host = &mut self.hosts[number];
                let text = host.node.save();
                host.node = Node::restore(host.policy.own.clone(), &text).unwrap();
                assert_eq!(host.node.save(), text);
            }
            Step::Duplicate(number) => {
                let host = &self.hosts[number];
                let lines = host
                    .outbox
                    .iter()
                    .map(|record| record.to_string().into_bytes());
                self.engine.write(&host.policy.own, lines.collect());
            }
            Step::LoseLast(writes) => self.engine.lose_last(writes),
            Step::RestartEmpty => self.engine.restart_empty(),
            Step::Copy => self.copy = self.engine.clone(),
            Step::Restore => self.engine.restore(&self.copy),
            Step::Trim => self.engine.trim(),
            Step::CutOff(number, is_cut_off) => {
                self.engine
                    .cut_off(&self.hosts[number].policy.own, is_cut_off);
            }
            Step::Pass(seconds) => self.now = self.now.after(Duration::from_secs(seconds)),
        }
    }

    fn rest(&mut self) {
        for host in &self.hosts {
            self.engine.cut_off(&host.policy.own, false);
        }
        for _ in 0..3 {
            for number in 0..self.hosts.len() {
                self.sync(number);
            }
        }
    }

    /// What all disks come to, without a word about merging.
    fn expected(&self, protected: &[Prefix]) -> BTreeMap<(Set, Prefix), Time> {
        let told = || self.hosts.iter().flat_map(|host| &host.outbox);
        let pardons: Vec<&Pardon> = told()
            .filter_map(|record| match record {
                Record::Pardon(pardon) if pardon.until > self.now => Some(pardon),
                _ => None,
            })
            .collect();
        let holds = |ban: &Ban| {
            let is_void = pardons
                .iter()
                .any(|pardon| ban.last_hit <= pardon.at && pardon.prefix.overlaps(ban.prefix));
            ban.end > self.now
                && !is_void
                && !protected
                    .iter()
                    .any(|protected| protected.overlaps(ban.prefix))
        };
        let mut ends: BTreeMap<_, Time> = BTreeMap::new();
        for record in told() {
            if let Record::Ban(ban) = record {
                if holds(ban) {
                    let end = ends.entry((ban.set.clone(), ban.prefix)).or_default();
                    *end = (*end).max(ban.end);
                }
            }
        }
        ends
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn all_want_the_same_entry_by_entry(
        steps in prop::collection::vec(step(), 0..120),
        protected in prop::option::of(select(vec!["203.0.113.7", "2001:db8::/32"])),
    ) {
        let protected: Vec<Prefix> = protected.into_iter().map(|text| text.parse().unwrap()).collect();
        let mut fleet = Fleet::new(&protected);
        for step in &steps {
            fleet.go(step);
        }
        fleet.rest();
        let expected = fleet.expected(&protected);
        for host in &fleet.hosts {
            let wanted = host.node.wanted(&host.policy, fleet.now);
            let members: BTreeMap<_, _> = wanted.members.into_iter().map(|(key, member)| (key, member.end)).collect();
            prop_assert_eq!(&members, &expected, "{}", host.policy.own);
        }
        // Nobody tells on what he was told, but pardons that hold.
        let own = fleet.hosts[0].policy.own.clone();
        let all = fleet.engine.session(&own).snapshot(None, usize::MAX).unwrap();
        let pardons: BTreeSet<_> = fleet.hosts[HOSTS].outbox.iter().map(ToString::to_string).collect();
        for told in all.told {
            let line = String::from_utf8(told.line).unwrap();
            let host = fleet.hosts.iter().find(|host| host.policy.own == told.origin).unwrap();
            let is_own = host.outbox.iter().any(|record| record.to_string() == line);
            prop_assert!(is_own || pardons.contains(&line), "{}: {}", told.origin, line);
        }
    }
}

fn fleet_of(steps: &[Step]) -> Fleet {
    let mut fleet = Fleet::new(&[]);
    for step in steps {
        fleet.go(step);
    }
    fleet
}

fn members(fleet: &Fleet, number: usize) -> usize {
    let host = &fleet.hosts[number];
    host.node.wanted(&host.policy, fleet.now).members.len()
}

fn ban(number: usize) -> Step {
    Step::Ban(number, "203.0.113.7".parse().unwrap(), "blacklist", 3000, 0)
}

fn pardon() -> Step {
    Step::Pardon("203.0.113.7".parse().unwrap())
}

/// The engine is restored from a copy of before the pardon, the administrator is away, and a host
/// joins: the others have passed it on.
#[test]
fn a_pardon_outlives_the_engine_that_it_was_given_to() {
    let mut fleet = fleet_of(&[
        ban(0),
        Step::Sync(0),
        Step::Copy,
        pardon(),
        Step::Sync(HOSTS),
    ]);
    for number in [0, 1, 0, 1] {
        fleet.sync(number);
    }
    assert_eq!((members(&fleet, 0), members(&fleet, 1)), (0, 0));
    fleet.go(&Step::Restore);
    for number in [0, 1, 0, 1, 3] {
        fleet.sync(number);
    }
    assert_eq!(
        (members(&fleet, 0), members(&fleet, 1), members(&fleet, 3)),
        (0, 0, 0)
    );
    // The log is scanned again, and says the same as before; and something new afterwards.
    let same = fleet.hosts[0].outbox[0].clone();
    fleet.tell(0, same);
    fleet.sync(0);
    fleet.sync(3);
    assert_eq!(members(&fleet, 3), 0);
    fleet.go(&Step::Pass(1));
    for step in [ban(0), Step::Sync(0), Step::Sync(3)] {
        fleet.go(&step);
    }
    assert_eq!(members(&fleet, 3), 1);
}

/// The last writes are lost with a fail-over and others come after them: no cursor tells of that.
#[test]
fn what_a_fail_over_lost_is_told_again() {
    let mut fleet = fleet_of(&[
        ban(0),
        Step::Sync(0),
        Step::LoseLast(1),
        Step::Ban(1, "198.51.100.1".parse().unwrap(), "blacklist", 3000, 0),
        Step::Sync(1),
        Step::Sync(2),
    ]);
    assert_eq!(members(&fleet, 2), 1);
    for number in [0, 2] {
        fleet.sync(number);
    }
    assert_eq!(members(&fleet, 2), 2);
}

#[test]
fn an_administrators_pardon_is_given_in_one_step() {
    let mut fleet = fleet_of(&[ban(0), Step::Sync(0), Step::Sync(1)]);
    assert_eq!(members(&fleet, 1), 1);
    let admin: Host = "admin-anna".parse().unwrap();
    let until = fleet.now.after(Duration::from_secs(7200));
    let line = format!("pardon 203.0.113.0/24 at={} until={until} why=", fleet.now);
    let Record::Pardon(pardon) = Record::parse(line.as_bytes()).unwrap() else {
        unreachable!()
    };
    // A host cannot give it in his name.
    let own = host(1);
    assert!(fleet.engine.session(&own).pardon(&admin, &pardon).is_err());
    fleet
        .engine
        .session(&admin)
        .pardon(&admin, &pardon)
        .unwrap();
    fleet.sync(1);
    assert_eq!(members(&fleet, 1), 0);
}

#[test]
fn what_was_kept_is_known_whole_or_not_at_all() {
    let fleet = fleet_of(&[
        ban(0),
        Step::Sync(0),
        Step::Pardon("198.51.100.1".parse().unwrap()),
        Step::Sync(HOSTS),
        Step::Sync(1),
        ban(1),
    ]);
    let host = &fleet.hosts[1];
    let text = host.node.save();
    assert!(
        text.contains("\nunsent ban ") && text.contains("\nwhole\n"),
        "{text}"
    );
    let restore = |text: &str| Node::restore(host.policy.own.clone(), text);
    assert!(restore(&text).is_ok());
    for end in 0..text.len() {
        assert!(restore(&text[..end]).is_err(), "{}", &text[..end]);
    }
    for line in text.lines() {
        let without = text.replacen(&format!("{line}\n"), "", 1);
        assert!(restore(&without).is_err(), "{line}");
        let wrong = text.replacen(line, &format!("{line}\t"), 1);
        assert!(restore(&wrong).is_err(), "{line}");
    }
}
