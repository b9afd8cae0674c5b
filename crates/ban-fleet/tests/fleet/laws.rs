//! Merging: no order, no number of times, no detour matters, and the later end wins.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use ban_fleet::{Host, Intake, Policy, Record, State, Time, Wanted};
use proptest::prelude::*;

use crate::drawn::{host, state, told};

fn merged(states: &[&State]) -> State {
    let mut all = State::default();
    for state in states {
        all.merge(state);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_commutative_associative_and_idempotent(one in told(), two in told(), three in told(), order in prop::collection::vec(any::<prop::sample::Index>(), 80)) {
        let [a, b, c] = [&one, &two, &three].map(|told| state(told));
        prop_assert_eq!(merged(&[&a, &b]), merged(&[&b, &a]));
        let left = merged(&[&merged(&[&a, &b]), &c]);
        let right = merged(&[&a, &merged(&[&b, &c])]);
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(merged(&[&left, &left, &a]), left.clone());
        // In any order, some twice.
        let mut all: Vec<_> = one.iter().chain(&two).chain(&three).chain(&one).cloned().collect();
        for (place, other) in order.into_iter().enumerate().take(all.len()) {
            let other = other.index(all.len());
            all.swap(place, other);
        }
        prop_assert_eq!(state(&all), left.clone());
        // How many records there are is counted as they come.
        for number in 0..3 {
            let origin = host(number);
            prop_assert_eq!(left.count(&origin), left.records_of(&origin).count());
        }
    }

    #[test]
    fn what_is_over_can_be_forgotten_at_any_time(one in told(), two in told(), now in crate::drawn::time()) {
        let mut early = state(&one);
        early.prune(now);
        early.merge(&state(&two));
        early.prune(now);
        let mut late = merged(&[&state(&one), &state(&two)]);
        late.prune(now);
        prop_assert_eq!(early, late);
    }

    /// Held against a list of all records, that knows of no merging.
    #[test]
    fn the_later_end_wins_of_what_no_pardon_voids(told in told(), now in crate::drawn::time()) {
        let mut policy = Policy::new(host(0));
        policy.from.push("host*".parse().unwrap());
        policy.admins.push("host2".parse().unwrap());
        for set in ["blacklist", "throttle-soft"] {
            policy.take_set(set.parse().unwrap(), NonZeroUsize::MIN).unwrap();
        }
        let pardons: Vec<_> = told.iter().filter_map(|(origin, record)| match record {
            Record::Pardon(pardon) if *origin != host(1) && pardon.until > now => Some(pardon),
            _ => None,
        }).collect();
        let mut ends: BTreeMap<_, Time> = BTreeMap::new();
        for (_, record) in &told {
            let Record::Ban(ban) = record else { continue };
            let is_void = pardons.iter().any(|pardon| {
                ban.last_hit <= pardon.at && (pardon.prefix.covers(ban.prefix) || ban.prefix.covers(pardon.prefix))
            });
            if ban.end > now && !is_void {
                let end = ends.entry((ban.set.clone(), ban.prefix)).or_default();
                *end = (*end).max(ban.end);
            }
        }
        let wanted = Wanted::of(&state(&told), &policy, &Intake::default(), now);
        let members: BTreeMap<_, _> = wanted.members.into_iter().map(|(key, member)| (key, member.end)).collect();
        prop_assert_eq!(members, ends);
    }
}

/// A week for what was pardoned must not hide an hour for what came later.
#[test]
fn a_void_ban_hides_none() {
    let admin: Host = "admin-anna".parse().unwrap();
    let mut policy = Policy::new(host(0));
    policy.from.push("host*".parse().unwrap());
    policy
        .take_set("blacklist".parse().unwrap(), NonZeroUsize::MIN)
        .unwrap();
    let lines = [
        (
            host(1),
            "ban blacklist 203.0.113.7 end=900 last=100 hand why=",
        ),
        (
            host(1),
            "ban blacklist 203.0.113.7 end=400 last=300 scan rule=blocked hits=5 ports=-",
        ),
        (admin, "pardon 203.0.113.7 at=200 until=1000 why="),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
        let told = order.map(|place| {
            let (origin, line): &(Host, &str) = &lines[place];
            (origin.clone(), Record::parse(line.as_bytes()).unwrap())
        });
        let wanted = Wanted::of(
            &state(&told),
            &policy,
            &Intake::default(),
            Time::from_millis(350),
        );
        let ends: Vec<_> = wanted
            .members
            .values()
            .map(|member| member.end.millis())
            .collect();
        assert_eq!((ends, wanted.void), (vec![400], 1), "{order:?}");
    }
}
