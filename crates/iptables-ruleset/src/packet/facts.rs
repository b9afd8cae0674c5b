//! What only the host that has the rules can tell.

use super::{Answer, Packet};
use crate::model::Direction;
use crate::{Family, Network, SetName};

/// What only the host that has the rules can tell: who is in a set, and what is left of a budget.
///
/// A closure that tells who is in a set is enough; the rest then is said to depend on what is not
/// known.
pub trait Facts {
    /// The name of the set that the kernel knows by this index.
    fn set_name(&mut self, _index: u16) -> Option<String> {
        None
    }

    /// Whether the set holds what the directions say of the packet: its source, its destination, or
    /// for a set of several dimensions one after the other.
    fn member(&mut self, set: &SetName, directions: &[Direction], packet: &Packet) -> Answer;

    /// Whether one more packet is within the budget at this moment.
    fn within(&mut self, _budget: &Budget<'_>) -> Answer {
        Answer::perhaps("what is left of the limit at that moment")
    }
}

/// A budget of packets, as `-m hashlimit` keeps one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget<'a> {
    /// The kernel's name for the table of such budgets.
    pub name: &'a str,
    /// The family of the rule, which has its tables apart from those of the other.
    pub family: Family,
    /// Whose budget it is; `None` for everybody's.
    pub of: Option<Network>,
    /// How many packets it has at most.
    pub burst: u32,
    /// How many budgets the table has room for, where the rule says it.
    pub most: Option<u32>,
}

impl<F: FnMut(&SetName, &Packet) -> Answer> Facts for F {
    fn member(&mut self, set: &SetName, _directions: &[Direction], packet: &Packet) -> Answer {
        self(set, packet)
    }
}
