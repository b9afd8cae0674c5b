//! The keys of `firewall.toml`.

use std::net::IpAddr;
use std::num::NonZeroU32;

use toml::de::DeTable;

use super::document::{Section, Value};
use super::members::members;
use super::service::check_ports;
use super::{
    Config, ConfigError, DEFAULT_NFLOG_GROUP, ForwardPolicy, Log, LogTarget, OutputPolicy,
    Policies, Position, Service, ServiceName, ServiceProtocol, SetType, Sets, Throttle,
    ThrottleLimits, WithinLimit,
};
use crate::match_::{DEFAULT_BURST, HashLimit, Limit};
use crate::target::LogLevel;
use crate::{Network, Policy, PortRange, Rate};

pub(super) fn config(text: &str) -> Result<Config, ConfigError> {
    let document = DeTable::parse(text).map_err(|error| {
        ConfigError::at(
            text,
            error.span().map_or(0, |span| span.start),
            error.message().trim_end(),
        )
    })?;
    let file = Section::whole(text, document.get_ref())
        .only(&["policy", "log", "sets", "throttle", "service"])?;
    let mut config = Config::default();
    if let Some(section) = file.section("policy")? {
        config.policy = policies(section)?;
    }
    if let Some(section) = file.section("log")? {
        config.log = log(section)?;
    }
    if let Some(section) = file.section("sets")? {
        config.sets = sets(section)?;
    }
    if let Some(section) = file.section("throttle")? {
        config.throttle = throttle(section)?;
    }
    if let Some(sections) = file.sections("service")? {
        config.services = services(sections)?;
    }
    Ok(config)
}

fn policies(section: Section<'_>) -> Result<Policies, ConfigError> {
    let section = section.only(&["input", "forward", "output", "position"])?;
    let mut policies = Policies::default();
    if let Some(value) = section.get("input") {
        policies.input = value.choice(&[("drop", Policy::Drop), ("accept", Policy::Accept)])?;
    }
    if let Some(value) = section.get("forward") {
        policies.forward = value.choice(&[
            ("drop", ForwardPolicy::Drop),
            ("accept", ForwardPolicy::Accept),
            ("untouched", ForwardPolicy::Untouched),
        ])?;
    }
    if let Some(value) = section.get("output") {
        if value.string()? == "drop" {
            return Err(value.error(
                "output in [policy] cannot be \"drop\": no rule is written for OUTPUT, so this host could send nothing at all",
            ));
        }
        policies.output = value.choice(&[
            ("accept", OutputPolicy::Accept),
            ("untouched", OutputPolicy::Untouched),
        ])?;
    }
    if let Some(value) = section.get("position") {
        policies.position =
            value.choice(&[("keep", Position::Keep), ("first", Position::First)])?;
    }
    Ok(policies)
}

fn log(section: Section<'_>) -> Result<Log, ConfigError> {
    let section = section.only(&[
        "target",
        "nflog-group",
        "allowed-level",
        "blocked-level",
        "limited-level",
        "invalid",
        "invalid-level",
        "rate",
    ])?;
    let mut log = Log::default();
    let group = match section.get("nflog-group") {
        Some(value) => value.integer(0..=u16::MAX)?,
        None => DEFAULT_NFLOG_GROUP,
    };
    if let Some(value) = section.get("target") {
        log.target = value.choice(&[
            ("LOG", LogTarget::Log),
            ("NFLOG", LogTarget::Nflog { group }),
        ])?;
    }
    for (key, level) in [
        ("allowed-level", &mut log.allowed_level),
        ("blocked-level", &mut log.blocked_level),
        ("limited-level", &mut log.limited_level),
        ("invalid-level", &mut log.invalid_level),
    ] {
        if let Some(value) = section.get(key) {
            let number = value.integer(0..=7)?;
            *level = LogLevel::new(number).map_err(|error| value.refused(number, &error))?;
        }
    }
    if let Some(value) = section.get("invalid") {
        log.invalid = value.boolean()?;
    }
    if let Some(value) = section.get("rate") {
        let rate: Rate = value.parse()?;
        Limit::new(rate).map_err(|error| value.refused(rate, &error))?;
        log.rate = Some(rate);
    }
    Ok(log)
}

fn sets(section: Section<'_>) -> Result<Sets, ConfigError> {
    let section = section.only(&["type", "maxelem", "members"])?;
    let mut sets = Sets::default();
    if let Some(value) = section.get("type") {
        sets.set_type =
            value.choice(&[("hash:net", SetType::HashNet), ("hash:ip", SetType::HashIp)])?;
    }
    if let Some(value) = section.get("maxelem") {
        sets.maxelem = NonZeroU32::MIN.saturating_add(value.integer(1..=u32::MAX)? - 1);
    }
    if let Some(inner) = section.section("members")? {
        sets.members = members(inner, sets.set_type)?;
    }
    Ok(sets)
}

fn throttle(section: Section<'_>) -> Result<Throttle, ConfigError> {
    let section = section.only(&["soft", "hard", "within-limit"])?;
    let mut throttle = Throttle::default();
    for (key, limits) in [("soft", &mut throttle.soft), ("hard", &mut throttle.hard)] {
        if let Some(inner) = section.section(key)? {
            *limits = throttle_limits(inner, *limits)?;
        }
    }
    if let Some(value) = section.get("within-limit") {
        throttle.within_limit = value.choice(&[
            ("continue", WithinLimit::Continue),
            ("accept", WithinLimit::Accept),
        ])?;
    }
    Ok(throttle)
}

fn throttle_limits(
    section: Section<'_>,
    mut limits: ThrottleLimits,
) -> Result<ThrottleLimits, ConfigError> {
    let section = section.only(&["tcp", "icmp"])?;
    for (key, rate) in [("tcp", &mut limits.tcp), ("icmp", &mut limits.icmp)] {
        if let Some(value) = section.get(key) {
            *rate = source_rate(&value, DEFAULT_BURST)?;
        }
    }
    Ok(limits)
}

fn services(sections: Vec<Section<'_>>) -> Result<Vec<Service>, ConfigError> {
    let mut services: Vec<Service> = Vec::new();
    for section in sections {
        let section = section.only(&[
            "name",
            "protocol",
            "ports",
            "rate",
            "burst",
            "per-v4",
            "per-v6",
            "sources",
            "interfaces",
        ])?;
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
    limit(section, &mut service)?;
    if let Some(value) = section.get("sources") {
        service.sources = not_empty(
            &value,
            "nobody could use the service; leave the key out for everybody",
        )?
        .iter()
        .map(source)
        .collect::<Result<_, _>>()?;
    }
    if let Some(value) = section.get("interfaces") {
        service.interfaces = not_empty(
            &value,
            "nobody could use the service; leave the key out for every interface",
        )?
        .iter()
        .map(Value::parse)
        .collect::<Result<_, _>>()?;
    }
    Ok(service)
}

/// The keys about how often a source may come.
fn limit(section: &Section<'_>, service: &mut Service) -> Result<(), ConfigError> {
    let rate = section.get("rate");
    if rate.is_none() {
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
    if let Some(value) = section.get("per-v4") {
        service.per_v4 = value.integer(1..=32)?;
    }
    if let Some(value) = section.get("per-v6") {
        service.per_v6 = value.integer(1..=128)?;
    }
    if let Some(value) = rate {
        service.rate = Some(source_rate(&value, service.burst)?);
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Kind {
    Tcp,
    Udp,
    Icmp,
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
