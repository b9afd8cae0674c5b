//! What only the stock `ipset` makes, and we must be able to read.

use ipset_netlink::{IfMissing, IpSet};
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
        "text_that_is_not_utf_8_is_listed",
        text_that_is_not_utf_8_is_listed,
    );
}

/// Bytes that are not UTF-8 are seen as U+FFFD; they neither hide an entry nor end a listing.
fn text_that_is_not_utf_8_is_listed(sets: &mut IpSet) -> Result<(), Failed> {
    let mut text = b"create c hash:ip comment\nadd c 192.0.2.1 comment \"caf\xe9\"\n".to_vec();
    text.extend(b"create i hash:net,iface\nadd i 10.0.0.0/8,eth\xff\n");
    text.extend(b"create m\xff hash:ip\ncreate l list:set\nadd l m\xff\n");
    Tool::require("ipset")?.input(text).run(&["restore"])?;
    let comment = &sets.list(&name("c"))?.entries[0].comment;
    assert_eq!(comment.as_ref().unwrap().as_str(), "caf\u{fffd}");
    for (set, key) in [("i", "10.0.0.0/8,eth\u{fffd}"), ("l", "m\u{fffd}")] {
        assert_eq!(sets.list(&name(set))?.entries[0].key.to_string(), key);
    }
    assert_eq!(sets.list_all()?.len(), 4);
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
