//! What was put into the kernel, compared with what is read back.

use std::collections::BTreeMap;
use std::fmt::Display;

use iptables_ruleset::{
    Chain, ChainState, KernelSet, Policy, Rule, RuleState, Ruleset, Snapshot, TableState,
};

use crate::rules::{hooks, place};

/// What the kernel lacks of `rulesets`, or has otherwise, each as a sentence; nothing when it has
/// them as they are. `set_name` tells the names of sets by their index.
pub(crate) fn missing_rules(
    snapshot: &Snapshot,
    rulesets: &[Ruleset],
    set_name: impl Fn(u16) -> Option<String>,
) -> Vec<String> {
    rulesets
        .iter()
        .flat_map(|ruleset| {
            let Some(table) = snapshot.table_of(ruleset) else {
                let (family, table) = (ruleset.family(), ruleset.table());
                return vec![format!("{family}: there is no {table} table")];
            };
            let mut missing = missing_of(table, ruleset, &set_name);
            missing.extend(guests(snapshot, table, ruleset));
            let left_over = snapshot.left_over(ruleset).into_iter();
            missing.extend(left_over.map(|chain| still_there(ruleset, chain)));
            missing
        })
        .collect()
}

/// What the kernel still has of `rulesets`, each as a sentence; nothing when it has nothing of
/// them.
pub(crate) fn remaining_rules(snapshot: &Snapshot, rulesets: &[Ruleset]) -> Vec<String> {
    let mut remaining = Vec::new();
    for ruleset in rulesets {
        let place = place(ruleset);
        let Some(table) = snapshot.table_of(ruleset) else {
            continue;
        };
        for chain in ruleset.chains().map(Chain::name) {
            if table.chain(chain.as_str()).is_some() {
                remaining.push(still_there(ruleset, chain));
            }
        }
        let left_over = snapshot.left_over(ruleset).into_iter();
        remaining.extend(left_over.map(|chain| still_there(ruleset, chain)));
        for hook in hooks(ruleset).filter(|hook| ruleset.policy_of(*hook).is_some()) {
            let policy = table.chain(hook.chain()).and_then(ChainState::policy);
            if policy.is_some_and(|policy| policy != Policy::Accept) {
                remaining.push(format!("{place}: the policy of {hook} is not ACCEPT"));
            }
        }
    }
    remaining
}

/// The chains that the kernel still has of what is unwanted and was made by this program, each as a
/// sentence.
pub(crate) fn left_rules(snapshot: &Snapshot, unwanted: &[Ruleset]) -> Vec<String> {
    let mut left = Vec::new();
    for ruleset in unwanted {
        let place = place(ruleset);
        let lines = snapshot.leftovers(ruleset, |_| None);
        let chains = lines.iter().filter(|line| line.number.is_none());
        left.extend(chains.map(|line| format!("{place}: chain {} is still there", line.chain)));
    }
    left
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

fn still_there(ruleset: &Ruleset, chain: impl Display) -> String {
    format!("{}: chain {chain} is still there", place(ruleset))
}

/// The jumps to ours that packets do not come by.
fn guests<'a>(
    snapshot: &'a Snapshot,
    table: &'a TableState,
    ruleset: &'a Ruleset,
) -> impl Iterator<Item = String> + 'a {
    let place = place(ruleset);
    ruleset.guests().filter_map(move |guest| {
        let (chain, to) = (snapshot.stands_in(ruleset, guest), guest.to());
        let first = table.chain(chain).and_then(|chain| chain.rules().first());
        let is_first = first.is_some_and(|rule| rule.always_jumps_to(to.as_str()));
        (!is_first).then(|| format!("{place}: {chain} does not jump to {to} first"))
    })
}

fn missing_of(
    table: &TableState,
    ruleset: &Ruleset,
    set_name: &dyn Fn(u16) -> Option<String>,
) -> Vec<String> {
    let family = ruleset.family();
    let place = place(ruleset);
    let mut missing = Vec::new();
    for hook in hooks(ruleset) {
        let chain = table.chain(hook.chain());
        if let Some(policy) = ruleset.policy_of(hook) {
            if chain.and_then(ChainState::policy) != Some(policy) {
                missing.push(format!("{place}: the policy of {hook} is not {policy}"));
            }
        }
        for to in ruleset.jumps_from(hook) {
            let is_it = |rule: &RuleState| rule.always_jumps_to(to.as_str());
            if !chain.is_some_and(|chain| chain.rules().iter().any(is_it)) {
                missing.push(format!("{place}: {hook} does not jump to {to}"));
            }
        }
    }
    for wanted in ruleset.chains() {
        let name = wanted.name();
        let found = table
            .chain(name.as_str())
            .map_or(&[][..], ChainState::rules);
        if found.len() != wanted.rules().len() {
            missing.push(format!(
                "{place}: chain {name} has {} rules instead of {}",
                found.len(),
                wanted.rules().len()
            ));
        }
        let text = |rule: &Rule| rule.to_iptables_save(family).to_string();
        let mut pairs = (1..).zip(found.iter().zip(wanted.rules()));
        // Behind the first other rule all may be shifted by one.
        missing.extend(pairs.find_map(|(number, (found, wanted))| {
            let (found, wanted) = (text(&found.rule(family, set_name)), text(wanted));
            (found != wanted).then(|| {
                format!(
                    "{place}: rule {number} of chain {name} is \"{found}\" instead of \"{wanted}\""
                )
            })
        }));
    }
    missing
}

#[cfg(test)]
mod tests {
    use iptables_ruleset::{Config, FakeKernel, Family, Kernel, Plan};

    use super::*;

    fn rulesets() -> [Ruleset; 2] {
        Family::BOTH.map(|family| Config::default().ruleset(family).unwrap())
    }

    #[test]
    fn what_is_not_there_is_told() {
        let mut kernel = FakeKernel::new();
        let nothing = kernel.snapshot().unwrap();
        assert_eq!(missing_rules(&nothing, &rulesets(), |_| None).len(), 2);
        assert_eq!(remaining_rules(&nothing, &rulesets()), [""; 0]);

        let mut names: Vec<String> = Vec::new();
        let mut find = |name: &str| {
            let family = if name.ends_with("_v6") {
                Family::Ipv6
            } else {
                Family::Ipv4
            };
            names.push(name.to_owned());
            let index = u16::try_from(names.len() - 1).unwrap();
            Ok::<_, String>(KernelSet::new(index, Some(family)))
        };
        let other = Config::parse("service = []").unwrap();
        let other = Family::BOTH.map(|family| other.ruleset(family).unwrap());
        let plan = Plan::install(&other, &mut find).unwrap();
        plan.apply(&mut kernel).unwrap();
        let snapshot = kernel.snapshot().unwrap();
        let set_name = |index: u16| names.get(usize::from(index)).cloned();
        let missing = missing_rules(&snapshot, &rulesets(), set_name);
        let chains = |missing: &[String]| {
            missing
                .iter()
                .filter(|text| text.contains("rules instead of"))
                .count()
        };
        assert_eq!(
            chains(&missing),
            4,
            "two chains of each family are others: {missing:#?}"
        );
        assert!(
            !missing.iter().any(|text| text.contains("policy")),
            "{missing:#?}"
        );
        assert_eq!(missing_rules(&snapshot, &other, set_name), [""; 0]);
        // With the sets of another name the rules are others.
        let renamed = |index| set_name(index).map(|name| name + "2");
        let missing = missing_rules(&snapshot, &other, renamed);
        assert_eq!(missing.len(), 2, "{missing:#?}");
        assert!(
            missing
                .iter()
                .all(|text| text.contains("whitelist") && text.contains(" instead of ")),
            "{missing:#?}"
        );
        // Six chains and two policies of each family.
        assert_eq!(remaining_rules(&snapshot, &rulesets()).len(), 16);
    }

    #[test]
    fn a_set_with_another_number_is_told() {
        let set = |index| KernelSet::new(index, Some(Family::Ipv4));
        let then: BTreeMap<_, _> = ["a", "b", "c"].map(|name| (name.to_owned(), set(1))).into();
        let now = |name: &str| match name {
            "a" => Ok(set(1)),
            "b" => Ok(set(2)),
            _ => Err(()),
        };
        let moved = moved_sets(&then, now);
        assert_eq!(moved.len(), 2);
        assert!(
            moved.iter().all(|text| !text.contains("\"a\"")),
            "{moved:?}"
        );
    }
}
