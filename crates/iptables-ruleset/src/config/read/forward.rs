//! The keys of `[forward]`.

use super::service::{basics, described, not_empty};
use super::set;
use super::traffic::{add, destinations};
use crate::config::document::{Key, Section, Value};
use crate::config::{ConfigError, Forward, ServiceName, Traffic};
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
];

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
