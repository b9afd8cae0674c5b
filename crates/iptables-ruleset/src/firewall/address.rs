//! What packets to a service are like, and what goes out or is passed on.

use crate::config::{Hours, IcmpType, Service, ServiceProtocol, ServiceSource, Traffic, Who};
use crate::match_::{
    Destination, Direction, Icmp, InInterface, IpRange, Match, Multiport, OutInterface, Set,
    Source, Tcp, Time, Udp,
};
use crate::{BuildError, Family, InterfaceName, Network, PortRange, UnixTime};

/// What packets of one kind are like, in the words of a configuration.
pub(super) struct Kind<'a> {
    sources: &'a [ServiceSource],
    destinations: Vec<ServiceSource>,
    from: &'a [InterfaceName],
    to: &'a [InterfaceName],
    protocols: &'a [ServiceProtocol],
    ports: &'a [PortRange],
    icmp_types: &'a [IcmpType],
    when: &'a [Hours],
    open_until: Option<UnixTime>,
}

impl<'a> Kind<'a> {
    /// What goes out or is passed on.
    pub(super) fn of(traffic: &'a Traffic) -> Self {
        Self {
            sources: &traffic.sources,
            destinations: traffic.destinations.clone(),
            from: &traffic.from,
            to: &traffic.to,
            protocols: &traffic.protocols,
            ports: &traffic.ports,
            icmp_types: &traffic.icmp_types,
            when: &traffic.when,
            open_until: traffic.open_until,
        }
    }
}

/// What packets to the service are like: once for each combination of source, interface,
/// destination, protocol, list of ports and hours.
pub(super) fn addressed_to(
    service: &Service,
    family: Family,
) -> Result<Vec<Vec<Match>>, BuildError> {
    let destinations = service.destinations.iter().copied();
    let kind = Kind {
        sources: &service.sources,
        destinations: destinations
            .map(|network| ServiceSource::new(Who::Network(network)))
            .collect(),
        from: &service.interfaces,
        to: &[],
        protocols: &service.protocols,
        ports: &service.ports,
        icmp_types: &service.icmp_types,
        when: &service.when,
        open_until: service.open_until,
    };
    kinds(&kind, family)
}

/// What packets of the kind are like: once for each combination.
pub(super) fn kinds(kind: &Kind<'_>, family: Family) -> Result<Vec<Vec<Match>>, BuildError> {
    let mut all = Vec::new();
    let transports = transports(kind, family)?;
    let times = times(kind)?;
    let destinations = ends(&kind.destinations, family, Direction::Destination)?;
    for source in ends(kind.sources, family, Direction::Source)? {
        for from in each(kind.from, |name| Some(InInterface::new(name.clone()))) {
            for to in each(kind.to, |name| Some(OutInterface::new(name.clone()))) {
                for destination in &destinations {
                    for transport in &transports {
                        let mut like: Vec<Match> = source.address.clone().into_iter().collect();
                        like.extend(from.clone());
                        like.extend(to.clone());
                        like.extend(destination.address.clone());
                        like.extend(transport.iter().cloned());
                        let others = source.others.iter().chain(&destination.others);
                        all.extend(times.iter().map(|time| {
                            let like = like.iter().chain(time).chain(others.clone());
                            like.cloned().collect()
                        }));
                    }
                }
            }
        }
    }
    Ok(all)
}

/// When it is there: what is asked of the time for each of the hours.
fn times(kind: &Kind<'_>) -> Result<Vec<Option<Match>>, BuildError> {
    let until = |time: Time| match kind.open_until {
        Some(end) => time.up_to(UnixTime::new(end.seconds().saturating_sub(1))),
        None => time,
    };
    if kind.when.is_empty() {
        let bounded = kind.open_until.map(|_| until(Time::new()));
        return Ok(vec![bounded.map(Match::from)]);
    }
    let hours = kind
        .when
        .iter()
        .map(|hours| Ok(Some(until(hours.time()?).into())));
    hours.collect()
}

/// One match for each of the values, or none that asks for nothing where there are no values.
fn each<T, M: Into<Match>>(values: &[T], of: impl Fn(&T) -> Option<M>) -> Vec<Option<Match>> {
    if values.is_empty() {
        return vec![None];
    }
    let known = values.iter().filter_map(of);
    known.map(|one| Some(one.into())).collect()
}

/// One of those at one end.
struct End {
    /// In the place that a rule has for one address.
    address: Option<Match>,
    /// Behind the ports, which are cheaper to look at.
    others: Vec<Match>,
}

fn ends(
    who: &[ServiceSource],
    family: Family,
    direction: Direction,
) -> Result<Vec<End>, BuildError> {
    let is = |network: Network| match direction {
        Direction::Source => Match::from(Source::new(network)),
        Direction::Destination => Destination::new(network).into(),
    };
    let is_not = |network: Network| match direction {
        Direction::Source => Match::from(Source::not(network)),
        Direction::Destination => Destination::not(network).into(),
    };
    let member = |one: &ServiceSource| -> Result<Option<Set>, BuildError> {
        let set = one.set_name(family)?;
        Ok(set.map(|name| Set::new(name, direction)))
    };
    let (excluded, included): (Vec<_>, Vec<_>) = who.iter().partition(|one| one.is_excluded());
    let mut all = Vec::new();
    if included.is_empty() {
        all.push(End {
            address: None,
            others: Vec::new(),
        });
    }
    for one in included {
        match one.who() {
            Who::Network(network) if network.family() == family => all.push(End {
                address: Some(is(*network)),
                others: Vec::new(),
            }),
            Who::Network(_) => {}
            Who::Set(_) => all.push(End {
                address: None,
                others: member(one)?.map(Match::from).into_iter().collect(),
            }),
        }
    }
    for end in &mut all {
        for one in &excluded {
            match one.who() {
                Who::Network(network) if network.family() != family => {}
                // A rule has one `-s`.
                Who::Network(network) if end.address.is_none() => {
                    end.address = Some(is_not(*network));
                }
                Who::Network(network) if direction == Direction::Source => {
                    let range = IpRange::of_network(*network).inverted();
                    end.others.push(range.into());
                }
                Who::Network(network) => {
                    let reason = "a rule takes one excluded destination";
                    return Err(BuildError::value("destination", network, reason));
                }
                Who::Set(_) => {
                    let member = member(one)?.map(Set::inverted);
                    end.others.extend(member.map(Match::from));
                }
            }
        }
    }
    Ok(all)
}

/// Protocol, and ports or type.
fn transports(kind: &Kind<'_>, family: Family) -> Result<Vec<Vec<Match>>, BuildError> {
    if kind.protocols.is_empty() {
        return Ok(vec![Vec::new()]);
    }
    let mut all = Vec::new();
    for protocol in kind.protocols {
        let is = Match::from(protocol.in_family(family));
        if protocol.has_ports() {
            for ports in Multiport::lists(kind.ports) {
                all.push(vec![is.clone(), of_ports(*protocol, &ports)?]);
            }
        } else if *protocol == ServiceProtocol::ICMP && !kind.icmp_types.is_empty() {
            let types = kind.icmp_types.iter();
            let numbers = types.filter_map(|one| one.number(family));
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
