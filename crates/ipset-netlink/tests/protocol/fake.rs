//! A program's way with many entries, on sets in memory. `tests/kernel` holds them against the
//! kernel's.

use std::net::Ipv4Addr;

use ipset_netlink::testing::FakeKernel;
use ipset_netlink::{CreateSet, Entry, Family, IfExists, IfMissing, IpSet, Key, SetType};

#[test]
fn many_entries_go_in_and_out_and_are_replaced() {
    let mut kernel = FakeKernel::new();
    let mut sets = IpSet::with_transport(&mut kernel).unwrap();
    let create = CreateSet::new("s".parse().unwrap(), SetType::HashIp, Family::Inet);
    sets.create(&create, IfExists::Fail).unwrap();
    let entry = |n: u32| Entry::from(Key::from(Ipv4Addr::from(n)));

    // Every hundredth is there already.
    let hundreds = (1..12).map(|n| entry(n * 100));
    assert!(
        sets.add_all(&create.name, hundreds, IfExists::Fail)
            .unwrap()
            .is_complete()
    );
    let outcome = sets
        .add_all(&create.name, (1..1200).map(entry), IfExists::Fail)
        .unwrap();
    let refused: Vec<_> = outcome
        .failures
        .iter()
        .map(|failure| failure.index + 1)
        .collect();
    assert_eq!(refused, (1..12).map(|n| n * 100).collect::<Vec<_>>());
    assert_eq!(sets.list(&create.name).unwrap().entries.len(), 1199);

    let replaced = sets
        .replace_all(&create.name, (5000..6000).map(entry))
        .unwrap();
    assert_eq!((replaced.entries, replaced.remains), (1000, None));
    let keys = (5000..5999).map(|n| entry(n).key);
    let outcome = sets
        .delete_all(&create.name, keys, IfMissing::Fail)
        .unwrap();
    assert!(outcome.is_complete());

    let [set] = kernel.sets() else {
        panic!("{:?}", kernel.sets())
    };
    assert_eq!(set.header.name, create.name);
    assert_eq!(set.entries, [entry(5999)]);
}

#[test]
fn a_refusal_is_for_one_change() {
    const EPERM: i32 = 1;
    let mut kernel = FakeKernel::new();
    kernel.refuse_next(EPERM);
    let mut sets = IpSet::with_transport(&mut kernel).unwrap();
    assert_eq!(sets.names().unwrap(), []);
    let create = CreateSet::new("s".parse().unwrap(), SetType::HashMac, Family::Unspec);
    let refused = sets.create(&create, IfExists::Fail).unwrap_err();
    assert!(refused.is_permission_denied());
    sets.create(&create, IfExists::Fail).unwrap();
}
