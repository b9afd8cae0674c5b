//! Chains of others that have our names.

use std::fmt;

use super::snapshot::{ChainState, RuleState, Snapshot};
use crate::firewall::earlier;
use crate::{Family, Ruleset};

/// A chain that has a name of ours and rules that somebody else put there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForeignChain {
    /// Whose table.
    pub family: Family,
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
            chain,
            rules,
            first,
        } = self;
        write!(f, "{family} chain {chain} with ")?;
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
            let family = ruleset.family();
            let Some(table) = self.table(family) else {
                continue;
            };
            for chain in ruleset.chains() {
                let name = chain.name().as_str();
                let found = table.chain(name);
                foreign.extend(found.and_then(|found| judged(family, name, found)));
            }
        }
        foreign
    }
}

fn judged(family: Family, name: &str, chain: &ChainState) -> Option<ForeignChain> {
    let rules = chain.rules();
    if rules.iter().any(RuleState::is_ours) {
        return None;
    }
    // The names of sets do not matter to what is looked for.
    let texts: Vec<String> = rules
        .iter()
        .map(|rule| rule.text(family, |_| None))
        .collect();
    let first = texts.first()?;
    if earlier::wrote(family, name, &texts) {
        return None;
    }
    Some(ForeignChain {
        family,
        chain: name.to_owned(),
        rules: rules.len(),
        first: first.clone(),
    })
}
