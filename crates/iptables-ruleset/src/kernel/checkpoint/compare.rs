//! Whether a table is as it was.

use super::{OfTable, RuleThen, Sets, TableThen, is_jump_to};
use crate::Policy;
use crate::kernel::snapshot::{ChainState, RuleState, TableState, rules_in, rules_of};
use crate::wire::decode::expressions;

/// What is not as it was, each as a sentence.
pub(super) fn table(
    of: OfTable,
    then: &TableThen,
    now: Option<&TableState>,
    sets: &Sets,
) -> Vec<String> {
    let mut different = Vec::new();
    if then.exists != now.is_some() {
        let how = if then.exists { "gone" } else { "still there" };
        different.push(format!("{}: table {} is {how}", of.0, of.1));
    }
    for hook in of.hooks() {
        let chain = now.and_then(|table| table.chain(hook.chain()));
        let before = then.built_in.get(hook.chain());
        let policy = match before {
            Some(before) if before.drop => Policy::Drop,
            _ => Policy::Accept,
        };
        if before.is_some() && chain.and_then(ChainState::policy) != Some(policy) {
            different.push(format!("{of}: the policy of {hook} is not {policy}"));
        }
        let jumps = before.into_iter().flat_map(|before| &before.rules);
        let jumps = jumps.filter_map(|rule| rule.jump.as_ref());
        let ours = |rule: &&RuleState| is_jump_to(rule, &then.ours);
        let now = rules_of(now, hook).iter().filter(ours);
        if !are_same(jumps, now, sets) {
            different.push(format!("{of}: the jumps of {hook} are not as they were"));
        }
    }
    for (name, rules) in &then.hosts {
        let there = now.and_then(|table| table.chain(name));
        let ours = |rule: &&RuleState| is_jump_to(rule, &then.ours);
        let jumps_now = rules_in(now, name).iter().filter(ours);
        let jumps_then = rules.iter().flatten().filter_map(|rule| rule.jump.as_ref());
        if rules.is_none() && there.is_some_and(|chain| chain.rules.is_empty()) {
            different.push(format!("{of}: chain {name} is still there"));
        } else if !are_same(jumps_then, jumps_now, sets) {
            different.push(format!("{of}: the jumps of {name} are not as they were"));
        }
    }
    for (name, rules) in &then.ours {
        let chain = now.and_then(|table| table.chain(name));
        match (rules, chain) {
            (None, None) => {}
            (None, Some(_)) => different.push(format!("{of}: chain {name} is still there")),
            (Some(_), None) => different.push(format!("{of}: chain {name} is gone")),
            (Some(then), Some(now)) if are_same(then.iter(), now.rules.iter(), sets) => {}
            (Some(_), Some(_)) => {
                different.push(format!("{of}: chain {name} is not as it was"));
            }
        }
    }
    different
}

fn are_same<'a>(
    then: impl Iterator<Item = &'a RuleThen>,
    now: impl Iterator<Item = &'a RuleState>,
    sets: &Sets,
) -> bool {
    // Without what was counted, which is no part of an expression here.
    let then = then.map(|rule| rule.with_sets(sets).ok());
    then.map(|rule| rule.map(|bytes| expressions(&bytes)))
        .eq(now.map(|rule| Some(expressions(rule.expressions()))))
}
