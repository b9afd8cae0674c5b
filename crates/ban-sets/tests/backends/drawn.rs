//! Commands drawn at random: sets in memory are the oracle for another backend's.

use std::collections::BTreeMap;

use ban_sets::{
    Backend, Comment, End, Entry, Error, Family, IfThere, Network, Set, SetName, network,
};
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::bench::Bench;

/// Networks that lie in one another, and beside.
const NETWORKS: [[&str; 8]; 2] = [
    [
        "203.0.113.0/24",
        "203.0.113.0/25",
        "203.0.113.0/31",
        "203.0.113.0",
        "203.0.113.1",
        "203.0.113.200",
        "198.51.100.0/24",
        "0.0.0.0/0",
    ],
    [
        "2001:db8::/32",
        "2001:db8::/64",
        "2001:db8::/127",
        "2001:db8::",
        "2001:db8::1",
        "2001:db8:1::1",
        "2001:db9::/32",
        "::/0",
    ],
];

/// What a set can hold at most; small enough to be full.
const MOST: u32 = 4;

#[derive(Clone, Debug)]
enum Command {
    Put(Vec<Drawn>, bool),
    TakeOut(usize),
    Matches(usize),
    Excepts(usize),
}

/// An entry to be put.
#[derive(Clone, Debug)]
struct Drawn {
    network: usize,
    other_family: bool,
    end: u8,
    comment: bool,
    exception: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let rarely = prop::bool::weighted(0.05);
    let parts = (0..8_usize, rarely, 0..5_u8, any::<bool>(), any::<bool>());
    parts.prop_map(|(network, other_family, end, comment, exception)| Drawn {
        network,
        other_family,
        end,
        comment,
        exception,
    })
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => (vec(drawn(), 0..6), any::<bool>()).prop_map(|(all, replace)| Command::Put(all, replace)),
        2 => (0..7_usize).prop_map(Command::TakeOut),
        1 => (0..7_usize).prop_map(Command::Matches),
        1 => (0..7_usize).prop_map(Command::Excepts),
    ]
}

pub(crate) fn run(other: &mut Bench) {
    let mut seen = BTreeMap::new();
    let mut runner = TestRunner::new(Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let seen_in = std::cell::RefCell::new(&mut seen);
    let other = std::cell::RefCell::new(other);
    let cases = (0..2_usize, any::<bool>(), vec(command(), 1..30));
    let held = runner.run(&cases, |(family, comments, commands)| {
        let mut other = other.borrow_mut();
        let mut memory = Bench::memory();
        let make = |bench: &mut Bench| {
            let options = |set| Set {
                comments,
                most: Some(MOST),
                ..set
            };
            bench.make(options, [Family::Inet, Family::Inet6][family])
        };
        let sets = [make(&mut memory), make(&mut other)];
        for command in &commands {
            let theirs = command.run(other.sets.as_mut(), &sets[1], family);
            let ours = command.run(memory.sets.as_mut(), &sets[0], family);
            prop_assert_eq!(&ours, &theirs, "{:?}", command);
            *seen_in.borrow_mut().entry(ours).or_insert(0) += 1;
        }
        same(
            memory.sets.as_mut(),
            &sets[0],
            other.sets.as_mut(),
            &sets[1],
        )
    });
    if let Err(failure) = held {
        panic!("{failure}");
    }
    // Refused in many ways, and not most of the time.
    assert!(seen.len() > 20, "{seen:?}");
}

fn network_of(number: usize, family: usize) -> Network {
    network::parse(NETWORKS[family][number]).unwrap()
}

impl Command {
    /// What came of it, in words that every backend has.
    fn run(&self, sets: &mut dyn Backend, set: &SetName, family: usize) -> String {
        let kind = |error: &Error| {
            let is = (error.is_set_full(), error.is_entry_there());
            match is {
                (true, _) => "full",
                (_, true) => "there",
                _ => "refused",
            }
        };
        let now = Timestamp::now();
        match self {
            Self::Put(all, replace) => {
                let longest = sets.longest();
                let entries: Vec<_> = all
                    .iter()
                    .map(|one| one.entry(family, now, longest))
                    .collect();
                let if_there = if *replace {
                    IfThere::Replace
                } else {
                    IfThere::Refuse
                };
                let refused = sets.put(set, &entries, now, if_there).unwrap();
                let refused = refused.iter();
                let said = refused.map(|one| format!("{} {}", one.place, kind(&one.error)));
                format!("put {}", said.collect::<Vec<_>>().join(", "))
            }
            Self::TakeOut(number) => {
                let network = network_of(*number, family);
                format!("taken out {}", sets.take_out(set, network).unwrap())
            }
            Self::Matches(number) => {
                let network = network_of(*number, family);
                format!("matches {}", sets.matches(set, network).unwrap())
            }
            Self::Excepts(number) => {
                let address = network_of(*number, family).address();
                format!("excepts {}", sets.excepts(set, address).unwrap())
            }
        }
    }
}

impl Drawn {
    fn entry(&self, family: usize, now: Timestamp, longest: u32) -> Entry {
        let family = if self.other_family {
            1 - family
        } else {
            family
        };
        let end = match self.end {
            0 => End::Never,
            1 => End::after(now, 1000),
            2 => End::At(now + SignedDuration::from_millis(50_000_500)),
            3 => End::after(now, longest),
            _ => End::after(now, longest + 10),
        };
        let comment: Option<Comment> = self.comment.then(|| "a reason".parse().unwrap());
        let entry = Entry::new(network_of(self.network, family));
        let entry = entry.until(end).because(comment);
        if self.exception {
            entry.except()
        } else {
            entry
        }
    }
}

/// Whether two sets hold the same, ends to the seconds that it takes.
fn same(
    ours: &mut dyn Backend,
    our_set: &SetName,
    theirs: &mut dyn Backend,
    their_set: &SetName,
) -> Result<(), TestCaseError> {
    let now = Timestamp::now();
    let ours = ours.members(our_set, now).unwrap();
    let theirs = theirs.members(their_set, now).unwrap();
    let keys = |members: &ban_sets::Members| -> Vec<_> {
        let members = members.iter();
        let members =
            members.map(|(_, entry)| (entry.network, entry.exception, entry.comment.clone()));
        members.collect()
    };
    prop_assert_eq!(keys(&ours), keys(&theirs));
    for (network, entry) in ours.iter() {
        let Some(there) = theirs.get(network) else {
            continue;
        };
        match (entry.end, there.end) {
            (End::At(one), End::At(other)) => {
                let apart = one.duration_since(other).abs();
                prop_assert!(apart <= SignedDuration::from_secs(30), "{:?}", apart);
            }
            (one, other) => prop_assert_eq!(one, other),
        }
    }
    Ok(())
}
