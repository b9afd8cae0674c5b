//! What a host takes from others; its own configuration alone says so.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::name::{Host, Pattern, Rule, Set};
use crate::prefix::{Prefix, PrefixTable};

/// Whom a host believes, and how far.
///
/// Its own whitelist always wins. What goes beyond a bound is refused by itself and named; an origin
/// that is beyond the bound of its number or its pace is broken or taken over, and is cut off whole.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// This host.
    pub own: Host,
    /// Who is never banned: the whitelist, the exempt, this host's own addresses, the engine's. A
    /// ban that has one of their addresses in it is refused whole.
    pub protected: PrefixTable<()>,
    /// Whose bans, and whose evidence, are taken; nobody's unless set.
    pub from: Vec<Pattern>,
    /// Who are administrators: a ban of one needs nobody who has seen it, and a pardon neither.
    /// `admin-*` unless set.
    pub admins: Vec<Pattern>,
    /// How many hosts must have passed on a pardon for it to hold although no administrator's is
    /// there; 2 unless set. A host passes on each that holds, so that a pardon is in no engine
    /// alone.
    pub pardon_seen_by: NonZeroUsize,
    /// Of which rules evidence is taken.
    pub rules: BTreeSet<Rule>,
    /// How long after its last hit a ban ends at the latest; 24 hours unless set.
    pub longest: Duration,
    /// The shortest prefix of IPv4 that is taken; 24 unless set.
    pub min_prefix_v4: u8,
    /// The shortest prefix of IPv6 that is taken; 48 unless set.
    pub min_prefix_v6: u8,
    /// How many records an origin may have at a time; 10,000 unless set.
    pub max_per_origin: usize,
    /// How many new records of an origin may come in a minute, besides those of a snapshot; 2,000
    /// unless set.
    pub max_new_per_minute: u32,
    sets: BTreeMap<Set, NonZeroUsize>,
}

/// A policy that nobody may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Whoever is in it is let in.
    #[error("set \"{0}\" lets in who is in it; only this host's administrator fills it")]
    Whitelist(Set),
}

impl Policy {
    /// A host that takes nothing from anybody.
    pub fn new(own: Host) -> Self {
        Self {
            own,
            protected: PrefixTable::default(),
            from: Vec::new(),
            admins: "admin-*".parse().into_iter().collect(),
            pardon_seen_by: NonZeroUsize::MIN.saturating_add(1),
            rules: BTreeSet::new(),
            longest: Duration::from_secs(24 * 3600),
            min_prefix_v4: 24,
            min_prefix_v6: 48,
            max_per_origin: 10_000,
            max_new_per_minute: 2_000,
            sets: BTreeMap::new(),
        }
    }

    /// Takes bans into this set that so many hosts have, this one included: 2 for `blacklist` and 1
    /// for a set that only slows down is what one host's mistake can be lived with. The end is the
    /// one that so many hosts agree on.
    ///
    /// # Errors
    ///
    /// Fails where whoever is in the set is let in: its name begins with `whitelist`.
    pub fn take_set(&mut self, set: Set, seen_by: NonZeroUsize) -> Result<(), PolicyError> {
        if set.as_str().to_ascii_lowercase().starts_with("whitelist") {
            return Err(PolicyError::Whitelist(set));
        }
        self.sets.insert(set, seen_by);
        Ok(())
    }

    /// How many hosts must have a ban in this set; `None` where none is taken.
    pub fn seen_by(&self, set: &Set) -> Option<NonZeroUsize> {
        self.sets.get(set).copied()
    }

    /// Whether bans and evidence of this host are taken; its own always are.
    pub fn trusts(&self, origin: &Host) -> bool {
        *origin == self.own || self.is_admin(origin) || matches(&self.from, origin)
    }

    /// Whether this is an administrator.
    pub fn is_admin(&self, origin: &Host) -> bool {
        matches(&self.admins, origin)
    }

    pub(crate) fn is_too_wide(&self, prefix: Prefix) -> bool {
        let least = if prefix.address().is_ipv4() {
            self.min_prefix_v4
        } else {
            self.min_prefix_v6
        };
        prefix.length() < least
    }
}

fn matches(patterns: &[Pattern], host: &Host) -> bool {
    patterns.iter().any(|pattern| pattern.matches(host))
}
