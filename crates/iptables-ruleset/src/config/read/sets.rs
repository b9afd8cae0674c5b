//! The keys of a `[[set]]` and of a `[[blocklist]]`.

use std::path::PathBuf;

use super::set;
use crate::config::document::{Key, Section, Value};
use crate::config::{
    Blocklist, Config, ConfigError, OwnSet, Service, SetType, Who, blocklist, count, own_set,
    set_name,
};
use crate::{Family, SetName};

const SET: &[Key<OwnSet>] = &[
    ("name", |_, _| Ok(())),
    ("type", |to, value| {
        set(&mut to.set_type, value.choice(&SetType::ALL))
    }),
    ("family", |to, value| {
        let choice = [
            ("both", None),
            ("inet", Some(Family::Ipv4)),
            ("inet6", Some(Family::Ipv6)),
        ];
        set(&mut to.family, value.choice(&choice))
    }),
    ("maxelem", |to, value| {
        let most = value.integer(1..=u32::MAX);
        set(&mut to.maxelem, most.map(|most| Some(count(most))))
    }),
    ("timeout", |to, value| {
        let text = value.string()?;
        let span = own_set::span(text).map_err(|error| value.refused(text, &error))?;
        to.timeout = Some(span);
        Ok(())
    }),
    ("comment", |to, value| set(&mut to.comment, value.boolean())),
    ("counters", |to, value| {
        set(&mut to.counters, value.boolean())
    }),
    ("file", |to, value| set(&mut to.files, files(value))),
];

const BLOCKLIST: &[Key<Blocklist>] = &[
    ("name", |_, _| Ok(())),
    ("file", |to, value| set(&mut to.files, files(value))),
    ("max-shrink", |to, value| {
        let text = value.string()?;
        let percent = blocklist::percent(text).map_err(|error| value.refused(text, &error));
        set(&mut to.max_shrink, percent)
    }),
];

/// The sets of a file behind those of the files before it.
pub(super) fn own_sets(config: &mut Config, value: &Value<'_>) -> Result<(), ConfigError> {
    for section in value.sections()? {
        section.only(SET)?;
        let name = name(config, &section)?;
        let mut own = OwnSet::new(name, SetType::HashNet);
        section.read(&mut own, SET)?;
        if !own.files.is_empty() {
            filled_by_a_file(&section, &own)?;
        }
        // The services of the files before this one.
        if let Some(service) = config.services.iter().find(|one| names(one, &own.name)) {
            of_addresses(&own, &service.name).map_err(|why| section.error(why))?;
        }
        config.own_sets.push(own);
    }
    Ok(())
}

/// The block lists of a file behind those of the files before it.
pub(super) fn blocklists(config: &mut Config, value: &Value<'_>) -> Result<(), ConfigError> {
    for section in value.sections()? {
        section.only(BLOCKLIST)?;
        let name = name(config, &section)?;
        section.require("file")?;
        let mut list = Blocklist::new(name, Vec::new());
        section.read(&mut list, BLOCKLIST)?;
        config.blocklists.push(list);
    }
    Ok(())
}

/// Refuses a service whose sources are a set that the rules of services cannot look into.
pub(super) fn check_sources(
    own_sets: &[OwnSet],
    service: &Service,
    section: &Section<'_>,
) -> Result<(), ConfigError> {
    let mut named = own_sets.iter().filter(|own| names(service, &own.name));
    let wrong = named.find_map(|own| of_addresses(own, &service.name).err());
    match (wrong, section.get("sources")) {
        (Some(why), Some(value)) => Err(value.error(why)),
        _ => Ok(()),
    }
}

/// Whether the set is one of the sources of the service.
fn names(service: &Service, set: &SetName) -> bool {
    let mut sources = service.sources.iter();
    sources.any(|source| matches!(source.who(), Who::Set(name) if name == set))
}

fn of_addresses(own: &OwnSet, service: impl std::fmt::Display) -> Result<(), String> {
    if own.set_type.is_of_addresses() {
        return Ok(());
    }
    Err(format!(
        "set \"{}\" is of type {}, and service \"{service}\" asks it for addresses alone, which takes hash:net or hash:ip",
        own.name,
        own.set_type.name()
    ))
}

fn name(config: &Config, section: &Section<'_>) -> Result<SetName, ConfigError> {
    let value = section.require("name")?;
    let text = value.string()?;
    let name = set_name::described(text).map_err(|error| value.refused(text, &error))?;
    let mut names = config.own_sets.iter().map(|own| &own.name);
    let mut lists = config.blocklists.iter().map(|list| &list.name);
    if names.any(|other| *other == name) || lists.any(|other| *other == name) {
        return Err(value.error(format!("two sets are named \"{name}\"")));
    }
    Ok(name)
}

/// What a file cannot fill, and what its members do not have.
fn filled_by_a_file(section: &Section<'_>, own: &OwnSet) -> Result<(), ConfigError> {
    let name = &own.name;
    if let (false, Some(value)) = (own.set_type.is_of_addresses(), section.get("file")) {
        return Err(value.error(format!(
            "a file holds addresses, networks and ranges, and set \"{name}\" is of type {}: hash:net or hash:ip",
            own.set_type.name()
        )));
    }
    for key in ["timeout", "comment"] {
        if let Some(value) = section.get(key) {
            return Err(value.error(format!(
                "{key} is about members that somebody adds, and those of set \"{name}\" are what stands in its file"
            )));
        }
    }
    Ok(())
}

fn files(value: &Value<'_>) -> Result<Vec<PathBuf>, ConfigError> {
    let values = value.one_or_several();
    if values.is_empty() {
        return Err(value.error("an empty list: there is no file"));
    }
    values.iter().map(file).collect()
}

fn file(value: &Value<'_>) -> Result<PathBuf, ConfigError> {
    let path = value.string()?;
    if path.is_empty() || path.contains(char::is_control) {
        return Err(value.error(format!("{path:?} is no path of a file")));
    }
    Ok(path.into())
}
