//! Our part of the tables as it was at one moment, to go back to it.

mod back;
mod bytes;
mod compare;
mod of_table;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::back::Going;
use self::bytes::Bytes;
use self::of_table::OfTable;
use super::batch::Batch;
use super::plan::patiently;
use super::snapshot::{ChainState, RuleState, Snapshot, TableState};
use super::{ApplyError, Kernel, KernelSet, Plan, ResolveSet, left_out};
use crate::{Policy, Ruleset, wire};

/// Our part of the tables as it was: our chains with whatever was in them, the jumps to
/// them with their places, the policies, and which of all that there was.
///
/// It is taken from a [`Snapshot`] of the real kernel, can be kept as text (it has serde's
/// `Serialize` and `Deserialize`), and is gone back to in one transaction. What is in nobody's
/// chains but ours comes back as it was read, byte by byte, whoever made it, with its counters.
/// Rules, chains and tables of others are left as they are now.
///
#[cfg_attr(feature = "nft", doc = "```no_run")]
#[cfg_attr(not(feature = "nft"), doc = "```ignore")]
/// use iptables_ruleset::{Checkpoint, Config, Family, Kernel, KernelSet, Nftables};
///
/// fn name_of(index: u16) -> Option<String> {
///     # let _ = index;
///     unimplemented!("ask ipset for the name of the set")
/// }
/// fn index_of(set: &str) -> std::io::Result<KernelSet> {
///     # let _ = set;
///     unimplemented!("ask ipset for its index and family")
/// }
///
/// let rulesets = Family::BOTH.map(|family| Config::default().ruleset(family).unwrap());
/// let mut kernel = Nftables::connect()?;
/// let before = Checkpoint::of(&kernel.snapshot()?, &rulesets, name_of);
/// // …the rulesets are put in, and turn out to be a mistake…
/// let back = before.go_back(&mut kernel, &mut index_of)?;
/// for rule in &back.left_out {
///     eprintln!("cannot be put back: {rule}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    tables: BTreeMap<OfTable, TableThen>,
    /// The sets that rules of ours looked into, by their indexes.
    sets: BTreeMap<u16, String>,
}

/// A table as it was.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableThen {
    exists: bool,
    /// The built-in chains that there were.
    built_in: BTreeMap<String, BuiltInThen>,
    /// Our chains by their names; `None` for one that there was not.
    ours: BTreeMap<String, Option<Vec<RuleThen>>>,
    /// The chains for rules of others that there were not.
    #[serde(default)]
    missing: BTreeSet<String>,
    /// Chains of others in which a jump to ours may stand; `None` for one that there was not.
    #[serde(default)]
    hosts: BTreeMap<String, Option<Vec<BuiltInRule>>>,
}

/// A built-in chain as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltInThen {
    drop: bool,
    /// All rules, first to last.
    rules: Vec<BuiltInRule>,
}

/// A rule of a built-in chain or of a host: of one of others only the handle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltInRule {
    handle: u64,
    jump: Option<RuleThen>,
}

/// A rule as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleThen {
    handle: u64,
    expressions: Bytes,
    user_data: Bytes,
}

/// The sets that rules looked into, by the indexes they had: their names, and the indexes they have
/// now, if they are there.
struct Sets(BTreeMap<u16, (String, Option<u16>)>);

/// The chains of a table that matter.
#[derive(Default)]
struct Names {
    ours: BTreeSet<String>,
    /// Those for rules of others that there were not.
    missing: BTreeSet<String>,
    /// Those of others in which a jump to ours may stand.
    hosts: BTreeSet<String>,
}

/// The way back has been gone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WentBack {
    /// What could not be put back, each as a sentence; empty when all is as it was.
    pub left_out: Vec<String>,
}

impl Checkpoint {
    /// What `snapshot` has of the chains of these rulesets. `set_name` tells the names of sets by
    /// the kernel's index.
    pub fn of<'r>(
        snapshot: &Snapshot,
        rulesets: impl IntoIterator<Item = &'r Ruleset>,
        mut set_name: impl FnMut(u16) -> Option<String>,
    ) -> Self {
        let mut names: BTreeMap<OfTable, Names> = BTreeMap::new();
        for ruleset in rulesets {
            let of = OfTable(ruleset.family(), ruleset.table());
            let Names {
                ours,
                missing,
                hosts,
            } = names.entry(of).or_default();
            ours.extend(ruleset.chains().map(|chain| chain.name().to_string()));
            let there = |name: &str| snapshot.table_of(ruleset)?.chain(name);
            let local = ruleset.local_chains().map(ToString::to_string);
            missing.extend(local.filter(|name| there(name).is_none()));
            hosts.extend(ruleset.guests().map(|guest| guest.host().to_string()));
            if let Some(table) = snapshot.table_of(ruleset) {
                let left_over = left_out::of_ruleset(ruleset, table);
                ours.extend(left_over.iter().map(|chain| chain.name.to_owned()));
                let jumps = left_over.iter().flat_map(|chain| &chain.jumps);
                let places = jumps.map(|jump| jump.chain.to_owned());
                hosts.extend(places.filter(|name| !of.has_built_in(name)));
            }
        }
        let then = |(of, names): (OfTable, _)| {
            let then = TableThen::of(of, of.find(snapshot), names);
            (of, then)
        };
        let tables: BTreeMap<_, _> = names.into_iter().map(then).collect();
        let rules = tables.values().flat_map(TableThen::rules);
        let indexes: BTreeSet<u16> = rules.flat_map(RuleThen::sets).collect();
        let sets = indexes
            .into_iter()
            .filter_map(|index| Some((index, set_name(index)?)));
        let sets = sets.collect();
        Self { tables, sets }
    }

    /// Puts everything back in one transaction: all of it or nothing. What is as it was is left
    /// alone, with its counters.
    ///
    /// A single rule that the kernel refuses, or whose set is gone, is left out and told. A chain
    /// that there was not, and that rules of others lead to by now, stays, without a rule. When
    /// somebody else changes the tables meanwhile it is worked out anew, for [`Plan::PATIENCE`].
    ///
    /// # Errors
    /// When the kernel cannot be asked or refused the transaction: nothing was changed then, unless
    /// [`ApplyError::is_outcome_unknown`].
    pub fn go_back(
        &self,
        kernel: &mut impl Kernel,
        sets: &mut impl ResolveSet,
    ) -> Result<WentBack, ApplyError> {
        self.go_back_within(kernel, sets, Plan::PATIENCE)
    }

    /// Goes back as [`go_back`](Self::go_back) does, with another patience.
    ///
    /// # Errors
    /// Those of [`go_back`](Self::go_back).
    pub fn go_back_within(
        &self,
        kernel: &mut impl Kernel,
        sets: &mut impl ResolveSet,
        limit: Duration,
    ) -> Result<WentBack, ApplyError> {
        let sets = self.sets_now(sets);
        let mut refused: BTreeMap<String, String> = BTreeMap::new();
        let mut left_out = Vec::new();
        patiently(limit, || {
            loop {
                let snapshot = kernel.snapshot()?;
                let mut going = Going::new(&sets, &refused);
                for (of, then) in &self.tables {
                    going.table(*of, then, of.find(&snapshot));
                }
                let batch = Batch::new(snapshot.generation(), going.changes);
                left_out = going.left_out;
                let done = if batch.is_empty() {
                    Ok(())
                } else {
                    kernel.transact(&batch)
                };
                match done {
                    Err(ApplyError::Refused { item, source }) if going.optional.contains(&item) => {
                        refused.insert(item, source.to_string());
                    }
                    other => return other,
                }
            }
        })?;
        Ok(WentBack { left_out })
    }

    /// What `snapshot` does not have as it was, each as a sentence; nothing when all is. How much
    /// each rule has counted makes no difference.
    pub fn differences(&self, snapshot: &Snapshot, sets: &mut impl ResolveSet) -> Vec<String> {
        let sets = self.sets_now(sets);
        self.tables
            .iter()
            .flat_map(|(of, then)| compare::table(*of, then, of.find(snapshot), &sets))
            .collect()
    }

    fn sets_now(&self, sets: &mut impl ResolveSet) -> Sets {
        let now = |(then, name): (&u16, &String)| {
            let index = sets.resolve(name).ok().map(KernelSet::index);
            (*then, (name.clone(), index))
        };
        Sets(self.sets.iter().map(now).collect())
    }
}

impl TableThen {
    fn of(of: OfTable, table: Option<&TableState>, names: Names) -> Self {
        let Names {
            ours,
            missing,
            hosts,
        } = names;
        let Some(table) = table else {
            let ours = ours.into_iter().map(|name| (name, None)).collect();
            let hosts = hosts.into_iter().map(|name| (name, None)).collect();
            return Self {
                ours,
                missing,
                hosts,
                ..Self::default()
            };
        };
        let rules = |chain: &ChainState| chain.rules.iter().map(RuleThen::of).collect();
        let ours: BTreeMap<_, _> = ours
            .into_iter()
            .map(|name| {
                let there = table.chain(&name).map(rules);
                (name, there)
            })
            .collect();
        let rule = |rule: &RuleState| BuiltInRule {
            handle: rule.handle,
            jump: is_jump_to(rule, &ours).then(|| RuleThen::of(rule)),
        };
        let rules = |chain: &ChainState| chain.rules.iter().map(rule).collect();
        let built_in = of.hooks().filter_map(|hook| {
            let chain = table.chain(hook.chain())?;
            let then = BuiltInThen {
                drop: chain.policy() == Some(Policy::Drop),
                rules: rules(chain),
            };
            Some((hook.chain().to_owned(), then))
        });
        let hosts = hosts.into_iter().map(|name| {
            let there = table.chain(&name).map(rules);
            (name, there)
        });
        Self {
            exists: true,
            built_in: built_in.collect(),
            hosts: hosts.collect(),
            ours,
            missing,
        }
    }

    /// The rules of which all is known.
    fn rules(&self) -> impl Iterator<Item = &RuleThen> {
        let hosts = self.hosts.values().flatten().flatten();
        let jumps = self.built_in.values().flat_map(|chain| &chain.rules);
        let jumps = jumps.chain(hosts);
        let ours = self.ours.values().flatten().flatten();
        jumps.filter_map(|rule| rule.jump.as_ref()).chain(ours)
    }
}

impl RuleThen {
    fn of(rule: &RuleState) -> Self {
        Self {
            handle: rule.handle,
            expressions: Bytes(rule.expressions().to_vec()),
            user_data: Bytes(rule.user_data.clone()),
        }
    }

    /// The indexes of the sets that it looks into.
    fn sets(&self) -> impl Iterator<Item = u16> {
        let expressions = &self.expressions.0;
        let places = wire::decode::set_places(expressions).into_iter();
        let index = |at| wire::attributes::bytes(expressions, at);
        places.filter_map(index).map(u16::from_ne_bytes)
    }

    /// Its expressions with the indexes that its sets have by now, or the name of a set that is
    /// gone.
    fn with_sets(&self, sets: &Sets) -> Result<Vec<u8>, String> {
        let mut expressions = self.expressions.0.clone();
        for at in wire::decode::set_places(&expressions) {
            let Some(place) = expressions.get_mut(at..at + 2) else {
                continue;
            };
            let then = u16::from_ne_bytes(wire::attributes::bytes(place, 0).unwrap_or_default());
            match sets.0.get(&then) {
                Some((_, Some(index))) => place.copy_from_slice(&index.to_ne_bytes()),
                Some((name, None)) => return Err(name.clone()),
                None => return Err(format!("number {then}")),
            }
        }
        Ok(expressions)
    }
}

/// Whether every packet that comes to the rule takes its jump to one of these chains.
fn is_jump_to<T>(rule: &RuleState, chains: &BTreeMap<String, T>) -> bool {
    rule.leads_to()
        .is_some_and(|to| chains.contains_key(to) && rule.always_jumps_to(to))
}
