//! Sets and entries of every type with every option, against the stock `ipset` in both directions.

use std::collections::HashSet;

use ipset_netlink::{
    CreateSet, Element, Entry, IfExists, IfMissing, IpSet, Listed, Set, SetName, SetType, Timeout,
};
use netns_testbed::{Failed, Tool, Trial};

use crate::{entry, key, lines, name, plain, seconds, with_session};

pub(crate) fn trials(trials: &mut Vec<Trial>) {
    with_session(
        trials,
        "both_write_the_same_sets_and_read_them",
        both_write_the_same_sets_and_read_them,
    );
    with_session(
        trials,
        "every_entry_is_found_and_deleted",
        every_entry_is_found_and_deleted,
    );
    with_session(trials, "ranges_are_many_entries", ranges_are_many_entries);
    with_session(
        trials,
        "a_list_of_sets_has_an_order",
        a_list_of_sets_has_an_order,
    );
    with_session(trials, "what_a_set_is_and_where", what_a_set_is_and_where);
}

/// The sets of `tests/golden/every-type.txt` whose type this kernel has, by the commands that fill
/// them.
fn tables(sets: &mut IpSet) -> Vec<Table> {
    let mut tables = Vec::<Table>::new();
    let mut filling = false;
    for line in include_str!("../golden/every-type.txt").lines() {
        if line.starts_with("create ") {
            let create = lines::create(line);
            filling = sets.revisions(&create.set_type, create.family).is_ok();
            if filling {
                tables.push(Table {
                    create,
                    entries: Vec::new(),
                    lines: vec![line.into()],
                });
            }
        } else if line.starts_with("add ") && filling {
            let table = tables.last_mut().unwrap();
            let (_, entry) = lines::entry(line, &table.create.set_type);
            table.entries.push(entry);
            table.lines.push(line.into());
        } else if !line.starts_with(['>', '#']) {
            filling = false;
        }
    }
    assert!(tables.len() > 10, "only {} sets", tables.len());
    tables
}

struct Table {
    create: CreateSet,
    entries: Vec<Entry>,
    lines: Vec<String>,
}

fn fill(sets: &mut IpSet, tables: &[Table]) -> Result<(), Failed> {
    for table in tables {
        sets.create(&table.create, IfExists::Fail)?;
        for entry in &table.entries {
            sets.add(&table.create.name, entry, IfExists::Fail)?;
        }
    }
    Ok(())
}

fn both_write_the_same_sets_and_read_them(sets: &mut IpSet) -> Result<(), Failed> {
    let ipset = Tool::require("ipset")?;
    let tables = tables(sets);
    let given: Vec<_> = tables
        .iter()
        .flat_map(|table| table.lines.clone())
        .collect();
    ipset.input(given.join("\n") + "\n").run(&["restore"])?;
    let theirs_saved = saved(&ipset.run(&["save"])?, &given);
    let theirs_listed = sets.list_all()?;
    sets.flush_all()?;
    sets.destroy_all()?;
    assert_eq!(sets.names()?, []);

    fill(sets, &tables)?;
    assert_eq!(saved(&ipset.run(&["save"])?, &given), theirs_saved);
    assert_listed(&theirs_listed, &tables);
    assert_listed(&sets.list_all()?, &tables);
    // What a listing says makes the same sets again.
    let listed = sets.list_all()?;
    sets.flush_all()?;
    sets.destroy_all()?;
    for Set {
        header, entries, ..
    } in &listed
    {
        sets.create(&CreateSet::from(header), IfExists::Fail)?;
        let outcome = sets.add_all(&header.name, entries, IfExists::Fail)?;
        assert!(outcome.is_complete(), "{:?}", outcome.failures);
    }
    assert_eq!(saved(&ipset.run(&["save"])?, &given), theirs_saved);
    Ok(())
}

#[track_caller]
fn assert_listed(listed: &[Set], tables: &[Table]) {
    assert_eq!(listed.len(), tables.len());
    for table in tables {
        let create = &table.create;
        let mut found = listed.iter().filter(|set| set.header.name == create.name);
        let Set {
            header, entries, ..
        } = found.next().unwrap();
        let mut made = CreateSet::from(header);
        // The kernel chooses them where they are not given.
        let options = &create.options;
        if options.bucket_size.is_none() {
            made.options.bucket_size = None;
            made.options.initial_value = None;
        }
        assert_eq!(made, *create);
        let number = u32::try_from(table.entries.len()).unwrap();
        assert_eq!(header.elements, Some(number), "{}", create.name);
        let mut listed = entries.clone();
        let mut expected = table.entries.clone();
        for entry in &mut expected {
            let default = |default| entry.timeout.unwrap_or(default);
            entry.timeout = options.timeout.map(default);
            entry.counters = options.counters.then(|| entry.counters.unwrap_or_default());
        }
        for entry in listed.iter_mut().chain(&mut expected) {
            // A second may have passed.
            entry.timeout = entry.timeout.map(rounded);
        }
        listed.sort_by(|a, b| a.key.cmp(&b.key));
        expected.sort_by(|a, b| a.key.cmp(&b.key));
        assert_eq!(listed, expected, "{}", create.name);
    }
}

/// The output of `ipset save` with the entries sorted, the times left rounded, and without the
/// seeds it was not given.
fn saved(text: &str, given: &[String]) -> Vec<String> {
    let seeds: HashSet<_> = given
        .iter()
        .filter_map(|line| line.split("initval ").nth(1))
        .collect();
    let mut lines: Vec<_> = text
        .lines()
        .map(|line| {
            let mut words: Vec<String> = line.split(' ').map(String::from).collect();
            for n in 1..words.len() {
                let (name, value) = (words[n - 1].clone(), words[n].clone());
                if name == "timeout" && line.starts_with("add ") {
                    let left = seconds(value.parse().unwrap());
                    words[n] = rounded(left).as_secs().to_string();
                } else if name == "initval" && !seeds.contains(value.as_str()) {
                    words[n] = "random".into();
                }
            }
            words.join(" ")
        })
        .collect();
    lines.sort();
    lines
}

/// The time left within ten seconds of what was asked: up to the next multiple of ten.
fn rounded(timeout: Timeout) -> Timeout {
    seconds(timeout.as_secs().next_multiple_of(10).min(2_147_480))
}

fn every_entry_is_found_and_deleted(sets: &mut IpSet) -> Result<(), Failed> {
    let tables = tables(sets);
    fill(sets, &tables)?;
    for Table {
        create, entries, ..
    } in tables.iter().rev()
    {
        let set = &create.name;
        for entry in entries {
            let mut plain = Entry::new(entry.key.clone());
            plain.nomatch = entry.nomatch;
            assert!(sets.test(set, &plain)?, "{} in {set}", entry.key);
            assert!(sets.delete(set, &entry.key)?, "{} from {set}", entry.key);
            assert!(!sets.delete(set, &entry.key)?, "{} from {set}", entry.key);
            assert!(!sets.test(set, &plain)?, "{} in {set}", entry.key);
        }
        assert_eq!(sets.list(set)?.entries, []);
        sets.destroy(set, IfMissing::Fail)?;
        sets.destroy(set, IfMissing::Ignore)?;
    }
    Ok(())
}

fn ranges_are_many_entries(sets: &mut IpSet) -> Result<(), Failed> {
    for (create, line, entries) in [
        (
            "create a bitmap:ip range 10.0.0.0-10.0.0.255",
            "add a 10.0.0.0/28",
            16,
        ),
        ("create b bitmap:port range 0-65535", "add b 0-65535", 65536),
        // More than the kernel adds at one go.
        (
            "create c hash:ip maxelem 100000",
            "add c 10.0.0.1-10.1.0.0",
            65536,
        ),
        ("create d hash:net", "add d 10.0.0.1-10.0.0.6", 4),
        (
            "create e hash:ip,port",
            "add e 10.0.0.1-10.0.0.3,tcp:1-3",
            9,
        ),
        (
            "create f hash:net,port",
            "add f 10.0.0.0-10.0.0.5,udp:1-3",
            6,
        ),
        (
            "create g hash:ip,port,ip",
            "add g 10.0.0.0/30,tcp:1-2,10.0.0.1",
            8,
        ),
        (
            "create h hash:ip,port,net",
            "add h 10.0.0.1,tcp:1,10.1.0.0-10.1.0.2",
            2,
        ),
        ("create i hash:net,iface", "add i 10.0.0.0-10.0.0.2,eth0", 2),
        (
            "create j hash:ip,port family inet6",
            "add j 2001:db8::1,tcp:1-5",
            5,
        ),
    ] {
        let create = lines::create(create);
        let (set, range) = lines::entry(line, &create.set_type);
        sets.create(&create, IfExists::Fail)?;
        sets.add(&set, &range, IfExists::Fail)?;
        let mut listed = 0;
        sets.for_each(Some(&set), |piece| {
            if let Listed::Entry(entry) = piece {
                let many = |element: &Element| match element {
                    Element::Range(_) => true,
                    Element::Port(port) => port.is_range(),
                    _ => false,
                };
                assert!(!entry.key.elements().iter().any(many), "{}", entry.key);
                listed += 1;
            }
            std::ops::ControlFlow::Continue(())
        })?;
        assert_eq!(listed, entries, "{line}");
        let again = sets.add(&set, &range, IfExists::Fail).unwrap_err();
        assert!(again.is_entry_exists(), "{again}");
        sets.add(&set, &range, IfExists::Update)?;
        let outcome = sets.delete_all(&set, [&range.key], IfMissing::Fail)?;
        assert!(outcome.is_complete(), "{:?}", outcome.failures);
        assert_eq!(sets.list(&set)?.entries, [], "{line}");
    }
    Ok(())
}

fn a_list_of_sets_has_an_order(sets: &mut IpSet) -> Result<(), Failed> {
    let [list, a, b, c] = ["list", "a", "b", "c"].map(name);
    for set in [&a, &b, &c] {
        sets.create(
            &plain(set.as_str(), SetType::HashIp, ipset_netlink::Family::Inet),
            IfExists::Fail,
        )?;
    }
    sets.create(
        &plain("list", SetType::ListSet, ipset_netlink::Family::Unspec),
        IfExists::Fail,
    )?;
    let entry = |set: &SetName| Entry::from(ipset_netlink::Key::from(set.clone()));
    sets.add(&list, &entry(&a), IfExists::Fail)?;
    sets.add(&list, &entry(&b).before(a.clone()), IfExists::Fail)?;
    sets.add(&list, &entry(&c).after(b.clone()), IfExists::Fail)?;
    let order: Vec<_> = sets
        .list(&list)?
        .entries
        .iter()
        .map(|entry| entry.key.to_string())
        .collect();
    assert_eq!(order, ["b", "c", "a"]);
    assert!(sets.test(&list, &entry(&b).before(c.clone()))?);
    assert!(!sets.test(&list, &entry(&b).before(a.clone()))?);
    assert!(sets.test(&list, &entry(&a).after(c.clone()))?);
    let elsewhere = sets
        .delete_entry(&list, &entry(&b).after(a.clone()), IfMissing::Ignore)
        .unwrap_err();
    assert!(elsewhere.is_position_not_found(), "{elsewhere}");
    sets.delete_entry(&list, &entry(&b).before(c), IfMissing::Fail)?;
    assert_eq!(sets.list(&list)?.entries.len(), 2);
    Ok(())
}

fn what_a_set_is_and_where(sets: &mut IpSet) -> Result<(), Failed> {
    for table in tables(sets) {
        let CreateSet {
            name,
            set_type,
            family,
            ..
        } = &table.create;
        sets.create(&table.create, IfExists::Fail)?;
        let is = sets.type_of(name)?;
        assert_eq!((&is.set_type, is.family), (set_type, *family));
        assert_eq!(is.revision, sets.revisions(set_type, *family)?.maximum);
        let index = sets.index(name)?;
        assert_eq!(
            (index.family, sets.name_of(index.index)?),
            (*family, name.clone())
        );
    }
    let gone = sets.type_of(&name("gone")).unwrap_err();
    assert_eq!(
        gone.to_string(),
        "cannot ask for the type of set \"gone\": there is no set \"gone\""
    );
    assert!(
        sets.contains(&name("hash-net"), &key("192.0.2.7"))
            .is_ok_and(|found| !found)
    );
    sets.add(&name("hash-net"), &entry("192.0.2.0/24"), IfExists::Fail)?;
    Ok(())
}
