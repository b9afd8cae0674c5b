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
    ("policy", |config, value| {
        value.section()?.read(&mut config.policy, POLICY)
    }),
    ("log", |config, value| {
        value.section()?.read(&mut config.log, LOG)
    }),
    ("sets", |config, value| {
        value.section()?.read(&mut config.sets, SETS)
    }),
    ("throttle", |config, value| {
        value.section()?.read(&mut config.throttle, THROTTLE)
    }),
    ("service", |config, value| {
        config.services = services(value)?;
        Ok(())
    }),
];

const POLICY: &[Key<Policies>] = &[
    ("input", |policies, value| {
        let choice = [("drop", Policy::Drop), ("accept", Policy::Accept)];
        policies.input = value.choice(&choice)?;
        Ok(())
    }),
    ("forward", |policies, value| {
        policies.forward = value.choice(&[
            ("drop", ForwardPolicy::Drop),
            ("accept", ForwardPolicy::Accept),
            ("untouched", ForwardPolicy::Untouched),
        ])?;
        Ok(())
    }),
    ("output", |policies, value| {
        if value.string()? == "drop" {
            return Err(value.error(
                "output in [policy] cannot be \"drop\": no rule is written for OUTPUT, so this host could send nothing at all",
            ));
        }
        policies.output = value.choice(&[
            ("accept", OutputPolicy::Accept),
            ("untouched", OutputPolicy::Untouched),
        ])?;
        Ok(())
    }),
    ("position", |policies, value| {
        let choice = [("keep", Position::Keep), ("first", Position::First)];
        policies.position = value.choice(&choice)?;
        Ok(())
    }),
];

const LOG: &[Key<Log>] = &[
    ("target", |log, value| {
        let group = DEFAULT_NFLOG_GROUP;
        log.target = value.choice(&[
            ("LOG", LogTarget::Log),
            ("NFLOG", LogTarget::Nflog { group }),
        ])?;
        Ok(())
    }),
    ("nflog-group", |log, value| {
        let number = value.integer(0..=u16::MAX)?;
        if let LogTarget::Nflog { group } = &mut log.target {
            *group = number;
        }
        Ok(())
    }),
    ("allowed-level", |log, value| {
        level(value, &mut log.allowed_level)
    }),
    ("blocked-level", |log, value| {
        level(value, &mut log.blocked_level)
    }),
    ("limited-level", |log, value| {
        level(value, &mut log.limited_level)
    }),
    ("invalid", |log, value| {
        log.invalid = value.boolean()?;
        Ok(())
    }),
    ("invalid-level", |log, value| {
        level(value, &mut log.invalid_level)
    }),
    ("rate", |log, value| {
        let rate: Rate = value.parse()?;
        Limit::new(rate).map_err(|error| value.refused(rate, &error))?;
        log.rate = Some(rate);
        Ok(())
    }),
];

const SETS: &[Key<Sets>] = &[
    ("type", |sets, value| {
        let choice = [("hash:net", SetType::HashNet), ("hash:ip", SetType::HashIp)];
        sets.set_type = value.choice(&choice)?;
        Ok(())
    }),
    ("maxelem", |sets, value| {
        sets.maxelem = count(value.integer(1..=u32::MAX)?);
        Ok(())
    }),
    // Behind the type, which says what can be a member.
    ("members", |sets, value| {
        sets.members = members(&value.section()?, sets.set_type)?;
        Ok(())
    }),
];

const THROTTLE: &[Key<Throttle>] = &[
    ("soft", |throttle, value| {
        value.section()?.read(&mut throttle.soft, THROTTLE_LIMITS)
    }),
    ("hard", |throttle, value| {
        value.section()?.read(&mut throttle.hard, THROTTLE_LIMITS)
    }),
    ("within-limit", |throttle, value| {
        throttle.within_limit = value.choice(&[
            ("continue", WithinLimit::Continue),
            ("accept", WithinLimit::Accept),
        ])?;
        Ok(())
    }),
];

const THROTTLE_LIMITS: &[Key<ThrottleLimits>] = &[
    ("tcp", |limits, value| {
        limits.tcp = source_rate(value, DEFAULT_BURST)?;
        Ok(())
    }),
    ("icmp", |limits, value| {
        limits.icmp = source_rate(value, DEFAULT_BURST)?;
        Ok(())
    }),
];

const SERVICE: &[Key<Service>] = &[
    ("name", READ_BEFORE),
    ("protocol", READ_BEFORE),
    ("ports", READ_BEFORE),
    ("rate", |service, value| {
        service.rate = Some(source_rate(value, service.burst)?);
        Ok(())
    }),
    ("burst", READ_BEFORE),
    ("per-v4", |service, value| {
        service.per_v4 = value.integer(1..=32)?;
        Ok(())
    }),
    ("per-v6", |service, value| {
        service.per_v6 = value.integer(1..=128)?;
        Ok(())
    }),
    ("sources", |service, value| {
        let why_not = "nobody could use the service; leave the key out for everybody";
        let sources = not_empty(value, why_not)?;
        service.sources = sources.iter().map(source).collect::<Result<_, _>>()?;
        Ok(())
    }),
    ("interfaces", |service, value| {
        let why_not = "nobody could use the service; leave the key out for every interface";
        let interfaces = not_empty(value, why_not)?;
        service.interfaces = interfaces
            .iter()
            .map(Value::parse)
            .collect::<Result<_, _>>()?;
        Ok(())
    }),
];

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

fn level(value: &Value<'_>, level: &mut LogLevel) -> Result<(), ConfigError> {
    let number = value.integer(0..=7)?;
    *level = LogLevel::new(number).map_err(|error| value.refused(number, &error))?;
    Ok(())
}

/// Whoever writes an empty list means "none" or "all": better to ask than to guess.
fn not_empty<'d>(value: &Value<'d>, why_not: &str) -> Result<Vec<Value<'d>>, ConfigError> {
    let list = value.list()?;
    if list.is_empty() {
        Err(value.error(format!("an empty list: {why_not}")))
    } else {
        Ok(list)
    }
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
