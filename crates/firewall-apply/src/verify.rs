//! Reading back: is in the kernel what was put there?

use std::collections::BTreeMap;

use iptables_ruleset::{Chain, ChainState, Hook, KernelSet, Policy, Ruleset, Snapshot, TableState};

/// What the kernel lacks of `rulesets`, each as a sentence; nothing when it has it all.
pub(crate) fn missing_rules(snapshot: &Snapshot, rulesets: &[Ruleset]) -> Vec<String> {
    rulesets
        .iter()
        .flat_map(|ruleset| {
            let Some(table) = snapshot.table(ruleset.family()) else {
                return vec![format!(
                    "{}: the filter table is gone again",
                    ruleset.family()
                )];
            };
            missing_of(table, ruleset)
        })
        .collect()
}

/// What the kernel still has of `rulesets`, each as a sentence; nothing when it has nothing of them.
pub(crate) fn remaining_rules(snapshot: &Snapshot, rulesets: &[Ruleset]) -> Vec<String> {
    let mut remaining = Vec::new();
    for ruleset in rulesets {
        let family = ruleset.family();
        let Some(table) = snapshot.table(family) else {
            continue;
        };
        for chain in ruleset.chains().map(Chain::name) {
            if table.chain(chain.as_str()).is_some() {
                remaining.push(format!("{family}: chain {chain} is still there"));
            }
        }
        for hook in Hook::ALL
            .into_iter()
            .filter(|hook| ruleset.policy_of(*hook).is_some())
        {
            let policy = table.chain(hook.chain()).and_then(ChainState::policy);
            if policy.is_some_and(|policy| policy != Policy::Accept) {
                remaining.push(format!("{family}: the policy of {hook} is not ACCEPT"));
            }
        }
    }
    remaining
}

/// The sets that are not what their names stood for when the rules were made, each as a sentence.
///
/// Rules refer to a set by number. One that was destroyed and created again in between has another.
pub(crate) fn moved_sets<E>(
    resolved: &BTreeMap<String, KernelSet>,
    mut find: impl FnMut(&str) -> Result<KernelSet, E>,
) -> Vec<String> {
    resolved
        .iter()
        .filter(|(name, then)| find(name).map_or(true, |now| now != **then))
        .map(|(name, _)| {
            format!("set \"{name}\" was replaced while the rules were put in: apply again")
        })
        .collect()
}

fn missing_of(table: &TableState, ruleset: &Ruleset) -> Vec<String> {
    let family = ruleset.family();
    let mut missing = Vec::new();
    for hook in Hook::ALL {
        let chain = table.chain(hook.chain());
        if let Some(policy) = ruleset.policy_of(hook) {
            if chain.and_then(ChainState::policy) != Some(policy) {
                missing.push(format!("{family}: the policy of {hook} is not {policy}"));
            }
        }
        for to in ruleset.jumps_from(hook) {
            if !chain.is_some_and(|chain| jumps_to(chain, to.as_str())) {
                missing.push(format!("{family}: {hook} does not jump to {to}"));
            }
        }
    }
    for wanted in ruleset.chains() {
        let name = wanted.name();
        let rules = table.chain(name.as_str()).map(|chain| chain.rules().len());
        if rules != Some(wanted.rules().len()) {
            missing.push(format!(
                "{family}: chain {name} has {} rules instead of {}",
                rules.unwrap_or_default(),
                wanted.rules().len()
            ));
        }
    }
    missing
}

/// Whether a rule of the chain names `to`: the verdict of a jump holds the name with a final NUL.
fn jumps_to(chain: &ChainState, to: &str) -> bool {
    let name: Vec<u8> = to.bytes().chain([0]).collect();
    chain.rules().iter().any(|rule| {
        rule.expressions()
            .windows(name.len())
            .any(|part| part == name)
    })
}
