//! What it takes to have a ruleset out of a table.

use super::ApplyError;
use super::batch::{Action, Change};
use super::part::Part;
use super::snapshot::{ChainState, RuleState, TableState, rules_of};
use crate::{Hook, Policy};

/// The changes that take out the jumps to chains of ours, then the chains. What is not there needs
/// no change.
pub(super) fn changes(
    part: &Part,
    table: Option<&TableState>,
    changes: &mut Vec<Change>,
) -> Result<(), ApplyError> {
    let Some(table) = table else { return Ok(()) };
    check_references(part, table)?;
    let mut push = |action: Action| {
        changes.push(Change {
            family: part.family,
            action,
        });
    };
    for hook in part.policies.keys() {
        let there = table.chain(hook.chain());
        if there
            .is_some_and(|chain| chain.is_built_in(*hook) && chain.policy() != Some(Policy::Accept))
        {
            push(Action::Policy(*hook, Policy::Accept));
        }
    }
    for hook in Hook::ALL {
        for rule in rules_of(Some(table), hook)
            .iter()
            .filter(|rule| is_our_jump(part, hook, rule))
        {
            push(Action::Delete {
                chain: hook.chain().to_owned(),
                handle: rule.handle,
            });
        }
    }
    let there = || {
        part.chains
            .iter()
            .map(|chain| &chain.name)
            .filter(|name| table.chain(name).is_some())
    };
    for name in there() {
        push(Action::Flush(name.clone()));
    }
    // Emptied all first, so that none of them holds another.
    for name in there() {
        push(Action::DeleteChain(name.clone()));
    }
    for name in part
        .local
        .iter()
        .filter(|name| is_unused(part, table, name))
    {
        push(Action::DeleteChain(name.clone()));
    }
    Ok(())
}

/// Names a rule of others that leads to a chain of ours: the kernel says only "busy".
fn check_references(part: &Part, table: &TableState) -> Result<(), ApplyError> {
    for (by, chain) in table.chains().filter(|(name, _)| !part.owns(name)) {
        let hook = Hook::ALL.into_iter().find(|hook| hook.chain() == by);
        for (position, rule) in (1..).zip(ChainState::rules(chain)) {
            let Some(to) = rule.leads_to().filter(|to| part.owns(to)) else {
                continue;
            };
            if !hook.is_some_and(|hook| is_our_jump(part, hook, rule)) {
                return Err(ApplyError::StillReferenced {
                    family: part.family,
                    chain: to.to_owned(),
                    by: by.to_owned(),
                    position,
                });
            }
        }
    }
    Ok(())
}

/// Whether a chain for rules of others is there and has none, and nothing but ours leads to it.
fn is_unused(part: &Part, table: &TableState, name: &str) -> bool {
    let is_empty = |chain: &ChainState| chain.rules().is_empty();
    let mut others = table.chains().filter(|(by, _)| !part.owns(by));
    table.chain(name).is_some_and(is_empty)
        && !others.any(|(_, chain)| {
            let mut rules = chain.rules().iter();
            rules.any(|rule| rule.leads_to() == Some(name))
        })
}

/// Whether a rule is a jump that we put there: the ruleset has it and every packet takes it.
fn is_our_jump(part: &Part, hook: Hook, rule: &RuleState) -> bool {
    part.jumps
        .iter()
        .any(|jump| jump.hook == hook && rule.always_jumps_to(&jump.to))
}
