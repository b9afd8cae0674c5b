//! What only the stock `ipset` makes, and we must be able to read.

use ipset_netlink::{IfExists, IfMissing, IpSet, SetName};
use netns_testbed::{Failed, Tool, Trial, skip};

use crate::{name, with_session};

pub(crate) fn trials(trials: &mut Vec<Trial>) {
    with_session(
        trials,
        "all_sets_are_listed_in_order",
        all_sets_are_listed_in_order,
    );
    with_session(
        trials,
        "a_bitmask_is_in_the_header",
        a_bitmask_is_in_the_header,
    );
    with_session(trials, "odd_names_are_listed", odd_names_are_listed);
    with_session(
        trials,
        "text_that_is_not_utf_8_stays_what_it_is",
        text_that_is_not_utf_8_stays_what_it_is,
    );
}

/// What is not UTF-8 is listed, added and deleted as the bytes it is, in the stock tool's listing
/// too.
fn text_that_is_not_utf_8_stays_what_it_is(sets: &mut IpSet) -> Result<(), Failed> {
    let ipset = Tool::require("ipset")?;
    let mut text = b"create c hash:ip comment\nadd c 192.0.2.1 comment \"caf\xe9\"\n".to_vec();
    text.extend(b"create i hash:net,iface\nadd i 10.0.0.0/8,eth\xff\n");
    text.extend(b"create m\xff hash:ip\ncreate l list:set\nadd l m\xff\n");
    ipset.input(text).run(&["restore"])?;
    let before = ipset.output(&["save"])?.stdout;
    let comment = sets.list(&name("c"))?.entries[0].comment.clone().unwrap();
    assert_eq!(
        (comment.as_bytes(), comment.as_str()),
        (&b"caf\xe9"[..], "caf\u{fffd}")
    );
    for (set, key) in [("i", "10.0.0.0/8,eth\u{fffd}"), ("l", "m\u{fffd}")] {
        assert_eq!(sets.list(&name(set))?.entries[0].key.to_string(), key);
    }
    let all = sets.list_all()?;
    assert_eq!(all.len(), 4);
    // Taken away and made again from what was listed.
    let list = name("l");
    sets.destroy(&list, IfMissing::Fail)?;
    sets.destroy_all()?;
    for set in &all {
        sets.create(&(&set.header).into(), IfExists::Fail)?;
        for entry in &set.entries {
            sets.add(&set.header.name, entry, IfExists::Fail)?;
            assert!(sets.test(&set.header.name, entry)?);
        }
    }
    let odd = SetName::verbatim(b"m\xff")?;
    assert_eq!(sets.header(&odd)?.name, odd);
    assert!(sets.header(&SetName::verbatim("m\u{fffd}")?).is_err());
    let lines = |saved: &[u8]| {
        let mut lines: Vec<_> = saved
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        // The seed of a hash is the kernel's choice.
        lines.retain(|line| line.starts_with(b"add "));
        lines
    };
    assert_eq!(lines(&ipset.output(&["save"])?.stdout), lines(&before));
    Ok(())
}

fn all_sets_are_listed_in_order(sets: &mut IpSet) -> Result<(), Failed> {
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
