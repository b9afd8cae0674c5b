//! Errors that only some types have, or that mean something else in each kind of them.

use std::net::{IpAddr, Ipv4Addr};

use ipset_netlink::{
    Entry, Error, Family, IfExists, IfMissing, IpSet, Key, Network, Port, SetType,
};
use netns_testbed::{Failed, Trial};

use crate::errors::expect;
use crate::{lines, name, plain, with_session};

pub(crate) fn trials(trials: &mut Vec<Trial>) {
    with_session(
        trials,
        "a_type_the_kernel_lacks_is_named",
        a_type_the_kernel_lacks_is_named,
    );
    with_session(
        trials,
        "each_kind_of_type_has_its_errors",
        each_kind_of_type_has_its_errors,
    );
    with_session(
        trials,
        "what_the_type_cannot_have_is_not_sent",
        what_the_type_cannot_have_is_not_sent,
    );
}

/// Error numbers that mean something else in each kind of type, and those that only some types
/// have. A type that this kernel lacks is named.
fn a_type_the_kernel_lacks_is_named(sets: &mut IpSet) -> Result<(), Failed> {
    let nothing = SetType::Other("hash:nothing".into());
    for set_type in SetType::all().chain([nothing.clone()]) {
        let mut create = plain("any", set_type.clone(), Family::Inet);
        create.options.range = match set_type {
            SetType::BitmapPort => Some((1..=9).into()),
            SetType::BitmapIp | SetType::BitmapIpMac => Some(Network::from(LOCALHOST).into()),
            _ => None,
        };
        let Err(error) = sets.create(&create, IfExists::Fail) else {
            assert_ne!(set_type, nothing);
            sets.destroy(&create.name, IfMissing::Fail)?;
            continue;
        };
        let text = error.to_string();
        assert!(error.is_type_unknown(), "{text}");
        let lacks =
            format!("cannot create set \"any\": the kernel does not have the set type {set_type}");
        assert!(text.starts_with(&lacks), "{text}");
    }
    Ok(())
}

/// Sets, and what they refuse.
const REFUSALS: [(&str, &[Refused]); 8] = [
    (
        "create b bitmap:ip range 192.0.2.0-192.0.2.9",
        &[
            (
                "add b 192.0.3.1",
                Error::is_out_of_range,
                "it is outside the range of the set (192.0.2.0-192.0.2.9)",
            ),
            (
                "add b 192.0.2.1 timeout 5",
                Error::is_timeout_unsupported,
                "the set was created without timeouts",
            ),
            (
                "add b 192.0.2.1 nomatch",
                any,
                "bitmap:ip sets have no nomatch",
            ),
        ],
    ),
    (
        "create m bitmap:ip,mac range 192.0.2.0-192.0.2.9",
        &[(
            "add m 198.51.100.1",
            Error::is_out_of_range,
            "it is outside the range of the set (192.0.2.0-192.0.2.9)",
        )],
    ),
    (
        "create p bitmap:port range 10-20",
        &[(
            "add p 20-21",
            Error::is_out_of_range,
            "it is outside the range of the set (10-20)",
        )],
    ),
    (
        "create h hash:ip,port maxelem 1",
        &[
            (
                "add h 192.0.2.1,0:0",
                any,
                "the set does not take a port of this protocol",
            ),
            (
                "add h 192.0.2.1,tcp:1 skbqueue 1",
                Error::is_skbinfo_unsupported,
                "the set was created without skbinfo",
            ),
            (
                "add h 192.0.2.1,tcp:1-9",
                Error::is_set_full,
                "the set is full (maxelem 1)",
            ),
        ],
    ),
    (
        "create n hash:net",
        &[(
            "add n 0.0.0.0-255.255.255.255",
            any,
            "a range of all addresses is not possible",
        )],
    ),
    (
        "create six hash:net,port family inet6",
        &[
            (
                "add six 2001:db8::-2001:db8::9,tcp:1",
                any,
                "the set does not take a range there",
            ),
            (
                "add six 192.0.2.1,tcp:1",
                Error::is_family_mismatch,
                "the set holds inet6 addresses",
            ),
        ],
    ),
    ("create other list:set", &[]),
    (
        "create l list:set",
        &[
            (
                "add l gone",
                Error::is_entry_set_not_found,
                "there is no set \"gone\"",
            ),
            (
                "add l other",
                any,
                "a list of sets cannot be in a list of sets",
            ),
            (
                "add l n before gone",
                Error::is_position_not_found,
                "the set that it should stand before or after does not exist",
            ),
            (
                "add l n after h",
                Error::is_position_not_found,
                "the set that it should stand before or after is not there",
            ),
        ],
    ),
];

fn each_kind_of_type_has_its_errors(sets: &mut IpSet) -> Result<(), Failed> {
    for (create, refusals) in REFUSALS {
        let create = lines::create(create);
        sets.create(&create, IfExists::Fail)?;
        for (line, is, why) in refusals {
            let (name, entry) = lines::entry(line, &create.set_type);
            let added = sets.add(&name, &entry, IfExists::Fail);
            let text = format!("cannot add {} to set \"{name}\": {why}", entry.key);
            expect(added, *is, &text);
        }
    }
    for (line, why) in [
        (
            "create x bitmap:ip range 10.0.0.0-10.255.255.255",
            "a bitmap cannot hold a range as large as this",
        ),
        (
            "create x hash:ip netmask 24 bitmask 255.0.0.0",
            "a set can have a netmask or a bitmask, not both",
        ),
    ] {
        let created = sets.create(&lines::create(line), IfExists::Fail);
        expect(created, any, &format!("cannot create set \"x\": {why}"));
    }
    Ok(())
}

fn what_the_type_cannot_have_is_not_sent(sets: &mut IpSet) -> Result<(), Failed> {
    for create in ["create n hash:net", "create p bitmap:port range 10-20"] {
        sets.create(&lines::create(create), IfExists::Fail)?;
    }
    let of_other_type = Key::from((LOCALHOST, Port::tcp(1)));
    expect(
        sets.add(&name("n"), &Entry::new(of_other_type), IfExists::Fail),
        Error::is_key_mismatch,
        "cannot add 127.0.0.1,tcp:1 to set \"n\": 127.0.0.1,tcp:1 is not an entry of a hash:net set",
    );
    expect(
        sets.contains(
            &name("p"),
            &Key::from(Port::without_protocol(11).through(12)?),
        ),
        Error::is_key_mismatch,
        "cannot look for 11-12 in set \"p\": 11-12 is not one entry of a bitmap:port set",
    );
    expect(
        sets.name_of(9999),
        Error::is_set_not_found,
        "cannot find the set with the index 9999: no set has the index 9999",
    );
    Ok(())
}

fn any(_: &Error) -> bool {
    true
}

type Refused = (&'static str, fn(&Error) -> bool, &'static str);

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
