//! `[policy]`: what happens to packets that no rule decides about.

use crate::{InterfaceName, Policy};

/// What happens to packets that no rule decides about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policies {
    /// `input`; by default drop.
    pub input: Policy,
    /// `forward`; by default drop.
    pub forward: ForwardPolicy,
    /// `output`; by default accept.
    pub output: OutputPolicy,
    /// `position`; by default keep.
    pub position: Position,
    /// `trusted-interfaces`: everything that comes in by one of them is let in, whoever sends it,
    /// and not logged; by default only what this host sends to itself.
    pub trusted_interfaces: Vec<InterfaceName>,
    /// `early-drop`: whoever is banned is dropped before connection tracking, in `PREROUTING` of
    /// table `raw`; by default in `INPUT` alone.
    pub early_drop: bool,
}

/// `policy.position`: where in INPUT the firewall's jump stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of two")]
pub enum Position {
    /// `"keep"`: it is appended the first time and keeps its place, so that rules others put before
    /// it go on working.
    Keep,
    /// `"first"`: before all others, at each apply.
    First,
}

/// `policy.forward`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of three")]
pub enum ForwardPolicy {
    /// `"drop"`: this host is no router.
    Drop,
    /// `"accept"`: this host passes on what other rules let through.
    Accept,
    /// `"untouched"`: somebody else, a container engine for instance, looks after FORWARD.
    Untouched,
}

/// `policy.output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a choice of three")]
pub enum OutputPolicy {
    /// `"drop"`: this host sends what `[output]` lets out, and what belongs to a connection.
    Drop,
    /// `"accept"`.
    Accept,
    /// `"untouched"`: somebody else looks after OUTPUT.
    Untouched,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            input: Policy::Drop,
            forward: ForwardPolicy::Drop,
            output: OutputPolicy::Accept,
            position: Position::Keep,
            trusted_interfaces: Vec::new(),
            early_drop: false,
        }
    }
}

impl ForwardPolicy {
    /// The policy to set; `None` leaves it as it is.
    pub fn policy(self) -> Option<Policy> {
        match self {
            Self::Drop => Some(Policy::Drop),
            Self::Accept => Some(Policy::Accept),
            Self::Untouched => None,
        }
    }
}

impl OutputPolicy {
    /// The policy to set; `None` leaves it as it is.
    pub fn policy(self) -> Option<Policy> {
        match self {
            Self::Drop => Some(Policy::Drop),
            Self::Accept => Some(Policy::Accept),
            Self::Untouched => None,
        }
    }
}
