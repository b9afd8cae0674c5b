//! What is in a set, and what matches it.

use std::net::Ipv4Addr;

use ipset_netlink::{Entry, Family, IfExists, IfMissing, IpSet, Key, Network, Port, SetType};
use netns_testbed::{Failed, Trial};

use crate::{entry, key, make, name, plain, with_session};

pub(crate) fn trials(trials: &mut Vec<Trial>) {
    with_session(
        trials,
        "an_address_matches_any_network_around_it",
        an_address_matches,
    );
    with_session(
        trials,
        "a_set_of_addresses_has_no_networks",
        a_set_of_addresses_has_no_networks,
    );
    with_session(
        trials,
        "deleting_says_whether_it_was_there",
        deleting_says_whether_it_was_there,
    );
    with_session(
        trials,
        "what_is_there_of_a_network_is_deleted",
        what_is_there_of_a_network_is_deleted,
    );
    with_session(
        trials,
        "exactly_is_exactly_in_every_type",
        exactly_is_exactly_in_every_type,
    );
    with_session(
        trials,
        "a_port_of_the_other_family_is_refused",
        a_port_of_the_other_family_is_refused,
    );
    with_session(
        trials,
        "a_network_of_everything_is_two_halves",
        everything_is_two_halves,
    );
}

fn exactly_is_exactly_in_every_type(sets: &mut IpSet) -> Result<(), Failed> {
    let masked = plain("m", SetType::HashIp, Family::Inet).netmask(24);
    for (create, member, inside) in [
        (
            plain("np", SetType::HashNetPort, Family::Inet),
            "10.0.0.0/8,tcp:22",
            "10.1.1.1,tcp:22",
        ),
        (
            plain("ni", SetType::HashNetIface, Family::Inet),
            "10.0.0.0/8,lo",
            "10.1.1.1,lo",
        ),
        (
            plain("ipn", SetType::HashIpPortNet, Family::Inet),
            "192.0.2.1,tcp:22,10.0.0.0/8",
            "192.0.2.1,tcp:22,10.1.1.1",
        ),
        (masked, "10.0.0.0", "10.0.0.7"),
    ] {
        sets.create(&create, IfExists::Fail)?;
        let key = |text| Key::parse(text, &create.set_type);
        let (member, inside) = (key(member)?, key(inside)?);
        sets.add(&create.name, &Entry::new(member.clone()), IfExists::Fail)?;
        assert!(sets.contains(&create.name, &inside)?, "{inside}");
        assert!(!sets.contains_exactly(&create.name, &inside)?, "{inside}");
        assert!(sets.contains_exactly(&create.name, &member)?, "{member}");
    }
    Ok(())
}

fn a_port_of_the_other_family_is_refused(sets: &mut IpSet) -> Result<(), Failed> {
    let create = plain("p", SetType::HashIpPort, Family::Inet);
    sets.create(&create, IfExists::Fail)?;
    let with = |port| Entry::new((Ipv4Addr::new(192, 0, 2, 1), port).into());
    let error = sets
        .add(&create.name, &with(Port::icmpv6(1, 2)), IfExists::Fail)
        .unwrap_err();
    assert!(error.is_key_mismatch(), "{error}");
    sets.add(&create.name, &with(Port::icmp(1, 2)), IfExists::Fail)?;
    Ok(())
}

fn an_address_matches(sets: &mut IpSet) -> Result<(), Failed> {
    let set = make(sets, "s");
    for network in ["10.0.0.0/8", "192.0.2.0/24", "203.0.113.7"] {
        sets.add(&set, &entry(network), IfExists::Fail)?;
    }
    sets.add(&set, &entry("10.9.0.0/16").nomatch(), IfExists::Fail)?;
    for (question, matches, exactly) in [
        ("10.1.2.3", true, false),
        ("10.0.0.0", true, false),
        ("10.9.1.1", false, false), // an exception
        ("11.0.0.0", false, false),
        ("203.0.113.7", true, true),
        ("10.0.0.0/8", true, true),
        ("10.0.0.0/9", false, false), // inside, but no entry
        ("10.9.0.0/16", false, false),
        ("192.0.2.255", true, false),
        ("2001:db8::1", false, false),
    ] {
        assert_eq!(sets.contains(&set, &key(question))?, matches, "{question}");
        assert_eq!(
            sets.contains_exactly(&set, &key(question))?,
            exactly,
            "{question} exactly"
        );
    }
    let missing = sets
        .contains_exactly(&name("t"), &key("10.1.2.3"))
        .unwrap_err();
    assert_eq!(
        missing.to_string(),
        "cannot look for 10.1.2.3 in set \"t\": there is no set \"t\""
    );
    Ok(())
}

fn a_set_of_addresses_has_no_networks(sets: &mut IpSet) -> Result<(), Failed> {
    sets.create(&plain("s", SetType::HashIp, Family::Inet), IfExists::Fail)?;
    let set = name("s");
    // An IPv4 network is added as its addresses, as ipset does.
    sets.add(&set, &entry("192.0.2.0/30"), IfExists::Fail)?;
    assert_eq!(sets.list(&set)?.entries.len(), 4);
    assert!(sets.contains(&set, &key("192.0.2.3"))?);
    assert!(sets.contains_exactly(&set, &key("192.0.2.3"))?);
    let error = sets.contains(&set, &key("192.0.2.0/30")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot look for 192.0.2.0/30 in set \"s\": 192.0.2.0/30 is not one entry of a hash:ip set"
    );
    Ok(())
}

fn deleting_says_whether_it_was_there(sets: &mut IpSet) -> Result<(), Failed> {
    let set = make(sets, "s");
    sets.add(&set, &entry("10.0.0.0/8"), IfExists::Fail)?;
    assert!(!sets.delete(&set, &key("10.1.1.1"))?);
    assert!(
        sets.delete(&set, &key("10.1.1.1/8"))?,
        "host bits do not count"
    );
    assert!(!sets.delete(&set, &key("10.0.0.0/8"))?);
    Ok(())
}

fn what_is_there_of_a_network_is_deleted(sets: &mut IpSet) -> Result<(), Failed> {
    let addresses = Network::new("10.0.0.0".parse()?, 24)?;
    for create in [
        plain("b", SetType::BitmapIp, Family::Inet).range(addresses),
        plain("h", SetType::HashIp, Family::Inet),
    ] {
        let set = &create.name;
        sets.create(&create, IfExists::Fail)?;
        for there in ["10.0.0.3", "10.0.0.6", "10.0.0.9"] {
            sets.add(set, &entry(there), IfExists::Fail)?;
        }
        let network = entry("10.0.0.0/29");
        let error = sets
            .delete_entry(set, &network, IfMissing::Fail)
            .unwrap_err();
        assert!(error.is_entry_missing(), "{error}");
        assert_eq!(sets.list(set)?.entries.len(), 3);
        sets.delete_entry(set, &network, IfMissing::Ignore)?;
        let left = sets.list(set)?.entries;
        assert_eq!(left.len(), 1);
        assert!(sets.contains(set, &key("10.0.0.9"))?);
    }
    Ok(())
}

fn everything_is_two_halves(sets: &mut IpSet) -> Result<(), Failed> {
    let set = make(sets, "s");
    let error = sets
        .add(&set, &entry("0.0.0.0/0"), IfExists::Fail)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot add 0.0.0.0/0 to set \"s\": the set does not take this prefix length; \
         for 0, add its two halves, such as 0.0.0.0/1 and 128.0.0.0/1"
    );
    sets.add(&set, &entry("0.0.0.0/1"), IfExists::Fail)?;
    sets.add(&set, &entry("128.0.0.0/1"), IfExists::Fail)?;
    assert!(sets.contains(&set, &key("255.255.255.255"))?);
    Ok(())
}
