//! Many entries at once.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::ControlFlow;

use ipset_netlink::{
    CreateSet, Entry, Family, IfExists, IfMissing, IpSet, Key, Listed, SetType, Timeout,
};
use netns_testbed::{Failed, Tool, Trial};

use crate::{entry, key, make, name, plain, seconds, with_session};

pub(crate) fn trials(trials: &mut Vec<Trial>) {
    with_session(
        trials,
        "a_hundred_thousand_go_in_and_out",
        a_hundred_thousand_go_in_and_out,
    );
    with_session(
        trials,
        "every_refused_entry_is_named",
        every_refused_entry_is_named,
    );
    with_session(
        trials,
        "a_full_set_refuses_each_by_name",
        a_full_set_refuses_each_by_name,
    );
    with_session(
        trials,
        "long_entries_are_spread_over_messages",
        long_entries_are_spread_over_messages,
    );
    with_session(
        trials,
        "no_entries_need_a_set_too",
        no_entries_need_a_set_too,
    );
    with_session(
        trials,
        "a_listing_that_is_left_early_holds_nothing_up",
        a_listing_that_is_left_early_holds_nothing_up,
    );
}

fn a_listing_that_is_left_early_holds_nothing_up(sets: &mut IpSet) -> Result<(), Failed> {
    const N: u32 = 100_000;
    let numbered = (0..N).map(|n| Entry::new(Ipv4Addr::from(n | 10 << 24).into()));
    for set in ["a", "b"] {
        let create = plain(set, SetType::HashIp, Family::Inet).max_elements(N);
        sets.create(&create, IfExists::Fail)?;
    }
    assert!(
        sets.add_all(&name("a"), numbered, IfExists::Fail)?
            .is_complete()
    );
    for (full, empty, looked_at) in [("a", "b", 1), ("b", "a", 20_000), ("a", "b", N)] {
        let mut seen = 0;
        sets.for_each(Some(&name(full)), |listed| {
            seen += u32::from(matches!(listed, Listed::Entry(_)));
            if seen == looked_at {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        assert_eq!(seen, looked_at);
        // Not possible while anybody lists one of the two.
        sets.swap(&name(full), &name(empty))?;
    }
    sets.destroy(&name("b"), IfMissing::Fail)?;
    Ok(())
}

type Nth = fn(u32) -> Key;

fn a_hundred_thousand_go_in_and_out(sets: &mut IpSet) -> Result<(), Failed> {
    const N: u32 = 100_000;
    let ipset = Tool::find("ipset");
    let v4 = |n: u32| Key::ip(Ipv4Addr::from(n.wrapping_mul(2_654_435_761) | 1 << 31).into());
    let v6 = |n: u32| Key::ip(Ipv6Addr::from((0x2001_0db8 << 96) | u128::from(n)).into());
    let families: [(&str, Family, Nth); 2] =
        [("four", Family::Inet, v4), ("six", Family::Inet6, v6)];
    for (set, family, nth) in families {
        let create = plain(set, SetType::HashNet, family)
            .timeout(Timeout::PERMANENT)
            .max_elements(2 * N);
        sets.create(&create, IfExists::Fail)?;
        let set = create.name;
        let mut expected: Vec<_> = (0..N).map(nth).collect();
        expected.sort();
        expected.dedup();

        let entries = (0..N).map(|n| Entry::new(nth(n)).timeout(seconds(3600)));
        let outcome = sets.add_all(&set, entries, IfExists::Update)?;
        assert_eq!(outcome.accepted, u64::from(N));
        assert!(outcome.is_complete());

        let mut listed: Vec<_> = sets
            .list(&set)?
            .entries
            .into_iter()
            .map(|entry| entry.key)
            .collect();
        listed.sort();
        assert!(
            listed == expected,
            "{} of {} are listed",
            listed.len(),
            expected.len()
        );
        if let Some(ipset) = &ipset {
            let saved = ipset.run(&["save", set.as_str()])?;
            let mut saved: Vec<_> = saved
                .lines()
                .filter_map(|line| line.strip_prefix("add ")?.split(' ').nth(1))
                .map(key)
                .collect();
            saved.sort();
            assert!(
                saved == expected,
                "{} of {} are saved",
                saved.len(),
                expected.len()
            );
        }

        let outcome = sets.delete_all(&set, &expected[1..], IfMissing::Fail)?;
        assert_eq!(outcome.accepted, expected.len() as u64 - 1);
        assert!(outcome.is_complete());
        assert_eq!(sets.list(&set)?.entries.len(), 1);
    }
    Ok(())
}

fn every_refused_entry_is_named(sets: &mut IpSet) -> Result<(), Failed> {
    let set = make(sets, "s");
    // Every seventh is there already and every thousandth is of the other family.
    let entries: Vec<_> = (1..=10_000_u32)
        .map(|n| match n {
            _ if n % 1000 == 0 => entry("2001:db8::1"),
            _ if n % 7 == 0 => entry("0.0.0.1"),
            _ => Entry::new(Ipv4Addr::from(n).into()),
        })
        .collect();
    let outcome = sets.add_all(&set, &entries, IfExists::Fail)?;
    let expected: Vec<_> = (1..=10_000_u64)
        .filter(|n| n % 1000 == 0 || n % 7 == 0)
        .collect();
    let refused: Vec<_> = outcome
        .failures
        .iter()
        .map(|failure| failure.index + 1)
        .collect();
    assert_eq!(refused, expected);
    assert_eq!(outcome.accepted, 10_000 - expected.len() as u64);
    assert_eq!(sets.list(&set)?.entries.len() as u64, outcome.accepted);
    for failure in &outcome.failures {
        assert_eq!(failure.key, entries[usize::try_from(failure.index)?].key);
        if (failure.index + 1) % 1000 == 0 {
            assert!(failure.error.is_family_mismatch(), "{}", failure.error);
        } else {
            assert!(failure.error.is_entry_exists(), "{}", failure.error);
        }
    }
    Ok(())
}

fn a_full_set_refuses_each_by_name(sets: &mut IpSet) -> Result<(), Failed> {
    let create = plain("s", SetType::HashIp, Family::Inet).max_elements(100);
    sets.create(&create, IfExists::Fail)?;
    let entries = (1..=3000_u32).map(|n| Entry::new(Ipv4Addr::from(n).into()));
    let outcome = sets.add_all(&create.name, entries, IfExists::Fail)?;
    assert_eq!(outcome.accepted, 100);
    assert_eq!(outcome.failures.len(), 2900);
    assert!(
        outcome
            .failures
            .iter()
            .all(|failure| failure.error.is_set_full())
    );
    assert_eq!(
        outcome.failures[0].error.to_string(),
        "cannot add 0.0.0.101 to set \"s\": the set is full (maxelem 100)"
    );
    Ok(())
}

fn long_entries_are_spread_over_messages(sets: &mut IpSet) -> Result<(), Failed> {
    let create = CreateSet::new(name("s"), SetType::HashIp, Family::Inet6)
        .timeout(seconds(60))
        .comments();
    sets.create(&create, IfExists::Fail)?;
    let comment = "c".repeat(255);
    let entries = (1..=2000_u128).map(|n| {
        Entry::new(Ipv6Addr::from(n).into())
            .timeout(seconds(30))
            .comment(comment.parse().unwrap())
    });
    let outcome = sets.add_all(&create.name, entries, IfExists::Fail)?;
    assert_eq!(outcome.accepted, 2000);
    let listed = sets.list(&create.name)?.entries;
    assert_eq!(listed.len(), 2000);
    assert!(
        listed
            .iter()
            .all(|entry| entry.comment.as_ref().unwrap().as_str() == comment)
    );
    Ok(())
}

fn no_entries_need_a_set_too(sets: &mut IpSet) -> Result<(), Failed> {
    let nothing = [] as [Entry; 0];
    let error = sets
        .add_all(&name("no-such-set"), &nothing, IfExists::Fail)
        .unwrap_err();
    assert!(error.is_set_not_found(), "{error}");
    let set = make(sets, "s");
    let outcome = sets.add_all(&set, &nothing, IfExists::Fail)?;
    assert_eq!((outcome.accepted, outcome.is_complete()), (0, true));
    Ok(())
}
