//! What the reports say of the rules of a family.

use std::collections::BTreeMap;

use iptables_ruleset::{Chain, Family, Hook, Ruleset};
use serde::Serialize;

use crate::words::join;

/// The policy of each built-in chain; `None` for one that is left as it is.
pub(crate) type Policies = BTreeMap<&'static str, Option<String>>;

/// The rules of a family, with what a report says of a chain.
#[derive(Debug, Serialize)]
pub(crate) struct FamilyRules<C> {
    /// `inet` or `inet6`.
    pub(crate) family: &'static str,
    /// As people call it.
    #[serde(skip)]
    pub(crate) protocol: Family,
    /// The policy of each built-in chain; null for one that stays as it is.
    pub(crate) policies: Policies,
    /// The jumps from built-in chains to ours.
    pub(crate) jumps: Vec<Jump>,
    /// Our chains.
    pub(crate) chains: Vec<C>,
}

/// A jump from a built-in chain.
#[derive(Debug, Serialize)]
pub(crate) struct Jump {
    /// The built-in chain.
    pub(crate) from: &'static str,
    /// Our chain.
    pub(crate) to: String,
}

impl<C> FamilyRules<C> {
    /// The rules of `ruleset`, with what `of_chain` says of each of its chains.
    pub(crate) fn new(ruleset: &Ruleset, of_chain: impl Fn(&Chain) -> C) -> Self {
        let policy = |hook| ruleset.policy_of(hook).map(|policy| policy.to_string());
        let jumps = |from: Hook| {
            ruleset.jumps_from(from).map(move |to| Jump {
                from: from.chain(),
                to: to.to_string(),
            })
        };
        Self {
            family: family_name(ruleset.family()),
            protocol: ruleset.family(),
            policies: Hook::ALL.map(|hook| (hook.chain(), policy(hook))).into(),
            jumps: Hook::ALL.into_iter().flat_map(jumps).collect(),
            chains: ruleset.chains().map(of_chain).collect(),
        }
    }
}

/// The family as `ipset` and `--family` spell it.
pub(crate) fn family_name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "inet",
        Family::Ipv6 => "inet6",
    }
}

/// The policies in the words of the text.
pub(crate) fn policies_text(of: &Policies) -> String {
    join(Hook::ALL.into_iter().map(|hook| {
        let policy = of.get(hook.chain()).and_then(Option::as_deref);
        format!("{hook} {}", policy.unwrap_or("left as it was"))
    }))
}
