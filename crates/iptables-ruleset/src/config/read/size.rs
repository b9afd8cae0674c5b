//! How many rules a service takes at least, or what goes out or is passed on.

use crate::config::document::Section;
use crate::config::{ConfigError, Service, ServiceProtocol, ServiceSource, Traffic, Who};
use crate::match_::Multiport;
use crate::{Family, PortRange};

/// A list of which each item is a rule of its own.
struct Factor {
    /// What the list is called where it stands.
    keys: &'static [&'static str],
    /// Its items that count in the rules of IPv4 and IPv6.
    items: [usize; 2],
    /// What is to be done about a long one.
    hint: &'static str,
}

/// Refuses a service that takes too many rules. A rule is for one source, interface, destination,
/// hours and list of ports, so that lists multiply.
pub(super) fn of_service(section: &Section<'_>, service: &Service) -> Result<(), ConfigError> {
    let networks = service.destinations.iter();
    let destinations = Family::BOTH.map(|family| {
        let of_family = networks.clone();
        of_family
            .filter(|network| network.family() == family)
            .count()
    });
    let factors = [
        sources(&service.sources),
        Factor {
            keys: &["destinations"],
            items: destinations,
            hint: "name networks that hold several",
        },
        interfaces(&["interfaces"], service.interfaces.len()),
        hours(service.when.len()),
        transports(&service.protocols, &service.ports, service.icmp_types.len()),
    ];
    check(section, &format!("service \"{}\"", service.name), &factors)
}

/// Refuses what goes out or is passed on likewise.
pub(super) fn of_traffic(section: &Section<'_>, traffic: &Traffic) -> Result<(), ConfigError> {
    let destinations = Factor {
        keys: &["destinations"],
        ..sources(&traffic.destinations)
    };
    let factors = [
        sources(&traffic.sources),
        destinations,
        interfaces(&["from", "on"], traffic.from.len()),
        interfaces(&["to", "interfaces"], traffic.to.len()),
        hours(traffic.when.len()),
        transports(&traffic.protocols, &traffic.ports, traffic.icmp_types.len()),
    ];
    check(section, &format!("\"{}\"", traffic.name), &factors)
}

fn sources(all: &[ServiceSource]) -> Factor {
    let in_family = |family: Family| {
        let included = all.iter().filter(|one| !one.is_excluded());
        let of_family = included.filter(|one| match one.who() {
            Who::Network(network) => network.family() == family,
            Who::Set(_) => true,
        });
        of_family.count()
    };
    Factor {
        keys: &["sources"],
        items: Family::BOTH.map(in_family),
        hint: "put them into a set (\"set:NAME\")",
    }
}

fn interfaces(keys: &'static [&'static str], count: usize) -> Factor {
    Factor {
        keys,
        items: [count; 2],
        hint: "name several at once (\"eth+\")",
    }
}

fn hours(count: usize) -> Factor {
    Factor {
        keys: &["when"],
        items: [count; 2],
        hint: "name several days at once",
    }
}

fn transports(protocols: &[ServiceProtocol], ports: &[PortRange], types: usize) -> Factor {
    let lists = if ports.is_empty() {
        0
    } else {
        Multiport::lists(ports).len()
    };
    let of_each = protocols.iter().map(|protocol| {
        if protocol.has_ports() {
            lists.max(1)
        } else {
            types.max(1)
        }
    });
    Factor {
        keys: &["ports"],
        items: [of_each.sum(); 2],
        hint: "name ranges of ports",
    }
}

fn check(section: &Section<'_>, called: &str, factors: &[Factor]) -> Result<(), ConfigError> {
    let in_family = |items: fn(&Factor) -> usize| {
        let each = factors.iter().map(|factor| items(factor).max(1));
        each.fold(1, usize::saturating_mul)
    };
    let combinations = in_family(|one| one.items[0]).max(in_family(|one| one.items[1]));
    if combinations <= MOST_COMBINATIONS {
        return Ok(());
    }
    let longest = factors
        .iter()
        .max_by_key(|factor| factor.items.iter().max());
    let hint = longest.map_or("", |factor| factor.hint);
    let told = format!(
        "{called} takes {combinations} rules or more, one for each source, interface, destination, hours and 15 ports, and every new \
         connection is held against one after another; {MOST_COMBINATIONS} are allowed: {hint}"
    );
    let mut keys = longest.into_iter().flat_map(|factor| factor.keys);
    Err(match keys.find_map(|key| section.get(key)) {
        Some(value) => value.error(told),
        None => section.error(told),
    })
}

/// A set of any size is one look. So many rules are some 10 microseconds for each new connection, and
/// with a rate they still are a batch of a few MiB.
const MOST_COMBINATIONS: usize = 1000;
