//! A pardon: evidence about evidence.

use crate::prefix::Prefix;
use crate::record::Words;
use crate::time::Time;

/// Void is each ban of this prefix, and of what is in it, whose last hit is not after an instant.
///
/// What the same log says is scanned again and pushed again, and stays void. New hits after the
/// instant ban again: for who must never be banned there is the whitelist of each host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pardon {
    /// Who is let go.
    pub prefix: Prefix,
    /// Of what he did until then nothing counts.
    pub at: Time,
    /// When the pardon is forgotten; not before the end of any ban that it voids, or that ban
    /// would come back. A ban that is taken over ends at most
    /// [`longest`](crate::Policy::longest) after its last hit.
    pub until: Time,
    /// Why, in the administrator's words.
    pub why: Words,
}
