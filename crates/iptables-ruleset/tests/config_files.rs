//! Each folder of `tests/cases` is a configuration and the text of its rules in both families.
//!
//! `UPDATE_CASES=1 cargo test -p iptables-ruleset --test config_files` writes the text anew; the
//! kernel tests compare it with what the stock tools make of it.

use std::fs;
use std::path::PathBuf;

use iptables_ruleset::config::{RequiredSet, SetOrigin};
use iptables_ruleset::{Config, Family, Table};

#[test]
fn every_configuration_gives_the_text_beside_it() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut compared = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let case = entry.unwrap().path();
        let config = Config::parse(&fs::read_to_string(case.join("firewall.toml")).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", case.display()));
        for (family, file) in [
            (Family::Ipv4, "iptables.save"),
            (Family::Ipv6, "ip6tables.save"),
        ] {
            let rulesets = config.rulesets(family).unwrap();
            let unwanted = config.unwanted(family).unwrap();
            let all = rulesets.iter().chain(&unwanted);
            all.for_each(|ruleset| assert_eq!(ruleset.check(), Ok(())));
            let text: String = rulesets
                .iter()
                .map(|ruleset| ruleset.to_iptables_save().to_string())
                .collect();
            let file = case.join(file);
            if std::env::var_os("UPDATE_CASES").is_some() {
                fs::write(&file, &text).unwrap();
            }
            assert_eq!(
                text,
                fs::read_to_string(&file).unwrap(),
                "{}",
                file.display()
            );
            compared += 1;
        }
    }
    assert!(compared >= 8, "only {compared} files compared");
}

#[test]
fn the_nat_of_a_router_is_the_text_beside_it() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/nat");
    let config = Config::parse(&fs::read_to_string(folder.join("firewall.toml")).unwrap()).unwrap();
    for (family, file) in [
        (Family::Ipv4, "iptables.save"),
        (Family::Ipv6, "ip6tables.save"),
    ] {
        let rulesets = config.rulesets(family).unwrap();
        let nat = rulesets
            .iter()
            .find(|one| one.table() == Table::Nat)
            .unwrap();
        assert_eq!(nat.check(), Ok(()));
        let text = nat.to_iptables_save().to_string();
        let file = folder.join(file);
        if std::env::var_os("UPDATE_CASES").is_some() {
            fs::write(&file, &text).unwrap();
        }
        assert_eq!(
            text,
            fs::read_to_string(&file).unwrap(),
            "{}",
            file.display()
        );
    }
    // Nothing is said of nat where nothing is wanted there.
    let rulesets = Config::default().rulesets(Family::Ipv4).unwrap();
    assert!(rulesets.iter().all(|one| one.table() != Table::Nat));
}

#[test]
fn sets_are_as_they_are_described() {
    let config = Config::parse(include_str!("cases/92-lists/firewall.toml")).unwrap();
    let required = config.required_sets().unwrap();
    let own = required.iter().filter(|set| set.origin != SetOrigin::List);
    let text = |set: &RequiredSet| {
        let timeout = set.timeout.map(|timeout| timeout.as_secs());
        format!(
            "{} {} {:?} {} {timeout:?} {} {}",
            set.name,
            set.set_type.name(),
            set.origin,
            set.maxelem,
            set.comment,
            set.counters
        )
    };
    assert_eq!(
        own.map(text).collect::<Vec<_>>(),
        [
            "office hash:net File 1048576 None false false",
            "admins hash:ip File 100 None false true",
            "guests hash:net Own 1048576 Some(5400) true false",
            "drop hash:net Blocklist 1048576 None false false",
            "others hash:net Blocklist 1048576 None false false",
            "office_v6 hash:net File 1048576 None false false",
            "guests_v6 hash:net Own 1048576 Some(5400) true false",
            "pairs_v6 hash:net,port Own 1048576 Some(0) false false",
            "drop_v6 hash:net Blocklist 1048576 None false false",
            "others_v6 hash:net Blocklist 1048576 None false false",
            // A service asks for it in both families.
            "admins_v6 hash:net Service 1048576 Some(0) false false",
        ]
    );
    assert_eq!(config.blocklists[0].max_shrink, 50);
    assert_eq!(config.blocklists[1].max_shrink, 10);
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(Config::parse(""), Ok(Config::default()));
    let written_out = include_str!("cases/10-default/firewall.toml");
    assert_eq!(Config::parse(written_out), Ok(Config::default()));
}
