//! What we write `ipset save` reads, and what `ipset restore` writes we list.

use ipset_netlink::{
    Counters, CreateSet, Entry, Family, IfExists, IfMissing, IpSet, Set, SetType, Timeout,
};
use netns_testbed::{Failed, Tool, Trial, skip};

use crate::{entry, name, seconds, with_session};

pub(crate) fn trials(trials: &mut Vec<Trial>) {
    with_session(
        trials,
        "ipset_save_shows_what_we_wrote",
        ipset_save_shows_what_we_wrote,
    );
    with_session(
        trials,
        "we_list_what_ipset_restore_wrote",
        we_list_what_ipset_restore_wrote,
    );
    with_session(
        trials,
        "sets_of_other_types_are_listed",
        sets_of_other_types_are_listed,
    );
    with_session(
        trials,
        "a_bitmask_is_in_the_header",
        a_bitmask_is_in_the_header,
    );
    with_session(trials, "odd_names_are_listed", odd_names_are_listed);
}

fn ipset_save_shows_what_we_wrote(sets: &mut IpSet) -> Result<(), Failed> {
    let ipset = Tool::require("ipset")?;
    for (create, entries) in examples() {
        sets.create(&create, IfExists::Fail)?;
        for entry in &entries {
            sets.add(&create.name, entry, IfExists::Fail)?;
        }
        let saved = ipset.run(&["save", create.name.as_str()])?;
        assert_eq!(sorted_save(&saved), save(&create, &entries));
    }
    Ok(())
}

fn we_list_what_ipset_restore_wrote(sets: &mut IpSet) -> Result<(), Failed> {
    let ipset = Tool::require("ipset")?;
    for (create, entries) in examples() {
        let text = save(&create, &entries).join("\n") + "\n";
        ipset.input(text).run(&["restore"])?;
        let Set {
            header,
            entries: mut listed,
            ..
        } = sets.list(&create.name)?;
        let mut made = CreateSet::from(&header);
        // ipset leaves these two to the kernel, which says them.
        made.options.hash_size = create.options.hash_size;
        made.options.max_elements = create.options.max_elements;
        assert_eq!(made, create);
        assert_eq!(header.elements, Some(u32::try_from(entries.len()).unwrap()));
        let mut expected = entries;
        for entry in &mut expected {
            entry.timeout = create
                .options
                .timeout
                .map(|default| entry.timeout.unwrap_or(default));
            entry.counters = create
                .options
                .counters
                .then(|| entry.counters.unwrap_or_default());
        }
        for entry in listed.iter_mut().chain(&mut expected) {
            // A second may have passed.
            entry.timeout = entry.timeout.map(rounded);
        }
        listed.sort_by(|a, b| a.key.cmp(&b.key));
        expected.sort_by(|a, b| a.key.cmp(&b.key));
        assert_eq!(listed, expected);
    }
    Ok(())
}

fn sets_of_other_types_are_listed(sets: &mut IpSet) -> Result<(), Failed> {
    let ipset = Tool::require("ipset")?;
    let text = "create p hash:ip,port timeout 60\nadd p 192.0.2.7,tcp:22\n\
                create b bitmap:port range 1-9\nadd b 3\n\
                create l list:set\nadd l p\n";
    ipset.input(text).run(&["restore"])?;
    let types: Vec<_> = sets
        .list_all()?
        .into_iter()
        .map(|set| {
            (
                set.header.set_type.to_string(),
                set.header.references,
                set.entries.len(),
            )
        })
        .collect();
    let expected = [
        ("hash:ip,port", 1, 1),
        ("bitmap:port", 0, 1),
        ("list:set", 0, 1),
    ];
    assert_eq!(
        types,
        expected.map(|(set_type, references, n)| (set_type.to_string(), references, n))
    );

    // An entry of a type we do not know can be moved, with all it has.
    let moved = sets.list(&name("p"))?.entries;
    let before = sorted_save(&ipset.run(&["save", "p"])?);
    sets.flush(&name("p"))?;
    sets.add(&name("p"), &moved[0], IfExists::Fail)?;
    assert!(sets.contains(&name("p"), &moved[0].key)?);
    assert_eq!(sorted_save(&ipset.run(&["save", "p"])?), before);
    Ok(())
}

fn a_bitmask_is_in_the_header(sets: &mut IpSet) -> Result<(), Failed> {
    let ipset = Tool::require("ipset")?;
    for (set, family, mask) in [
        ("m4", "inet", "255.255.0.255"),
        ("m6", "inet6", "ffff:ffff::ff"),
    ] {
        let create = ["create", set, "hash:ip", "family", family, "bitmask", mask];
        ipset
            .run(&create)
            .map_err(|_| skip("this kernel or this ipset knows no bitmask"))?;
        let header = sets.header(&name(set))?;
        assert_eq!(header.options.bitmask, mask.parse().ok());
        assert_eq!(
            header.to_string(),
            format!("hash:ip family {family} maxelem 65536 bitmask {mask}")
        );
        assert_eq!(
            sets.list(&name(set))?.header.options.bitmask,
            header.options.bitmask
        );
    }
    Ok(())
}

fn odd_names_are_listed(sets: &mut IpSet) -> Result<(), Failed> {
    let ipset = Tool::require("ipset")?;
    ipset.run(&["create", "a b", "hash:ip"])?;
    ipset.run(&["create", "ünï", "hash:ip"])?;
    ipset.input(b"create \xff hash:ip\n").run(&["restore"])?;
    let mut names: Vec<_> = sets.names()?.iter().map(ToString::to_string).collect();
    names.sort();
    assert_eq!(names, ["a b", "ünï", "\u{fffd}"]);
    assert_eq!(sets.list_all()?.len(), 3);
    let odd = sets
        .headers()?
        .into_iter()
        .map(|header| header.name)
        .find(|name| name.as_str() == "a b");
    sets.destroy(&odd.unwrap(), IfMissing::Fail)?;
    Ok(())
}

/// Sets of both types and both families, with and without everything they can have.
fn examples() -> Vec<(CreateSet, Vec<Entry>)> {
    let create = |set: &str, set_type, family| CreateSet::new(name(set), set_type, family);
    let full = |set| set_full(create(set, SetType::HashNet, Family::Inet));
    vec![
        (
            create("ip4", SetType::HashIp, Family::Inet),
            vec![
                entry("192.0.2.7"),
                entry("203.0.113.255"),
                entry("255.255.255.255"),
            ],
        ),
        (
            create("ip6", SetType::HashIp, Family::Inet6).timeout(seconds(1000)),
            vec![
                entry("2001:db8::7").timeout(seconds(2_147_483)),
                entry("::ffff:1.2.3.4").timeout(Timeout::PERMANENT),
                entry("fe80::1"),
            ],
        ),
        (
            create("masked", SetType::HashIp, Family::Inet)
                .netmask(24)
                .hash_size(64)
                .max_elements(7),
            vec![entry("192.0.2.0"), entry("198.51.100.0")],
        ),
        (
            full("net4"),
            vec![
                entry("192.0.2.7")
                    .timeout(seconds(600))
                    .comment("port scan, 'fast'".parse().unwrap()),
                entry("10.0.0.0/8").counters(Counters {
                    packets: 3,
                    bytes: u64::MAX - 1,
                }),
                entry("10.9.0.0/16").nomatch().timeout(Timeout::PERMANENT),
                entry("128.0.0.0/1").comment("x".repeat(255).parse().unwrap()),
            ],
        ),
        (
            set_full(create("net6", SetType::HashNet, Family::Inet6)),
            vec![
                entry("8000::/1").comment("ünï".parse().unwrap()),
                entry("2001:db8::/32").timeout(seconds(60)),
                entry("2001:db8::1"),
            ],
        ),
    ]
}

fn set_full(create: CreateSet) -> CreateSet {
    create.timeout(seconds(3600)).counters().comments()
}

/// The lines of `ipset save` that matter, written by hand from the documentation of `ipset`.
fn save(create: &CreateSet, entries: &[Entry]) -> Vec<String> {
    let mut lines: Vec<_> = entries
        .iter()
        .map(|entry| add_line(create, entry))
        .collect();
    lines.sort();
    lines.insert(0, create_line(create));
    lines
}

fn create_line(create: &CreateSet) -> String {
    let options = [
        Some(format!(
            "create {} {} family {}",
            create.name, create.set_type, create.family
        )),
        Some(format!(
            "hashsize {}",
            create.options.hash_size.unwrap_or(1024)
        )),
        Some(format!(
            "maxelem {}",
            create.options.max_elements.unwrap_or(65536)
        )),
        create.options.netmask.map(|bits| format!("netmask {bits}")),
        create
            .options
            .timeout
            .map(|timeout| format!("timeout {}", timeout.as_secs())),
        create.options.counters.then(|| "counters".into()),
        create.options.comments.then(|| "comment".into()),
    ];
    options.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn add_line(create: &CreateSet, entry: &Entry) -> String {
    let timeout = create
        .options
        .timeout
        .map(|default| rounded(entry.timeout.unwrap_or(default)));
    let counters = create
        .options
        .counters
        .then(|| entry.counters.unwrap_or_default());
    let options = [
        Some(format!("add {} {}", create.name, entry.key)),
        timeout.map(|timeout| format!("timeout {}", timeout.as_secs())),
        entry.nomatch.then(|| "nomatch".into()),
        counters.map(|counters| format!("packets {} bytes {}", counters.packets, counters.bytes)),
        entry
            .comment
            .as_ref()
            .map(|comment| format!("comment \"{comment}\"")),
    ];
    options.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The output of `ipset save` with the entries sorted, the times left rounded, and without what the kernel chose.
fn sorted_save(text: &str) -> Vec<String> {
    let mut lines = text.lines().map(|line| {
        let mut words = line.split(' ');
        let mut kept: Vec<String> = Vec::new();
        while let Some(word) = words.next() {
            match word {
                "bucketsize" | "initval" => {
                    words.next();
                }
                "timeout" if line.starts_with("add ") => {
                    let left = seconds(words.next().unwrap().parse().unwrap());
                    kept.extend(["timeout".into(), rounded(left).as_secs().to_string()]);
                }
                word => kept.push(word.into()),
            }
        }
        kept.join(" ")
    });
    let create = lines.next();
    let mut entries: Vec<_> = lines.collect();
    entries.sort();
    create.into_iter().chain(entries).collect()
}

/// The time left within ten seconds of what was asked: up to the next multiple of ten.
fn rounded(timeout: Timeout) -> Timeout {
    seconds(timeout.as_secs().next_multiple_of(10).min(2_147_480))
}
