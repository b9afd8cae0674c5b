//! `FIREWALL_INPUT`, and `FIREWALL_CROWDED` beside it: what happens to packets to this host, in
//! order.

use super::{Chains, bans, link, services, throttle};
use crate::config::{List, Quiet};
use crate::match_::{AddrType, AddrTypes, Conntrack, CtState, InInterface, Protocol, Tcp};
use crate::{BuildError, Config, Family, Rule, Ruleset, Target};

pub(super) fn fill(
    ruleset: &mut Ruleset,
    config: &Config,
    chains: &Chains,
) -> Result<(), BuildError> {
    let family = ruleset.family();
    let mut rules = opening(config, family)?;
    rules.push(Rule::new(chains.log_and_accept.clone()).matching(List::Whitelist.member(family)?));
    rules.extend(bans::rules(config, family, &chains.log_and_drop)?);
    // Where a ban holds and nothing else has decided yet.
    rules.push(Rule::new(chains.local.clone()));
    rules.push(invalid(chains));
    throttle::append(&mut rules, config, family, chains)?;
    let crowded = services::append(&mut rules, config, family, chains)?;
    // Behind the services, of which one may be for it.
    rules.extend(quiet(config, family).map(|(_, rule)| rule));
    // Behind the services, through which a connection goes on that tracking meets in the middle.
    rules.push(opens_nothing(chains));
    rules.push(Rule::new(chains.log_and_drop.clone()));

    ruleset.local_chain(chains.local.clone());
    let chain = ruleset.chain(chains.input.clone());
    for rule in rules {
        chain.append(rule);
    }
    let chain = ruleset.chain(chains.crowded.clone());
    for rule in crowded {
        chain.append(rule);
    }
    chain
        .append(opens_nothing(chains))
        .append(Rule::new(chains.log_and_drop_limited.clone()));
    Ok(())
}

/// What comes in whoever sends it.
pub(super) fn opening(config: &Config, family: Family) -> Result<Vec<Rule>, BuildError> {
    let by = |interface| Rule::new(Target::Accept).matching(InInterface::new(interface));
    let mut rules = vec![by("lo".parse()?)];
    let trusted = config.policy.trusted_interfaces.iter().cloned();
    rules.extend(trusted.map(by));
    rules.push(known_connections());
    rules.extend(link::rules(family)?);
    Ok(rules)
}

/// The rules for what is dropped without a line, each with what it is for.
pub(super) fn quiet(config: &Config, family: Family) -> impl Iterator<Item = (Quiet, Rule)> {
    let types = move |quiet: &Quiet| match quiet {
        Quiet::Broadcast if family == Family::Ipv6 => None,
        Quiet::Broadcast => Some((*quiet, AddrTypes::BROADCAST)),
        Quiet::Multicast => Some((*quiet, AddrTypes::MULTICAST)),
    };
    let kinds = config.log.quiet.iter().filter_map(types);
    kinds.map(|(quiet, types)| {
        let rule = Rule::new(Target::Drop).matching(AddrType::destination(types));
        (quiet, rule)
    })
}

/// The rule for the late end of a connection that tracking has forgotten: it is nobody's attack.
pub(super) fn invalid(chains: &Chains) -> Rule {
    Rule::new(chains.log_and_drop_invalid.clone()).matching(Conntrack::state(CtState::INVALID))
}

/// The rule for what tracking takes for new although it asks for no connection: it is no attack
/// either.
pub(super) fn opens_nothing(chains: &Chains) -> Rule {
    opens_nothing_by(chains.log_and_drop_invalid.clone())
}

/// The rule with this target for what of TCP opens no connection.
pub(super) fn opens_nothing_by(target: impl Into<Target>) -> Rule {
    Rule::new(target)
        .matching(Protocol::TCP)
        .matching(Tcp::new().not_opening())
}

/// The rule for what belongs to a connection.
pub(super) fn known_connections() -> Rule {
    let known = Conntrack::state(CtState::RELATED.or(CtState::ESTABLISHED));
    Rule::new(Target::Accept).matching(known)
}
