//! Sets that are not read.

use super::*;

/// Nobody is added over somebody who came in meanwhile.
#[test]
fn sets_that_are_not_read_are_filled_all_the_same() {
    let quick = Asked {
        known: Known::Absent,
        ..Asked::default()
    };
    let mut kernel = kernel();
    add(&mut kernel, "blacklist", [entry("198.51.100.0/24", 0)]);
    let told = quick.ban(&mut kernel, &[SOURCE, "2001:db8::7"]);
    assert_eq!(told.outcomes, [Outcome::Added, Outcome::Added]);
    let expected = ["198.51.100.0/24 0".to_owned(), format!("{SOURCE} {DAY}")];
    assert_eq!(members(&kernel, "blacklist"), expected);

    let mut kernel = self::kernel();
    add(&mut kernel, "blacklist", [entry(SOURCE, 0)]);
    let told = quick.ban(&mut kernel, &[SOURCE]);
    let [Outcome::Refused(why)] = told.outcomes.as_slice() else {
        panic!("{:?}", told.outcomes)
    };
    assert!(why.contains(SOURCE), "{why}");
    assert_eq!(members(&kernel, "blacklist"), [format!("{SOURCE} 0")]);
}

#[test]
fn who_is_a_stranger_to_a_set() {
    let mut kernel = kernel();
    let exception = entry("203.0.113.128/25", 0).except();
    add(&mut kernel, "blacklist", [entry(NETWORK, 0), exception]);
    let rules = [rule()];
    let (mut sets, _) = Sets::of(Box::new(kernel), &rules);
    for (address, expected) in [
        ("203.0.112.255", true),
        ("203.0.113.7", false),
        ("203.0.113.129", false),
        ("203.0.114.0", true),
    ] {
        let is = sets.is_stranger(&set("blacklist"), address.parse().expect(address));
        assert_eq!(is, Ok(expected), "{address}");
    }
    let unknown = sets.is_stranger(&set("other"), "203.0.112.1".parse().expect("one"));
    assert_eq!(unknown, Ok(false));
}
