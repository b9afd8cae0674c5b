//! The keys of `firewall.toml`: a row a key, which says what it sets and what it takes.

mod forward;
mod hours;
mod instant;
mod service;
mod sets;
mod size;
mod traffic;

use toml::de::DeTable;

use self::forward::FORWARD;
pub(super) use self::hours::over;
use self::instant::instants;
use self::service::{services, source_rate};
use self::sets::{blocklists, own_sets};
use self::traffic::OUTPUT;
use super::document::{Key, Section, Value};
use super::members::{every_member, members};
use super::{
    Action, Config, ConfigError, DEFAULT_NFLOG_GROUP, ForwardPolicy, Log, LogTarget, OutputPolicy,
    Policies, Position, Quiet, SetType, Sets, Throttle, ThrottleLimits, WithinLimit, count, source,
};
use crate::match_::{DEFAULT_BURST, Limit};
use crate::target::LogLevel;
use crate::{Network, Policy, Rate};

/// What the first file says, on top of the defaults.
pub(super) fn config(text: &str) -> Result<Config, ConfigError> {
    let draft = Draft {
        config: Config::default(),
        first: true,
    };
    draft.read(text)
}

/// What one more file says, on top of those before it.
pub(super) fn and(config: Config, text: &str) -> Result<Config, ConfigError> {
    let draft = Draft {
        config,
        first: false,
    };
    draft.read(text)
}

/// What the files say so far.
struct Draft {
    config: Config,
    /// Whether no file was read yet.
    first: bool,
}

impl Draft {
    fn read(mut self, text: &str) -> Result<Config, ConfigError> {
        let document = DeTable::parse(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            ConfigError::at(text, start, error.message().trim_end())
        })?;
        let whole = Section::whole(text, document.get_ref());
        whole.read(&mut self, FILE)?;
        not_mute(&self.config, &whole)?;
        Ok(self.config)
    }
}

/// Refuses a file that lets the host send nothing of its own, unless it says so.
fn not_mute(config: &Config, file: &Section<'_>) -> Result<(), ConfigError> {
    let policy = file.get("policy");
    let policy = policy.and_then(|policy| policy.section().ok()?.get("output"));
    let (Some(said), OutputPolicy::Drop) = (policy, config.policy.output) else {
        return Ok(());
    };
    let output = file.get("output");
    let services = output.and_then(|output| output.section().ok()?.get("service"));
    let mut services_before = config.output.services.iter();
    let is_open = services_before.any(|service| service.action == Action::Accept);
    if is_open || services.is_some() && config.output.services.is_empty() {
        return Ok(());
    }
    Err(said.error(
        "output in [policy] is \"drop\", and no [[output.service]] of this file or of those before it accepts anything: this host could \
         ask for nothing, not even a name. Let out what it needs, as with use = \"dns\" and use = \"ntp\", or say service = [] under \
         [output] if nothing is meant",
    ))
}

const FILE: &[Key<Draft>] = &[
    ("policy", |to, value| {
        value.section()?.read(&mut to.config.policy, POLICY)
    }),
    ("forward", |to, value| {
        value.section()?.read(&mut to.config.forward, FORWARD)
    }),
    ("output", |to, value| {
        value.section()?.read(&mut to.config.output, OUTPUT)
    }),
    ("log", |to, value| {
        value.section()?.read(&mut to.config.log, LOG)
    }),
    ("sets", |to, value| {
        value.section()?.read(&mut to.config.sets, SETS)
    }),
    ("set", |to, value| own_sets(&mut to.config, value)),
    ("blocklist", |to, value| blocklists(&mut to.config, value)),
    // Behind the sets, one of which it may fill.
    ("instant", |to, value| instants(&mut to.config, value)),
    ("throttle", |to, value| {
        value.section()?.read(&mut to.config.throttle, THROTTLE)
    }),
    ("service", |to, value| {
        // The first file says all that is open; another adds to it.
        let before = if to.first {
            Vec::new()
        } else {
            std::mem::take(&mut to.config.services)
        };
        let services = services(value, before, &to.config.own_sets);
        set(&mut to.config.services, services)
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
        let choice = [
            ("drop", OutputPolicy::Drop),
            ("accept", OutputPolicy::Accept),
            ("untouched", OutputPolicy::Untouched),
        ];
        set(&mut to.output, value.choice(&choice))
    }),
    ("position", |to, value| {
        let choice = [("keep", Position::Keep), ("first", Position::First)];
        set(&mut to.position, value.choice(&choice))
    }),
    ("trusted-interfaces", |to, value| {
        extend(&mut to.trusted_interfaces, value, Value::parse)
    }),
    ("early-drop", |to, value| {
        set(&mut to.early_drop, value.boolean())
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
    ("rate", |to, value| set(&mut to.rate, line_rate(value))),
    ("allowed-rate", |to, value| {
        set(&mut to.allowed_rate, line_rate(value))
    }),
    ("blocked-rate", |to, value| {
        set(&mut to.blocked_rate, line_rate(value))
    }),
    ("limited-rate", |to, value| {
        set(&mut to.limited_rate, line_rate(value))
    }),
    ("invalid-rate", |to, value| {
        set(&mut to.invalid_rate, line_rate(value))
    }),
    ("quiet", |to, value| {
        let choice = [
            ("broadcast", Quiet::Broadcast),
            ("multicast", Quiet::Multicast),
        ];
        extend(&mut to.quiet, value, |value| value.choice(&choice))
    }),
];

const SETS: &[Key<Sets>] = &[
    ("type", |to, value| {
        let choice = [("hash:net", SetType::HashNet), ("hash:ip", SetType::HashIp)];
        set(&mut to.set_type, value.choice(&choice))?;
        // Those of the files before this one.
        every_member(&to.members, to.set_type, value)
    }),
    ("maxelem", |to, value| {
        set(&mut to.maxelem, value.integer(1..=u32::MAX).map(count))
    }),
    ("comments", |to, value| {
        set(&mut to.comments, value.boolean())
    }),
    // Behind the type, which says what can be a member.
    ("members", |to, value| {
        members(&mut to.members, &value.section()?, to.set_type)
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

fn set<T>(to: &mut T, value: Result<T, ConfigError>) -> Result<(), ConfigError> {
    *to = value?;
    Ok(())
}

/// How many lines there may be.
fn line_rate(value: &Value<'_>) -> Result<Option<Rate>, ConfigError> {
    let rate: Rate = value.parse()?;
    Limit::new(rate).map_err(|error| value.refused(rate, &error))?;
    Ok(Some(rate))
}

fn level(value: &Value<'_>) -> Result<LogLevel, ConfigError> {
    let number = value.integer(0..=7)?;
    LogLevel::new(number).map_err(|error| value.refused(number, &error))
}

/// A network that packets come from, or go to.
pub(super) fn source_network(value: &Value<'_>) -> Result<Network, ConfigError> {
    let network: Network = value.parse()?;
    source::check(network).map_err(|reason| value.error(reason))?;
    Ok(network)
}

/// Puts each value of a list behind those that are there already.
fn extend<'d, T: PartialEq>(
    to: &mut Vec<T>,
    value: &Value<'d>,
    read: impl Fn(&Value<'d>) -> Result<T, ConfigError>,
) -> Result<(), ConfigError> {
    for value in value.list()? {
        let one = read(&value)?;
        if !to.contains(&one) {
            to.push(one);
        }
    }
    Ok(())
}
