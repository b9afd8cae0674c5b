//! What a plan wants of one table.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ApplyError;
use super::batch::{Action, Change, WrittenRule};
use super::snapshot::TableState;
use crate::model::BuildErrorKind as Kind;
use crate::{BuildError, ChainName, Family, Hook, LeftOut, Policy, Rule, Ruleset, Table};

/// What a plan wants of one table of a family.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) family: Family,
    pub(super) table: Table,
    pub(super) policies: BTreeMap<Hook, Policy>,
    pub(super) jumps: Vec<Jump>,
    pub(super) chains: Vec<Chain>,
    /// The sets that the rules name, by the kernel's index.
    pub(super) sets: BTreeMap<u16, String>,
    /// Chains for rules of others.
    pub(super) local: Vec<String>,
    /// Jumps to ours in chains of others.
    pub(super) guests: Vec<Guest>,
    /// Chains of ours that shall not be there.
    pub(super) left_out: Vec<LeftOut>,
    pub(super) wanted: Wanted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Present,
    Absent,
    /// Absent as far as it was made by a plan: what others made under these names stays.
    Withdrawn,
}

/// A jump from a built-in chain to one of ours.
#[derive(Debug, Clone)]
pub(super) struct Jump {
    pub(super) hook: Hook,
    pub(super) to: String,
    /// Whether it stands before all rules of others.
    pub(super) first: bool,
    pub(super) rule: Arc<WrittenRule>,
}

/// A jump to one of ours that stands first in a chain of others, and in the built-in chain as long
/// as that does not lead there.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    pub(super) host: String,
    pub(super) jump: Jump,
}

#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub(super) name: String,
    /// None where the chain shall go.
    pub(super) rules: Vec<Arc<WrittenRule>>,
}

impl Jump {
    fn new(
        hook: Hook,
        to: &ChainName,
        first: bool,
        family: Family,
        index: &mut dyn FnMut(&str) -> Result<u16, BuildError>,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            hook,
            to: to.to_string(),
            first,
            rule: WrittenRule::new(&Rule::new(to.clone()), family, index)?.into(),
        })
    }
}

impl Part {
    pub(super) fn new(
        ruleset: &Ruleset,
        wanted: Wanted,
        index: &mut dyn FnMut(&str) -> Result<u16, BuildError>,
    ) -> Result<Self, BuildError> {
        let family = ruleset.family();
        let mut jumps = Vec::new();
        let mut policies = BTreeMap::new();
        for hook in ruleset.table().hooks().iter().copied() {
            if let Some(policy) = ruleset.policy_of(hook) {
                policies.insert(hook, policy);
            }
            for to in ruleset.jumps_from(hook) {
                let first = ruleset.is_first(hook);
                jumps.push(Jump::new(hook, to, first, family, index)?);
            }
        }
        let mut guests = Vec::new();
        for guest in ruleset.guests() {
            guests.push(Guest {
                host: guest.host().to_string(),
                jump: Jump::new(guest.hook(), guest.to(), true, family, index)?,
            });
        }
        Ok(Self {
            family,
            table: ruleset.table(),
            policies,
            jumps,
            chains: Vec::new(),
            sets: BTreeMap::new(),
            local: ruleset.local_chains().map(ToString::to_string).collect(),
            guests,
            left_out: ruleset.left_out().cloned().collect(),
            wanted,
        })
    }

    /// The jumps and the names of the chains, without a rule of them.
    pub(super) fn without_rules(ruleset: &Ruleset, wanted: Wanted) -> Result<Self, BuildError> {
        let mut part = Self::new(ruleset, wanted, &mut |name| Err(Kind::no_set(name).into()))?;
        part.chains = ruleset
            .chains()
            .map(|chain| Chain {
                name: chain.name().to_string(),
                rules: Vec::new(),
            })
            .collect();
        Ok(part)
    }

    /// Whether the chain is ours.
    pub(super) fn owns(&self, name: &str) -> bool {
        self.chains.iter().any(|chain| chain.name == name)
    }

    /// Whether what is wanted depends on rules of chains that are not built-in ones: an outline of
    /// the table has none.
    pub(super) fn looks_into(&self, table: Option<&TableState>) -> bool {
        let hosts = self.guests.iter().map(|guest| guest.host.as_str());
        let left_out = self.left_out.iter().map(|chain| chain.name().as_str());
        let mut names = hosts.chain(left_out);
        table.is_some_and(|table| names.any(|name| table.chain(name).is_some()))
    }

    /// Whether packets come to the chain only from ours, whoever made its rules.
    pub(super) fn is_within(&self, name: &str) -> bool {
        self.owns(name) || self.local.iter().any(|local| local == name)
    }

    /// A change of this table.
    pub(super) fn change(&self, action: Action) -> Change {
        Change {
            family: self.family,
            table: self.table,
            action,
        }
    }

    /// The family and the table.
    pub(super) fn of(&self) -> (Family, Table) {
        (self.family, self.table)
    }

    /// The hooks of its built-in chains.
    pub(super) fn hooks(&self) -> impl Iterator<Item = Hook> + use<> {
        self.table.hooks().iter().copied()
    }

    pub(super) fn conflict(&self, reason: impl Into<String>) -> ApplyError {
        ApplyError::Conflict {
            family: self.family,
            table: self.table,
            reason: reason.into(),
        }
    }
}
