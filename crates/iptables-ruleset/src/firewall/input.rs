//! `FIREWALL_INPUT`: what happens to packets to this host, in order.

use super::{Chains, List, link, services, throttle};
use crate::match_::{Conntrack, CtState, Direction, InInterface, Set};
use crate::{BuildError, Config, Family, Rule, Ruleset, Target};

pub(super) fn fill(
    ruleset: &mut Ruleset,
    config: &Config,
    chains: &Chains,
) -> Result<(), BuildError> {
    let family = ruleset.family();
    let mut rules = opening(family)?;
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

/// What comes in whoever sends it.
pub(super) fn opening(family: Family) -> Result<Vec<Rule>, BuildError> {
    let mut rules = vec![
        Rule::new(Target::Accept).matching(InInterface::new("lo".parse()?)),
        Rule::new(Target::Accept)
            .matching(Conntrack::state(CtState::RELATED.or(CtState::ESTABLISHED))),
    ];
    rules.extend(link::rules(family)?);
    Ok(rules)
}

/// Whether the packet's source is on a list.
pub(super) fn member(list: List, family: Family) -> Result<Set, BuildError> {
    Ok(Set::new(list.set_name(family)?, Direction::Source))
}
