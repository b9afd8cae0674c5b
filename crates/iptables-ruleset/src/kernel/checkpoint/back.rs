//! What it takes to have a table as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{BuiltInRule, OfTable, RuleThen, Sets, TableThen, is_jump_to};
use crate::Policy;
use crate::kernel::batch::{Action, Change, Place, ReadRule};
use crate::kernel::snapshot::{ChainState, RuleState, TableState, rules_in};
use crate::wire::decode::expressions;

/// The changes back, as they are worked out.
pub(super) struct Going<'a> {
    sets: &'a Sets,
    /// What the kernel does not take, and why.
    refused: &'a BTreeMap<String, String>,
    pub(super) changes: Vec<Change>,
    /// The changes that the others do not need.
    pub(super) optional: BTreeSet<String>,
    pub(super) left_out: Vec<String>,
}

impl<'a> Going<'a> {
    pub(super) fn new(sets: &'a Sets, refused: &'a BTreeMap<String, String>) -> Self {
        Self {
            sets,
            refused,
            changes: Vec::new(),
            optional: BTreeSet::new(),
            left_out: Vec::new(),
        }
    }

    /// Works out what one table takes.
    pub(super) fn table(&mut self, of: OfTable, then: &TableThen, now: Option<&TableState>) {
        let nothing = TableState::default();
        let now = match now {
            Some(now) => now,
            None if !then.exists => return,
            None => {
                self.push(of, Action::Table);
                &nothing
            }
        };
        for hook in of.hooks() {
            let there = now.chain(hook.chain()).and_then(ChainState::policy);
            let policy = match then.built_in.get(hook.chain()) {
                Some(chain) if chain.drop => Policy::Drop,
                None if there.is_none() => continue,
                _ => Policy::Accept,
            };
            if there != Some(policy) {
                self.push(of, Action::Policy(hook, policy));
            }
        }
        let changed: Vec<_> = then
            .ours
            .iter()
            .filter(|(name, rules)| !is_as_it_was(rules.as_deref(), now.chain(name)))
            .collect();
        for (name, rules) in &changed {
            match (now.chain(name), rules) {
                (Some(_), _) => self.push(of, Action::Flush((*name).clone())),
                (None, Some(_)) => self.push(of, Action::Chain((*name).clone())),
                (None, None) => {}
            }
        }
        // After all chains, because rules jump to them.
        for (name, rules) in &changed {
            for (number, rule) in (1..).zip(rules.iter().flatten()) {
                self.put_back(of, name, number, Place::Last, rule);
            }
        }
        let built_in = of.hooks().map(|hook| {
            let chain = then.built_in.get(hook.chain());
            (hook.chain(), chain.map(|chain| &chain.rules))
        });
        let hosts = then.hosts.iter();
        let hosts = hosts.map(|(name, rules)| (name.as_str(), rules.as_ref()));
        for (name, rules) in built_in.chain(hosts) {
            let rules = rules.map_or(&[][..], Vec::as_slice);
            self.jumps(of, name, rules, rules_in(Some(now), name), &then.ours);
        }
        self.take_away(of, then, now);
    }

    /// Takes out the jumps that there were not, and puts those back that are gone.
    fn jumps(
        &mut self,
        of: OfTable,
        chain: &str,
        then: &[BuiltInRule],
        now: &[RuleState],
        ours: &BTreeMap<String, Option<Vec<RuleThen>>>,
    ) {
        let had = |handle| then.iter().any(|rule| rule.handle == handle);
        let mut staying = BTreeSet::new();
        for rule in now {
            if is_jump_to(rule, ours) && !had(rule.handle) {
                self.push(
                    of,
                    Action::Delete {
                        chain: chain.to_owned(),
                        handle: rule.handle,
                    },
                );
            } else {
                staying.insert(rule.handle);
            }
        }
        // From the last to the first, so that of several behind the same rule the first comes first.
        for (position, rule) in then.iter().enumerate().rev() {
            let Some(jump) = rule
                .jump
                .as_ref()
                .filter(|_| !staying.contains(&rule.handle))
            else {
                continue;
            };
            let before = then.iter().take(position).rev();
            let anchor = before
                .map(|rule| rule.handle)
                .find(|handle| staying.contains(handle));
            let place = anchor.map_or(Place::First, Place::Behind);
            self.put_back(of, chain, position + 1, place, jump);
        }
    }

    /// Takes away the chains and the table that there were not, unless others have something in
    /// them by now.
    fn take_away(&mut self, of: OfTable, then: &TableThen, now: &TableState) {
        let of_others = |name: &str, rule: &RuleState| {
            let has_ours = of.has_built_in(name) || then.hosts.contains_key(name);
            let is_ours = has_ours && is_jump_to(rule, &then.ours);
            !is_ours && !then.ours.contains_key(name)
        };
        let used: BTreeSet<&str> = now
            .chains()
            .flat_map(|(name, chain)| chain.rules().iter().map(move |rule| (name, rule)))
            .filter(|(name, rule)| of_others(name, rule))
            .filter_map(|(_, rule)| rule.leads_to())
            .collect();
        let mut all_gone = !then.exists;
        for (name, chain) in now.chains() {
            let was_there = match then.ours.get(name) {
                Some(rules) => rules.is_some(),
                None if of.has_built_in(name) => then.built_in.contains_key(name),
                None => match then.hosts.get(name) {
                    Some(rules) => rules.is_some(),
                    None => !then.missing.contains(name),
                },
            };
            let filled = chain.rules().iter().any(|rule| of_others(name, rule));
            let in_use = used.contains(name) || filled;
            if was_there || in_use {
                all_gone = false;
                if in_use && !was_there && !of.has_built_in(name) && !filled {
                    self.left_out.push(format!(
                        "{of}: chain {name} stays, without a rule: others jump to it by now"
                    ));
                }
                continue;
            }
            self.push_optional(of, Action::DeleteChain(name.to_owned()));
        }
        if all_gone {
            self.push_optional(of, Action::DeleteTable);
        }
    }

    fn put_back(&mut self, of: OfTable, chain: &str, number: usize, place: Place, rule: &RuleThen) {
        match rule.with_sets(self.sets) {
            Ok(expressions) => {
                let user_data = rule.user_data.0.clone();
                let change = Action::PutBack {
                    chain: chain.to_owned(),
                    number,
                    place,
                    rule: Arc::new(ReadRule {
                        expressions,
                        user_data,
                    }),
                };
                self.push_optional(of, change);
            }
            Err(set) => self.left_out.push(format!(
                "{of}: rule {number} of chain {chain} looked into set {set}, which is gone"
            )),
        }
    }

    fn push(&mut self, of: OfTable, action: Action) {
        self.changes.push(change(of, action));
    }

    /// Leaves out what was refused before.
    fn push_optional(&mut self, of: OfTable, action: Action) {
        let change = change(of, action);
        let item = change.to_string();
        if let Some(why) = self.refused.get(&item) {
            // A table that others have something in stays for them.
            if !matches!(change.action, Action::DeleteTable) {
                self.left_out
                    .push(format!("the kernel refused {item}: {why}"));
            }
            return;
        }
        self.optional.insert(item);
        self.changes.push(change);
    }
}

fn change(OfTable(family, table): OfTable, action: Action) -> Change {
    Change {
        family,
        table,
        action,
    }
}

/// Whether a chain has the very rules that it had. A rule keeps its handle as long as it exists and
/// never changes; in a table that was made anew another rule may have that handle.
fn is_as_it_was(then: Option<&[RuleThen]>, now: Option<&ChainState>) -> bool {
    match (then, now) {
        (None, None) => true,
        (Some(then), Some(now)) => {
            let then = then
                .iter()
                .map(|rule| (rule.handle, expressions(&rule.expressions.0)));
            let now = now.rules.iter();
            then.eq(now.map(|rule| (rule.handle, expressions(rule.expressions()))))
        }
        _ => false,
    }
}
