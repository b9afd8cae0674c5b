//! Chains that somebody else made under names of ours, in words.

use iptables_ruleset::Snapshot;

use crate::config;
use crate::words::join;

/// The chains that have names of ours and were made by somebody else; `None` where there are none.
pub(crate) fn named(tables: &Snapshot) -> Option<String> {
    // The names of our chains are the same with every configuration.
    let ours = config::built_in().ok()?;
    let foreign = tables.foreign_chains(&ours.rulesets);
    let named = join(foreign.iter().map(|chain| format!("the {chain}")));
    (!foreign.is_empty()).then_some(named)
}
