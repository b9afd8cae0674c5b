//! Whether a ruleset is in a table already.

use super::install;
use super::part::{Chain, Part};
use super::snapshot::TableState;

/// Whether the table has all that is wanted, and nothing else in our chains.
pub(super) fn is_present(part: &Part, table: Option<&TableState>) -> bool {
    table.is_some_and(|table| {
        install::built_in_as_wanted(part, table)
            && part.chains.iter().all(|chain| has(table, part, chain))
            && part.local.iter().all(|name| table.chain(name).is_some())
    })
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
