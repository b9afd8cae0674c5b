//! What the reports say of the rules of a table.

use std::collections::BTreeMap;

use iptables_ruleset::{Chain, Family, Hook, Ruleset, Table};
use serde::Serialize;

use crate::words::join;

/// The policy of each built-in chain; `None` for one that is left as it is.
pub(crate) type Policies = BTreeMap<&'static str, Option<String>>;

/// The rules of a table of a family, with what a report says of a chain.
#[derive(Debug, Serialize)]
pub(crate) struct FamilyRules<C> {
    /// `inet` or `inet6`.
    pub(crate) family: &'static str,
    /// The table.
    pub(crate) table: &'static str,
    /// As people call the two: `IPv4`, `IPv4 raw`.
    #[serde(skip)]
    pub(crate) place: String,
    /// The policy of each built-in chain; null for one that stays as it is.
    pub(crate) policies: Policies,
    /// The jumps to ours from built-in chains, and from chains of others.
    pub(crate) jumps: Vec<Jump>,
    /// Our chains.
    pub(crate) chains: Vec<C>,
}

/// A jump to a chain of ours.
#[derive(Debug, Serialize)]
pub(crate) struct Jump {
    /// The built-in chain, or the one of others.
    pub(crate) from: String,
    /// Our chain.
    pub(crate) to: String,
}

impl<C> FamilyRules<C> {
    /// The rules of `ruleset`, with what `of_chain` says of each of its chains.
    pub(crate) fn new(ruleset: &Ruleset, of_chain: impl Fn(&Chain) -> C) -> Self {
        let policy = |hook| ruleset.policy_of(hook).map(|policy| policy.to_string());
        let jumps = |from: Hook| {
            ruleset.jumps_from(from).map(move |to| Jump {
                from: from.chain().to_owned(),
                to: to.to_string(),
            })
        };
        let guests = ruleset.guests().map(|guest| Jump {
            from: guest.host().to_string(),
            to: guest.to().to_string(),
        });
        Self {
            family: family_name(ruleset.family()),
            table: ruleset.table().name(),
            place: place(ruleset),
            policies: hooks(ruleset)
                .map(|hook| (hook.chain(), policy(hook)))
                .collect(),
            jumps: hooks(ruleset).flat_map(jumps).chain(guests).collect(),
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

/// The table of a ruleset in words: `IPv4`, or `IPv4 raw` for another than `filter`.
pub(crate) fn place(ruleset: &Ruleset) -> String {
    ruleset.table().of(ruleset.family()).to_string()
}

/// The hooks of the table of a ruleset.
pub(crate) fn hooks(ruleset: &Ruleset) -> impl Iterator<Item = Hook> + use<> {
    ruleset.table().hooks().iter().copied()
}

/// The policies in the words of the text; nothing where all are left as they were in a table that
/// is not for filtering.
pub(crate) fn policies_text(table: &str, of: &Policies) -> Option<String> {
    if table != Table::Filter.name() && of.values().all(Option::is_none) {
        return None;
    }
    let policy = |hook: Hook| {
        let policy = of.get(hook.chain())?.as_deref();
        Some(format!("{hook} {}", policy.unwrap_or("left as it was")))
    };
    let policies = join(Hook::ALL.into_iter().filter_map(policy));
    Some(format!("policies {policies}"))
}
