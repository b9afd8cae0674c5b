//! The keys of `firewall.toml`: a row a key, which says what it sets and what it takes.

use std::net::IpAddr;

use toml::de::DeTable;

use super::document::{Key, Section, Value};
use super::members::members;
use super::service::check_ports;
use super::{
    Config, ConfigError, DEFAULT_NFLOG_GROUP, ForwardPolicy, Log, LogTarget, OutputPolicy,
    Policies, Position, Service, ServiceName, ServiceProtocol, SetType, Sets, Throttle,
    ThrottleLimits, WithinLimit, count,
};
use crate::match_::{DEFAULT_BURST, HashLimit, Limit};
use crate::target::LogLevel;
use crate::{Network, Policy, PortRange, Rate};

pub(super) fn config(text: &str) -> Result<Config, ConfigError> {
    let document = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        ConfigError::at(text, start, error.message().trim_end())
    })?;
    let mut config = Config::default();
    Section::whole(text, document.get_ref()).read(&mut config, FILE)?;
    Ok(config)
}

const FILE: &[Key<Config>] = &[
    ("policy", |to, value| {
        value.section()?.read(&mut to.policy, POLICY)
    }),
    ("log", |to, value| value.section()?.read(&mut to.log, LOG)),
    ("sets", |to, value| {
        value.section()?.read(&mut to.sets, SETS)
    }),
    ("throttle", |to, value| {
        value.section()?.read(&mut to.throttle, THROTTLE)
    }),
    ("service", |to, value| {
        set(&mut to.services, services(value))
    }),
];

const POLICY: &[Key<Policies>] = &[
    ("input", |to, value| {
        let choice = [("drop", Policy::Drop), ("accept", Policy::Accept)];
        set(&mut to.input, value.choice(&choice))
    }),
    ("forward", |to, value| {
        let choice = [
            ("drop", ForwardPolicy::Drop),
            ("accept", ForwardPolicy::Accept),
            ("untouched", ForwardPolicy::Untouched),
        ];
        set(&mut to.forward, value.choice(&choice))
    }),
    ("output", |to, value| {
        if value.string()? == "drop" {
            return Err(value.error(
                "output in [policy] cannot be \"drop\": no rule is written for OUTPUT, so this host could send nothing at all",
            ));
        }
        let choice = [
            ("accept", OutputPolicy::Accept),
            ("untouched", OutputPolicy::Untouched),
        ];
        set(&mut to.output, value.choice(&choice))
    }),
    ("position", |to, value| {
        let choice = [("keep", Position::Keep), ("first", Position::First)];
        set(&mut to.position, value.choice(&choice))
    }),
];

const LOG: &[Key<Log>] = &[
    ("target", |to, value| {
        let group = DEFAULT_NFLOG_GROUP;
        let choice = [
            ("LOG", LogTarget::Log),
            ("NFLOG", LogTarget::Nflog { group }),
        ];
        set(&mut to.target, value.choice(&choice))
    }),
    ("nflog-group", |to, value| {
        let number = value.integer(0..=u16::MAX)?;
        if let LogTarget::Nflog { group } = &mut to.target {
            *group = number;
        }
        Ok(())
    }),
    ("allowed-level", |to, value| {
        set(&mut to.allowed_level, level(value))
    }),
    ("blocked-level", |to, value| {
        set(&mut to.blocked_level, level(value))
    }),
    ("limited-level", |to, value| {
        set(&mut to.limited_level, level(value))
    }),
    ("invalid", |to, value| set(&mut to.invalid, value.boolean())),
    ("invalid-level", |to, value| {
        set(&mut to.invalid_level, level(value))
    }),
    ("rate", |to, value| {
        let rate: Rate = value.parse()?;
        let possible = Limit::new(rate).map_err(|error| value.refused(rate, &error));
        set(&mut to.rate, possible.map(|_| Some(rate)))
    }),
];

const SETS: &[Key<Sets>] = &[
    ("type", |to, value| {
        let choice = [("hash:net", SetType::HashNet), ("hash:ip", SetType::HashIp)];
        set(&mut to.set_type, value.choice(&choice))
    }),
    ("maxelem", |to, value| {
        set(&mut to.maxelem, value.integer(1..=u32::MAX).map(count))
    }),
    // Behind the type, which says what can be a member.
    ("members", |to, value| {
        set(&mut to.members, members(&value.section()?, to.set_type))
    }),
];

const THROTTLE: &[Key<Throttle>] = &[
    ("soft", |to, value| {
        value.section()?.read(&mut to.soft, THROTTLE_LIMITS)
    }),
    ("hard", |to, value| {
        value.section()?.read(&mut to.hard, THROTTLE_LIMITS)
    }),
    ("within-limit", |to, value| {
        let choice = [
            ("continue", WithinLimit::Continue),
            ("accept", WithinLimit::Accept),
        ];
        set(&mut to.within_limit, value.choice(&choice))
    }),
];

const THROTTLE_LIMITS: &[Key<ThrottleLimits>] = &[
    ("tcp", |to, value| {
        set(&mut to.tcp, source_rate(value, DEFAULT_BURST))
    }),
    ("icmp", |to, value| {
        set(&mut to.icmp, source_rate(value, DEFAULT_BURST))
    }),
];

const SERVICE: &[Key<Service>] = &[
    ("name", READ_BEFORE),
    ("protocol", READ_BEFORE),
    ("ports", READ_BEFORE),
    ("rate", |to, value| {
        set(&mut to.rate, source_rate(value, to.burst).map(Some))
    }),
    ("burst", READ_BEFORE),
    ("per-v4", |to, value| {
        set(&mut to.per_v4, value.integer(1..=32))
    }),
    ("per-v6", |to, value| {
        set(&mut to.per_v6, value.integer(1..=128))
    }),
    ("sources", |to, value| {
        let sources = not_empty(value, "everybody")?;
        set(&mut to.sources, sources.iter().map(source).collect())
    }),
    ("interfaces", |to, value| {
        let interfaces = not_empty(value, "every interface")?;
        set(
            &mut to.interfaces,
            interfaces.iter().map(Value::parse).collect(),
        )
    }),
];

fn set<T>(to: &mut T, value: Result<T, ConfigError>) -> Result<(), ConfigError> {
    *to = value?;
    Ok(())
}

/// What other keys of the service depend on.
const READ_BEFORE: fn(&mut Service, &Value<'_>) -> Result<(), ConfigError> = |_, _| Ok(());

fn services(value: &Value<'_>) -> Result<Vec<Service>, ConfigError> {
    let mut services: Vec<Service> = Vec::new();
    for section in value.sections()? {
        let service = service(&section)?;
        if services.iter().any(|other| other.name == service.name) {
            let name = section.require("name")?;
            return Err(name.error(format!("two services are named \"{}\"", service.name)));
        }
        services.push(service);
    }
    Ok(services)
}

fn service(section: &Section<'_>) -> Result<Service, ConfigError> {
    section.only(SERVICE)?;
    let name: ServiceName = section.require("name")?.parse()?;
    let kind = section.require("protocol")?.choice(&[
        ("tcp", Kind::Tcp),
        ("udp", Kind::Udp),
        ("icmp", Kind::Icmp),
    ])?;
    let protocol = match (kind, section.get("ports")) {
        (Kind::Tcp, Some(value)) => ServiceProtocol::Tcp(ports(&value)?),
        (Kind::Udp, Some(value)) => ServiceProtocol::Udp(ports(&value)?),
        (Kind::Icmp, None) => ServiceProtocol::Icmp,
        (Kind::Tcp | Kind::Udp, None) => {
            return Err(section.error(format!("service \"{name}\" has no ports")));
        }
        (Kind::Icmp, Some(value)) => return Err(value.error("ICMP has no ports")),
    };
    let mut service = Service::new(name, protocol);
    if section.get("rate").is_none() {
        let idle = ["burst", "per-v4", "per-v6"]
            .into_iter()
            .find_map(|key| Some((key, section.get(key)?)));
        if let Some((key, value)) = idle {
            return Err(value.error(format!(
                "{key} is about a rate, and service \"{}\" has none",
                service.name
            )));
        }
    }
    if let Some(value) = section.get("burst") {
        service.burst = value.integer(1..=HashLimit::MAX_BURST)?;
    }
    section.read(&mut service, SERVICE)?;
    Ok(service)
}

#[derive(Clone, Copy)]
enum Kind {
    Tcp,
    Udp,
    Icmp,
}

fn level(value: &Value<'_>) -> Result<LogLevel, ConfigError> {
    let number = value.integer(0..=7)?;
    LogLevel::new(number).map_err(|error| value.refused(number, &error))
}

/// The values of a list. An empty list is refused: it may be meant as "none" or as "all".
fn not_empty<'d>(value: &Value<'d>, all: &str) -> Result<Vec<Value<'d>>, ConfigError> {
    let list = value.list()?;
    if list.is_empty() {
        return Err(value.error(format!(
            "an empty list: nobody could use the service; leave the key out for {all}"
        )));
    }
    Ok(list)
}

fn ports(value: &Value<'_>) -> Result<Vec<PortRange>, ConfigError> {
    let ports: Vec<PortRange> = value.list()?.iter().map(port).collect::<Result<_, _>>()?;
    check_ports(&ports).map_err(|error| value.error(error.to_string()))?;
    Ok(ports)
}

fn port(value: &Value<'_>) -> Result<PortRange, ConfigError> {
    if value.is_integer() {
        return Ok(PortRange::from(value.integer(1..=u16::MAX)?));
    }
    let range: PortRange = value.parse()?;
    if range.first() == 0 {
        Err(value.error("port 0 cannot be connected to"))
    } else {
        Ok(range)
    }
}

pub(super) fn source(value: &Value<'_>) -> Result<Network, ConfigError> {
    let network: Network = value.parse()?;
    match network.address() {
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Err(value.error(format!(
            "{v6} never appears in a packet: write it as an IPv4 address"
        ))),
        _ => Ok(network),
    }
}

/// A rate that is counted for each source.
fn source_rate(value: &Value<'_>, burst: u32) -> Result<Rate, ConfigError> {
    let rate: Rate = value.parse()?;
    HashLimit::check_rate(rate, burst).map_err(|error| value.refused(rate, &error))?;
    Ok(rate)
}
