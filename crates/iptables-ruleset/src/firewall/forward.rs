//! `FIREWALL_FORWARD_BANS` and `FIREWALL_FORWARD`: what is passed on, and who is banned from it.

use super::input::known_connections;
use super::logging::Line;
use super::output::append;
use super::{Chains, bans};
use crate::config::{ForwardPolicy, List, PortForward};
use crate::match_::{Conntrack, CtState};
use crate::{BuildError, Config, Family, Hook, LeftOut, Rule, Ruleset, Target};

pub(super) fn fill(
    ruleset: &mut Ruleset,
    config: &Config,
    chains: &Chains,
) -> Result<(), BuildError> {
    protect(ruleset, config, chains)?;
    allow(ruleset, config, chains)
}

/// Bans, ahead of all rules of others.
fn protect(ruleset: &mut Ruleset, config: &Config, chains: &Chains) -> Result<(), BuildError> {
    let (bans, host) = (&chains.forward_bans, &chains.docker_user);
    if !config.forward.protect {
        ruleset.leave_out(LeftOut::new(bans.clone()).guest_of(host.clone()));
        return Ok(());
    }
    let family = ruleset.family();
    ruleset.jump_through(Hook::Forward, host.clone(), bans.clone());
    let chain = ruleset.chain(bans.clone());
    chain.append(known());
    let whitelisted = Rule::new(Target::Return).matching(List::Whitelist.member(family)?);
    chain.append(whitelisted);
    for rule in bans::rules(config, family, &chains.log_and_drop)? {
        chain.append(rule);
    }
    Ok(())
}

/// What is passed on between interfaces.
fn allow(ruleset: &mut Ruleset, config: &Config, chains: &Chains) -> Result<(), BuildError> {
    let (accept, drop) = (&chains.log_and_accept_forward, &chains.log_and_drop_forward);
    let family = ruleset.family();
    let ports = config.forward.ports.iter();
    let ports = ports.filter(|forward| Family::of(forward.to) == family);
    let mut all = config.forward.allow.clone();
    all.extend(ports.map(PortForward::passed_on));
    // A port of one family says something of the other, too: it is not passed on.
    if config.forward.allow.is_empty() && config.forward.ports.is_empty() {
        for chain in [&chains.forward, accept, drop] {
            ruleset.leave_out(LeftOut::new(chain.clone()));
        }
        return Ok(());
    }
    ruleset.jump(Hook::Forward, chains.forward.clone());
    for (chain, line, target) in [
        (accept, Line::ForwardAllowed, Target::Accept),
        (drop, Line::ForwardBlocked, Target::Drop),
    ] {
        let line = line.rule(config, family, [])?;
        let chain = ruleset.chain(chain.clone());
        chain.append(line).append(Rule::new(target));
    }
    let mut rules = vec![known_connections()];
    if !config.forward.protect {
        // Nobody has asked yet.
        let whitelisted = List::Whitelist.member(family)?;
        let banned = bans::rules(config, family, &chains.log_and_drop)?.into_iter();
        rules.extend(banned.map(|rule| rule.matching(whitelisted.clone().inverted())));
    }
    for traffic in &all {
        let line = Line::ForwardBlocked;
        append(&mut rules, traffic, config, family, (accept, drop), line)?;
    }
    if config.policy.forward == ForwardPolicy::Drop {
        rules.push(Rule::new(drop.clone()));
    }
    let chain = ruleset.chain(chains.forward.clone());
    for rule in rules {
        chain.append(rule);
    }
    Ok(())
}

/// The rule for what belongs to a connection, which others decide about: who is banned may answer
/// what is asked from inside.
pub(super) fn known() -> Rule {
    let known = Conntrack::state(CtState::RELATED.or(CtState::ESTABLISHED));
    Rule::new(Target::Return).matching(known)
}
