//! Sets as a whole.

use std::time::Duration;

use ipset_netlink::{CreateSet, Family, IfExists, IfMissing, IpSet, SetType, Timeout};
use netns_testbed::{Failed, Trial};

use crate::{entry, key, make, name, plain, seconds, with_session};

pub(crate) fn trials(trials: &mut Vec<Trial>) {
    with_session(
        trials,
        "creating_again_changes_nothing",
        creating_again_changes_nothing,
    );
    with_session(trials, "adding_again_refreshes", adding_again_refreshes);
    with_session(
        trials,
        "timeouts_are_whole_and_run_down",
        timeouts_are_whole_and_run_down,
    );
    with_session(
        trials,
        "swapping_exchanges_the_contents",
        swapping_exchanges_the_contents,
    );
    with_session(trials, "renaming_keeps_the_index", renaming_keeps_the_index);
    with_session(
        trials,
        "the_kernel_says_its_revisions",
        the_kernel_says_its_revisions,
    );
    with_session(trials, "flushing_and_destroying", flushing_and_destroying);
}

fn creating_again_changes_nothing(sets: &mut IpSet) -> Result<(), Failed> {
    let create = plain("s", SetType::HashNet, Family::Inet6)
        .timeout(Timeout::PERMANENT)
        .comments();
    sets.create(&create, IfExists::Update)?;
    sets.add(&create.name, &entry("2001:db8::/32"), IfExists::Fail)?;
    sets.create(&create, IfExists::Update)?;
    sets.create(&create.clone().hash_size(4096), IfExists::Update)?;
    let set = sets.list(&create.name)?;
    assert_eq!(set.entries.len(), 1);
    assert_eq!(set.header.options.hash_size, Some(1024));
    // What a header says makes the same set.
    sets.create(&CreateSet::from(&set.header), IfExists::Update)?;
    Ok(())
}

fn adding_again_refreshes(sets: &mut IpSet) -> Result<(), Failed> {
    let create = plain("s", SetType::HashIp, Family::Inet)
        .timeout(seconds(100))
        .comments();
    sets.create(&create, IfExists::Fail)?;
    let old = entry("192.0.2.7").comment("old".parse()?);
    let new = entry("192.0.2.7")
        .comment("new".parse()?)
        .timeout(seconds(1000));
    sets.add(&create.name, &old, IfExists::Fail)?;
    assert!(
        sets.add(&create.name, &new, IfExists::Fail)
            .unwrap_err()
            .is_entry_exists()
    );
    sets.add(&create.name, &new, IfExists::Update)?;
    let listed = sets.list(&create.name)?.entries;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].comment, new.comment);
    assert!(listed[0].timeout.unwrap() > seconds(900));
    Ok(())
}

fn timeouts_are_whole_and_run_down(sets: &mut IpSet) -> Result<(), Failed> {
    let create = plain("s", SetType::HashIp, Family::Inet).timeout(Timeout::PERMANENT);
    sets.create(&create, IfExists::Fail)?;
    let set = create.name;
    sets.add(
        &set,
        &entry("192.0.2.1").timeout(Duration::from_millis(500).try_into()?),
        IfExists::Fail,
    )?;
    sets.add(
        &set,
        &entry("192.0.2.2").timeout(Timeout::MAX),
        IfExists::Fail,
    )?;
    sets.add(&set, &entry("192.0.2.3"), IfExists::Fail)?;
    // Long enough for the kernel on any machine, however slow.
    for _ in 0..600 {
        if !sets.contains(&set, &key("192.0.2.1"))? {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut left: Vec<_> = sets
        .list(&set)?
        .entries
        .into_iter()
        .map(|e| (e.key, e.timeout))
        .collect();
    left.sort();
    assert_eq!(left.len(), 2);
    assert_eq!(left[1], (key("192.0.2.3"), Some(Timeout::PERMANENT)));
    let long = left[0].1.unwrap();
    assert!(long <= Timeout::MAX && long > seconds(2_147_000), "{long}");
    Ok(())
}

fn swapping_exchanges_the_contents(sets: &mut IpSet) -> Result<(), Failed> {
    let (old, new) = (make(sets, "old"), make(sets, "new"));
    sets.add(&old, &entry("192.0.2.1"), IfExists::Fail)?;
    sets.add(&new, &entry("192.0.2.2"), IfExists::Fail)?;
    let index = sets.index(&old)?;
    sets.swap(&old, &new)?;
    assert_eq!(sets.list(&old)?.entries, [entry("192.0.2.2")]);
    assert_eq!(sets.list(&new)?.entries, [entry("192.0.2.1")]);
    assert_eq!(sets.index(&old)?, index, "a rule finds the new contents");
    Ok(())
}

fn renaming_keeps_the_index(sets: &mut IpSet) -> Result<(), Failed> {
    make(sets, "other");
    let old = make(sets, "old");
    let index = sets.index(&old)?;
    assert_eq!((index.index, index.family), (1, Family::Inet));
    sets.rename(&old, &name("new"))?;
    assert_eq!(sets.index(&name("new"))?, index);
    assert!(sets.index(&old).unwrap_err().is_set_not_found());
    let mut names = sets.names()?;
    names.sort();
    assert_eq!(names, [name("new"), name("other")]);
    Ok(())
}

fn the_kernel_says_its_revisions(sets: &mut IpSet) -> Result<(), Failed> {
    assert!(sets.protocol().current >= 7);
    for set_type in [SetType::HashIp, SetType::HashNet] {
        for family in [Family::Inet, Family::Inet6] {
            let revisions = sets.revisions(&set_type, family)?;
            assert!(revisions.minimum <= revisions.maximum, "{revisions:?}");
        }
    }
    let unknown = SetType::Other("hash:nothing".into());
    let error = sets.revisions(&unknown, Family::Inet).unwrap_err();
    assert!(error.is_type_unknown(), "{error}");
    Ok(())
}

fn flushing_and_destroying(sets: &mut IpSet) -> Result<(), Failed> {
    let (s, t) = (make(sets, "s"), make(sets, "t"));
    for set in [&s, &t] {
        sets.add(set, &entry("192.0.2.1"), IfExists::Fail)?;
    }
    sets.flush(&s)?;
    let sizes: Vec<_> = sets
        .list_all()?
        .iter()
        .map(|set| set.entries.len())
        .collect();
    assert_eq!(sizes, [0, 1]);
    sets.destroy(&t, IfMissing::Fail)?;
    assert_eq!(sets.names()?, [s]);
    Ok(())
}
