//! What the reports say of the rules of a family: its name, its policies and its jumps.

use std::collections::BTreeMap;

use iptables_ruleset::{Family, Hook, Ruleset};
use serde::Serialize;

use crate::words::join;

/// The policy of each built-in chain; `None` for one that is left as it is.
pub(crate) type Policies = BTreeMap<&'static str, Option<String>>;

/// A jump from a built-in chain.
#[derive(Debug, Serialize)]
pub(crate) struct Jump {
    /// The built-in chain.
    pub(crate) from: &'static str,
    /// Our chain.
    pub(crate) to: String,
}

/// The family as `ipset` and `--family` spell it.
pub(crate) fn family_name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "inet",
        Family::Ipv6 => "inet6",
    }
}

/// The policy that is wanted for each built-in chain.
pub(crate) fn policies(ruleset: &Ruleset) -> Policies {
    Hook::ALL
        .into_iter()
        .map(|hook| {
            (
                hook.chain(),
                ruleset.policy_of(hook).map(|policy| policy.to_string()),
            )
        })
        .collect()
}

/// The jumps that are wanted from built-in chains.
pub(crate) fn jumps(ruleset: &Ruleset) -> Vec<Jump> {
    let of_chain = |from: Hook| {
        ruleset.jumps_from(from).map(move |to| Jump {
            from: from.chain(),
            to: to.to_string(),
        })
    };
    Hook::ALL.into_iter().flat_map(of_chain).collect()
}

/// The policies in the words of the text.
pub(crate) fn policies_text(of: &Policies) -> String {
    join(Hook::ALL.into_iter().map(|hook| {
        let policy = of.get(hook.chain()).and_then(Option::as_deref);
        format!("{hook} {}", policy.unwrap_or("left as it was"))
    }))
}
