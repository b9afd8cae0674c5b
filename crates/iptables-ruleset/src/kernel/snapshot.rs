//! The tables as they were at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::condition::{Condition, condition};
use super::outcome::{Outcome, effect};
use crate::encoding::Expression;
use crate::ruleset::decode;
use crate::{Family, Hook, Policy, Rule, Ruleset, Table, wire};

/// The tables of iptables of both families at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    generation: u32,
    tables: Tables,
    /// Whether others changed the tables meanwhile: what there is of a chain was there, and more
    /// may have been.
    pub(crate) torn: bool,
}

/// Tables of iptables, each with its name and family.
pub(crate) type Tables = BTreeMap<(Family, Table), TableState>;

/// A table as it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableState {
    pub(crate) flags: u32,
    /// The kernel's number for it; it keeps it as long as it exists.
    pub(crate) handle: u64,
    pub(crate) chains: BTreeMap<String, ChainState>,
}

/// Any table of the kernel as it was, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KernelTable {
    /// `ip`, `ip6`, or `inet` for both.
    pub family: &'static str,
    /// Its name.
    pub name: String,
    /// Its chains.
    pub state: TableState,
}

/// A chain as it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChainState {
    pub(crate) base: Option<BaseChain>,
    /// The kernel's number for it in its table.
    pub(crate) handle: u64,
    /// Shared by all who know them.
    pub(crate) rules: Arc<Vec<RuleState>>,
    /// Whether its rules were not asked for: what it has is not known.
    pub(crate) unread: bool,
}

/// Where packets enter a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseChain {
    pub(crate) kind: String,
    pub(crate) hook: u32,
    pub(crate) priority: i32,
    pub(crate) policy: Policy,
}

/// A rule as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleState {
    pub(crate) handle: u64,
    pub(crate) unconditional: bool,
    pub(crate) outcome: Outcome,
    ours: bool,
    content: Content,
    /// The content of `NFTA_RULE_USERDATA`: the comments of `nft`.
    pub(crate) user_data: Vec<u8>,
}

/// What a rule is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    /// The bytes of `NFTA_RULE_EXPRESSIONS` that the kernel sent, and what they say.
    #[cfg_attr(
        not(feature = "nft"),
        expect(dead_code, reason = "only the real kernel has them")
    )]
    Sent(Vec<u8>, Vec<Expression>),
    /// The expressions that were written.
    Written(Vec<Expression>),
}

/// What has come to a rule and matched since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RuleCounters {
    /// Packets.
    pub packets: u64,
    /// Bytes, those of the IP header included.
    pub bytes: u64,
}

impl Snapshot {
    pub(crate) fn new(generation: u32, tables: Tables) -> Self {
        Self {
            generation,
            tables,
            torn: false,
        }
    }

    /// The kernel's count of changes, which tells one state from the next.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether the rules of all chains were read.
    pub(super) fn is_whole(&self) -> bool {
        let mut chains = self.tables.values().flat_map(|table| table.chains.values());
        !self.torn && chains.all(|chain| !chain.unread)
    }

    /// The tables with the rules that were not read, as they were `before` the last change, which
    /// was nobody's but ours and left them alone. `None` where that is not certain.
    pub(super) fn completed(mut self, before: &Self) -> Option<Self> {
        if self.torn || self.generation != next(before.generation) {
            return None;
        }
        for (of, table) in &mut self.tables {
            for (name, chain) in table.chains.iter_mut().filter(|(_, chain)| chain.unread) {
                let then = before.tables.get(of);
                let then = then.filter(|then| then.handle == table.handle)?;
                let then = then.chain(name)?;
                if then.unread || then.handle != chain.handle {
                    return None;
                }
                chain.rules = Arc::clone(&then.rules);
                chain.unread = false;
            }
        }
        Some(self)
    }

    /// The `filter` table of that family, if there is one.
    pub fn table(&self, family: Family) -> Option<&TableState> {
        self.find(Table::Filter, family)
    }

    /// The table of that name and family, if there is one.
    pub fn find(&self, table: Table, family: Family) -> Option<&TableState> {
        self.tables.get(&(family, table))
    }

    /// The table that a ruleset is for, if there is one.
    pub fn table_of(&self, ruleset: &Ruleset) -> Option<&TableState> {
        self.find(ruleset.table(), ruleset.family())
    }
}

impl TableState {
    /// The chain of that name, if there is one.
    pub fn chain(&self, name: &str) -> Option<&ChainState> {
        self.chains.get(name)
    }

    /// The chains, sorted by name.
    pub fn chains(&self) -> impl Iterator<Item = (&str, &ChainState)> {
        self.chains
            .iter()
            .map(|(name, chain)| (name.as_str(), chain))
    }
}

impl ChainState {
    /// The policy of a built-in chain; `None` for any other chain.
    pub fn policy(&self) -> Option<Policy> {
        self.base.as_ref().map(|base| base.policy)
    }

    /// The rules, first to last.
    pub fn rules(&self) -> &[RuleState] {
        &self.rules
    }

    /// Whether it is what iptables makes for `hook` of `table`.
    pub(crate) fn is_built_in(&self, table: Table, hook: Hook) -> bool {
        self.base.as_ref().is_some_and(|base| {
            base.kind == table.chain_type(hook).name()
                && base.hook == hook.number()
                && base.priority == table.priority(hook)
        })
    }
}

impl RuleState {
    /// A rule with the content of its `NFTA_RULE_EXPRESSIONS`; `ours` says that it has our mark.
    #[cfg(feature = "nft")]
    pub(crate) fn sent(handle: u64, bytes: &[u8], ours: bool) -> Self {
        let expressions = wire::decode::expressions(bytes);
        Self::new(handle, ours, Content::Sent(bytes.to_vec(), expressions))
    }

    /// The same rule, with the content of its `NFTA_RULE_USERDATA`.
    #[cfg(feature = "nft")]
    pub(crate) fn with_user_data(mut self, bytes: &[u8]) -> Self {
        self.user_data = bytes.to_vec();
        self
    }

    /// A rule that was written as these expressions.
    pub(super) fn written(handle: u64, expressions: &[Expression], ours: bool) -> Self {
        Self::new(handle, ours, Content::Written(expressions.to_vec()))
    }

    fn new(handle: u64, ours: bool, content: Content) -> Self {
        let (unconditional, outcome) = effect(content.expressions());
        Self {
            handle,
            unconditional,
            outcome,
            ours,
            content,
            user_data: Vec::new(),
        }
    }

    /// The kernel's number for the rule; it keeps it as long as it exists.
    pub fn handle(&self) -> u64 {
        self.handle
    }

    /// Whether a [`Plan`](super::Plan) put the rule there. A rule that went through
    /// `iptables-save` and `iptables-restore` has lost the mark.
    pub fn is_ours(&self) -> bool {
        self.ours
    }

    /// The expressions as the kernel sent them: the content of `NFTA_RULE_EXPRESSIONS`. Empty from
    /// a [`FakeKernel`](super::FakeKernel).
    pub fn expressions(&self) -> &[u8] {
        match &self.content {
            Content::Sent(bytes, _) => bytes,
            Content::Written(_) => &[],
        }
    }

    /// How much the rule has matched; nothing of a rule that does not count.
    pub fn counters(&self) -> RuleCounters {
        match &self.content {
            Content::Sent(bytes, _) => {
                let (packets, bytes) = wire::decode::counted(bytes);
                RuleCounters { packets, bytes }
            }
            Content::Written(_) => RuleCounters::default(),
        }
    }

    /// The rule as a model, as it was written or as iptables would have written it. `set_name`
    /// tells the names of sets by the kernel's index.
    ///
    /// Of what is not known here every byte is kept: [`match_::Other`](crate::match_::Other) and
    /// [`target::Other`](crate::target::Other).
    pub fn rule(&self, family: Family, set_name: impl Fn(u16) -> Option<String>) -> Rule {
        decode::rule(family, self.decoded(), &set_name)
    }

    /// The rule as `iptables-save` prints it behind `-A CHAIN`.
    pub(super) fn text(&self, family: Family, set_name: impl Fn(u16) -> Option<String>) -> String {
        let rule = self.rule(family, set_name);
        rule.to_iptables_save(family).to_string()
    }

    /// What it asks of a packet, in the words of iptables as far as it is understood; empty for
    /// every packet.
    pub fn condition(&self, family: Family) -> String {
        self.asks(family).words
    }

    /// The rule in the words of iptables, as far as it is understood.
    pub fn describe(&self, family: Family) -> String {
        let words = [self.asks(family).words, self.outcome.words()];
        words.join(" ").trim().to_owned()
    }

    /// What it asks of a packet.
    pub(crate) fn asks(&self, family: Family) -> Condition {
        condition(self.decoded(), family)
    }

    /// What it is made of.
    pub(super) fn decoded(&self) -> &[Expression] {
        self.content.expressions()
    }

    /// Whether every packet that comes to this rule takes its jump to `chain`.
    pub fn always_jumps_to(&self, chain: &str) -> bool {
        self.unconditional && matches!(&self.outcome, Outcome::Jump(to) if to == chain)
    }

    /// The chain that it may lead to.
    pub(crate) fn leads_to(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Jump(to) | Outcome::Goto(to) => Some(to),
            _ => None,
        }
    }
}

impl Content {
    fn expressions(&self) -> &[Expression] {
        match self {
            Self::Sent(_, expressions) | Self::Written(expressions) => expressions,
        }
    }
}

impl BaseChain {
    /// What iptables makes for `hook` of `table`.
    pub(crate) fn built_in(table: Table, hook: Hook, policy: Policy) -> Self {
        Self {
            kind: table.chain_type(hook).name().to_owned(),
            hook: hook.number(),
            priority: table.priority(hook),
            policy,
        }
    }
}

/// The generation that a single change makes of this one; the kernel never counts 0.
fn next(generation: u32) -> u32 {
    generation.checked_add(1).unwrap_or(1)
}

/// The rules of the built-in chain of `hook`.
pub(super) fn rules_of(table: Option<&TableState>, hook: Hook) -> &[RuleState] {
    rules_in(table, hook.chain())
}

/// The rules of a chain; none where there is no such chain.
pub(super) fn rules_in<'t>(table: Option<&'t TableState>, chain: &str) -> &'t [RuleState] {
    table
        .and_then(|table| table.chain(chain))
        .map_or(&[], ChainState::rules)
}
