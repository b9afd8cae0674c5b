//! `[forward]`: what this host passes on.

use super::traffic::Traffic;

/// What this host passes on, and does not, beside the policy of FORWARD.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Forward {
    /// `protect`: whether bans hold for what is passed on, too, ahead of a container engine's
    /// published ports; by default not.
    pub protect: bool,
    /// `[[forward.allow]]`: what is passed on of new connections. What is for none the policy of
    /// FORWARD decides about.
    pub allow: Vec<Traffic>,
}
