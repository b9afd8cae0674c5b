//! What it takes to have a ruleset out of a table.

use std::collections::BTreeSet;

use super::ApplyError;
use super::batch::{Action, Change};
use super::foreign::is_planned;
use super::left_out::{self, Leftover};
use super::part::{Guest, Part, Wanted};
use super::snapshot::{ChainState, RuleState, TableState, rules_in};
use crate::{LeftOut, Policy};

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
    for (chain, rule) in going.jumps() {
        push(Action::Delete {
            chain: chain.to_owned(),
            handle: rule.handle,
        });
    }
    for name in &going.chains {
        push(Action::Flush((*name).to_owned()));
    }
    left_out::changes(
        &going.left_over,
        |hook| part.policies.contains_key(&hook),
        &mut push,
    );
    // Emptied all first, so that none of them holds another.
    for name in &going.chains {
        push(Action::DeleteChain((*name).to_owned()));
    }
    for name in going.of_others() {
        push(Action::DeleteChain(name.to_owned()));
    }
    Ok(())
}

/// What goes out of a table.
pub(super) struct Going<'a> {
    part: &'a Part,
    table: &'a TableState,
    /// The chains that are there and go.
    pub(super) chains: Vec<&'a str>,
    /// Those that go although the ruleset does not want them.
    left_over: Vec<Leftover<'a>>,
}

impl<'a> Going<'a> {
    pub(super) fn new(part: &'a Part, table: &'a TableState) -> Self {
        let names = part.chains.iter().map(|chain| chain.name.as_str());
        let chains = names.filter(|name| {
            table.chain(name).is_some_and(|chain| {
                part.wanted != Wanted::Withdrawn || is_planned(part.family, part.table, name, chain)
            })
        });
        let chains: Vec<&str> = chains.collect();
        let left_out: Vec<&LeftOut> = part.left_out.iter().collect();
        let left_over = left_out::of(part.of(), table, &left_out, &|name| chains.contains(&name));
        Self {
            part,
            table,
            chains,
            left_over,
        }
    }

    /// The jumps that go, from built-in chains and from those of others, each with its chain.
    pub(super) fn jumps(&self) -> impl Iterator<Item = (&'a str, &'a RuleState)> {
        let hooks = self.part.hooks().map(|hook| -> &'a str { hook.chain() });
        let hosts = self.part.guests.iter().map(|guest| guest.host.as_str());
        let hosts: BTreeSet<&str> = hosts.collect();
        let table = self.table;
        let rules = move |chain| rules_in(Some(table), chain).iter();
        let all = hooks.chain(hosts);
        let all = all.flat_map(move |chain| rules(chain).map(move |rule| (chain, rule)));
        all.filter(|(chain, rule)| self.is_jump(chain, rule))
    }

    /// Whether a rule is a jump that we put there: the ruleset has it, every packet takes it, and
    /// the chain that it leads to goes.
    fn is_jump(&self, chain: &str, rule: &RuleState) -> bool {
        let is = |from: &str, to: &str| {
            from == chain && rule.always_jumps_to(to) && self.chains.contains(&to)
        };
        let mut jumps = self.part.jumps.iter();
        let mut guests = self.part.guests.iter();
        jumps.any(|jump| is(jump.hook.chain(), &jump.to))
            || guests
                .any(|Guest { host, jump }| is(jump.hook.chain(), &jump.to) || is(host, &jump.to))
    }

    /// Names a rule of others that leads to a chain of ours: the kernel says only "busy".
    fn check_references(&self) -> Result<(), ApplyError> {
        let Self { part, table, .. } = self;
        let goes = |name: &str| {
            let mut left_over = self.left_over.iter();
            self.chains.contains(&name) || left_over.any(|one| one.name == name)
        };
        for (by, chain) in table.chains().filter(|(name, _)| !goes(name)) {
            for (position, rule) in (1..).zip(ChainState::rules(chain)) {
                let Some(to) = rule.leads_to().filter(|to| self.chains.contains(to)) else {
                    continue;
                };
                if !self.is_jump(by, rule) {
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

    /// The chains of others that go with ours: they are made for it, there is no rule in them but
    /// our jumps, and nothing but what goes leads to them.
    fn of_others(&self) -> BTreeSet<&'a str> {
        let hosts = self.part.guests.iter().map(|guest| &guest.host);
        let names = self.part.local.iter().chain(hosts).map(String::as_str);
        names.filter(|name| self.is_unused(name)).collect()
    }

    fn is_unused(&self, name: &str) -> bool {
        let is_empty = |chain: &ChainState| {
            let mut rules = chain.rules().iter();
            rules.all(|rule| self.is_jump(name, rule))
        };
        let others = self.table.chains();
        let mut others = others.filter(|(by, _)| !self.chains.contains(by));
        self.table.chain(name).is_some_and(is_empty)
            && !others.any(|(_, chain)| {
                let mut rules = chain.rules().iter();
                rules.any(|rule| rule.leads_to() == Some(name))
            })
    }
}
