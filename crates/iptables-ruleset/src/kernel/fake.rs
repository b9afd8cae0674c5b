//! A kernel in memory, for tests.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use super::batch::{Action, Batch, Change, Place};
use super::snapshot::{BaseChain, ChainState, RuleState, Snapshot, TableState};
use super::{ApplyError, Kernel};
use crate::encoding::Expression;
use crate::{ChainName, Family, Hook, Policy, Rule, Table, wire};

/// A kernel in memory, for tests of programs that use this library: no privileges, no namespace.
///
/// It carries out batches like the real one, whole or not at all, and can be told to refuse
/// something or to have its tables changed by somebody else. It does not look at packets.
///
/// ```
/// use iptables_ruleset::{Config, FakeKernel, Family, KernelSet, Plan};
///
/// let rulesets = Family::BOTH.map(|family| Config::default().ruleset(family).unwrap());
/// let mut any_set = |name: &str| {
///     let family = if name.ends_with("_v6") { Family::Ipv6 } else { Family::Ipv4 };
///     Ok::<_, std::io::Error>(KernelSet::new(0, Some(family)))
/// };
/// let plan = Plan::install(&rulesets, &mut any_set)?;
///
/// let mut kernel = FakeKernel::new();
/// kernel.refuse("LOG_AND_DROP rule 1");
/// let error = plan.apply(&mut kernel).unwrap_err();
/// assert!(error.to_string().contains("ip filter/LOG_AND_DROP rule 1: -j LOG"));
/// assert_eq!(kernel.iptables_save(Family::Ipv4), "");
///
/// kernel.refuse_nothing();
/// plan.apply(&mut kernel)?;
/// assert_eq!(kernel.iptables_save(Family::Ipv4), rulesets[0].to_iptables_save().to_string());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct FakeKernel {
    tables: BTreeMap<(Family, Table), BTreeMap<String, FakeChain>>,
    generation: u32,
    last_handle: u64,
    last_chain: u64,
    refused: Option<String>,
    changes_by_others: u32,
    appended_by_others: Vec<(Family, ChainName, Rule)>,
    lost_answers: u32,
}

#[derive(Debug, Clone, Default)]
struct FakeChain {
    base: Option<BaseChain>,
    handle: u64,
    rules: Vec<(RuleState, String)>,
}

impl FakeKernel {
    /// A kernel without any table.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on refuses the change whose description ([`Batch::items`]) contains `part`, with
    /// ENOENT.
    pub fn refuse(&mut self, part: &str) {
        self.refused = Some(part.to_owned());
    }

    /// Refuses nothing any more.
    pub fn refuse_nothing(&mut self) {
        self.refused = None;
    }

    /// The next `times` batches come too late: somebody else changed the tables.
    pub fn change_meanwhile(&mut self, times: u32) {
        self.changes_by_others = times;
    }

    /// The next batch comes too late: somebody else put a rule at the end of a chain of the `filter`
    /// table that is none of the built-in ones, making table and chain if need be.
    pub fn append_meanwhile(&mut self, family: Family, chain: &ChainName, rule: &Rule) {
        self.appended_by_others
            .push((family, chain.clone(), rule.clone()));
    }

    /// The next `times` batches are carried out, but the answer gets lost.
    pub fn lose_answers(&mut self, times: u32) {
        self.lost_answers = times;
    }

    /// Puts a rule of somebody else at the end of a built-in chain of the `filter` table, making
    /// table and chain if need be.
    pub fn append(&mut self, family: Family, hook: Hook, rule: &Rule) {
        self.append_to(Table::Filter, family, hook.chain(), rule);
    }

    /// Puts a rule of somebody else at the end of another chain of the `filter` table, making table
    /// and chain if need be.
    pub fn append_to_chain(&mut self, family: Family, chain: &ChainName, rule: &Rule) {
        self.append_to(Table::Filter, family, chain.as_str(), rule);
    }

    /// Puts a rule of somebody else at the end of a chain of any table, be it a built-in one, making
    /// table and chain if need be.
    pub fn append_to(&mut self, table: Table, family: Family, chain: &str, rule: &Rule) {
        if let Some(hook) = table.hook(chain) {
            self.base_chain(table, family, hook, None);
        }
        // Which set it is makes no difference to the fake.
        let expressions = rule
            .encode(family, &mut |_| Ok(0))
            .map(|rule| rule.expressions)
            .unwrap_or_default();
        let text = rule.to_iptables_save(family).to_string();
        let state = self.state(&expressions, false);
        let chain = self.chain((family, table), chain);
        chain.rules.push((state, text));
        self.generation += 1;
    }

    /// What `iptables-save -t filter` would print, without comments and with counters at zero;
    /// empty without a table.
    pub fn iptables_save(&self, family: Family) -> String {
        self.saved(Table::Filter, family)
    }

    /// What `iptables-save -t TABLE` would print, without comments and with counters at zero; empty
    /// without such a table.
    pub fn saved(&self, table: Table, family: Family) -> String {
        let Some(chains) = self.tables.get(&(family, table)) else {
            return String::new();
        };
        let hooks = table.hooks();
        let built_in = |name: &str| hooks.iter().position(|hook| hook.chain() == name);
        let mut chains: Vec<(&String, &FakeChain)> = chains.iter().collect();
        chains.sort_by_key(|(name, _)| (built_in(name).unwrap_or(hooks.len()), (*name).clone()));
        let mut text = format!("*{table}\n");
        for (name, chain) in &chains {
            let policy = chain
                .base
                .as_ref()
                .map_or("-".to_owned(), |base| base.policy.to_string());
            let _ = writeln!(text, ":{name} {policy} [0:0]");
        }
        for (name, chain) in &chains {
            for (_, rule) in &chain.rules {
                let _ = writeln!(text, "-A {name} {rule}");
            }
        }
        text + "COMMIT\n"
    }

    fn state(&mut self, expressions: &[Expression], ours: bool) -> RuleState {
        self.last_handle += 1;
        RuleState::written(self.last_handle, expressions, ours)
    }

    fn base_chain(&mut self, table: Table, family: Family, hook: Hook, policy: Option<Policy>) {
        let base = self
            .chain((family, table), hook.chain())
            .base
            .get_or_insert_with(|| BaseChain::built_in(table, hook, Policy::Accept));
        base.policy = policy.unwrap_or(base.policy);
    }

    /// The chain, made if need be.
    fn chain(&mut self, of: (Family, Table), name: &str) -> &mut FakeChain {
        let chains = self.tables.entry(of).or_default();
        chains.entry(name.to_owned()).or_insert_with(|| {
            self.last_chain += 1;
            FakeChain {
                handle: self.last_chain,
                ..FakeChain::default()
            }
        })
    }

    fn carry_out(&mut self, change: &Change) -> Result<(), io::Error> {
        let family = change.family;
        let of = (family, change.table);
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        if let Action::Table = change.action {
            self.tables.entry(of).or_default();
            return Ok(());
        }
        let state = match &change.action {
            Action::Put { rule, .. } => Some(self.state(&rule.encoded.expressions, true)),
            Action::PutBack { rule, .. } => {
                Some(self.state(&wire::decode::expressions(&rule.expressions), true))
            }
            _ => None,
        };
        let table = self.tables.get_mut(&of).ok_or_else(missing)?;
        match &change.action {
            Action::Table => {}
            Action::Policy(hook, policy) => {
                self.base_chain(change.table, family, *hook, Some(*policy));
            }
            Action::Chain(name) => {
                self.chain(of, name);
            }
            Action::Flush(name) => table.get_mut(name).ok_or_else(missing)?.rules.clear(),
            Action::Put {
                chain, place, rule, ..
            } => {
                let state = state.ok_or_else(missing)?;
                if state.leads_to().is_some_and(|to| !table.contains_key(to)) {
                    return Err(missing());
                }
                let rules = &mut table.get_mut(chain).ok_or_else(missing)?.rules;
                let at = place_in(rules, *place).ok_or_else(missing)?;
                rules.insert(at, (state, rule.text()));
            }
            Action::PutBack { chain, place, .. } => {
                let state = state.ok_or_else(missing)?;
                let text = state
                    .rule(family, |_| None)
                    .to_iptables_save(family)
                    .to_string();
                let rules = &mut table.get_mut(chain).ok_or_else(missing)?.rules;
                let at = place_in(rules, *place).ok_or_else(missing)?;
                rules.insert(at, (state, text));
            }
            Action::Delete { chain, handle } => {
                let rules = &mut table.get_mut(chain).ok_or_else(missing)?.rules;
                let position = rules
                    .iter()
                    .position(|(rule, _)| rule.handle == *handle)
                    .ok_or_else(missing)?;
                rules.remove(position);
            }
            Action::DeleteChain(name) => {
                let used = table.values().any(|chain| {
                    chain
                        .rules
                        .iter()
                        .any(|(rule, _)| rule.leads_to() == Some(name))
                });
                if used {
                    return Err(io::Error::from(io::ErrorKind::ResourceBusy));
                }
                table.remove(name).ok_or_else(missing)?;
            }
            Action::DeleteTable => {
                self.tables.remove(&of);
            }
        }
        Ok(())
    }
}

/// Where among the rules a place is; `None` where the rule is not there that it is told by.
fn place_in(rules: &[(RuleState, String)], place: Place) -> Option<usize> {
    let of = |handle| rules.iter().position(|(rule, _)| rule.handle == handle);
    match place {
        Place::First => Some(0),
        Place::Before(handle) => of(handle),
        Place::Behind(handle) => of(handle).map(|at| at + 1),
        Place::Last => Some(rules.len()),
    }
}

impl Kernel for FakeKernel {
    fn snapshot(&mut self) -> Result<Snapshot, ApplyError> {
        let state = |chain: &FakeChain| ChainState {
            base: chain.base.clone(),
            handle: chain.handle,
            rules: Arc::new(chain.rules.iter().map(|(rule, _)| rule.clone()).collect()),
            unread: false,
        };
        let tables = self.tables.iter().map(|(of, chains)| {
            let chains = chains
                .iter()
                .map(|(name, chain)| (name.clone(), state(chain)))
                .collect();
            let table = TableState {
                chains,
                ..TableState::default()
            };
            (*of, table)
        });
        Ok(Snapshot::new(self.generation, tables.collect()))
    }

    fn transact(&mut self, batch: &Batch) -> Result<(), ApplyError> {
        if self.changes_by_others > 0 {
            self.changes_by_others -= 1;
            self.generation += 1;
        }
        for (family, chain, rule) in std::mem::take(&mut self.appended_by_others) {
            self.append_to_chain(family, &chain, &rule);
        }
        if batch.generation() != self.generation {
            return Err(ApplyError::Stale { attempts: 1 });
        }
        let mut after = self.clone();
        for change in batch.changes().iter() {
            let refused = self
                .refused
                .as_ref()
                .is_some_and(|part| change.to_string().contains(part));
            let result = if refused {
                Err(io::Error::from(io::ErrorKind::NotFound))
            } else {
                after.carry_out(change)
            };
            result.map_err(|source| ApplyError::Refused {
                item: change.to_string(),
                source,
            })?;
        }
        after.generation += 1;
        let lost = after.lost_answers > 0;
        after.lost_answers = after.lost_answers.saturating_sub(1);
        *self = after;
        if lost {
            return Err(ApplyError::OutcomeUnknown);
        }
        Ok(())
    }
}
