//! Why rules cannot be built.

use std::error::Error;
use std::fmt;

use super::{Family, Table};

/// Why a ruleset cannot be built: the caller's or the configuration's fault, found before the
/// kernel is asked for anything.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BuildError(#[from] BuildErrorKind);

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildErrorKind {
    #[error("{what} {value:?}: {reason}")]
    Value {
        what: &'static str,
        value: String,
        reason: String,
    },
    #[error("{} chain {chain}, rule {number}, {rule:?}: {reason}", .table.of(*.family))]
    Rule {
        family: Family,
        table: Table,
        chain: String,
        number: usize,
        rule: String,
        reason: String,
    },
    #[error("{} ruleset: {reason}", .table.of(*.family))]
    Ruleset {
        family: Family,
        table: Table,
        reason: String,
    },
    #[error("cannot find set {set:?}")]
    Set {
        set: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("set {set:?} holds {actual} addresses, the {wanted} ruleset cannot match with it")]
    SetFamily {
        set: String,
        wanted: Family,
        actual: Family,
    },
    #[error("set {set:?}: the kernel's index 65535 means that there is no such set")]
    SetIndex { set: String },
}

impl BuildErrorKind {
    /// The index that the kernel gives to no set.
    pub(crate) fn no_set(name: &str) -> Self {
        Self::SetIndex {
            set: name.to_owned(),
        }
    }
}

impl BuildError {
    pub(crate) fn value(
        what: &'static str,
        value: impl fmt::Display,
        reason: impl Into<String>,
    ) -> Self {
        BuildErrorKind::Value {
            what,
            value: value.to_string(),
            reason: reason.into(),
        }
        .into()
    }

    /// Whether an ipset is missing, has the wrong family or could not be asked for; what the
    /// resolver said is the [`source`](Error::source).
    pub fn is_set_unusable(&self) -> bool {
        matches!(
            self.0,
            BuildErrorKind::Set { .. }
                | BuildErrorKind::SetFamily { .. }
                | BuildErrorKind::SetIndex { .. }
        )
    }

    /// The reason without the value that it is about, for messages that show the value anyway.
    pub(crate) fn reason(&self) -> String {
        match &self.0 {
            BuildErrorKind::Value { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }
}

/// Two errors are equal when they read the same.
impl PartialEq for BuildError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}
