//! What others may connect to.

use std::collections::BTreeSet;

use super::Chains;
use super::budget::{Budget, Crowd};
use crate::config::{Service, ServiceProtocol};
use crate::match_::{
    Conntrack, CtState, InInterface, Match, Multiport, Protocol, Source, Tcp, Udp,
};
use crate::{BuildError, Config, Family, PortRange, Rate, Rule, Target};

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
        let limited = service
            .rate
            .map(|rate| Limited::new(service, rate, family))
            .transpose()?;
        match limited {
            None => append_unlimited(rules, service, family, chains)?,
            Some(limited) => {
                for to_it in addressed_to(service, family)? {
                    limited.append(rules, &mut crowded, &to_it, family, chains)?;
                }
            }
        }
    }
    Ok(crowded)
}

/// Appends the rules of a service as if it had no rate.
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

/// The budget of a service with a rate.
struct Limited<'s> {
    service: &'s Service,
    budget: Budget,
    crowd: Option<Crowd>,
}

impl<'s> Limited<'s> {
    fn new(service: &'s Service, rate: Rate, family: Family) -> Result<Self, BuildError> {
        let prefix = match family {
            Family::Ipv4 => service.per_v4,
            Family::Ipv6 => service.per_v6,
        };
        let budget = Budget::new(service.name.as_str(), rate, service.burst, prefix);
        let crowd = budget.crowd(CROWDED, family)?;
        Ok(Self {
            service,
            budget,
            crowd,
        })
    }

    /// The rules for one pair of source and interface.
    fn append(
        &self,
        rules: &mut Vec<Rule>,
        crowded: &mut Vec<Rule>,
        to_it: &[Match],
        family: Family,
        chains: &Chains,
    ) -> Result<(), BuildError> {
        let opening = self.only(to_it, Tcp::opening);
        if let Some(later) = self.only(to_it, Tcp::not_opening) {
            // What goes on is no new connection, also where nobody tracks it.
            let untracked = Conntrack::state(CtState::UNTRACKED).into();
            let later = later.into_iter().chain([untracked]);
            rules.push(rule(&Target::Accept, later));
        }
        if let Some(crowd) = &self.crowd {
            let guard = crowd.guard.clone().into();
            rules.push(rule(&chains.crowded, new(to_it).chain([guard])));
            let within = crowd.up_to(family)?.into();
            crowded.push(rule(&chains.log_and_accept, new(to_it).chain([within])));
        }
        let within = self.budget.up_to(family)?.into();
        rules.push(rule(&chains.log_and_accept, new(to_it).chain([within])));
        // What opens nothing is not over a limit of connections.
        let over = new(opening.as_deref().unwrap_or(to_it));
        rules.push(rule(&chains.log_and_drop_limited, over));
        Ok(())
    }

    /// What packets of TCP are like that also have such flags; none for another protocol.
    fn only(&self, to_it: &[Match], flags: fn(Tcp) -> Tcp) -> Option<Vec<Match>> {
        let ServiceProtocol::Tcp(ports) = &self.service.protocol else {
            return None;
        };
        // iptables has ports and flags in one match.
        let mut all = to_it.to_vec();
        if single(ports).is_some() {
            for one in &mut all {
                if let Match::Tcp(tcp) = one {
                    *tcp = flags(*tcp);
                }
            }
        } else {
            all.push(flags(Tcp::new()).into());
        }
        Some(all)
    }
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

/// What packets to the service are like: once for each pair of source and interface.
fn addressed_to(service: &Service, family: Family) -> Result<Vec<Vec<Match>>, BuildError> {
    let sources: Vec<Option<Match>> = match service.sources.as_slice() {
        [] => vec![None],
        some => some
            .iter()
            .filter(|source| source.family() == family)
            .map(|source| Some(Source::new(*source).into()))
            .collect(),
    };
    let interfaces: Vec<Option<Match>> = match service.interfaces.as_slice() {
        [] => vec![None],
        some => some
            .iter()
            .map(|interface| Some(InInterface::new(interface.clone()).into()))
            .collect(),
    };
    let destination = destination(service, family)?;
    Ok(sources
        .iter()
        .flat_map(|source| interfaces.iter().map(move |interface| (source, interface)))
        .map(|(source, interface)| {
            let place = source.iter().chain(interface);
            place.chain(&destination).cloned().collect()
        })
        .collect())
}

fn destination(service: &Service, family: Family) -> Result<Vec<Match>, BuildError> {
    let listed =
        |ports: &[PortRange]| Multiport::destinations(ports.iter().copied()).map(Match::from);
    Ok(match (&service.protocol, family) {
        (ServiceProtocol::Tcp(ports), _) => vec![
            Protocol::TCP.into(),
            match single(ports) {
                Some(port) => Tcp::new().destination(port).into(),
                None => listed(ports)?,
            },
        ],
        (ServiceProtocol::Udp(ports), _) => vec![
            Protocol::UDP.into(),
            match single(ports) {
                Some(port) => Udp::new().destination(port).into(),
                None => listed(ports)?,
            },
        ],
        (ServiceProtocol::Icmp, Family::Ipv4) => vec![Protocol::ICMP.into()],
        (ServiceProtocol::Icmp, Family::Ipv6) => vec![Protocol::ICMPV6.into()],
    })
}

/// The networks' budgets of all services with one rate: more than one at a time is rarely crowded.
/// It is longer than the name of a service can be.
const CROWDED: &str = "every-crowded-service";

/// One port or range needs no list.
fn single(ports: &[PortRange]) -> Option<PortRange> {
    match ports {
        [one] => Some(*one),
        _ => None,
    }
}
