//! The lists of addresses that the firewall looks into; each is an ipset a family.

use super::set_name;
use crate::match_::{Direction, Set};
use crate::{BuildError, Family, SetName};

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
    pub(crate) fn set_name(self, family: Family) -> Result<SetName, BuildError> {
        set_name::in_family(&self.name().parse()?, family)
    }

    /// The set beside its own that packets fill: an ipset takes single addresses from them for sure
    /// only where it holds nothing else.
    pub(crate) fn instant_set_name(self, family: Family) -> Result<SetName, BuildError> {
        set_name::in_family(&self.instant_name().parse()?, family)
    }

    /// The name of that set for IPv4.
    pub(crate) fn instant_name(self) -> &'static str {
        match self {
            Self::Whitelist => "whitelist-instant",
            Self::Blacklist => "blacklist-instant",
            Self::ThrottleSoft => "throttle-soft-instant",
            Self::ThrottleHard => "throttle-hard-instant",
        }
    }

    /// Whether a packet's source is on it.
    pub(crate) fn member(self, family: Family) -> Result<Set, BuildError> {
        Ok(Set::new(self.set_name(family)?, Direction::Source))
    }
}
