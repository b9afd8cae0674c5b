//! The kernel against what is wanted, line by line.

use similar::{Algorithm, ChangeTag, capture_diff_slices};

use super::guest::leads_to;
use super::left_out;
use super::part::{Part, Wanted};
use super::remove::Going;
use super::snapshot::{ChainState, RuleState, Snapshot, TableState, rules_in, rules_of};
use crate::{Chain, ChainName, Family, Guest, Hook, Policy, Rule, Ruleset};

/// A line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiffLine {
    /// Who has it.
    pub side: Side,
    /// The chain that it is about.
    pub chain: String,
    /// Which rule of the chain it is, the first being 1, in the kernel where that has it; `None`
    /// for a line about the chain as a whole.
    pub number: Option<usize>,
    /// The line as `iptables-save` prints it: `-A LOG_AND_DROP -j DROP`, `:INPUT DROP [0:0]`.
    pub line: String,
}

/// Who has a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The kernel has it, and it is not wanted.
    Kernel,
    /// It is there and wanted.
    Both,
    /// It is wanted, and not there.
    Wanted,
}

impl Snapshot {
    /// A table against its ruleset: policies that it sets, jumps that it wants, and the rules of
    /// its chains, those that are the same included. What is not ours is left out. `set_name` tells
    /// the names of sets by the kernel's index.
    ///
    /// Of rules in another order as few as possible are said to differ.
    ///
    /// ```
    /// use iptables_ruleset::{Config, FakeKernel, Family, Kernel, Side};
    ///
    /// let ruleset = Config::default().ruleset(Family::Ipv4)?;
    /// let lines = FakeKernel::new().snapshot()?.diff(&ruleset, |_| None);
    /// assert!(lines.iter().all(|line| line.side == Side::Wanted));
    /// assert_eq!(lines[0].line, ":INPUT DROP [0:0]");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn diff(
        &self,
        ruleset: &Ruleset,
        set_name: impl Fn(u16) -> Option<String>,
    ) -> Vec<DiffLine> {
        let table = self.table_of(ruleset);
        let mut lines = Lines(Vec::new());
        let hooks = || ruleset.table().hooks().iter().copied();
        for hook in hooks() {
            policy(&mut lines, ruleset, table, hook);
        }
        let left_over = table.map_or_else(Vec::new, |table| left_out::of_ruleset(ruleset, table));
        for hook in left_over.iter().filter_map(|chain| chain.opens) {
            if ruleset.policy_of(hook).is_none() {
                lines.policy(hook, Some(Policy::Drop), Policy::Accept);
            }
        }
        let names = ruleset.chains().map(Chain::name);
        let hosts = ruleset.guests().map(Guest::host);
        for name in names.chain(ruleset.local_chains()).chain(hosts) {
            let name = name.as_str();
            if table.and_then(|table| table.chain(name)).is_none() {
                lines.push(Side::Wanted, name, None, format!(":{name} - [0:0]"));
            }
        }
        for chain in left_over.iter().filter(|chain| !chain.stays) {
            let line = format!(":{} - [0:0]", chain.name);
            lines.push(Side::Kernel, chain.name, None, line);
        }
        for hook in hooks() {
            guests(&mut lines, ruleset, table, hook);
            for to in ruleset.jumps_from(hook) {
                let found = rules_of(table, hook);
                jump(&mut lines, hook.chain(), found, to, ruleset.is_first(hook));
            }
        }
        for guest in ruleset.guests() {
            let host = guest.host().as_str();
            jump(&mut lines, host, rules_in(table, host), guest.to(), true);
        }
        for chain in &left_over {
            for one in &chain.jumps {
                let jump = format!("-j {}", chain.name);
                lines.rule(Side::Kernel, one.chain, one.number, &jump);
            }
        }
        for chain in ruleset.chains() {
            let found = table.and_then(|table| table.chain(chain.name().as_str()));
            let found = found.map_or(&[][..], ChainState::rules);
            let family = ruleset.family();
            rules(&mut lines, chain, family, found, &set_name);
        }
        for chain in &left_over {
            for (number, rule) in (1..).zip(chain.rules) {
                let rule = rule.text(ruleset.family(), &set_name);
                lines.rule(Side::Kernel, chain.name, number, &rule);
            }
        }
        lines.0
    }

    /// What a table still has of a ruleset that is withdrawn ([`Plan::without`]): chains, their
    /// rules, and the jumps to them, all on the side of the kernel.
    ///
    /// [`Plan::without`]: super::Plan::without
    pub fn leftovers(
        &self,
        ruleset: &Ruleset,
        set_name: impl Fn(u16) -> Option<String>,
    ) -> Vec<DiffLine> {
        let mut lines = Lines(Vec::new());
        // A jump names no set, so that it always encodes.
        let part = Part::without_rules(ruleset, Wanted::Withdrawn).ok();
        let (Some(table), Some(part)) = (self.table_of(ruleset), part) else {
            return lines.0;
        };
        let going = Going::new(&part, table);
        for name in &going.chains {
            lines.push(Side::Kernel, name, None, format!(":{name} - [0:0]"));
        }
        let text = |rule: &RuleState| rule.text(ruleset.family(), &set_name);
        for (chain, rule) in going.jumps() {
            let rules = rules_in(Some(table), chain);
            let before = rules.iter().take_while(|other| other.handle != rule.handle);
            let number = before.count() + 1;
            lines.rule(Side::Kernel, chain, number, &text(rule));
        }
        for name in &going.chains {
            let rules = table.chain(name).map_or(&[][..], ChainState::rules);
            for (number, rule) in (1..).zip(rules) {
                lines.rule(Side::Kernel, name, number, &text(rule));
            }
        }
        lines.0
    }
}

struct Lines(Vec<DiffLine>);

impl Lines {
    fn push(&mut self, side: Side, chain: &str, number: Option<usize>, line: String) {
        self.0.push(DiffLine {
            side,
            chain: chain.to_owned(),
            number,
            line,
        });
    }

    fn rule(&mut self, side: Side, chain: &str, number: usize, rule: &str) {
        let line = format!("-A {chain} {rule}");
        self.push(side, chain, Some(number), line);
    }

    fn policy(&mut self, hook: Hook, found: Option<Policy>, wanted: Policy) {
        if let Some(found) = found {
            let line = format!(":{hook} {found} [0:0]");
            self.push(Side::Kernel, hook.chain(), None, line);
        }
        let line = format!(":{hook} {wanted} [0:0]");
        self.push(Side::Wanted, hook.chain(), None, line);
    }
}

fn policy(lines: &mut Lines, ruleset: &Ruleset, table: Option<&TableState>, hook: Hook) {
    let Some(wanted) = ruleset.policy_of(hook) else {
        return;
    };
    let found = table.and_then(|table| table.chain(hook.chain()));
    let found = found.and_then(ChainState::policy);
    if found != Some(wanted) {
        lines.policy(hook, found, wanted);
    }
}

/// A jump that is wanted: once, and before all rules of others where that is wanted.
fn jump(lines: &mut Lines, chain: &str, found: &[RuleState], to: &ChainName, first: bool) {
    let is_it = |rule: &RuleState| rule.always_jumps_to(to.as_str());
    let jump = format!("-j {to}");
    let moves = first && !found.first().is_some_and(is_it);
    if moves {
        lines.rule(Side::Wanted, chain, 1, &jump);
    }
    let places = (1..).zip(found).filter(|(_, rule)| is_it(rule));
    let mut places = places.map(|(number, _)| number).peekable();
    if places.peek().is_none() && !moves {
        lines.rule(Side::Wanted, chain, found.len() + 1, &jump);
    }
    for number in places.skip(usize::from(!moves)) {
        lines.rule(Side::Kernel, chain, number, &jump);
    }
}

/// The jumps that stand in the built-in chain as long as that does not lead to their host.
fn guests(lines: &mut Lines, ruleset: &Ruleset, table: Option<&TableState>, hook: Hook) {
    let found = rules_of(table, hook);
    for guest in ruleset.guests().filter(|guest| guest.hook() == hook) {
        let to = guest.to();
        if !leads_to(table, hook, guest.host().as_str()) {
            jump(lines, hook.chain(), found, to, true);
            continue;
        }
        for (number, rule) in (1..).zip(found) {
            if rule.always_jumps_to(to.as_str()) {
                lines.rule(Side::Kernel, hook.chain(), number, &format!("-j {to}"));
            }
        }
    }
}

fn rules(
    lines: &mut Lines,
    wanted: &Chain,
    family: Family,
    found: &[RuleState],
    set_name: &impl Fn(u16) -> Option<String>,
) {
    let name = wanted.name().as_str();
    let text = |rule: &Rule| rule.to_iptables_save(family).to_string();
    let wanted: Vec<String> = wanted.rules().iter().map(text).collect();
    let found: Vec<String> = found
        .iter()
        .map(|rule| rule.text(family, set_name))
        .collect();
    for change in capture_diff_slices(Algorithm::Myers, &found, &wanted)
        .iter()
        .flat_map(|run| run.iter_changes(&found, &wanted))
    {
        let side = match change.tag() {
            ChangeTag::Delete => Side::Kernel,
            ChangeTag::Equal => Side::Both,
            ChangeTag::Insert => Side::Wanted,
        };
        let index = change.old_index().or(change.new_index()).unwrap_or(0);
        lines.rule(side, name, index + 1, &change.value());
    }
}
