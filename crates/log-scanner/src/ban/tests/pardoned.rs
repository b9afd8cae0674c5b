//! Who was let go by hand within a network that is banned.

use ban_sets::Pardon;

use super::*;

/// The pardon of one network.
fn pardoned(network: &str) -> Pardons {
    let pardon = Pardon {
        network: parse(network).expect(network),
        since: now(),
    };
    [pardon].into_iter().collect()
}

/// A network whose ban is prolonged, and its exception; what is in the set then.
fn prolonged(pardons: Pardons, also: &[&str]) -> (Told, Vec<String>) {
    let mut kernel = kernel();
    let exception = entry(MONITOR, 3660).except();
    add(&mut kernel, "blacklist", [entry(NETWORK, 3000), exception]);
    let asked = Asked {
        pardons,
        ..Asked::default()
    };
    let sources = [&[NETWORK], also].concat();
    let told = asked.ban(&mut kernel, &sources);
    (told, members(&kernel, "blacklist"))
}

#[test]
fn his_exception_is_prolonged_with_the_network() {
    for around in [MONITOR, "203.0.113.8/30"] {
        let (told, members) = prolonged(pardoned(around), &[]);
        assert_eq!(told.outcomes, [Outcome::Refreshed]);
        let why = "203.0.113.9 in it is pardoned since 2026-11-22T09:00:00Z";
        assert_eq!(told.exceptions, [why]);
        let expected = ["203.0.113.0/24 86341", "203.0.113.9 87001 nomatch"];
        assert_eq!(members, expected);
    }
}

#[test]
fn it_ends_where_the_pardon_does() {
    let short = ["203.0.113.0/24 86341", "203.0.113.9 3660 nomatch"];
    let (told, members) = prolonged(pardoned("198.51.100.1"), &[]);
    assert_eq!(told.outcomes, [Outcome::Refreshed]);
    assert_eq!(members, short);
    // What he did since has him banned, once it ends.
    let (told, members) = prolonged(pardoned(MONITOR), &[MONITOR]);
    let excepted = exempt("excepted (nomatch) in blacklist as 203.0.113.9");
    assert_eq!(told.outcomes, [Outcome::Refreshed, excepted]);
    assert_eq!(members, short);
}
