//! Whether a table is as wanted already.

use super::part::{Chain, Part, Wanted};
use super::snapshot::TableState;
use super::{install, remove};

/// Whether the table has all that is wanted and nothing else in our chains, or nothing left of what
/// is withdrawn.
pub(super) fn is_as_wanted(part: &Part, table: Option<&TableState>) -> bool {
    match part.wanted {
        Wanted::Present => table.is_some_and(|table| {
            install::built_in_as_wanted(part, table)
                && part.chains.iter().all(|chain| has(table, part, chain))
                && part.local.iter().all(|name| table.chain(name).is_some())
        }),
        Wanted::Withdrawn => {
            let mut changes = Vec::new();
            remove::changes(part, table, &mut changes).is_ok() && changes.is_empty()
        }
        // Who leads to the chains is told from the tables as they are.
        Wanted::Absent => false,
    }
}

/// Whether our chain has these rules: what is read encodes to what it was read from, so that the
/// same text is the same rule.
fn has(table: &TableState, part: &Part, wanted: &Chain) -> bool {
    let Some(found) = table.chain(&wanted.name) else {
        return false;
    };
    let set_name = |index| part.sets.get(&index).cloned();
    let mut pairs = found.rules().iter().zip(&wanted.rules);
    found.rules().len() == wanted.rules.len()
        && pairs.all(|(found, (wanted, _))| found.text(part.family, set_name) == **wanted)
}
