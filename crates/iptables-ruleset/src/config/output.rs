//! `[output]`: what this host may send.

use super::traffic::Traffic;

/// What this host may send, and may not.
///
/// What belongs to a connection, what the link needs, and what goes to members of the whitelist
/// goes out in any case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Output {
    /// `[[output.service]]`: the first that a new connection is for decides about it. What is for
    /// none the policy of OUTPUT decides about.
    pub services: Vec<Traffic>,
}
