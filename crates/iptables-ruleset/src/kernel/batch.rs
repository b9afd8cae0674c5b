//! Changes that the kernel makes all or none.

use std::fmt;
use std::sync::Arc;

use crate::encoding::EncodedRule;
use crate::{BuildError, Family, Hook, Policy, Rule, Table};

/// Changes that the kernel makes all or none, worked out from one [`Snapshot`](super::Snapshot).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    generation: u32,
    /// Shared with who keeps what was sent.
    changes: Arc<[Change]>,
}

impl Batch {
    pub(crate) fn new(generation: u32, changes: Vec<Change>) -> Self {
        Self {
            generation,
            changes: changes.into(),
        }
    }

    /// The generation of the snapshot; the kernel refuses the batch when it has another one by now.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes in words, in order: `ip filter/LOG_AND_DROP rule 2: -j DROP`.
    pub fn items(&self) -> impl Iterator<Item = String> {
        self.changes.iter().map(ToString::to_string)
    }

    pub(crate) fn changes(&self) -> &Arc<[Change]> {
        &self.changes
    }
}

/// One message of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) family: Family,
    pub(crate) table: Table,
    pub(crate) action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Makes the table.
    Table,
    /// Makes a built-in chain, or sets its policy.
    Policy(Hook, Policy),
    /// Makes a chain.
    Chain(String),
    /// Takes all rules out of a chain.
    Flush(String),
    /// Puts a rule into a chain; `number` says which of ours it is, where there are several.
    Put {
        chain: String,
        number: Option<usize>,
        place: Place,
        rule: Arc<WrittenRule>,
    },
    /// Puts a rule into a chain as it once was read; `number` is the place it had.
    PutBack {
        chain: String,
        number: usize,
        place: Place,
        rule: Arc<ReadRule>,
    },
    /// Takes one rule out of a chain.
    Delete { chain: String, handle: u64 },
    /// Takes an empty chain away.
    DeleteChain(String),
    /// Takes an empty table away.
    DeleteTable,
}

/// Where in its chain a rule goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    First,
    /// Right before the rule with this handle.
    Before(u64),
    /// Right behind the rule with this handle.
    Behind(u64),
    Last,
}

/// A rule as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrittenRule {
    family: Family,
    model: Rule,
    pub(crate) encoded: EncodedRule,
}

impl WrittenRule {
    pub(super) fn new(
        rule: &Rule,
        family: Family,
        set_index: &mut dyn FnMut(&str) -> Result<u16, BuildError>,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            family,
            encoded: rule.encode(family, set_index)?,
            model: rule.clone(),
        })
    }

    /// The rule as `iptables-save` prints it behind `-A CHAIN`.
    pub(super) fn text(&self) -> String {
        self.model.to_iptables_save(self.family).to_string()
    }
}

/// A rule as the kernel listed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadRule {
    /// The content of `NFTA_RULE_EXPRESSIONS`.
    pub(crate) expressions: Vec<u8>,
    /// The content of `NFTA_RULE_USERDATA`.
    pub(crate) user_data: Vec<u8>,
}

impl Action {
    /// The chain whose rules it changes, if it stays.
    pub(super) fn fills(&self) -> Option<&str> {
        match self {
            Self::Flush(chain)
            | Self::Put { chain, .. }
            | Self::PutBack { chain, .. }
            | Self::Delete { chain, .. }
            | Self::Chain(chain) => Some(chain),
            Self::Table | Self::Policy(..) | Self::DeleteChain(_) | Self::DeleteTable => None,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = format!("{} {}", self.family.nft_name(), self.table);
        match &self.action {
            Action::Table => write!(f, "table {table}"),
            Action::Policy(hook, policy) => write!(f, "{table}/{hook} policy {policy}"),
            Action::Chain(chain) => write!(f, "{table}/{chain}"),
            Action::Flush(chain) => write!(f, "{table}/{chain} flush"),
            Action::Put {
                chain,
                number,
                rule,
                ..
            } => {
                let text = rule.text();
                match number {
                    Some(number) => write!(f, "{table}/{chain} rule {number}: {text}"),
                    None => write!(f, "{table}/{chain} first rule: {text}"),
                }
            }
            Action::PutBack { chain, number, .. } => {
                write!(f, "{table}/{chain} rule {number} as it was")
            }
            Action::Delete { chain, handle } => write!(
                f,
                "{table}/{chain} removal of the rule with handle {handle}"
            ),
            Action::DeleteChain(chain) => write!(f, "{table}/{chain} removal"),
            Action::DeleteTable => write!(f, "table {table} removal"),
        }
    }
}
