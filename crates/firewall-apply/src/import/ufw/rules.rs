//! The rules that were told to ufw, as services in their order.

use std::collections::{BTreeMap, VecDeque};

use iptables_ruleset::config::{Action, ServiceProtocol};
use iptables_ruleset::{BuildError, InterfaceName, PortRange};

use super::super::rate::in_seconds;
use super::super::translation::{Direction, Service, Translation, shortened};
use super::tuple::Tuple;
use super::{every_port, every_protocol, host};
use crate::findings::Problem;

/// Which families a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Families {
    Both,
    V4,
    V6,
}

/// The services. Rules of both families that say the same are one, as far as the order of either
/// family allows: the first that a packet is for decides.
pub(super) fn services(
    v4: Vec<Tuple>,
    v6: Vec<Tuple>,
    made: &mut Translation,
) -> Result<(), Problem> {
    for (tuple, families) in merged(v4, v6) {
        let what = shown(&tuple);
        let direction = match (tuple.route, tuple.out) {
            (true, _) => Direction::Through,
            (false, true) => Direction::Out,
            (false, false) => Direction::In,
        };
        if let Err(why) = service(&tuple, families, direction, made)? {
            made.left(&tuple.place, &what, &why);
        }
    }
    Ok(())
}

fn merged(v4: Vec<Tuple>, v6: Vec<Tuple>) -> Vec<(Tuple, Families)> {
    let mut places: BTreeMap<String, VecDeque<usize>> = BTreeMap::new();
    for (place, tuple) in v6.iter().enumerate() {
        if tuple.is_for_everybody() {
            places.entry(tuple.key()).or_default().push_back(place);
        }
    }
    let mut rest = v6.into_iter().enumerate();
    let mut next = 0;
    let mut all = Vec::new();
    for tuple in v4 {
        let same = places
            .get_mut(&tuple.key())
            .filter(|_| tuple.is_for_everybody());
        let same = same.and_then(|places| {
            while places.front().is_some_and(|place| *place < next) {
                places.pop_front();
            }
            places.pop_front()
        });
        let Some(same) = same else {
            all.push((tuple, Families::V4));
            continue;
        };
        // What stands before it over IPv6 stays before it.
        let before = rest.by_ref().take(same - next);
        all.extend(before.map(|(_, tuple)| (tuple, Families::V6)));
        let _ = rest.next();
        next = same + 1;
        all.push((tuple, Families::Both));
    }
    all.extend(rest.map(|(_, tuple)| (tuple, Families::V6)));
    all
}

fn shown(tuple: &Tuple) -> String {
    let port = match tuple.port.as_str() {
        "any" => String::new(),
        port => format!(" {port}"),
    };
    format!(
        "{}{} {}{port} to {} from {}",
        if tuple.route { "route " } else { "" },
        tuple.action,
        tuple.protocol,
        tuple.to,
        tuple.from
    )
}

/// Puts it where it belongs; the inner error says why it is left.
fn service(
    tuple: &Tuple,
    families: Families,
    direction: Direction,
    made: &mut Translation,
) -> Result<Result<(), String>, Problem> {
    if tuple.from_port != "any" {
        return Ok(Err(
            "a rule for the port of the sender has no counterpart: whoever sends chooses it"
                .to_owned(),
        ));
    }
    if tuple.action == "limit" && direction != Direction::In {
        return Ok(Err("only what comes in has a rate".to_owned()));
    }
    if direction == Direction::Through && tuple.action != "allow" {
        return Ok(Err(
            "[[forward.allow]] lets through, and nothing forbids: what no [[forward.allow]] says is dropped".to_owned(),
        ));
    }
    let described = match describe(tuple, families) {
        Ok(described) => described,
        Err(why) => return Ok(Err(why)),
    };
    let mut service = Service {
        name: made.name(direction, &name(tuple, families))?,
        ..described
    };
    let said = format!("{}: {}", tuple.place, shown(tuple));
    service.remarks.push(match tuple.comment.as_str() {
        "" => said,
        comment => format!("{said} # {}", shortened(comment)),
    });
    if direction == Direction::Through
        && service.comes_in_by.is_empty()
        && service.sources.is_empty()
    {
        return Ok(Err(
            "a [[forward.allow]] says from which interface, or whose packets".to_owned(),
        ));
    }
    if tuple.action == "limit" {
        // So many in 30 s are too many.
        service.rate = in_seconds(5, 30);
        made.note(
            &tuple.place,
            &shown(tuple),
            "ufw rejects the 6th connection within 30 seconds; here 5 come at once and then one in 6 seconds, and what is over that is dropped; of IPv6 a /64 is one source",
        );
    }
    if service.protocols.len() > 2 {
        let remark = "every protocol that is named here; a service has to name them";
        service.remarks.push(remark.to_owned());
    }
    let firewall = &mut made.firewall;
    match direction {
        Direction::In => firewall.services.push(service),
        Direction::Out => firewall.output.push(service),
        Direction::Through => firewall.forward.push(service),
    }
    Ok(Ok(()))
}

fn describe(tuple: &Tuple, families: Families) -> Result<Service, String> {
    let of = |error: BuildError| error.to_string();
    let protocols = match (tuple.protocol.as_str(), tuple.port.as_str()) {
        ("any", "any") if tuple.route => Vec::new(),
        ("any", "any") => every_protocol().map_err(|problem| problem.message)?,
        ("any", _) => vec![ServiceProtocol::TCP, ServiceProtocol::UDP],
        (protocol, _) => vec![protocol.parse().map_err(of)?],
    };
    let mut ports = Vec::new();
    for word in tuple.port.split(',').filter(|port| *port != "any") {
        let range: PortRange = word.parse().map_err(of)?;
        ports.push(range);
    }
    if ports.is_empty() && protocols.iter().any(|protocol| protocol.has_ports()) {
        ports.push(every_port().map_err(|problem| problem.message)?);
    }
    let unnamed = "rule".parse().map_err(of)?;
    let mut service = Service {
        ports,
        action: match tuple.action.as_str() {
            "allow" | "limit" => Action::Accept,
            "deny" => Action::Drop,
            "reject" => Action::Reject,
            _ => return Err("it is none of allow, deny, reject and limit".to_owned()),
        },
        log: tuple.logged.then_some(true),
        sources: host(&tuple.from)?.into_iter().collect(),
        destinations: host(&tuple.to)?.into_iter().collect(),
        ..Service::new(unnamed, protocols)
    };
    let interface = |name: &Option<String>| -> Result<Vec<InterfaceName>, String> {
        let name = name.as_deref().map(str::parse);
        Ok(name.transpose().map_err(of)?.into_iter().collect())
    };
    service.comes_in_by = interface(&tuple.comes_in_by)?;
    service.leaves_by = interface(&tuple.leaves_by)?;
    let everybody = match families {
        Families::Both => None,
        Families::V4 => Some("0.0.0.0/0"),
        Families::V6 => Some("::/0"),
    };
    if let (Some(everybody), true) = (everybody, tuple.is_for_everybody()) {
        let everybody = everybody.parse().map_err(of)?;
        if tuple.out && !tuple.route {
            service.destinations = vec![everybody];
        } else {
            service.sources = vec![everybody];
        }
    }
    if tuple.out && !tuple.route && !service.sources.is_empty() {
        return Err(
            "what goes out goes by its destination, not by the address of this host".to_owned(),
        );
    }
    Ok(service)
}

/// `ssh` is easier to tell than `rule-1`.
fn name(tuple: &Tuple, families: Families) -> String {
    let ending = match families {
        Families::V6 if tuple.is_for_everybody() => "-v6",
        Families::V4 if tuple.is_for_everybody() => "-v4",
        _ => "",
    };
    if let Some(profile) = tuple.profiles.iter().flatten().next() {
        return format!("{profile}{ending}").to_ascii_lowercase();
    }
    let action = match tuple.action.as_str() {
        "allow" => "",
        action => &format!("{action}-"),
    };
    let what = match (tuple.protocol.as_str(), tuple.port.as_str()) {
        ("any", "any") => "all".to_owned(),
        (protocol, "any") => protocol.to_owned(),
        ("any", port) => format!("port-{port}"),
        (protocol, port) => format!("{protocol}-{port}"),
    };
    format!("{action}{what}{ending}")
}
