//! The kernel against what is wanted, line by line.

use similar::{Algorithm, ChangeTag, capture_diff_slices};

use super::part::{Part, Wanted};
use super::remove::Going;
use super::snapshot::{ChainState, RuleState, Snapshot, TableState, rules_of};
use crate::{Chain, Family, Hook, Rule, Ruleset};

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
        let names = ruleset.chains().map(Chain::name);
        for name in names.chain(ruleset.local_chains()) {
            let name = name.as_str();
            if table.and_then(|table| table.chain(name)).is_none() {
                lines.push(Side::Wanted, name, None, format!(":{name} - [0:0]"));
            }
        }
        for hook in hooks() {
            jumps(&mut lines, ruleset, rules_of(table, hook), hook);
        }
        for chain in ruleset.chains() {
            let found = table.and_then(|table| table.chain(chain.name().as_str()));
            let found = found.map_or(&[][..], ChainState::rules);
            let family = ruleset.family();
            rules(&mut lines, chain, family, found, &set_name);
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
        for (hook, rule) in going.jumps() {
            let rules = rules_of(Some(table), hook);
            let before = rules.iter().take_while(|other| other.handle != rule.handle);
            let number = before.count() + 1;
            lines.rule(Side::Kernel, hook.chain(), number, &text(rule));
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
}

fn policy(lines: &mut Lines, ruleset: &Ruleset, table: Option<&TableState>, hook: Hook) {
    let Some(wanted) = ruleset.policy_of(hook) else {
        return;
    };
    let found = table.and_then(|table| table.chain(hook.chain()));
    let found = found.and_then(ChainState::policy);
    if found == Some(wanted) {
        return;
    }
    if let Some(found) = found {
        let line = format!(":{hook} {found} [0:0]");
        lines.push(Side::Kernel, hook.chain(), None, line);
    }
    let line = format!(":{hook} {wanted} [0:0]");
    lines.push(Side::Wanted, hook.chain(), None, line);
}

/// The jumps that are wanted: each once, and before all rules of others where that is wanted.
fn jumps(lines: &mut Lines, ruleset: &Ruleset, found: &[RuleState], hook: Hook) {
    for to in ruleset.jumps_from(hook) {
        let is_it = |rule: &RuleState| rule.always_jumps_to(to.as_str());
        let jump = format!("-j {to}");
        let moves = ruleset.is_first(hook) && !found.first().is_some_and(is_it);
        if moves {
            lines.rule(Side::Wanted, hook.chain(), 1, &jump);
        }
        let places = (1..).zip(found).filter(|(_, rule)| is_it(rule));
        let mut places = places.map(|(number, _)| number).peekable();
        if places.peek().is_none() && !moves {
            lines.rule(Side::Wanted, hook.chain(), found.len() + 1, &jump);
        }
        for number in places.skip(usize::from(!moves)) {
            lines.rule(Side::Kernel, hook.chain(), number, &jump);
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
