//! The filters of csf.allow and csf.deny: `tcp|in|d=22|s=192.0.2.1`.

use std::collections::BTreeMap;

use iptables_ruleset::config::{Action, IcmpType, ServiceSource};
use iptables_ruleset::{BuildError, Network, PortRange};

use super::super::address::{Unusable, address};
use super::super::place::Place;
use super::super::translation::{
    Direction, FilledSet, MemberFile, Service, Translation, short, shortened,
};
use super::conf::Conf;
use super::incoming::refusal;
use super::limits::Transport;
use super::lists::List;
use super::ports::{Ports, range};
use crate::findings::Problem;

/// A filter: by default of TCP that comes in.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) place: Place,
    /// As it is written.
    pub(super) text: String,
    comment: String,
    pub(super) out: bool,
    transport: Transport,
    ports: Vec<PortRange>,
    icmp_type: Option<IcmpType>,
    /// Whether the address is that of the sender.
    of_sender: bool,
    network: Network,
}

impl Filter {
    /// Reads a filter; the error says why it cannot be translated.
    pub(super) fn parse(text: &str, place: &Place, comment: &str) -> Result<Self, &'static str> {
        let lower = text.to_ascii_lowercase();
        // An older form has colons.
        let parts: Vec<&str> = if lower.contains('|') {
            lower.split('|').collect()
        } else {
            lower.split(':').collect()
        };
        let mut parts = parts.into_iter().peekable();
        let transport = parts.next_if(|part| Transport::parse(part).is_some());
        let transport = transport
            .and_then(Transport::parse)
            .unwrap_or(Transport::Tcp);
        let direction = parts.next_if(|part| matches!(*part, "in" | "out"));
        let out = direction == Some("out");
        let mut port = None;
        let mut host = None;
        for part in parts.filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some(("u" | "g", _)) => {
                    return Err("a rule for a user or group of this host has no counterpart");
                }
                Some((key @ ("s" | "d"), value)) if port.is_none() => port = Some((key, value)),
                Some((key @ ("s" | "d"), value)) if host.is_none() => host = Some((key, value)),
                _ => return Err(EXPECTED),
            }
        }
        let (Some((of_port, port)), Some((of_host, host))) = (port, host) else {
            return Err(EXPECTED);
        };
        if of_port == "s" && transport != Transport::Icmp {
            return Err(
                "a rule for the port of the sender has no counterpart: whoever sends chooses it",
            );
        }
        let network = match address(host) {
            Some(Ok(network)) => network,
            Some(Err(Unusable::Loopback)) => {
                return Err("what this host sends to itself is always let in");
            }
            Some(Err(Unusable::Because(_))) => return Err("the address cannot be meant"),
            None => return Err("it is no address, and names are not looked up"),
        };
        let of_sender = of_host == "s";
        if out && of_sender {
            return Err("what goes out goes by its destination, not by the address of this host");
        }
        let mut filter = Self {
            place: place.clone(),
            text: text.to_owned(),
            comment: comment.to_owned(),
            out,
            transport,
            ports: Vec::new(),
            icmp_type: None,
            of_sender,
            network,
        };
        if transport == Transport::Icmp {
            filter.icmp_type = Some(icmp_type(port)?);
        } else {
            let mut all = Ports::default();
            for word in port.split(',') {
                all.extend(
                    range(word, '_').ok_or("expected a port, FIRST_LAST, or a list of them")?,
                );
            }
            filter.ports = all.ranges();
        }
        Ok(filter)
    }

    /// The sender, where it goes by him.
    pub(super) fn source(&self) -> Option<Network> {
        self.of_sender.then_some(self.network)
    }

    /// What filters have in common that are one service.
    fn kind(&self) -> (bool, Transport, Vec<PortRange>, Option<&'static str>, bool) {
        let icmp = self.icmp_type.map(IcmpType::name);
        (
            self.out,
            self.transport,
            self.ports.clone(),
            icmp,
            self.of_sender,
        )
    }
}

fn icmp_type(text: &str) -> Result<IcmpType, &'static str> {
    let name = match text {
        "8" | "128" | "ping" => "echo-request",
        "13" => "timestamp-request",
        "15" => "information-request",
        "17" => "address-mask-request",
        "139" => "node-information-query",
        other => other,
    };
    name.parse().map_err(|_| {
        "answers and errors of ICMP come in where they belong to a connection, whatever the rules say"
    })
}

/// The services of the filters: who is allowed before who is denied.
pub(super) fn services(
    conf: &Conf,
    allowed: &List,
    denied: &List,
    made: &mut Translation,
) -> Result<(), Problem> {
    grouped(
        &allowed.filters,
        "allow",
        |_, _| (Action::Accept, None),
        made,
    )?;
    let deny = |out: bool, made: &mut Translation| {
        let (action, log) = if out {
            (
                refusal(conf, "DROP_OUT", made),
                conf.is_on("DROP_OUT_LOGGING"),
            )
        } else {
            (refusal(conf, "DROP", made), conf.is_on("DROP_IP_LOGGING"))
        };
        (action, Some(log))
    };
    grouped(&denied.filters, "deny", deny, made)
}

fn grouped(
    filters: &[Filter],
    word: &str,
    decided: impl Fn(bool, &mut Translation) -> (Action, Option<bool>),
    made: &mut Translation,
) -> Result<(), Problem> {
    let mut kinds: Vec<Vec<&Filter>> = Vec::new();
    let mut known = BTreeMap::new();
    for filter in filters {
        let at = *known.entry(filter.kind()).or_insert_with(|| {
            kinds.push(Vec::new());
            kinds.len() - 1
        });
        kinds.extend((at >= kinds.len()).then(Vec::new));
        if let Some(kind) = kinds.get_mut(at) {
            kind.push(filter);
        }
    }
    for kind in kinds {
        let Some(first) = kind.first() else { continue };
        // Addresses of this host cannot come from a set.
        let is_list = kind.len() > MOST_WRITTEN && (first.out || first.of_sender);
        let (action, log) = decided(first.out, made);
        let chunk = if is_list { kind.len() } else { MOST_WRITTEN };
        for part in kind.chunks(chunk) {
            let mut service = of_kind(first, word, made)?;
            (service.action, service.log) = (action, log);
            let addresses = if is_list {
                vec![format!("set:{}", list(part, &service, made))]
            } else {
                let remarks = part.iter().map(|filter| remark(filter));
                service.remarks.extend(remarks);
                part.iter().map(|filter| short(&filter.network)).collect()
            };
            let addresses = addresses.iter().map(|address| address.parse());
            let addresses: Result<Vec<ServiceSource>, BuildError> = addresses.collect();
            let addresses = addresses.map_err(|error| error.to_string())?;
            if first.of_sender {
                service.sources = addresses;
            } else {
                service.destinations = addresses;
            }
            let firewall = &mut made.firewall;
            if first.out {
                firewall.output.push(service);
            } else {
                firewall.services.push(service);
            }
        }
    }
    Ok(())
}

fn remark(filter: &Filter) -> String {
    let said = super::from(&filter.place, &filter.text);
    match filter.comment.as_str() {
        "" => said,
        comment => format!("{said} # {}", shortened(comment)),
    }
}

fn of_kind(first: &Filter, word: &str, made: &mut Translation) -> Result<Service, Problem> {
    let protocol = first.transport.text();
    let what = match (first.icmp_type, first.ports.as_slice()) {
        (Some(icmp), _) => icmp.to_string(),
        (None, [one]) if one.is_single() => format!("{protocol}-{}", one.first()),
        _ => format!("{protocol}-ports"),
    };
    let direction = if first.out {
        Direction::Out
    } else {
        Direction::In
    };
    let name = format!("{word}-{what}");
    let mut service = Service::new(made.name(direction, &name)?, [first.transport.protocol()]);
    service.ports.clone_from(&first.ports);
    service.types = first.icmp_type.into_iter().collect();
    Ok(service)
}

/// Puts the addresses of many filters into a file that fills a set, and gives the set's name.
fn list(filters: &[&Filter], service: &Service, made: &mut Translation) -> String {
    let direction = if service.destinations.is_empty() {
        ""
    } else {
        "-out"
    };
    let name = made.set_name(&format!("csf-{}{direction}", service.name));
    let file = format!("{name}.txt");
    let text = filters
        .iter()
        .map(|filter| format!("{} # {}\n", short(&filter.network), remark(filter)));
    made.files.push(MemberFile {
        name: file.clone(),
        text: text.collect(),
    });
    let first = filters
        .first()
        .map(|filter| filter.place.path.display().to_string());
    made.firewall.sets.push(FilledSet {
        name: name.clone(),
        remarks: vec![format!(
            "{}: the addresses of service {}. Edit the file, then: firewall-apply refresh",
            first.unwrap_or_default(),
            service.name
        )],
        file: Some(file),
        more: Vec::new(),
    });
    name
}

const EXPECTED: &str = "expected an address, a network, or PROTOCOL|in or out|d=PORT|s=ADDRESS";
/// So many addresses stand in a service; more are a file.
const MOST_WRITTEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Filter, &'static str> {
        Filter::parse(
            text,
            &Place {
                path: std::path::Path::new("x").into(),
                line: 1,
            },
            "",
        )
    }

    #[test]
    fn what_is_left_out_is_tcp_that_comes_in() {
        for (text, expected) in [
            ("d=22|s=192.0.2.1", "in tcp 22 s 192.0.2.1/32"),
            ("tcp|in|d=22|s=192.0.2.1", "in tcp 22 s 192.0.2.1/32"),
            ("TCP|IN|D=22|S=192.0.2.0/24", "in tcp 22 s 192.0.2.0/24"),
            ("tcp:in:d=22:s=192.0.2.1", "in tcp 22 s 192.0.2.1/32"),
            (
                "udp|out|d=53,123,6000_6010|d=192.0.2.53",
                "out udp 53,123,6000:6010 d 192.0.2.53/32",
            ),
            ("in|d=80|d=203.0.113.5", "in tcp 80 d 203.0.113.5/32"),
            ("tcp|in|d=443|s=2001:db8::/32", "in tcp 443 s 2001:db8::/32"),
            (
                "icmp|in|d=ping|s=192.0.2.1",
                "in icmp echo-request s 192.0.2.1/32",
            ),
            (
                "icmp|in|s=13|s=192.0.2.1",
                "in icmp timestamp-request s 192.0.2.1/32",
            ),
        ] {
            let filter = parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            let ports: Vec<_> = filter.ports.iter().map(ToString::to_string).collect();
            let what = filter
                .icmp_type
                .map_or(ports.join(","), |one| one.to_string());
            let way = if filter.out { "out" } else { "in" };
            let host = if filter.of_sender { "s" } else { "d" };
            let shown = format!(
                "{way} {} {what} {host} {}",
                filter.transport.text(),
                filter.network
            );
            assert_eq!(shown, expected, "{text}");
        }
    }

    #[test]
    fn what_has_no_counterpart_says_why() {
        for (text, why) in [
            ("tcp|out|d=25||u=99", "user or group"),
            ("tcp|out|d=25|d=192.0.2.1|g=12", "user or group"),
            ("tcp|in|s=22|s=192.0.2.1", "port of the sender"),
            ("tcp|out|d=22|s=192.0.2.1", "by its destination"),
            ("tcp|in|d=22", "expected"),
            ("tcp|in|d=22|s=host.example", "not looked up"),
            ("tcp|in|d=22|s=0.0.0.0/0", "cannot be meant"),
            ("tcp|in|d=0|s=192.0.2.1", "expected a port"),
            ("icmp|in|d=3|s=192.0.2.1", "answers and errors"),
            ("|||", "expected"),
            ("::", "expected"),
        ] {
            let said = parse(text)
                .err()
                .unwrap_or_else(|| panic!("{text} was read"));
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
