//! Chains of others that have our names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::part::{Part, Wanted};
use super::snapshot::{ChainState, RuleState, Snapshot, TableState};
use crate::firewall::earlier;
use crate::{Family, Ruleset, Table};

/// A chain that has a name of ours and rules that somebody else put there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForeignChain {
    /// Whose table.
    pub family: Family,
    /// Which table.
    pub table: Table,
    /// Its name.
    pub chain: String,
    /// How many rules it has.
    pub rules: usize,
    /// The first of them, as `iptables-save` prints it behind `-A CHAIN`.
    pub first: String,
}

/// `IPv4 chain LOG_AND_DROP with 2 rules, the first being "-j DROP"`
impl fmt::Display for ForeignChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            family,
            table,
            chain,
            rules,
            first,
        } = self;
        write!(f, "{} chain {chain} with ", table.of(*family))?;
        match rules {
            1 => write!(f, "the rule \"{first}\""),
            _ => write!(f, "{rules} rules, the first being \"{first}\""),
        }
    }
}

impl Snapshot {
    /// The chains that have a name of the rulesets' chains and were made by somebody else: a
    /// [`Plan`](super::Plan) leaves them alone, unless it is [`adopting`](super::Plan::adopting).
    ///
    /// A chain is ours when one of its rules has our mark ([`RuleState::is_ours`]), also if
    /// somebody put more rules there; when it has what every version of this firewall writes into
    /// it, because earlier versions had no mark and `iptables-restore` loses it; and when it is
    /// empty, because then nothing is lost.
    ///
    /// ```
    /// use iptables_ruleset::{Config, FakeKernel, Family, Hook, Kernel, Rule, Target};
    ///
    /// let mut kernel = FakeKernel::new();
    /// let theirs = Rule::new(Target::Return);
    /// kernel.append_to_chain(Family::Ipv4, &"LOG_AND_DROP".parse()?, &theirs);
    /// let ruleset = Config::default().ruleset(Family::Ipv4)?;
    /// let foreign = kernel.snapshot()?.foreign_chains([&ruleset]);
    /// assert_eq!(foreign[0].to_string(), "IPv4 chain LOG_AND_DROP with the rule \"-j RETURN\"");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn foreign_chains<'r>(
        &self,
        rulesets: impl IntoIterator<Item = &'r Ruleset>,
    ) -> Vec<ForeignChain> {
        let mut foreign = Vec::new();
        for ruleset in rulesets {
            let Some(table) = self.table_of(ruleset) else {
                continue;
            };
            for chain in ruleset.chains() {
                let name = chain.name().as_str();
                let found = table.chain(name);
                let of = (ruleset.family(), ruleset.table());
                foreign.extend(found.and_then(|found| judged(of, name, found)));
            }
        }
        foreign
    }
}

/// Whether a plan made the chain, or an earlier version of it did. Of an empty one that cannot be
/// told.
pub(super) fn is_planned(family: Family, table: Table, name: &str, chain: &ChainState) -> bool {
    chain.rules().iter().any(RuleState::is_ours)
        || earlier::wrote(family, table, name, &texts(family, chain))
}

/// The rules as `iptables-save` prints them. The names of sets do not matter to what is looked for.
fn texts(family: Family, chain: &ChainState) -> Vec<String> {
    let rules = chain.rules().iter();
    rules.map(|rule| rule.text(family, |_| None)).collect()
}

/// The chains of ours that were seen to be ours, by the numbers of the table and of the chain: as
/// long as the kernel has them under these, nobody else made them.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeMap<Place, (u64, u64)>);

impl Known {
    /// Notes which of the chains of `parts` are ours, and names those that somebody else made.
    ///
    /// `snapshot` has the rules of those that are not known.
    pub(super) fn look(&mut self, snapshot: &Snapshot, parts: &[Part]) -> Vec<ForeignChain> {
        let mut foreign = Vec::new();
        for (part, name) in owned(parts) {
            let of = (part.family, part.table);
            let Some(table) = snapshot.find(part.table, part.family) else {
                continue;
            };
            let place = place(part, name);
            let Some(found) = table
                .chain(name)
                .filter(|_| !self.is_the_same(&place, table))
            else {
                continue;
            };
            match judged(of, name, found) {
                Some(found) => foreign.push(found),
                // Whoever fills an empty one makes it theirs.
                None if found.rules().is_empty() => {}
                None => {
                    self.0.insert(place, (table.handle, found.handle));
                }
            }
        }
        foreign
    }

    /// The chains whose rules say whose they are.
    pub(super) fn unknown(&self, parts: &[Part]) -> BTreeSet<String> {
        owned(parts)
            .filter(|(part, name)| !self.0.contains_key(&place(part, name)))
            .map(|(_, name)| name.to_owned())
            .collect()
    }

    /// Whether none of those that are known has another number by now.
    pub(super) fn all_stay(&self, snapshot: &Snapshot) -> bool {
        self.0.keys().all(|place| {
            let (family, table, name) = place;
            let table = snapshot.find(*table, *family);
            table.is_none_or(|table| table.chain(name).is_none() || self.is_the_same(place, table))
        })
    }

    fn is_the_same(&self, place: &Place, table: &TableState) -> bool {
        let now = table.chain(&place.2);
        let now = now.map(|chain| (table.handle, chain.handle));
        now.is_some() && self.0.get(place) == now.as_ref()
    }
}

/// Where a chain is: family, table and name.
type Place = (Family, Table, String);

fn place(part: &Part, name: &str) -> Place {
    (part.family, part.table, name.to_owned())
}

/// The chains that are taken for ours. Of those that are withdrawn, those of others stay.
fn owned(parts: &[Part]) -> impl Iterator<Item = (&Part, &str)> {
    let parts = parts.iter().filter(|part| part.wanted != Wanted::Withdrawn);
    parts.flat_map(|part| part.chains.iter().map(move |chain| (part, &*chain.name)))
}

/// What is said of chains that somebody else made.
pub(super) fn named(chains: &[ForeignChain]) -> String {
    let named: Vec<String> = chains.iter().map(|chain| format!("the {chain}")).collect();
    named.join(", ")
}

fn judged(
    (family, table): (Family, Table),
    name: &str,
    chain: &ChainState,
) -> Option<ForeignChain> {
    let first = chain.rules().first()?;
    if is_planned(family, table, name, chain) {
        return None;
    }
    Some(ForeignChain {
        family,
        table,
        chain: name.to_owned(),
        rules: chain.rules().len(),
        first: first.text(family, |_| None),
    })
}
