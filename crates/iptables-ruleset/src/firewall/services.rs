//! What others may connect to.

use std::collections::BTreeSet;

use super::Chains;
use crate::config::{Service, ServiceProtocol};
use crate::match_::{
    Conntrack, CtState, HashLimit, InInterface, Multiport, Protocol, Source, Tcp, Udp,
};
use crate::{BuildError, Config, Family, Network, PortRange, Rule};

pub(super) fn append(
    rules: &mut Vec<Rule>,
    config: &Config,
    family: Family,
    chains: &Chains,
) -> Result<(), BuildError> {
    let mut names = BTreeSet::new();
    for service in &config.services {
        // Rules of one name share their budget.
        if !names.insert(&service.name) {
            return Err(BuildError::value(
                "service name",
                &service.name,
                "two services have it",
            ));
        }
        append_service(rules, service, family, chains)?;
    }
    Ok(())
}

/// One rule for each pair of source and interface, all with one budget.
pub(super) fn append_service(
    rules: &mut Vec<Rule>,
    service: &Service,
    family: Family,
    chains: &Chains,
) -> Result<(), BuildError> {
    let sources: Vec<Option<&Network>> = match service.sources.as_slice() {
        [] => vec![None],
        some => some
            .iter()
            .filter(|source| source.family() == family)
            .map(Some)
            .collect(),
    };
    let interfaces = match service.interfaces.as_slice() {
        [] => vec![None],
        some => some.iter().map(Some).collect(),
    };
    for source in sources {
        for interface in &interfaces {
            let mut rule = Rule::new(chains.log_and_accept.clone());
            if let Some(source) = source {
                rule = rule.matching(Source::new(*source));
            }
            if let Some(interface) = interface {
                rule = rule.matching(InInterface::new((*interface).clone()));
            }
            rule = addressed_to(service, rule, family)?;
            // NEW and not "--syn": when the rules come up on a server that is in use, connection tracking picks up the
            // administrator's session in the middle, as new; with --syn it would be cut off.
            rule = rule.matching(Conntrack::state(CtState::NEW));
            if let Some(rate) = service.rate {
                let budget = format!("{}-{}-{}", service.name, rate.count(), rate.unit().name());
                rule = rule.matching(HashLimit::up_to(&budget, rate)?);
            }
            rules.push(rule);
        }
    }
    Ok(())
}

fn addressed_to(service: &Service, rule: Rule, family: Family) -> Result<Rule, BuildError> {
    Ok(match (&service.protocol, family) {
        (ServiceProtocol::Tcp(ports), _) => match single(ports) {
            Some(port) => rule
                .matching(Protocol::TCP)
                .matching(Tcp::new().destination(port)),
            None => rule
                .matching(Protocol::TCP)
                .matching(Multiport::destinations(ports.iter().copied())?),
        },
        (ServiceProtocol::Udp(ports), _) => match single(ports) {
            Some(port) => rule
                .matching(Protocol::UDP)
                .matching(Udp::new().destination(port)),
            None => rule
                .matching(Protocol::UDP)
                .matching(Multiport::destinations(ports.iter().copied())?),
        },
        (ServiceProtocol::Icmp, Family::Ipv4) => rule.matching(Protocol::ICMP),
        (ServiceProtocol::Icmp, Family::Ipv6) => rule.matching(Protocol::ICMPV6),
    })
}

/// One port or range needs no list.
fn single(ports: &[PortRange]) -> Option<PortRange> {
    match ports {
        [one] => Some(*one),
        _ => None,
    }
}
