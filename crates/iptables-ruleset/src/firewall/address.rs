//! What packets to a service are like.

use crate::config::{Service, ServiceProtocol, ServiceSource, Who};
use crate::match_::{
    Destination, Direction, Icmp, InInterface, IpRange, Match, Multiport, Set, Source, Tcp, Udp,
};
use crate::{BuildError, Family, PortRange};

/// What packets to the service are like: once for each combination of source, interface,
/// destination, protocol and list of ports.
pub(super) fn addressed_to(
    service: &Service,
    family: Family,
) -> Result<Vec<Vec<Match>>, BuildError> {
    let mut all = Vec::new();
    let transports = transports(service, family)?;
    for source in sources(service, family)? {
        for interface in each(&service.interfaces, |name| {
            Some(InInterface::new(name.clone()))
        }) {
            for destination in each(&service.destinations, |network| {
                (network.family() == family).then(|| Destination::new(*network))
            }) {
                for transport in &transports {
                    let mut to_it: Vec<Match> = source.address.clone().into_iter().collect();
                    to_it.extend(interface.clone());
                    to_it.extend(destination.clone());
                    to_it.extend(transport.iter().cloned());
                    to_it.extend(source.others.iter().cloned());
                    all.push(to_it);
                }
            }
        }
    }
    Ok(all)
}

/// One match for each of the values, or none that asks for nothing where there are no values.
fn each<T, M: Into<Match>>(values: &[T], of: impl Fn(&T) -> Option<M>) -> Vec<Option<Match>> {
    if values.is_empty() {
        return vec![None];
    }
    let known = values.iter().filter_map(of);
    known.map(|one| Some(one.into())).collect()
}

/// One of those who may use a service.
struct From {
    /// In the place that a rule has for one address.
    address: Option<Match>,
    /// Behind the ports, which are cheaper to look at.
    others: Vec<Match>,
}

fn sources(service: &Service, family: Family) -> Result<Vec<From>, BuildError> {
    let (excluded, included): (Vec<_>, Vec<_>) = service
        .sources
        .iter()
        .partition(|source| source.is_excluded());
    let mut all = Vec::new();
    if included.is_empty() {
        all.push(From {
            address: None,
            others: Vec::new(),
        });
    }
    for source in included {
        match source.who() {
            Who::Network(network) if network.family() == family => all.push(From {
                address: Some(Source::new(*network).into()),
                others: Vec::new(),
            }),
            Who::Network(_) => {}
            Who::Set(_) => all.push(From {
                address: None,
                others: member(source, family)?
                    .map(Match::from)
                    .into_iter()
                    .collect(),
            }),
        }
    }
    for from in &mut all {
        for source in &excluded {
            match source.who() {
                Who::Network(network) if network.family() != family => {}
                // A rule has one `-s`.
                Who::Network(network) if from.address.is_none() => {
                    from.address = Some(Source::not(*network).into());
                }
                Who::Network(network) => {
                    let range = IpRange::of_network(*network).inverted();
                    from.others.push(range.into());
                }
                Who::Set(_) => {
                    let member = member(source, family)?.map(Set::inverted);
                    from.others.extend(member.map(Match::from));
                }
            }
        }
    }
    Ok(all)
}

fn member(source: &ServiceSource, family: Family) -> Result<Option<Set>, BuildError> {
    let set = source.set_name(family)?;
    Ok(set.map(|name| Set::new(name, Direction::Source)))
}

/// Protocol, and ports or type.
fn transports(service: &Service, family: Family) -> Result<Vec<Vec<Match>>, BuildError> {
    let mut all = Vec::new();
    for protocol in &service.protocols {
        let is = Match::from(protocol.in_family(family));
        if protocol.has_ports() {
            for ports in lists(&service.ports) {
                all.push(vec![is.clone(), of_ports(*protocol, &ports)?]);
            }
        } else if *protocol == ServiceProtocol::ICMP && !service.icmp_types.is_empty() {
            let numbers = service
                .icmp_types
                .iter()
                .filter_map(|one| one.number(family));
            all.extend(numbers.map(|number| vec![is.clone(), Icmp::of_type(number).into()]));
        } else {
            all.push(vec![is]);
        }
    }
    Ok(all)
}

/// One port or range needs no list, where the protocol has a match of its own.
fn of_ports(protocol: ServiceProtocol, ports: &[PortRange]) -> Result<Match, BuildError> {
    match (ports, protocol) {
        ([one], ServiceProtocol::TCP) => Ok(Tcp::new().destination(*one).into()),
        ([one], ServiceProtocol::UDP) => Ok(Udp::new().destination(*one).into()),
        _ => Multiport::destinations(ports.iter().copied()).map(Match::from),
    }
}

/// Lists of ports of which each fits into one match.
fn lists(ports: &[PortRange]) -> Vec<Vec<PortRange>> {
    let mut lists: Vec<Vec<PortRange>> = Vec::new();
    for port in ports {
        match lists.last_mut() {
            Some(list)
                if Multiport::places(list) + Multiport::places(&[*port]) <= Multiport::PLACES =>
            {
                list.push(*port);
            }
            _ => lists.push(vec![*port]),
        }
    }
    lists
}
