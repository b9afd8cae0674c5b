//! The keys of an `[[instant]]`.

use std::time::Duration;

use super::service::{port, protocol};
use super::set;
use crate::SetName;
use crate::config::document::{Key, Section, Value};
use crate::config::instant::{LEAST, LONGEST, MOST};
use crate::config::list::List;
use crate::config::{Config, ConfigError, Instant, OwnSet, ServiceProtocol, SetType, own_set};

const INSTANT: &[Key<Instant>] = &[
    ("name", READ_BEFORE),
    ("type", READ_BEFORE),
    ("ports", |to, value| {
        set(&mut to.ports, value.list()?.iter().map(port).collect())
    }),
    ("howmany", |to, value| {
        set(&mut to.howmany, value.integer(1..=MOST_PACKETS))
    }),
    ("within", |to, value| set(&mut to.within, within(value))),
    ("ipset", READ_BEFORE),
    ("removeafter", READ_BEFORE),
    ("at-most", |to, value| {
        set(&mut to.at_most, value.integer(LEAST..=MOST))
    }),
];

/// What other keys depend on, or what depends on more than the table.
const READ_BEFORE: fn(&mut Instant, &Value<'_>) -> Result<(), ConfigError> = |_, _| Ok(());

/// The tables of a file behind those of the files before it.
pub(super) fn instants(config: &mut Config, value: &Value<'_>) -> Result<(), ConfigError> {
    for section in value.sections()? {
        let instant = instant(config, &section)?;
        let mut others = config.instants.iter();
        if others.any(|other| other.name == instant.name) {
            let name = section.require("name")?;
            let twice = format!("two [[instant]] are named \"{}\"", instant.name);
            return Err(name.error(twice));
        }
        fits(config, &instant, &section)?;
        config.instants.push(instant);
    }
    Ok(())
}

fn instant(config: &Config, section: &Section<'_>) -> Result<Instant, ConfigError> {
    section.only(INSTANT)?;
    let name = section.require("name")?.parse()?;
    let kind = section.require("type")?;
    let protocol = protocol(&kind)?;
    let counted = [
        ServiceProtocol::TCP,
        ServiceProtocol::UDP,
        ServiceProtocol::ICMP,
    ];
    if !counted.contains(&protocol) {
        return Err(kind.error(
            "what the kernel counts by itself is \"tcp\", \"udp\" or \"icmp\"; a rule of scan.toml knows every protocol",
        ));
    }
    section.require("howmany")?;
    let removeafter = span(&section.require("removeafter")?)?;
    let built = Instant::new(name, protocol, removeafter);
    let mut instant = built.map_err(|error| section.error(error.to_string()))?;
    section.read(&mut instant, INSTANT)?;
    if let Some(value) = section.get("ports") {
        if protocol == ServiceProtocol::ICMP {
            return Err(value.error("ICMP has no ports"));
        }
        if instant.ports.is_empty() {
            return Err(value.error(
                "an empty list: nobody would be counted; leave the key out for every port that is closed",
            ));
        }
    }
    match (instant.howmany, section.get("within")) {
        (1, Some(value)) => {
            return Err(value.error("within is about several packets, and howmany = 1 is one"));
        }
        (2.., None) => return Err(section.error("[[instant]] has no within")),
        _ => {}
    }
    if let Some(value) = section.get("ipset") {
        instant.ipset = fillable(config, &value)?;
    }
    Ok(instant)
}

/// The name of a set that packets can fill.
fn fillable(config: &Config, value: &Value<'_>) -> Result<SetName, ConfigError> {
    let name: SetName = value.parse()?;
    let mut lists = List::ALL.into_iter();
    if let Some(list) = lists.find(|list| list.name() == name.as_str()) {
        return match list {
            List::Whitelist => Err(value.error(
                "who knocks at what is closed would be let in everywhere: it must be \"blacklist\", \"throttle-hard\", \
                 \"throttle-soft\" or a [[set]]",
            )),
            _ => Ok(name),
        };
    }
    let own = config.own_sets.iter().find(|own| own.name == name);
    match own {
        None => Err(value.error(format!(
            "there is no set \"{name}\" that packets can fill: it must be \"blacklist\", \"throttle-hard\", \"throttle-soft\" or a \
             [[set]] of this file or of those before it"
        ))),
        Some(own) => match unfit(own) {
            None => Ok(name),
            Some(why) => Err(value.error(format!("set \"{name}\" {why}"))),
        },
    }
}

/// Why packets cannot fill a set, if so.
fn unfit(own: &OwnSet) -> Option<String> {
    if !own.files.is_empty() {
        return Some(
            "holds what stands in its file, and nothing that packets put there".to_owned(),
        );
    }
    (own.set_type != SetType::HashIp).then(|| {
        format!(
            "is of type {}, and packets can fill type = \"hash:ip\" only: to a hash:net the kernel adds the network around an \
             address, as wide as the narrowest that is in the set",
            own.set_type.name()
        )
    })
}

/// Refuses what together is more than a set has room for.
fn fits(config: &Config, instant: &Instant, section: &Section<'_>) -> Result<(), ConfigError> {
    let own = config.own_sets.iter().find(|own| own.name == instant.ipset);
    let Some(own) = own else {
        return Ok(());
    };
    let room = own.maxelem.unwrap_or(config.sets.maxelem);
    let same = config.instants.iter();
    let same = same.filter(|other| other.ipset == instant.ipset);
    let shares = same.chain([instant]).map(|one| u64::from(one.at_most));
    let together: u64 = shares.sum();
    if together <= u64::from(room.get()) {
        return Ok(());
    }
    let told = format!(
        "set \"{}\" has room for {room} (maxelem), and the [[instant]] that fill it put up to {together} there (at-most of each)",
        own.name
    );
    Err(match section.get("at-most") {
        Some(value) => value.error(told),
        None => section.error(told),
    })
}

fn within(value: &Value<'_>) -> Result<Duration, ConfigError> {
    let within = span(value)?;
    if within.as_secs() > LONGEST {
        return Err(value.error(
            "the kernel counts for a day at most (\"1d\"); a rule of scan.toml counts for as long as the log reaches back",
        ));
    }
    Ok(within)
}

fn span(value: &Value<'_>) -> Result<Duration, ConfigError> {
    let text = value.string()?;
    own_set::span(text).map_err(|error| value.refused(text, &error))
}

/// A table that counts 65,536 sources lets no more packets through than it has room for, and these
/// have to be among them.
const MOST_PACKETS: u32 = 10_000;
