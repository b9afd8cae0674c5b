//! Chains that somebody else made under names of ours, in words.

use iptables_ruleset::Snapshot;

use crate::config::{self, Wanted};
use crate::words::join;

/// The chains that have names of ours and were made by somebody else; `None` where there are none.
pub(crate) fn named(tables: &Snapshot, wanted: Option<&Wanted>) -> Option<String> {
    let built_in = config::built_in().ok()?;
    let foreign = tables.foreign_chains(&wanted.unwrap_or(&built_in).rulesets);
    let named = join(foreign.iter().map(|chain| format!("the {chain}")));
    (!foreign.is_empty()).then_some(named)
}

/// What can be done about them.
pub(crate) const CURE: &str = "Rename it (`iptables -E`) if it is needed, or say `firewall-apply apply --adopt` to have it made anew with \
     the rules of this firewall";
