//! All entries of a set replaced in one step.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ipset_netlink::{
    CreateSet, Entry, Family, IfExists, IfMissing, IpSet, NetlinkFamily, NetlinkSocket, SetType,
    Timeout, Transport,
};
use netns_testbed::{Failed, Namespace, Tool, Trial};

use crate::{entry, key, name, plain, seconds, with_session};

pub(crate) fn trials(trials: &mut Vec<Trial>) {
    with_session(
        trials,
        "a_reader_never_misses_what_both_have",
        a_reader_never_misses_what_both_have,
    );
    with_session(
        trials,
        "a_rule_refers_to_the_set_that_is_replaced",
        a_rule_refers_to_the_set_that_is_replaced,
    );
    with_session(
        trials,
        "a_refused_entry_changes_nothing",
        a_refused_entry_changes_nothing,
    );
    with_session(
        trials,
        "the_set_keeps_its_options_and_grows",
        the_set_keeps_its_options_and_grows,
    );
    with_session(
        trials,
        "lists_and_bitmaps_are_replaced",
        lists_and_bitmaps_are_replaced,
    );
    with_session(
        trials,
        "what_a_killed_run_left_is_removed",
        what_a_killed_run_left_is_removed,
    );
    with_session(
        trials,
        "a_thread_elsewhere_takes_nothing_for_left",
        a_thread_elsewhere_takes_nothing_for_left,
    );
}

/// Netlink ports are numbers of one network namespace; those of another say nothing.
fn a_thread_elsewhere_takes_nothing_for_left(sets: &mut IpSet) -> Result<(), Failed> {
    let other = NetlinkSocket::connect(NetlinkFamily::Netfilter)?;
    let at_work = format!("~{:08x}~s", other.port());
    for set in ["s", &at_work] {
        sets.create(&plain(set, SetType::HashIp, Family::Inet), IfExists::Fail)?;
    }
    Namespace::new()?.run(|| -> Result<(), Failed> {
        // The first port of this process here has the number that its first port there has.
        let _first = NetlinkSocket::connect(NetlinkFamily::Netfilter)?;
        sets.replace_all(&name("s"), numbered(0..10))?;
        Ok(())
    })?;
    assert!(sets.names()?.contains(&name(&at_work)));
    Ok(())
}

fn numbered(numbers: std::ops::Range<u32>) -> impl Iterator<Item = Entry> + Clone {
    numbers.map(|n| Entry::new(Ipv4Addr::from(n | 10 << 24).into()))
}

fn a_reader_never_misses_what_both_have(sets: &mut IpSet) -> Result<(), Failed> {
    let set = name("s");
    sets.create(&plain("s", SetType::HashIp, Family::Inet), IfExists::Fail)?;
    let common = entry("192.0.2.7");
    sets.add(&set, &common, IfExists::Fail)?;
    let done = AtomicBool::new(false);
    let mut reader = IpSet::connect()?;
    thread::scope(|scope| {
        let watch = scope.spawn(|| -> Result<(u64, u64), Failed> {
            let (mut asked, mut missed) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                asked += 1;
                missed += u64::from(!reader.contains(&set, &common.key)?);
            }
            Ok((asked, missed))
        });
        let replaced = (0..50_u32).try_for_each(|round| {
            let others = numbered(round * 100..round * 100 + 3000);
            let replaced = sets.replace_all(&set, others.chain([common.clone()]))?;
            assert_eq!((replaced.entries, replaced.remains), (3001, None));
            Ok::<_, Failed>(())
        });
        done.store(true, Ordering::Relaxed);
        let (asked, missed) = watch.join().unwrap()?;
        replaced?;
        assert!(asked > 0);
        assert_eq!(missed, 0, "of {asked}");
        Ok(())
    })
}

fn a_rule_refers_to_the_set_that_is_replaced(sets: &mut IpSet) -> Result<(), Failed> {
    let iptables = Tool::require("iptables")?;
    // As long as a name can be: the temporary one is cut.
    let set = name("a234567890b234567890c234567890d");
    let longer = plain(set.as_str(), SetType::HashNet, Family::Inet);
    sets.create(&longer, IfExists::Fail)?;
    assert!(
        sets.add_all(&set, numbered(0..10), IfExists::Fail)?
            .is_complete()
    );
    let matches = [
        "-m",
        "set",
        "--match-set",
        set.as_str(),
        "src",
        "-j",
        "DROP",
    ];
    iptables.run(&[&["-A", "INPUT"], &matches[..]].concat())?;
    let rule = iptables.run(&["-S", "INPUT"])?;

    let replaced = sets.replace_all(&set, numbered(5..20))?;
    assert_eq!(replaced.entries, 15);
    assert_eq!(sets.header(&set)?.references, 1);
    assert!(!sets.contains(&set, &key("10.0.0.4"))?);
    assert!(sets.contains(&set, &key("10.0.0.19"))?);
    assert_eq!(sets.names()?, std::slice::from_ref(&set));
    assert_eq!(iptables.run(&["-S", "INPUT"])?, rule);
    iptables.run(&["-F", "INPUT"])?;
    sets.destroy(&set, IfMissing::Fail)?;
    Ok(())
}

fn a_refused_entry_changes_nothing(sets: &mut IpSet) -> Result<(), Failed> {
    let set = name("s");
    sets.create(&plain("s", SetType::HashIp, Family::Inet), IfExists::Fail)?;
    assert!(
        sets.add_all(&set, numbered(0..10), IfExists::Fail)?
            .is_complete()
    );
    let before = sets.list(&set)?;
    for (refused, why) in [
        (
            entry("192.0.2.1").timeout(seconds(9)),
            "cannot add 192.0.2.1 to set \"s\": the set was created without timeouts",
        ),
        (
            entry("2001:db8::1"),
            "cannot add 2001:db8::1 to set \"s\": the set holds inet addresses",
        ),
        (
            Entry::new((Ipv4Addr::LOCALHOST, ipset_netlink::Port::tcp(1)).into()),
            "cannot add 127.0.0.1,tcp:1 to set \"s\": 127.0.0.1,tcp:1 is not an entry of a hash:ip set",
        ),
    ] {
        let entries = numbered(100..5000)
            .chain([refused])
            .chain(numbered(5000..9000));
        let error = sets.replace_all(&set, entries).unwrap_err();
        assert_eq!(error.to_string(), why);
        assert_eq!(sets.list(&set)?, before);
        assert_eq!(sets.names()?, std::slice::from_ref(&set));
    }
    let missing = sets.replace_all(&name("no-such-set"), numbered(0..1));
    assert!(missing.unwrap_err().is_set_not_found());
    assert_eq!(sets.names()?, [set]);
    Ok(())
}

fn the_set_keeps_its_options_and_grows(sets: &mut IpSet) -> Result<(), Failed> {
    let set = name("s");
    let create = plain("s", SetType::HashIp, Family::Inet)
        .timeout(seconds(600))
        .max_elements(1000)
        .counters()
        .comments()
        .forceadd();
    sets.create(&create, IfExists::Fail)?;
    let before = sets.header(&set)?;
    let entries: Vec<_> = numbered(1..20_001)
        .map(|entry| {
            entry
                .timeout(Timeout::PERMANENT)
                .comment("c".parse().unwrap())
        })
        .collect();
    assert_eq!(sets.replace_all(&set, &entries)?.entries, 20_000);
    let listed = sets.list(&set)?;
    assert_eq!(listed.entries.len(), 20_000);
    assert!(
        listed
            .entries
            .iter()
            .all(|entry| entry.timeout == Some(Timeout::PERMANENT))
    );
    let after = listed.header;
    assert_eq!(after.options.max_elements, Some(20_000));
    assert_eq!(after.options.hash_size, Some(16_384));
    let mut options = after.options;
    options.max_elements = before.options.max_elements;
    options.hash_size = before.options.hash_size;
    assert_eq!(options, before.options);

    // Few entries make it small again; that it can hold many stays.
    sets.replace_all(&set, numbered(1..3))?;
    let small = sets.header(&set)?;
    assert_eq!(small.elements, Some(2));
    assert_eq!(small.options.hash_size, Some(1024));
    assert_eq!(small.options.max_elements, Some(20_000));
    sets.replace_all(&set, [] as [Entry; 0])?;
    assert_eq!(sets.header(&set)?.elements, Some(0));

    // Where their number is known.
    let more = || numbered(1..30_001).map(|entry| entry.timeout(Timeout::PERMANENT));
    assert_eq!(sets.replace_counted(&set, 30_000, more())?.entries, 30_000);
    let header = sets.header(&set)?;
    assert_eq!(
        (header.elements, header.options.max_elements),
        (Some(30_000), Some(30_000))
    );
    let error = sets.replace_counted(&set, 30_000, more().chain(numbered(30_001..40_001)));
    assert!(error.is_err_and(|error| error.is_set_full()));
    assert_eq!(sets.header(&set)?.elements, Some(30_000));
    Ok(())
}

fn lists_and_bitmaps_are_replaced(sets: &mut IpSet) -> Result<(), Failed> {
    let ports = CreateSet::new(name("ports"), SetType::BitmapPort, Family::Unspec).range(0..=1023);
    sets.create(&ports, IfExists::Fail)?;
    let port = |n| Entry::new(ipset_netlink::Port::without_protocol(n).into());
    sets.add(&ports.name, &port(22), IfExists::Fail)?;
    sets.replace_all(&ports.name, [port(80), port(443)])?;
    assert_eq!(sets.list(&ports.name)?.entries, [port(80), port(443)]);
    assert!(
        sets.replace_all(&ports.name, [port(80), port(2000)])
            .is_err()
    );
    assert_eq!(sets.list(&ports.name)?.entries, [port(80), port(443)]);

    let members: Vec<_> = (0..12).map(|n| format!("member{n}")).collect();
    for member in &members {
        sets.create(
            &plain(member, SetType::HashIp, Family::Inet),
            IfExists::Fail,
        )?;
    }
    let list = plain("list", SetType::ListSet, Family::Unspec);
    sets.create(&list, IfExists::Fail)?;
    let entries = members.iter().map(|member| Entry::new(name(member).into()));
    sets.replace_all(&list.name, entries.clone())?;
    assert_eq!(sets.list(&list.name)?.entries, entries.collect::<Vec<_>>());
    assert_eq!(sets.header(&name("member3"))?.references, 1);
    Ok(())
}

fn what_a_killed_run_left_is_removed(sets: &mut IpSet) -> Result<(), Failed> {
    let make = |sets: &mut IpSet, set: &str| {
        sets.create(&plain(set, SetType::HashIp, Family::Inet), IfExists::Fail)
    };
    make(sets, "s")?;
    let other = NetlinkSocket::connect(NetlinkFamily::Netfilter)?;
    let of_other = format!("~{:08x}~s", other.port());
    make(sets, &of_other)?;
    // Nobody has this port: the kernel gives numbers of processes, or those from 2^31 on.
    make(sets, "~7fffffff~s")?;
    for not_ours in [
        "~7fffffff~t",
        "~7fffffff~",
        "~7fffffff-s",
        "~7FFFFFFF~s",
        "~s",
    ] {
        make(sets, not_ours)?;
    }
    let mut expected = sets.names()?;
    expected.retain(|set| set.as_str() != "~7fffffff~s");

    sets.replace_all(&name("s"), numbered(0..10))?;
    let mut left = sets.names()?;
    expected.sort();
    left.sort();
    assert_eq!(left, expected, "the other session may be at work");

    drop(other);
    expected.retain(|set| set.as_str() != of_other);
    // A process that another trial starts holds the other session until it runs its program.
    for _ in 0..200 {
        sets.replace_all(&name("s"), numbered(0..10))?;
        left = sets.names()?;
        left.sort();
        if left == expected {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(left, expected);

    // Somebody uses what was left: it is in nobody's way.
    make(sets, "~7fffffff~s")?;
    sets.create(
        &plain("list", SetType::ListSet, Family::Unspec),
        IfExists::Fail,
    )?;
    let used = name("~7fffffff~s");
    sets.add(
        &name("list"),
        &Entry::new(used.clone().into()),
        IfExists::Fail,
    )?;
    sets.replace_all(&name("s"), numbered(0..10))?;
    assert_eq!(sets.header(&used)?.references, 1);
    Ok(())
}
