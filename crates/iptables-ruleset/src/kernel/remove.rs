//! What it takes to have a ruleset out of a table.

use super::ApplyError;
use super::batch::{Action, Change};
use super::foreign::is_planned;
use super::part::{Part, Wanted};
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
    let going = Going::new(part, table);
    going.check_references()?;
    let mut push = |action: Action| changes.push(part.change(action));
    // Of a policy nobody can tell who set it.
    let policies = part.policies.keys();
    for hook in policies.filter(|_| part.wanted == Wanted::Absent) {
        let there = table.chain(hook.chain());
        if there.is_some_and(|chain| {
            chain.is_built_in(part.table, *hook) && chain.policy() != Some(Policy::Accept)
        }) {
            push(Action::Policy(*hook, Policy::Accept));
        }
    }
    for (hook, rule) in going.jumps() {
        push(Action::Delete {
            chain: hook.chain().to_owned(),
            handle: rule.handle,
        });
    }
    for name in &going.chains {
        push(Action::Flush((*name).to_owned()));
    }
    // Emptied all first, so that none of them holds another.
    for name in &going.chains {
        push(Action::DeleteChain((*name).to_owned()));
    }
    for name in part.local.iter().filter(|name| going.is_unused(name)) {
        push(Action::DeleteChain(name.clone()));
    }
    Ok(())
}

/// What goes out of a table.
pub(super) struct Going<'a> {
    part: &'a Part,
    table: &'a TableState,
    /// The chains that are there and go.
    pub(super) chains: Vec<&'a str>,
}

impl<'a> Going<'a> {
    pub(super) fn new(part: &'a Part, table: &'a TableState) -> Self {
        let names = part.chains.iter().map(|chain| chain.name.as_str());
        let chains = names.filter(|name| {
            table.chain(name).is_some_and(|chain| {
                part.wanted != Wanted::Withdrawn || is_planned(part.family, part.table, name, chain)
            })
        });
        Self {
            part,
            table,
            chains: chains.collect(),
        }
    }

    /// The jumps from built-in chains that go.
    pub(super) fn jumps(&self) -> impl Iterator<Item = (Hook, &'a RuleState)> {
        let rules = |hook| rules_of(Some(self.table), hook).iter();
        let all = self.part.hooks();
        let all = all.flat_map(move |hook| rules(hook).map(move |rule| (hook, rule)));
        all.filter(|(hook, rule)| self.is_jump(*hook, rule))
    }

    /// Whether a rule is a jump that we put there: the ruleset has it, every packet takes it, and
    /// the chain that it leads to goes.
    fn is_jump(&self, hook: Hook, rule: &RuleState) -> bool {
        self.part.jumps.iter().any(|jump| {
            jump.hook == hook && rule.always_jumps_to(&jump.to) && self.chains.contains(&&*jump.to)
        })
    }

    /// Names a rule of others that leads to a chain of ours: the kernel says only "busy".
    fn check_references(&self) -> Result<(), ApplyError> {
        let Self { part, table, .. } = self;
        let others = table.chains();
        for (by, chain) in others.filter(|(name, _)| !self.chains.contains(name)) {
            let hook = part.table.hook(by);
            for (position, rule) in (1..).zip(ChainState::rules(chain)) {
                let Some(to) = rule.leads_to().filter(|to| self.chains.contains(to)) else {
                    continue;
                };
                if !hook.is_some_and(|hook| self.is_jump(hook, rule)) {
                    return Err(ApplyError::StillReferenced {
                        family: part.family,
                        table: part.table,
                        chain: to.to_owned(),
                        by: by.to_owned(),
                        position,
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether a chain for rules of others is there and has none, and nothing but what goes leads
    /// to it.
    fn is_unused(&self, name: &str) -> bool {
        let is_empty = |chain: &ChainState| chain.rules().is_empty();
        let others = self.table.chains();
        let mut others = others.filter(|(by, _)| !self.chains.contains(by));
        self.table.chain(name).is_some_and(is_empty)
            && !others.any(|(_, chain)| {
                let mut rules = chain.rules().iter();
                rules.any(|rule| rule.leads_to() == Some(name))
            })
    }
}
