//! From a [`Config`] to the rules of one family.

mod budget;
pub(crate) mod floor;
mod input;
mod link;
mod logging;
mod services;
mod throttle;

use crate::config::{Position, RequiredSet};
use crate::{BuildError, ChainName, Config, Family, Hook, Ruleset, SetName};

/// The firewall of `config` for one family: the policies, one jump from INPUT, and chains of our
/// own, always the same.
pub(crate) fn ruleset(config: &Config, family: Family) -> Result<Ruleset, BuildError> {
    let chains = Chains::new()?;
    let mut ruleset = Ruleset::new(family);
    ruleset.policy(Hook::Input, config.policy.input);
    if let Some(policy) = config.policy.forward.policy() {
        ruleset.policy(Hook::Forward, policy);
    }
    if let Some(policy) = config.policy.output.policy() {
        ruleset.policy(Hook::Output, policy);
    }
    ruleset.jump(Hook::Input, chains.input.clone());
    if config.policy.position == Position::First {
        ruleset.jump_first(Hook::Input);
    }
    logging::fill(&mut ruleset, config, &chains)?;
    input::fill(&mut ruleset, config, &chains)?;
    ruleset.check()?;
    Ok(ruleset)
}

/// Every set that the rules of either family name.
pub(crate) fn required_sets(config: &Config) -> Result<Vec<RequiredSet>, BuildError> {
    let mut sets = Vec::new();
    for family in Family::BOTH {
        for list in List::ALL {
            let name = list.set_name(family)?;
            sets.push(RequiredSet {
                name,
                family,
                set_type: config.sets.set_type,
                maxelem: config.sets.maxelem,
                members: config.sets.members.of(list, family),
            });
        }
    }
    Ok(sets)
}

/// The chains of our own.
struct Chains {
    input: ChainName,
    log_and_accept: ChainName,
    log_and_drop: ChainName,
    /// For what is over a service's limit.
    log_and_drop_limited: ChainName,
    /// For what belongs to no connection and opens none.
    log_and_drop_invalid: ChainName,
    /// For new connections to a service to which more come than each source's could be counted.
    crowded: ChainName,
}

impl Chains {
    fn new() -> Result<Self, BuildError> {
        Ok(Self {
            input: "FIREWALL_INPUT".parse()?,
            log_and_accept: "LOG_AND_ACCEPT".parse()?,
            log_and_drop: "LOG_AND_DROP".parse()?,
            log_and_drop_limited: "LOG_AND_DROP_LIMITED".parse()?,
            log_and_drop_invalid: "LOG_AND_DROP_INVALID".parse()?,
            crowded: "FIREWALL_CROWDED".parse()?,
        })
    }
}

/// What the members of a set are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum List {
    Whitelist,
    Blacklist,
    ThrottleSoft,
    ThrottleHard,
}

impl List {
    pub(crate) const ALL: [Self; 4] = [
        Self::Whitelist,
        Self::Blacklist,
        Self::ThrottleSoft,
        Self::ThrottleHard,
    ];

    /// The name of its set for IPv4.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Whitelist => "whitelist",
            Self::Blacklist => "blacklist",
            Self::ThrottleSoft => "throttle-soft",
            Self::ThrottleHard => "throttle-hard",
        }
    }

    /// Whether being on it decides about every packet.
    pub(crate) fn decides(self) -> bool {
        matches!(self, Self::Whitelist | Self::Blacklist)
    }

    /// What it would mean to have everybody on it.
    pub(crate) fn of_everybody(self) -> &'static str {
        match self {
            Self::Whitelist => "there would be no firewall",
            Self::Blacklist => "everybody would be banned, this host's administrator too",
            Self::ThrottleSoft | Self::ThrottleHard => "everybody would be throttled",
        }
    }

    /// An ipset holds one family, so each list is two sets.
    fn set_name(self, family: Family) -> Result<SetName, BuildError> {
        match family {
            Family::Ipv4 => self.name().parse(),
            Family::Ipv6 => format!("{}_v6", self.name()).parse(),
        }
    }
}
