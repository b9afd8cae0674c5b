//! `FIREWALL_EARLY` of table `raw`: bans where connection tracking has not seen the packet yet.
//!
//! `FIREWALL_BANNED` asks the rest only of who is banned, so that everybody else's packets cost one
//! look into each set. What is asked of ICMPv6 alone, `FIREWALL_BANNED_ICMP` asks, so that all else
//! that is banned goes past it.

use super::logging::Line;
use super::{Chains, bans, link};
use crate::config::{List, Position};
use crate::match_::{AddrType, AddrTypes, InInterface, Match, Protocol, Socket};
use crate::{BuildError, Chain, Config, Family, Hook, Rule, Ruleset, Table, Target};

pub(super) fn ruleset(config: &Config, family: Family) -> Result<Ruleset, BuildError> {
    let chains = Chains::new()?;
    let mut ruleset = Ruleset::of(Table::Raw, family);
    ruleset.jump(Hook::Prerouting, chains.early.clone());
    if config.policy.position == Position::First {
        ruleset.jump_first(Hook::Prerouting);
    }
    let chain = ruleset.chain(chains.early.clone());
    for rule in bans::rules(config, family, &chains.banned)? {
        chain.append(rule);
    }
    let chain = ruleset.chain(chains.banned.clone());
    for rule in on_interfaces(config)? {
        chain.append(rule);
    }
    match family {
        Family::Ipv4 => {
            for rule in on_the_link(family)? {
                chain.append(rule);
            }
        }
        Family::Ipv6 => {
            for rule in over_icmp(&chains) {
                chain.append(rule);
            }
        }
    }
    drop_others(chain, &chains, family)?;
    if family == Family::Ipv6 {
        let chain = ruleset.chain(chains.banned_icmp.clone());
        for rule in on_the_link(family)? {
            chain.append(rule);
        }
        drop_others(chain, &chains, family)?;
    }
    ruleset
        .chain(chains.log_and_drop.clone())
        .append(Line::Blocked.rule(config, family, [])?)
        .append(Rule::new(Target::Drop));
    Ok(ruleset)
}

/// What INPUT decides about before it asks who is banned, by where it comes from.
fn on_interfaces(config: &Config) -> Result<Vec<Rule>, BuildError> {
    let mut rules = vec![left(InInterface::new("lo".parse()?))];
    let trusted = config.policy.trusted_interfaces.iter().cloned();
    rules.extend(trusted.map(|name| left(InInterface::new(name))));
    Ok(rules)
}

/// Leads ICMPv6 to its own chain. What comes back from there is left to INPUT.
pub(super) fn over_icmp(chains: &Chains) -> [Rule; 2] {
    let to = Rule::new(chains.banned_icmp.clone());
    [to.matching(Protocol::ICMPV6), left(Protocol::ICMPV6)]
}

/// What a link needs, which INPUT accepts before it asks who is banned.
fn on_the_link(family: Family) -> Result<Vec<Rule>, BuildError> {
    let accepted = link::rules(family)?;
    let left = accepted.iter().map(|accepted| {
        let matches = accepted.matches().iter().cloned();
        matches.fold(Rule::new(Target::Return), Rule::matching)
    });
    Ok(left.collect())
}

/// Drops what is neither let in by INPUT before it asks who is banned, nor never seen by it.
fn drop_others(chain: &mut Chain, chains: &Chains, family: Family) -> Result<(), BuildError> {
    chain
        .append(left(List::Whitelist.member(family)?))
        // What is passed on, and what goes to many.
        .append(left(AddrType::destination(AddrTypes::LOCAL).inverted()))
        // What is established; connection tracking cannot be asked here.
        .append(left(Socket::bound()))
        .append(Rule::new(chains.log_and_drop.clone()));
    Ok(())
}

/// What is left to INPUT.
fn left(packets: impl Into<Match>) -> Rule {
    Rule::new(Target::Return).matching(packets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_elses_packets_are_looked_up_once() {
        let config = Config::parse("[policy]\nearly-drop = true\n").unwrap();
        for family in Family::BOTH {
            let [early, filter] = config.rulesets(family).unwrap().try_into().unwrap();
            assert_eq!((early.table(), filter.table()), (Table::Raw, Table::Filter));
            let unwanted = config.unwanted(family).unwrap();
            assert!(unwanted.iter().all(|one| one.table() != Table::Raw));
            let first = early
                .chains()
                .find(|one| one.name().as_str() == "FIREWALL_EARLY");
            assert_eq!(first.unwrap().rules().len(), 1);
            // What INPUT asks first is asked here, too.
            let chain = |ruleset: &Ruleset, name: &str| -> Vec<Vec<Match>> {
                let mut chains = ruleset.chains();
                let chain = chains.find(|one| one.name().as_str() == name).unwrap();
                chain
                    .rules()
                    .iter()
                    .map(|rule| rule.matches().to_vec())
                    .collect()
            };
            let mut banned = chain(&early, "FIREWALL_BANNED");
            // All but ICMPv6 is asked for no more than IPv4's packets are.
            assert_eq!(banned.len(), 7);
            if family == Family::Ipv6 {
                banned.extend(chain(&early, "FIREWALL_BANNED_ICMP"));
            }
            let input = chain(&filter, "FIREWALL_INPUT");
            let blacklist = vec![List::Blacklist.member(family).unwrap().into()];
            let before = input.iter().take_while(|matches| **matches != blacklist);
            let missing: Vec<_> = before.filter(|matches| !banned.contains(matches)).collect();
            // Connection tracking, for which the sockets stand.
            assert_eq!(missing.len(), 1, "{missing:?}");
            assert!(matches!(missing[0][..], [Match::Conntrack(_)]));
        }
        let off = Config::default();
        assert_eq!(off.rulesets(Family::Ipv4).unwrap().len(), 1);
        let unwanted = off.unwanted(Family::Ipv4).unwrap();
        assert!(unwanted.iter().any(|one| one.table() == Table::Raw));
    }
}
