//! What stands when nothing better can.

use super::input::{invalid, opening, opens_nothing};
use super::{Chains, bans, entrance, logging, services};
use crate::config::{Action, FloorParts, List, Service, ServiceProtocol, ServiceSource};
use crate::{
    BuildError, Chain, ChainName, Config, Family, Policy, PortRange, Rule, Ruleset, Target,
};

/// The least that keeps a host closed and its administrator in, with as much of `config` as that
/// takes.
pub(super) fn ruleset(
    config: &Config,
    family: Family,
    parts: &FloorParts,
) -> Result<Ruleset, BuildError> {
    let chains = Chains::new()?;
    let mut ruleset = entrance(config, family, Policy::Drop, &chains.input);
    if parts.log {
        logging::fill(&mut ruleset, config, &chains)?;
    } else {
        ruleset
            .chain(chains.log_and_accept.clone())
            .append(Rule::new(Target::Accept));
        ruleset
            .chain(chains.log_and_drop.clone())
            .append(Rule::new(Target::Drop));
    }
    let mut rules = opening(config, family)?;
    let whitelisted = [List::Whitelist.member(family)?].into_iter();
    let whitelisted = whitelisted.map(|member| (member, &chains.log_and_accept));
    let banned = bans::members(config, family)?.into_iter();
    let banned = banned.map(|member| (member, &chains.log_and_drop));
    for (member, to) in whitelisted.chain(banned) {
        if parts.sets.contains(member.name()) {
            rules.push(Rule::new(to.clone()).matching(member));
        }
    }
    if parts.log {
        rules.push(invalid(&chains));
    }
    for service in ssh(config, family, parts)? {
        services::append_unlimited(&mut rules, &service, family, &chains)?;
    }
    if parts.log {
        rules.push(opens_nothing(&chains));
    }
    rules.push(Rule::new(chains.log_and_drop.clone()));
    let chain = ruleset.chain(chains.input.clone());
    for rule in rules {
        chain.append(rule);
    }
    Ok(ruleset)
}

/// The floor in one chain.
pub(super) fn apart(
    config: &Config,
    family: Family,
    parts: &FloorParts,
) -> Result<Ruleset, BuildError> {
    let chains = Chains::new()?;
    let whole = ruleset(config, family, parts)?;
    let chain = |name: &ChainName| whole.chains().find(|chain| chain.name() == name);
    let mut apart = entrance(config, family, Policy::Drop, &chains.floor);
    let floor = apart.chain(chains.floor.clone());
    let mut rules = Vec::new();
    for rule in chain(&chains.input).into_iter().flat_map(Chain::rules) {
        match rule.target().jump().and_then(chain) {
            // In the place of a jump the line and the verdict that the chain ends with: who is let
            // in without a line has the same verdict with it.
            Some(to) => {
                let logs =
                    |inner: &&Rule| matches!(inner.target(), Target::Log(_) | Target::Nflog(_));
                let line = to.rules().iter().filter(logs);
                let inner = line.chain(to.rules().last());
                rules.extend(inner.map(|inner| both(rule, inner)));
            }
            None => rules.push(rule.clone()),
        }
    }
    for rule in rules {
        floor.append(rule);
    }
    Ok(apart)
}

/// A rule for what both match, with what the inner one does.
fn both(outer: &Rule, inner: &Rule) -> Rule {
    let matches = outer.matches().iter().chain(inner.matches());
    let rule = Rule::new(inner.target().clone());
    matches.cloned().fold(rule, Rule::matching)
}

/// The services the administrator may come in by, without a limit and at any time; port 22 where
/// none is to be recognized.
fn ssh(config: &Config, family: Family, parts: &FloorParts) -> Result<Vec<Service>, BuildError> {
    let port = PortRange::from(SSH);
    let is_ssh = |service: &&Service| {
        let open = service.tcp_ports();
        let is_named = service.name.as_str().to_ascii_lowercase().contains("ssh");
        service.action == Action::Accept && !open.is_empty() && (is_named || open.contains(&port))
    };
    let mut found: Vec<Service> = config.services.iter().filter(is_ssh).cloned().collect();
    if found.is_empty() {
        found.push(Service {
            ports: vec![port],
            ..Service::new("ssh".parse()?, [ServiceProtocol::TCP])
        });
    }
    // One that is there at times only is better than none.
    let at_times = |service: &Service| !service.when.is_empty() || service.open_until.is_some();
    if !found.iter().all(at_times) {
        found.retain(|service| !at_times(service));
    }
    for service in &mut found {
        service.when.clear();
        service.open_until = None;
        service.protocols = vec![ServiceProtocol::TCP];
        let can_be_known = |source: &ServiceSource| {
            let set = source.set_name(family);
            set.is_ok_and(|set| set.is_none_or(|name| parts.sets.contains(&name)))
        };
        // Whoever is in a set that is not there is not known; better everybody than nobody.
        service.sources.retain(can_be_known);
    }
    Ok(found)
}

/// The port of ssh, RFC 4250.
const SSH: u16 = 22;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(config: &str, parts: &FloorParts) -> String {
        let config = Config::parse(config).unwrap();
        let ruleset = ruleset(&config, Family::Ipv4, parts).unwrap();
        ruleset.to_iptables_save().to_string()
    }

    #[test]
    fn nothing_is_used_that_may_be_what_fails() {
        let text = text("", &FloorParts::default());
        for absent in ["-m set", "LOG --log", "hashlimit", "443"] {
            assert!(!text.contains(absent), "{absent} in {text}");
        }
        for line in [
            ":INPUT DROP [0:0]",
            "-A FIREWALL_INPUT -i lo -j ACCEPT",
            "-A FIREWALL_INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "-A FIREWALL_INPUT -j LOG_AND_DROP",
            "-A LOG_AND_DROP -j DROP",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} in {text}");
        }
        assert!(text.contains("-p tcp -m tcp --dport 22 "), "{text}");
    }

    #[test]
    fn the_way_in_is_the_one_of_the_configuration() {
        let service = |name: &str, ports: &str, more: &str| {
            format!("[[service]]\nname = \"{name}\"\nprotocol = \"tcp\"\nports = {ports}\n{more}\n")
        };
        let text_of = |config: &str| text(config, &FloorParts::default());
        let moved = text_of(&service("SSH", "[2222]", "sources = [\"192.0.2.0/24\"]"));
        assert!(
            moved.contains("-s 192.0.2.0/24 -p tcp -m tcp --dport 2222 "),
            "{moved}"
        );
        assert!(!moved.contains("--dport 22 "), "{moved}");
        let unnamed = text_of(&service("admin", "[22]", ""));
        assert!(unnamed.contains("--dport 22 "), "{unnamed}");
        let none = text_of("service = []");
        assert!(none.contains("--dport 22 "), "{none}");
    }

    #[test]
    fn who_is_in_a_set_that_is_not_there_gets_in_all_the_same() {
        let config = "[policy]\ntrusted-interfaces = [\"wg0\"]\n[[service]]\nname = \"ssh\"\nprotocol = [\"udp\", \"tcp\"]\n\
            ports = [22]\nsources = [\"set:office\"]\nconnections = 4\n[[service]]\nname = \"no-ssh\"\nprotocol = \"tcp\"\n\
            ports = [22]\naction = \"drop\"\n";
        let without = text(config, &FloorParts::default());
        assert!(without.contains("-A FIREWALL_INPUT -i wg0 -j ACCEPT\n"));
        let ssh = "-A FIREWALL_INPUT -p tcp -m tcp --dport 22 ";
        let open = format!("{ssh}-m conntrack --ctstate NEW,UNTRACKED -j LOG_AND_ACCEPT\n");
        assert!(without.contains(&open), "{without}");
        assert_eq!(without.matches("22 ").count(), 1, "{without}");
        let parts = FloorParts {
            sets: vec!["office".parse().unwrap()],
            log: false,
        };
        let with = text(config, &parts);
        assert!(
            with.contains(&format!("{ssh}-m set --match-set office src ")),
            "{with}"
        );
    }

    #[test]
    fn at_times_only_is_any_time_where_there_is_no_other() {
        let closed = "[[service]]\nname = \"ssh\"\nprotocol = \"tcp\"\nports = [2222]\n\
            when = { until = \"01:00\", zone = \"UTC\" }\nopen-until = 2001-01-01T00:00:00Z\n";
        let alone = text(closed, &FloorParts::default());
        assert!(
            alone.contains("--dport 2222 ") && !alone.contains("-m time"),
            "{alone}"
        );
        let other = format!(
            "{closed}[[service]]\nname = \"ssh-admin\"\nprotocol = \"tcp\"\nports = [22]\n"
        );
        let both = text(&other, &FloorParts::default());
        assert!(
            both.contains("--dport 22 ") && !both.contains("2222"),
            "{both}"
        );
    }

    #[test]
    fn in_one_chain_it_does_the_same() {
        let config = Config::parse("[log]\nrate = \"9/second\"\n").unwrap();
        for family in Family::BOTH {
            let sets = ["whitelist", "blacklist"].map(|list| match family {
                Family::Ipv4 => list.parse().unwrap(),
                Family::Ipv6 => format!("{list}_v6").parse().unwrap(),
            });
            for log in [true, false] {
                let sets = sets.to_vec();
                let parts = FloorParts { sets, log };
                let ruleset = apart(&config, family, &parts).unwrap();
                ruleset.check().unwrap();
                let text = ruleset.to_iptables_save().to_string();
                for line in [
                    ":INPUT DROP [0:0]",
                    "-A INPUT -j FIREWALL_FLOOR",
                    "-A FIREWALL_FLOOR -i lo -j ACCEPT",
                    "-A FIREWALL_FLOOR -j DROP",
                ] {
                    assert!(text.contains(&format!("{line}\n")), "{line} in {text}");
                }
                assert!(!text.contains("LOG_AND"), "{text}");
                assert_eq!(text.contains("BLOCKED"), log, "{text}");
                for list in ["whitelist", "blacklist"] {
                    assert!(text.contains(&format!("--match-set {list}")), "{text}");
                }
            }
        }
    }

    #[test]
    fn sets_are_looked_into_where_they_can_be() {
        let parts = FloorParts {
            sets: vec!["whitelist".parse().unwrap()],
            log: true,
        };
        let text = text("[log]\ntarget = \"NFLOG\"", &parts);
        assert!(
            text.contains("--match-set whitelist src -j LOG_AND_ACCEPT\n"),
            "{text}"
        );
        assert!(!text.contains("blacklist"), "{text}");
        // Also here nobody is blocked for the late end of a connection.
        assert!(
            text.contains("--ctstate INVALID -j LOG_AND_DROP_INVALID\n"),
            "{text}"
        );
        assert!(
            text.contains("IPTABLES-BLOCKED") && text.contains("NFLOG"),
            "{text}"
        );
    }
}
