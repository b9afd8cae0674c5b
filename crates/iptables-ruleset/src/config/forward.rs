//! `[forward]`: what this host passes on.

/// What this host passes on, and does not, beside the policy of FORWARD.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Forward {
    /// `protect`: whether bans hold for what is passed on, too, ahead of a container engine's
    /// published ports; by default not.
    pub protect: bool,
}
