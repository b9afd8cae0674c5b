//! Chains of ours that shall not be there, and are.

use super::batch::Action;
use super::foreign::is_planned;
use super::snapshot::{ChainState, RuleState, Snapshot, TableState, rules_in};
use crate::{Chain, ChainName, Family, Hook, LeftOut, Policy, Ruleset, Table};

/// A chain of ours that shall not be there, and is.
pub(super) struct Leftover<'t> {
    pub(super) name: &'t str,
    pub(super) rules: &'t [RuleState],
    /// The jumps to it.
    pub(super) jumps: Vec<Jump<'t>>,
    /// The built-in chain whose policy drops what it let through.
    pub(super) opens: Option<Hook>,
    /// Rules of others lead to it, so that it stays, without a rule.
    pub(super) stays: bool,
    /// A chain of others that is nobody's without our jump.
    pub(super) host: Option<&'t str>,
}

/// A jump that goes with a chain.
pub(super) struct Jump<'t> {
    pub(super) chain: &'t str,
    /// Which rule of the chain, the first being 1.
    pub(super) number: usize,
    pub(super) handle: u64,
}

impl Snapshot {
    /// The chains that the ruleset leaves out and that are there all the same, ours by
    /// [`foreign_chains`](Self::foreign_chains).
    pub fn left_over(&self, ruleset: &Ruleset) -> Vec<String> {
        let Some(table) = self.table_of(ruleset) else {
            return Vec::new();
        };
        of_ruleset(ruleset, table)
            .iter()
            .filter(|chain| !chain.is_settled())
            .map(|chain| chain.name.to_owned())
            .collect()
    }
}

/// Those of a ruleset.
pub(super) fn of_ruleset<'t>(ruleset: &'t Ruleset, table: &'t TableState) -> Vec<Leftover<'t>> {
    let left_out: Vec<&LeftOut> = ruleset.left_out().collect();
    let names: Vec<&str> = ruleset
        .chains()
        .map(Chain::name)
        .map(ChainName::as_str)
        .collect();
    let of_table = (ruleset.family(), ruleset.table());
    of(of_table, table, &left_out, &|name| names.contains(&name))
}

/// Those of the chains that are there and ours; `owns` knows the chains whose rules are made anew.
pub(super) fn of<'t>(
    (family, which): (Family, Table),
    table: &'t TableState,
    left_out: &[&'t LeftOut],
    owns: &dyn Fn(&str) -> bool,
) -> Vec<Leftover<'t>> {
    let is_there = |one: &&&LeftOut| {
        let name = one.name().as_str();
        let chain = table.chain(name);
        // In an empty one nothing of anybody's is lost.
        let is_ours =
            |chain: &ChainState| chain.rules().is_empty() || is_planned(family, which, name, chain);
        chain.is_some_and(|chain| chain.base.is_none() && is_ours(chain))
    };
    let there: Vec<&LeftOut> = left_out.iter().filter(is_there).copied().collect();
    let goes = |name: &str| owns(name) || there.iter().any(|one| one.name().as_str() == name);
    let all = || table.chains().filter(|(by, _)| !goes(by));
    let mut found = Vec::new();
    for one in &there {
        let name = one.name().as_str();
        let host = one.host.as_ref().map(ChainName::as_str);
        let places = || all().filter(|(by, _)| is_place(which, by, host));
        let mut jumps = Vec::new();
        for (chain, state) in places() {
            for (number, rule) in (1..).zip(state.rules()) {
                if rule.always_jumps_to(name) {
                    let handle = rule.handle;
                    jumps.push(Jump {
                        chain,
                        number,
                        handle,
                    });
                }
            }
        }
        let is_jump = |handle| jumps.iter().any(|jump: &Jump<'_>| jump.handle == handle);
        let leads = |to: &str| {
            let mut rules = all().flat_map(|(_, state)| state.rules());
            rules.any(|rule| rule.leads_to() == Some(to) && !is_jump(rule.handle))
        };
        let only_ours = |host: &&str| {
            let rules = rules_in(Some(table), host);
            !rules.is_empty() && rules.iter().all(|rule| is_jump(rule.handle)) && !leads(host)
        };
        let drops = |hook: &Hook| {
            let chain = table.chain(hook.chain());
            chain.and_then(ChainState::policy) == Some(Policy::Drop)
        };
        found.push(Leftover {
            name,
            rules: rules_in(Some(table), name),
            stays: leads(name),
            host: host.filter(only_ours),
            opens: one.opens.filter(drops),
            jumps,
        });
    }
    found
}

/// Whether our jumps stand in this chain.
fn is_place(table: Table, chain: &str, host: Option<&str>) -> bool {
    table.hook(chain).is_some() || host == Some(chain)
}

impl Leftover<'_> {
    /// Whether nothing is to be done about it.
    fn is_settled(&self) -> bool {
        self.stays && self.rules.is_empty() && self.jumps.is_empty()
    }
}

/// The changes that take them away; `is_set` knows the policies that are wanted.
pub(super) fn changes(
    all: &[Leftover<'_>],
    is_set: impl Fn(Hook) -> bool,
    push: &mut impl FnMut(Action),
) {
    for one in all {
        for jump in &one.jumps {
            push(Action::Delete {
                chain: jump.chain.to_owned(),
                handle: jump.handle,
            });
        }
        if let Some(hook) = one.opens.filter(|hook| !is_set(*hook)) {
            push(Action::Policy(hook, Policy::Accept));
        }
    }
    for one in all.iter().filter(|one| !one.rules.is_empty()) {
        push(Action::Flush(one.name.to_owned()));
    }
    // Emptied all first, so that none of them holds another.
    for one in all.iter().filter(|one| !one.stays) {
        push(Action::DeleteChain(one.name.to_owned()));
    }
    for host in all.iter().filter_map(|one| one.host) {
        push(Action::DeleteChain(host.to_owned()));
    }
}
