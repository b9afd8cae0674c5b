//! The keys of a `[[service]]`.

use toml::de::DeTable;

use super::hours::{hours, open_until};
use super::sets::check_sources;
use super::{set, size, source_network};
use crate::config::document::{Key, Section, Value, nearest};
use crate::config::icmp::IcmpType;
use crate::config::protocol::ServiceProtocol;
use crate::config::service::defaults;
use crate::config::{Action, ConfigError, OwnSet, Service, ServiceName, port_names, ready};
use crate::match_::HashLimit;
use crate::{PortRange, Rate};

const SERVICE: &[Key<Service>] = &[
    ("name", READ_BEFORE),
    ("use", READ_BEFORE),
    ("protocol", READ_BEFORE),
    ("ports", READ_BEFORE),
    ("types", READ_BEFORE),
    ("action", |to, value| set(&mut to.action, action(value))),
    ("log", |to, value| set(&mut to.log, value.boolean())),
    ("rate", |to, value| {
        set(&mut to.rate, source_rate(value, to.burst).map(Some))
    }),
    ("burst", READ_BEFORE),
    ("connections", |to, value| {
        let most = value.integer(1..=MOST_CONNECTIONS);
        set(&mut to.connections, most.map(Some))
    }),
    ("per-v4", |to, value| {
        set(&mut to.per_v4, value.integer(1..=32))
    }),
    ("per-v6", |to, value| {
        set(&mut to.per_v6, value.integer(1..=128))
    }),
    ("sources", |to, value| {
        let sources = not_empty(value, "everybody")?;
        set(&mut to.sources, sources.iter().map(Value::parse).collect())
    }),
    ("destinations", |to, value| {
        let destinations = not_empty(value, "every address of this host")?;
        let destinations = destinations.iter().map(source_network);
        set(&mut to.destinations, destinations.collect())
    }),
    ("interfaces", |to, value| {
        let interfaces = not_empty(value, "every interface")?;
        set(
            &mut to.interfaces,
            interfaces.iter().map(Value::parse).collect(),
        )
    }),
    ("when", |to, value| set(&mut to.when, hours(value))),
    ("open-until", |to, value| {
        set(&mut to.open_until, open_until(value, to.action).map(Some))
    }),
];

/// What other keys of the service depend on.
const READ_BEFORE: fn(&mut Service, &Value<'_>) -> Result<(), ConfigError> = |_, _| Ok(());

/// The services of a file behind those of the files before it. One that stands there because no
/// file said anything gives way to one of its name.
pub(super) fn services(
    value: &Value<'_>,
    mut services: Vec<Service>,
    own_sets: &[OwnSet],
) -> Result<Vec<Service>, ConfigError> {
    let mut unsaid = defaults();
    unsaid.retain(|one| services.contains(one));
    for section in value.sections()? {
        let service = service(&section)?;
        check_sources(own_sets, &service, &section)?;
        let same = services.iter_mut().find(|other| other.name == service.name);
        match same {
            None => services.push(service),
            Some(other) if unsaid.contains(&*other) => *other = service,
            Some(_) => {
                let twice = format!("two services are named \"{}\"", service.name);
                let name = section.get("name").or_else(|| section.get("use"));
                return Err(match name {
                    Some(name) => name.error(twice),
                    None => section.error(twice),
                });
            }
        }
    }
    Ok(services)
}

/// A service with what its name, `use`, protocols, ports and types say.
pub(super) fn basics(section: &Section<'_>) -> Result<Service, ConfigError> {
    match section.get("use") {
        Some(value) => used(section, &value),
        None => described(section, section.require("name")?.parse()?),
    }
}

fn service(section: &Section<'_>) -> Result<Service, ConfigError> {
    section.only(SERVICE)?;
    let mut service = basics(section)?;
    if let Some(value) = section.get("burst") {
        service.burst = value.integer(1..=HashLimit::MAX_BURST)?;
    }
    section.read(&mut service, SERVICE)?;
    check(section, &service)?;
    size::of_service(section, &service)?;
    Ok(service)
}

/// A service with a name of its own.
fn used(section: &Section<'_>, value: &Value<'_>) -> Result<Service, ConfigError> {
    let used = value.string()?;
    let Some(text) = ready::text(used) else {
        let names = ready::names();
        let hint = match nearest(used, &names) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("known are {}", names.join(", ")),
        };
        return Err(value.error(format!("there is no ready-made service {used:?}; {hint}")));
    };
    for key in ["protocol", "ports", "types"] {
        if let Some(value) = section.get(key) {
            return Err(value.error(format!(
                "{key} is what use = {used:?} stands for; leave one of them out"
            )));
        }
    }
    let name = match section.get("name") {
        Some(name) => name.parse()?,
        None => value.parse()?,
    };
    let document = DeTable::parse(text)
        .map_err(|error| value.error(format!("{used:?} cannot be read: {error}")))?;
    let ready = Section::whole(text, document.get_ref());
    let mut service = described(&ready, name)?;
    ready.read(&mut service, SERVICE)?;
    Ok(service)
}

/// A service with the protocols, ports and types of a table.
pub(super) fn described(section: &Section<'_>, name: ServiceName) -> Result<Service, ConfigError> {
    let protocols = section.require("protocol")?;
    let protocols = protocols
        .one_or_several()
        .iter()
        .map(protocol)
        .collect::<Result<Vec<_>, _>>()?;
    if protocols.is_empty() {
        let value = section.require("protocol")?;
        return Err(value.error("an empty list: the service is for no protocol"));
    }
    let with_ports = protocols.iter().any(|protocol| protocol.has_ports());
    let mut service = Service::new(name, protocols);
    match section.get("ports") {
        Some(value) if with_ports => service.ports = ports(&value)?,
        None if with_ports => {
            return Err(section.error(format!("service \"{}\" has no ports", service.name)));
        }
        Some(value) => {
            let names: Vec<String> = service.protocols.iter().map(ToString::to_string).collect();
            let names = names.join(", ");
            let names = if names == "icmp" { "ICMP" } else { &names };
            return Err(value.error(format!("{names} has no ports")));
        }
        None => {}
    }
    if let Some(value) = section.get("types") {
        if !service.protocols.contains(&ServiceProtocol::ICMP) {
            return Err(value.error("types are of ICMP, and the service is for other protocols"));
        }
        let types = not_empty(&value, "every type")?;
        service.icmp_types = types
            .iter()
            .map(Value::parse::<IcmpType>)
            .collect::<Result<_, _>>()?;
    }
    Ok(service)
}

/// What one key makes of another.
fn check(section: &Section<'_>, service: &Service) -> Result<(), ConfigError> {
    let name = &service.name;
    let first = |keys: &[&'static str]| keys.iter().find_map(|key| Some((*key, section.get(key)?)));
    if service.action != Action::Accept {
        let limits = ["rate", "connections", "burst", "per-v4", "per-v6"];
        if let Some((key, value)) = first(&limits) {
            return Err(value.error(format!(
                "{key} is about what is let in, and service \"{name}\" lets nothing in"
            )));
        }
    }
    if service.rate.is_none() {
        if let Some((key, value)) = first(&["burst"]) {
            return Err(value.error(format!(
                "{key} is about a rate, and service \"{name}\" has none"
            )));
        }
        if service.connections.is_none() {
            if let Some((key, value)) = first(&["per-v4", "per-v6"]) {
                return Err(value.error(format!(
                    "{key} is about a rate or connections, and service \"{name}\" has none"
                )));
            }
        }
    }
    Ok(())
}

/// What becomes of it.
pub(super) fn action(value: &Value<'_>) -> Result<Action, ConfigError> {
    value.choice(&[
        ("accept", Action::Accept),
        ("drop", Action::Drop),
        ("reject", Action::Reject),
    ])
}

pub(super) fn protocol(value: &Value<'_>) -> Result<ServiceProtocol, ConfigError> {
    if value.is_integer() {
        let number = value.integer(1..=u8::MAX)?;
        return ServiceProtocol::numbered(number).map_err(|error| value.refused(number, &error));
    }
    value.parse()
}

/// The values of a list. An empty list is refused: it may be meant as "none" or as "all".
pub(super) fn not_empty<'d>(value: &Value<'d>, all: &str) -> Result<Vec<Value<'d>>, ConfigError> {
    let list = value.list()?;
    if list.is_empty() {
        return Err(value.error(format!(
            "an empty list: nobody could use the service; leave the key out for {all}"
        )));
    }
    Ok(list)
}

fn ports(value: &Value<'_>) -> Result<Vec<PortRange>, ConfigError> {
    let ports = value.list()?;
    if ports.is_empty() {
        return Err(value.error("an empty list: nobody could use the service"));
    }
    ports.iter().map(port).collect()
}

pub(super) fn port(value: &Value<'_>) -> Result<PortRange, ConfigError> {
    if value.is_integer() {
        return Ok(PortRange::from(value.integer(1..=u16::MAX)?));
    }
    let text = value.string()?;
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return named_port(value, text);
    }
    let range: PortRange = value.parse()?;
    if range.first() == 0 {
        Err(value.error("port 0 cannot be connected to"))
    } else {
        Ok(range)
    }
}

fn named_port(value: &Value<'_>, name: &str) -> Result<PortRange, ConfigError> {
    if let Some(port) = port_names::port(name) {
        return Ok(port.into());
    }
    let names: Vec<&str> = port_names::names().collect();
    let hint = match nearest(name, &names) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "write its number".to_owned(),
    };
    Err(value.error(format!("no port is known as {name:?}; {hint}")))
}

/// A rate that is counted for each source.
pub(super) fn source_rate(value: &Value<'_>, burst: u32) -> Result<Rate, ConfigError> {
    let rate: Rate = value.parse()?;
    HashLimit::check_rate(rate, burst).map_err(|error| value.refused(rate, &error))?;
    Ok(rate)
}

/// More connections than a host has room for.
const MOST_CONNECTIONS: u32 = 1_000_000;
