//! `FIREWALL_OUTPUT`: what this host sends.

use super::address::{Kind, kinds};
use super::input::{known_connections, opens_nothing_by};
use super::logging::Line;
use super::{Chains, link};
use crate::config::{Action, List, OutputPolicy, Traffic};
use crate::match_::{
    Conntrack, CtState, Direction, Match, OutInterface, Protocol, Set, Source, Udp,
};
use crate::target::{Reject, RejectWith};
use crate::{BuildError, ChainName, Config, Family, Hook, LeftOut, Network, Rule, Ruleset, Target};

pub(super) fn fill(
    ruleset: &mut Ruleset,
    config: &Config,
    chains: &Chains,
) -> Result<(), BuildError> {
    let drops = config.policy.output == OutputPolicy::Drop;
    let ends = [&chains.log_and_accept_out, &chains.log_and_drop_out];
    if !drops && config.output.services.is_empty() {
        // The policy that was set with it.
        ruleset.leave_out(LeftOut::new(chains.output.clone()).opening(Hook::Output));
        for chain in ends {
            ruleset.leave_out(LeftOut::new(chain.clone()));
        }
        return Ok(());
    }
    let family = ruleset.family();
    ruleset.jump(Hook::Output, chains.output.clone());
    for (chain, line, target) in [
        (ends[0], Line::OutAllowed, Target::Accept),
        (ends[1], Line::OutBlocked, Target::Drop),
    ] {
        let line = line.rule(config, family, [])?;
        ruleset
            .chain(chain.clone())
            .append(line)
            .append(Rule::new(target));
    }
    let mut rules = opening(family)?;
    rules.push(listed(family)?);
    for service in &config.output.services {
        let line = Line::OutBlocked;
        append(
            &mut rules,
            service,
            config,
            family,
            (ends[0], ends[1]),
            line,
        )?;
    }
    if drops {
        rules.push(Rule::new(ends[1].clone()));
    }
    let chain = ruleset.chain(chains.output.clone());
    for rule in rules {
        chain.append(rule);
    }
    Ok(())
}

/// What goes out whoever it goes to.
pub(super) fn opening(family: Family) -> Result<Vec<Rule>, BuildError> {
    let mut rules = vec![loopback()?, known_connections()];
    rules.extend(link::rules(family)?);
    rules.push(lease(family)?);
    rules.push(opens_nothing());
    Ok(rules)
}

/// The rule for packets of the host to itself.
pub(super) fn loopback() -> Result<Rule, BuildError> {
    Ok(Rule::new(Target::Accept).matching(OutInterface::new("lo".parse()?)))
}

/// The rule for what keeps the host's address: without it the host is mute once its lease is over.
pub(super) fn lease(family: Family) -> Result<Rule, BuildError> {
    let (from, to) = match family {
        Family::Ipv4 => (68, 67),
        Family::Ipv6 => (546, 547),
    };
    let ports = Udp::new().source(from).destination(to);
    let rule = Rule::new(Target::Accept)
        .matching(Protocol::UDP)
        .matching(ports);
    Ok(match family {
        Family::Ipv4 => rule,
        Family::Ipv6 => rule.matching(Source::new("fe80::/10".parse::<Network>()?)),
    })
}

/// The rule for what opens no connection: answers of a service that tracking has forgotten, or does
/// not track.
pub(super) fn opens_nothing() -> Rule {
    opens_nothing_by(Target::Accept)
}

/// The rule for members of the whitelist.
pub(super) fn listed(family: Family) -> Result<Rule, BuildError> {
    let set = Set::new(List::Whitelist.set_name(family)?, Direction::Destination);
    Ok(Rule::new(Target::Accept).matching(set))
}

/// Appends the rules of what goes out or is passed on; `to` has the chains that log and accept, and
/// log and drop.
pub(super) fn append(
    rules: &mut Vec<Rule>,
    traffic: &Traffic,
    config: &Config,
    family: Family,
    (accept, drop): (&ChainName, &ChainName),
    blocked: Line,
) -> Result<(), BuildError> {
    let kind = Kind::of(traffic);
    for like in kinds(&kind, family)? {
        let begins = Conntrack::state(CtState::NEW.or(CtState::UNTRACKED)).into();
        let like: Vec<Match> = like.into_iter().chain([begins]).collect();
        let rule = |target: Target| like.iter().cloned().fold(Rule::new(target), Rule::matching);
        match (traffic.action, traffic.log) {
            (Action::Accept, false) => rules.push(rule(Target::Accept)),
            (Action::Accept, true) => rules.push(rule(accept.clone().into())),
            (Action::Drop, false) => rules.push(rule(Target::Drop)),
            (Action::Drop, true) => rules.push(rule(drop.clone().into())),
            (Action::Reject, log) => {
                if log {
                    rules.push(blocked.rule(config, family, like.iter().cloned())?);
                }
                rules.push(rule(rejected(&like)));
            }
        }
    }
    Ok(())
}

fn rejected(like: &[Match]) -> Target {
    let is_tcp = like.contains(&Protocol::TCP.into());
    Reject::new(if is_tcp {
        RejectWith::TcpReset
    } else {
        RejectWith::PortUnreachable
    })
    .into()
}
