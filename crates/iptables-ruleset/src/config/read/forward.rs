//! The keys of `[forward]`.

use std::net::{IpAddr, SocketAddr};

use super::hours::{hours, open_until};
use super::service::{basics, described, not_empty, port, protocol};
use super::traffic::{add, destinations};
use super::{extend, set, size};
use crate::config::document::{Key, Section, Value};
use crate::config::{
    Action, ConfigError, Forward, PortForward, ServiceName, ServiceProtocol, Traffic,
};
use crate::{BuildError, InterfaceName};

pub(super) const FORWARD: &[Key<Forward>] = &[
    ("protect", |to, value| set(&mut to.protect, value.boolean())),
    ("allow", |to, value| {
        for section in value.sections()? {
            let number = to.allow.len() + 1;
            let traffic = allowed(&section, number)?;
            add(&mut to.allow, &section, traffic)?;
        }
        Ok(())
    }),
    ("masquerade", |to, value| {
        extend(&mut to.masquerade, value, Value::parse)
    }),
    ("port", |to, value| {
        for section in value.sections()? {
            let forward = port_forward(&section)?;
            if to.ports.iter().any(|other| other.name == forward.name) {
                let twice = format!(
                    "two [[forward.port]] are named \"{}\"; give one of them another name",
                    forward.name
                );
                return Err(section.error(twice));
            }
            to.ports.push(forward);
        }
        Ok(())
    }),
];

const PORT: &[Key<PortForward>] = &[
    ("name", PORT_READ_BEFORE),
    ("on", PORT_READ_BEFORE),
    ("protocol", PORT_READ_BEFORE),
    ("port", PORT_READ_BEFORE),
    ("to", PORT_READ_BEFORE),
    ("log", |to, value| set(&mut to.log, value.boolean())),
    ("sources", |to, value| {
        let sources = not_empty(value, "everybody")?;
        set(&mut to.sources, sources.iter().map(Value::parse).collect())
    }),
    ("when", |to, value| set(&mut to.when, hours(value))),
    ("open-until", |to, value| {
        set(
            &mut to.open_until,
            open_until(value, Action::Accept).map(Some),
        )
    }),
];

/// What has to be there.
const PORT_READ_BEFORE: fn(&mut PortForward, &Value<'_>) -> Result<(), ConfigError> = |_, _| Ok(());

/// A table `[[forward.port]]`.
fn port_forward(section: &Section<'_>) -> Result<PortForward, ConfigError> {
    section.only(PORT)?;
    let asked = section.require("port")?;
    let from = port(&asked)?;
    let name = match section.get("name") {
        Some(name) => name.parse()?,
        None => format!("port-{}", from.to_string().replace(':', "-"))
            .parse()
            .map_err(|error: BuildError| section.error(error.reason()))?,
    };
    let protocols = section.require("protocol")?;
    let named = protocols.one_or_several();
    let named: Vec<ServiceProtocol> = named.iter().map(protocol).collect::<Result<_, _>>()?;
    if let Some(without) = named.iter().find(|protocol| !protocol.has_ports()) {
        return Err(protocols.error(format!("{without} has no ports")));
    }
    if named.is_empty() {
        return Err(protocols.error("an empty list: nothing would be passed on"));
    }
    let value = section.require("to")?;
    let (to, to_port) = end(value.string()?).ok_or_else(|| {
        value.error(
            "expected an address, ADDRESS:PORT or [ADDRESS]:PORT, as in \"192.168.1.10:443\" or \"[2001:db8::10]:443\"",
        )
    })?;
    if to_port.is_some() && from.first() != from.last() {
        return Err(value.error("a range of ports goes to the same ports: leave the port out"));
    }
    let mut forward = PortForward {
        name,
        on: interfaces(&section.require("on")?)?,
        protocols: named,
        port: from,
        to,
        to_port,
        sources: Vec::new(),
        log: false,
        when: Vec::new(),
        open_until: None,
    };
    section.read(&mut forward, PORT)?;
    size::of_traffic(section, &forward.asked())?;
    Ok(forward)
}

/// An address, and a port where there is one.
fn end(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some((address, None));
    }
    let end: SocketAddr = text.parse().ok()?;
    (end.port() != 0).then_some((end.ip(), Some(end.port())))
}

const ALLOW: &[Key<Traffic>] = &[
    ("name", READ_BEFORE),
    ("use", READ_BEFORE),
    ("protocol", READ_BEFORE),
    ("ports", READ_BEFORE),
    ("types", READ_BEFORE),
    ("log", |to, value| set(&mut to.log, value.boolean())),
    ("sources", |to, value| {
        let sources = not_empty(value, "everybody")?;
        set(&mut to.sources, sources.iter().map(Value::parse).collect())
    }),
    ("destinations", |to, value| {
        set(&mut to.destinations, destinations(value))
    }),
    ("from", |to, value| set(&mut to.from, interfaces(value))),
    ("to", |to, value| set(&mut to.to, interfaces(value))),
    ("when", |to, value| set(&mut to.when, hours(value))),
    ("open-until", |to, value| {
        set(&mut to.open_until, open_until(value, to.action).map(Some))
    }),
];

/// What other keys depend on.
const READ_BEFORE: fn(&mut Traffic, &Value<'_>) -> Result<(), ConfigError> = |_, _| Ok(());

/// A table `[[forward.allow]]`, the one of that number.
fn allowed(section: &Section<'_>, number: usize) -> Result<Traffic, ConfigError> {
    section.only(ALLOW)?;
    let unnamed = || -> Result<ServiceName, BuildError> { format!("allow-{number}").parse() };
    let mut traffic = if section.get("use").is_some() {
        Traffic::to_service(basics(section)?)
    } else {
        let name = match section.get("name") {
            Some(name) => name.parse()?,
            None => unnamed().map_err(|error| section.error(error.reason()))?,
        };
        if section.get("protocol").is_some() {
            Traffic::to_service(described(section, name)?)
        } else {
            if let Some(value) = section.get("ports").or_else(|| section.get("types")) {
                return Err(value.error("ports and types are of a protocol, and none is named"));
            }
            Traffic::new(name)
        }
    };
    section.read(&mut traffic, ALLOW)?;
    size::of_traffic(section, &traffic)?;
    if traffic.from.is_empty() && traffic.sources.is_empty() {
        return Err(section.error(
            "[[forward.allow]] says neither from which interface nor which sources: anybody could pass; give it from or sources",
        ));
    }
    Ok(traffic)
}

/// One interface, or a list of them.
fn interfaces(value: &Value<'_>) -> Result<Vec<InterfaceName>, ConfigError> {
    let all = value.one_or_several();
    if all.is_empty() {
        return Err(value.error("an empty list: leave the key out for every interface"));
    }
    all.iter().map(Value::parse).collect()
}
