//! What others may connect to, and may not.

use std::collections::BTreeSet;

use super::Chains;
use super::address::addressed_to;
use super::budget::{Budget, Crowd};
use super::logging::Line;
use crate::config::{Action, Service};
use crate::match_::{ConnLimit, Conntrack, CtState, Direction, Match, Protocol, Tcp};
use crate::target::{Reject, RejectWith};
use crate::{BuildError, Config, Family, Rate, Rule, Target};

/// Appends the rules of the services; returns those for a crowd.
pub(super) fn append(
    rules: &mut Vec<Rule>,
    config: &Config,
    family: Family,
    chains: &Chains,
) -> Result<Vec<Rule>, BuildError> {
    let mut names = BTreeSet::new();
    let mut crowded = Vec::new();
    for service in &config.services {
        // Rules of one name share their budget.
        if !names.insert(&service.name) {
            return Err(BuildError::value(
                "service name",
                &service.name,
                "two services have it",
            ));
        }
        match service.action {
            Action::Accept => {
                let limited = Limited::new(service, family, chains)?;
                for to_it in addressed_to(service, family)? {
                    limited.append(rules, &mut crowded, &to_it, chains)?;
                }
            }
            Action::Drop | Action::Reject => {
                for to_it in addressed_to(service, family)? {
                    refuse(rules, service, &to_it, config, family, chains)?;
                }
            }
        }
    }
    Ok(crowded)
}

/// Appends the rules of a service as if it had no limit.
pub(super) fn append_unlimited(
    rules: &mut Vec<Rule>,
    service: &Service,
    family: Family,
    chains: &Chains,
) -> Result<(), BuildError> {
    let to_it = addressed_to(service, family)?;
    rules.extend(
        to_it
            .iter()
            .map(|to_it| rule(&chains.log_and_accept, new(to_it))),
    );
    Ok(())
}

/// The rules that keep a new connection to a service out.
fn refuse(
    rules: &mut Vec<Rule>,
    service: &Service,
    to_it: &[Match],
    config: &Config,
    family: Family,
    chains: &Chains,
) -> Result<(), BuildError> {
    let opening = only(to_it, Tcp::opening);
    let opens = opening.as_deref().unwrap_or(to_it);
    let rejected = Target::from(Reject::new(match opening {
        Some(_) => RejectWith::TcpReset,
        None => RejectWith::PortUnreachable,
    }));
    match (service.action, service.log) {
        (Action::Reject, true) => {
            rules.push(Line::Blocked.rule(config, family, new(opens))?);
            rules.push(rule(&rejected, new(opens)));
        }
        (_, true) => rules.push(rule(&chains.log_and_drop, new(opens))),
        (Action::Reject, false) => rules.push(rule(&rejected, new(to_it))),
        (_, false) => rules.push(rule(&Target::Drop, new(to_it))),
    }
    if service.log && opening.is_some() {
        // A service further down would take up a connection in the middle.
        rules.push(rule(&chains.log_and_drop_invalid, new(to_it)));
    }
    Ok(())
}

/// What a service lets in, and how much of it.
struct Limited {
    budget: Option<(Budget, Option<Crowd>)>,
    connections: Option<ConnLimit>,
    family: Family,
    /// Where what is let in goes.
    within: Target,
    /// Where what is over a limit goes.
    over: Target,
    logged: bool,
}

impl Limited {
    fn new(service: &Service, family: Family, chains: &Chains) -> Result<Self, BuildError> {
        let prefix = match family {
            Family::Ipv4 => service.per_v4,
            Family::Ipv6 => service.per_v6,
        };
        let budget = |rate: Rate| -> Result<_, BuildError> {
            let budget = Budget::new(service.name.as_str(), rate, service.burst, prefix);
            let crowd = budget.crowd(CROWDED, family)?;
            Ok((budget, crowd))
        };
        let connections = |most| ConnLimit::above(most, Direction::Source).prefix(prefix);
        let (within, over) = if service.log {
            let (within, over) = (&chains.log_and_accept, &chains.log_and_drop_limited);
            (within.clone().into(), over.clone().into())
        } else {
            (Target::Accept, Target::Drop)
        };
        Ok(Self {
            budget: service.rate.map(budget).transpose()?,
            connections: service.connections.map(connections),
            family,
            within,
            over,
            logged: service.log,
        })
    }

    /// The rules for one combination of whatever the service is for.
    fn append(
        &self,
        rules: &mut Vec<Rule>,
        crowded: &mut Vec<Rule>,
        to_it: &[Match],
        chains: &Chains,
    ) -> Result<(), BuildError> {
        let opening = only(to_it, Tcp::opening);
        // What opens nothing is not over a limit of connections.
        let opens = opening.as_deref().unwrap_or(to_it);
        if self.budget.is_some() {
            if let Some(later) = only(to_it, Tcp::not_opening) {
                // What goes on is no new connection, also where nobody tracks it.
                let untracked = Conntrack::state(CtState::UNTRACKED).into();
                let later = later.into_iter().chain([untracked]);
                rules.push(rule(&Target::Accept, later));
            }
        }
        if let Some(connections) = self.connections {
            rules.push(rule(&self.over, new(opens).chain([connections.into()])));
        }
        let Some((budget, crowd)) = &self.budget else {
            rules.push(rule(&self.within, new(to_it)));
            return Ok(());
        };
        if let Some(crowd) = crowd {
            let guard = crowd.guard.clone().into();
            rules.push(rule(&chains.crowded, new(to_it).chain([guard])));
            let within = crowd.up_to(self.family)?.into();
            crowded.push(rule(&self.within, new(to_it).chain([within])));
            if !self.logged {
                crowded.push(rule(&self.over, new(opens)));
            }
        }
        let within = budget.up_to(self.family)?.into();
        rules.push(rule(&self.within, new(to_it).chain([within])));
        rules.push(rule(&self.over, new(opens)));
        Ok(())
    }
}

/// What packets of TCP are like that also have such flags; none for another protocol.
pub(super) fn only(to_it: &[Match], flags: fn(Tcp) -> Tcp) -> Option<Vec<Match>> {
    if !to_it.contains(&Protocol::TCP.into()) {
        return None;
    }
    // iptables has ports and flags in one match.
    let mut all = to_it.to_vec();
    let with_ports = all.iter_mut().find_map(|one| match one {
        Match::Tcp(tcp) => Some(tcp),
        _ => None,
    });
    match with_ports {
        Some(tcp) => *tcp = flags(*tcp),
        None => all.push(flags(Tcp::new()).into()),
    }
    Some(all)
}

fn rule(target: &(impl Clone + Into<Target>), matches: impl IntoIterator<Item = Match>) -> Rule {
    matches
        .into_iter()
        .fold(Rule::new(target.clone()), Rule::matching)
}

/// What begins something with whom `to_it` matches.
///
/// NEW and not "--syn": when the rules come up on a server that is in use, connection tracking
/// picks up the administrator's session in the middle, as new; with --syn it would be cut off.
/// UNTRACKED is what NOTRACK leaves.
fn new(to_it: &[Match]) -> impl Iterator<Item = Match> + '_ {
    let state = Conntrack::state(CtState::NEW.or(CtState::UNTRACKED));
    to_it.iter().cloned().chain([state.into()])
}

/// The networks' budgets of all services with one rate: more than one at a time is rarely crowded.
/// It is longer than the name of a service can be.
const CROWDED: &str = "every-crowded-service";
