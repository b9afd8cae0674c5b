//! Chains of others that have our names.

use std::fmt;

use super::snapshot::{ChainState, RuleState, Snapshot};
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
    /// [`Plan`](super::Plan) takes them over all the same, so ask before.
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
                foreign.extend(found.and_then(|found| judged(ruleset, name, found)));
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

fn judged(ruleset: &Ruleset, name: &str, chain: &ChainState) -> Option<ForeignChain> {
    let family = ruleset.family();
    let first = chain.rules().first()?;
    if is_planned(family, ruleset.table(), name, chain) {
        return None;
    }
    Some(ForeignChain {
        family,
        table: ruleset.table(),
        chain: name.to_owned(),
        rules: chain.rules().len(),
        first: first.text(family, |_| None),
    })
}
