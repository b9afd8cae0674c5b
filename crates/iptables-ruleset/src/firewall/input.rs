//! `FIREWALL_INPUT`: what happens to packets to this host, in order.

use super::{Chains, List, services, throttle};
use crate::match_::{Conntrack, CtState, Direction, Icmp, InInterface, Protocol, Set};
use crate::{BuildError, Config, Family, Rule, Ruleset, Target};

pub(super) fn fill(
    ruleset: &mut Ruleset,
    config: &Config,
    chains: &Chains,
) -> Result<(), BuildError> {
    let family = ruleset.family();
    let mut rules = vec![
        Rule::new(Target::Accept).matching(InInterface::new("lo".parse()?)),
        Rule::new(Target::Accept)
            .matching(Conntrack::state(CtState::RELATED.or(CtState::ESTABLISHED))),
    ];
    if family == Family::Ipv6 {
        rules.extend(neighbour_discovery());
    }
    rules.push(Rule::new(chains.log_and_accept.clone()).matching(member(List::Whitelist, family)?));
    rules.push(Rule::new(chains.log_and_drop.clone()).matching(member(List::Blacklist, family)?));
    throttle::append(&mut rules, config, family, chains)?;
    services::append(&mut rules, config, family, chains)?;
    rules.push(Rule::new(chains.log_and_drop.clone()));

    let chain = ruleset.chain(chains.input.clone());
    for rule in rules {
        chain.append(rule);
    }
    Ok(())
}

/// Whether the packet's source is on a list.
pub(super) fn member(list: List, family: Family) -> Result<Set, BuildError> {
    Ok(Set::new(list.set_name(family)?, Direction::Source))
}

/// Router solicitation and advertisement, neighbour solicitation and advertisement (RFC 4861). Without them IPv6
/// stops working within a minute. They are what ARP is to IPv4, so they are neither logged nor subject to the
/// lists; the kernel itself refuses those that come from beyond the link.
fn neighbour_discovery() -> impl Iterator<Item = Rule> {
    (133..=136).map(|number| {
        Rule::new(Target::Accept)
            .matching(Protocol::ICMPV6)
            .matching(Icmp::of_type(number))
    })
}
