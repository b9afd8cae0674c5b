//! The keys of `[output]`, and those of what goes out or is passed on.

use super::hours::{hours, open_until};
use super::service::{action, basics, not_empty};
use super::{set, size};
use crate::Family;
use crate::config::document::{Key, Section, Value};
use crate::config::source::ServiceSource;
use crate::config::traffic::Traffic;
use crate::config::{Action, ConfigError, Output, Who};

pub(super) const OUTPUT: &[Key<Output>] = &[("service", |to, value| {
    for section in value.sections()? {
        let traffic = outgoing(&section)?;
        add(&mut to.services, &section, traffic)?;
    }
    Ok(())
})];

const OUTGOING: &[Key<Traffic>] = &[
    ("name", READ_BEFORE),
    ("use", READ_BEFORE),
    ("protocol", READ_BEFORE),
    ("ports", READ_BEFORE),
    ("types", READ_BEFORE),
    ("action", |to, value| {
        set(&mut to.action, action(value))?;
        to.log = to.action != Action::Accept;
        Ok(())
    }),
    // Behind the action, which says what it is by default.
    ("log", |to, value| set(&mut to.log, value.boolean())),
    ("destinations", |to, value| {
        set(&mut to.destinations, destinations(value))
    }),
    ("interfaces", |to, value| {
        let interfaces = not_empty(value, "every interface")?;
        set(&mut to.to, interfaces.iter().map(Value::parse).collect())
    }),
    ("when", |to, value| set(&mut to.when, hours(value))),
    ("open-until", |to, value| {
        set(&mut to.open_until, open_until(value, to.action).map(Some))
    }),
];

/// What other keys depend on.
const READ_BEFORE: fn(&mut Traffic, &Value<'_>) -> Result<(), ConfigError> = |_, _| Ok(());

/// A table `[[output.service]]`.
fn outgoing(section: &Section<'_>) -> Result<Traffic, ConfigError> {
    section.only(OUTGOING)?;
    let mut traffic = Traffic::to_service(basics(section)?);
    section.read(&mut traffic, OUTGOING)?;
    size::of_traffic(section, &traffic)?;
    Ok(traffic)
}

/// Puts it behind those that are there already.
pub(super) fn add(
    all: &mut Vec<Traffic>,
    section: &Section<'_>,
    traffic: Traffic,
) -> Result<(), ConfigError> {
    if all.iter().any(|other| other.name == traffic.name) {
        let twice = format!("two are named \"{}\"", traffic.name);
        let name = section.get("name").or_else(|| section.get("use"));
        return Err(match name {
            Some(name) => name.error(twice),
            None => section.error(twice),
        });
    }
    all.push(traffic);
    Ok(())
}

/// Who it goes to.
pub(super) fn destinations(value: &Value<'_>) -> Result<Vec<ServiceSource>, ConfigError> {
    let all = not_empty(value, "everybody")?;
    let all: Vec<ServiceSource> = all.iter().map(Value::parse).collect::<Result<_, _>>()?;
    let networks = |excluded: bool, family: Family| {
        let of = all.iter().filter(move |one| one.is_excluded() == excluded);
        of.filter(|one| matches!(one.who(), Who::Network(of) if of.family() == family))
            .count()
    };
    let is_too_much = |family| {
        let excluded = networks(true, family);
        excluded > 1 || excluded > 0 && networks(false, family) > 0
    };
    if Family::BOTH.into_iter().any(is_too_much) {
        return Err(value.error(
            "of networks behind \"!\" a rule takes one, and none beside a network without it; put the others into a set: \"!set:NAME\"",
        ));
    }
    Ok(all)
}
