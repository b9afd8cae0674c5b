//! A ban, as the host tells it that decided it.

use crate::name::{Rule, Set};
use crate::prefix::Prefix;
use crate::record::Words;
use crate::time::Time;

/// A ban of a prefix in a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ban {
    /// The set, of both families: `blacklist`.
    pub set: Set,
    /// Who is banned.
    pub prefix: Prefix,
    /// When it ends.
    pub end: Time,
    /// The last packet that it is for, or the instant of a ban by hand: never after the end. A
    /// [pardon](crate::Pardon) voids what has its last hit before it.
    pub last_hit: Time,
    /// Who decided it, and for what.
    pub cause: Cause,
}

/// Who decided a ban, and for what.
///
/// A verdict of the [fleet's rule](crate::FleetRule) is none of these: each host comes to it by
/// itself, from the evidence, and so nobody has to be believed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A rule of a scan was broken.
    Scan {
        /// The rule.
        rule: Rule,
        /// The most packets in one window of it.
        hits: u64,
        /// The most different ports in one window, where the rule asks for them.
        ports: Option<u32>,
    },
    /// An administrator wants it so.
    Hand {
        /// In his words.
        why: Words,
    },
}
