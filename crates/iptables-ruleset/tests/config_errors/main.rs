//! What is wrong with a file is said with its place and a reason.

mod instants;
mod mistakes;
mod sizes;
mod times;

use iptables_ruleset::Config;

use crate::instants::WRONG as WRONG_INSTANTS;
use crate::mistakes::WRONG;

#[test]
fn every_mistake_has_a_place_and_a_reason() {
    let mut differences = String::new();
    for (file, expected) in WRONG.iter().chain(WRONG_INSTANTS) {
        let said = match Config::parse(file) {
            Ok(_) => "nothing".to_owned(),
            Err(error) => error.to_string(),
        };
        if said != *expected {
            differences =
                format!("{differences}\n{file}\n  expected {expected}\n  said     {said}\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn a_second_file_is_read_on_top_of_the_first() {
    let first = "[sets.members]\nwhitelist = [\"0.0.0.0/1\"]\nblacklist = [\"192.0.2.0/24\"]\n[[service]]\nuse = \"ssh\"\n";
    let said = |more: &str| match Config::parse(first).unwrap().and(more) {
        Ok(config) => format!("{:?}", config.services.len()),
        Err(error) => error.to_string(),
    };
    assert_eq!(said("[[service]]\nuse = \"mdns\"\n"), "2");
    assert_eq!(said("service = []\n"), "1");
    assert_eq!(
        said("\n[[service]]\nuse = \"ssh\"\n"),
        "line 3, column 7: two services are named \"ssh\""
    );
    assert_eq!(
        said("[sets.members]\nwhitelist = [\"128.0.0.0/1\"]\n"),
        "line 2, column 13: the members of whitelist cover every IPv4 address: there would be no firewall"
    );
    assert_eq!(
        said("[sets]\ntype = \"hash:ip\"\n"),
        "line 2, column 8: 0.0.0.0/1 is a network, and sets of type hash:ip take single addresses only"
    );
    // What stands there because no file said anything gives way.
    let defaults = Config::parse("[log]\n").unwrap();
    let more = defaults.and("[[service]]\nuse = \"ssh\"\n").unwrap();
    assert_eq!(more.services.len(), 2);
    assert_eq!(more.services[0].rate, None);
}

#[test]
fn sets_of_several_files_come_together() {
    let first = Config::parse("[[set]]\nname = \"a\"\n[[blocklist]]\nname = \"b\"\nfile = \"x\"\n")
        .unwrap();
    let said = |config: &Config, text: &str| config.clone().and(text).unwrap_err().to_string();
    for again in [
        "[[set]]\nname = \"b\"\n",
        "[[blocklist]]\nname = \"a\"\nfile = \"x\"\n",
    ] {
        assert!(said(&first, again).starts_with("line 2, column 8: two sets are named"));
    }
    let more = first.clone().and("[[set]]\nname = \"c\"\n").unwrap();
    assert_eq!((more.own_sets.len(), more.blocklists.len()), (2, 1));
    // A service of an earlier file names it.
    let service = "[[service]]\nuse = \"http\"\nsources = [\"set:d\"]\n";
    let service = Config::parse(service).unwrap();
    assert_eq!(
        said(
            &service,
            "[[set]]\nname = \"d\"\ntype = \"hash:net,iface\"\n"
        ),
        "line 1, column 1: set \"d\" is of type hash:net,iface, and service \"http\" asks it for addresses alone, which takes \
         hash:net or hash:ip"
    );
}

#[test]
fn every_ready_made_service_can_be_used() {
    let error = Config::parse("[[service]]\nuse = \"?\"\n").unwrap_err();
    let (_, names) = error.message().split_once("known are ").unwrap();
    for name in names.split(", ") {
        let config = Config::parse(&format!("[[service]]\nuse = \"{name}\"\n")).unwrap();
        for family in iptables_ruleset::Family::BOTH {
            assert_eq!(config.ruleset(family).unwrap().check(), Ok(()), "{name}");
        }
    }
}

#[test]
fn no_text_makes_the_parser_panic() {
    let file = include_str!("../cases/30-everything/firewall.toml");
    let lists = include_str!("../cases/92-lists/firewall.toml");
    for end in (0..lists.len()).filter(|end| lists.is_char_boundary(*end)) {
        let _ = Config::parse(&lists[..end]);
    }
    for end in (0..file.len()).filter(|end| file.is_char_boundary(*end)) {
        let _ = Config::parse(&file[..end]);
        let _ = Config::parse(&file[end..]);
    }
}
