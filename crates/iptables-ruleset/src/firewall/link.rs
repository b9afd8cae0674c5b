//! What a host has to hear on its link, whoever sends it.

use std::ops::RangeInclusive;

use crate::match_::{Destination, Icmp, Protocol, Source};
use crate::{BuildError, Family, Network, Rule, Target};

/// The rules before the lists. What they accept is not logged: it comes unasked, for as long as the
/// host is up.
pub(super) fn rules(family: Family) -> Result<Vec<Rule>, BuildError> {
    let accept = || Rule::new(Target::Accept);
    let network = |text: &str| text.parse::<Network>();
    let icmp = |number: u8| match family {
        Family::Ipv4 => accept()
            .matching(Protocol::ICMP)
            .matching(Icmp::of_type(number)),
        Family::Ipv6 => accept()
            .matching(Protocol::ICMPV6)
            .matching(Icmp::of_type(number)),
    };
    let mut rules = Vec::new();
    match family {
        Family::Ipv4 => {
            // A query about one group is sent to that group.
            rules.push(
                accept()
                    .matching(Protocol::IGMP)
                    .matching(Destination::new(network("224.0.0.0/4")?)),
            );
            rules.push(icmp(ECHO_REPLY_V4));
        }
        Family::Ipv6 => {
            rules.extend(NEIGHBOUR_DISCOVERY.chain(LISTENERS).map(icmp));
            for number in ROUTER_DISCOVERY {
                rules.push(icmp(number).matching(Source::new(network("fe80::/10")?)));
            }
            rules.push(icmp(ECHO_REPLY_V6));
        }
    }
    Ok(rules)
}

/// Router solicitation and advertisement, neighbour solicitation and advertisement (RFC 4861).
/// Without them IPv6 stops working within a minute. They are what ARP is to IPv4, so they are
/// neither logged nor subject to the lists; the kernel itself refuses those that come from beyond
/// the link.
const NEIGHBOUR_DISCOVERY: RangeInclusive<u8> = 133..=136;

/// Multicast listener query, report, done and report of version 2 (RFC 2710, RFC 3810), as IGMP for
/// IPv4. A switch that snoops forgets a host that does not answer its queries, and then no
/// neighbour solicitation reaches it. Connection tracking leaves them alone. The kernel itself
/// refuses what comes from beyond the link; a report may come from `::`.
const LISTENERS: [u8; 4] = [130, 131, 132, 143];

/// Multicast router advertisement, solicitation and termination (RFC 4286). The kernel leaves them
/// to programs, so here is where it is seen to that they come from the link.
const ROUTER_DISCOVERY: RangeInclusive<u8> = 151..=153;

// Of what RFC 4890, section 4.4.1 has besides, errors are RELATED, echo requests are a matter for a
// service, and inverse neighbour discovery (141, 142) and SEND (148, 149) are nothing that Linux
// understands.

/// An answer to an echo request. One that went to a group is answered by addresses that it was not
/// sent to, which connection tracking takes for INVALID. A reply that nobody waits for is thrown
/// away by the kernel, as it would be here.
const ECHO_REPLY_V4: u8 = 0;
const ECHO_REPLY_V6: u8 = 129;
