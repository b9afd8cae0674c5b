//! A chain of ours that is not wanted.

use crate::{ChainName, Hook};

/// A chain of ours that another configuration has and this one does not want: where it is, it is
/// taken away with the jumps to it.
///
/// A chain of that name that somebody else made is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    name: ChainName,
    pub(crate) host: Option<ChainName>,
    pub(crate) opens: Option<Hook>,
}

impl LeftOut {
    /// The chain of this name, to which built-in chains may jump.
    pub fn new(name: ChainName) -> Self {
        Self {
            name,
            host: None,
            opens: None,
        }
    }

    /// A jump to it may also stand in `host`, a chain of somebody else.
    pub fn guest_of(self, host: ChainName) -> Self {
        Self {
            host: Some(host),
            ..self
        }
    }

    /// Without it the policy of `hook` would drop what it let through: where the ruleset sets none,
    /// and the chain was there, that becomes ACCEPT.
    pub fn opening(self, hook: Hook) -> Self {
        Self {
            opens: Some(hook),
            ..self
        }
    }

    /// Its name.
    pub fn name(&self) -> &ChainName {
        &self.name
    }
}
