//! How many rules a service takes at least.

use crate::config::document::Section;
use crate::config::{ConfigError, Service, Who};
use crate::match_::Multiport;
use crate::{Family, Network};

/// Refuses a service that takes too many rules. A rule is for one source, interface, destination and
/// list of ports, so that lists multiply.
pub(super) fn check(section: &Section<'_>, service: &Service) -> Result<(), ConfigError> {
    let combinations = Family::BOTH
        .map(|family| combinations(service, family))
        .into_iter()
        .max()
        .unwrap_or(0);
    if combinations <= MOST_COMBINATIONS {
        return Ok(());
    }
    let lists = [
        (
            "sources",
            service.sources.len(),
            "put them into a set (\"set:NAME\")",
        ),
        (
            "destinations",
            service.destinations.len(),
            "name networks that hold several",
        ),
        (
            "interfaces",
            service.interfaces.len(),
            "name several at once (\"eth+\")",
        ),
        (
            "ports",
            Multiport::lists(&service.ports).len(),
            "name ranges of ports",
        ),
    ];
    let longest = lists.into_iter().max_by_key(|(_, length, _)| *length);
    let (key, _, hint) = longest.unwrap_or_default();
    let told = format!(
        "service \"{}\" takes {combinations} rules or more, one for each source, interface, destination and 15 ports, and every new \
         connection is held against one after another; {MOST_COMBINATIONS} are allowed: {hint}",
        service.name
    );
    Err(match section.get(key) {
        Some(value) => value.error(told),
        None => section.error(told),
    })
}

/// For how many combinations of what it names the service has rules in a family.
fn combinations(service: &Service, family: Family) -> usize {
    let of_family = |network: &&Network| network.family() == family;
    let included = service
        .sources
        .iter()
        .filter(|source| !source.is_excluded());
    let sources = included.filter(|source| match source.who() {
        Who::Network(network) => network.family() == family,
        Who::Set(_) => true,
    });
    let transports = service.protocols.iter().map(|protocol| {
        if protocol.has_ports() {
            Multiport::lists(&service.ports).len()
        } else {
            service.icmp_types.len().max(1)
        }
    });
    [
        sources.count().max(1),
        service.destinations.iter().filter(of_family).count().max(1),
        service.interfaces.len().max(1),
        transports.sum(),
    ]
    .into_iter()
    .fold(1, usize::saturating_mul)
}

/// A set of any size is one look. So many rules are some 10 microseconds for each new connection, and
/// with a rate they still are a batch of a few MiB.
const MOST_COMBINATIONS: usize = 1000;
