//! A ruleset as `iptables-save` of iptables 1.8.9 prints it, byte for byte.

use std::fmt;

use crate::{Chain, ChainName, Policy, Ruleset};

pub(crate) struct Save<'a>(pub(crate) &'a Ruleset);

impl fmt::Display for Save<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ruleset = self.0;
        let hooks = ruleset.table().hooks();
        writeln!(f, "*{}", ruleset.table())?;
        for hook in hooks.iter().copied() {
            // What a table has before anybody sets a policy.
            let policy = ruleset.policy_of(hook).unwrap_or(Policy::Accept);
            writeln!(f, ":{hook} {policy} [0:0]")?;
        }
        let mut names: Vec<&ChainName> = ruleset.chains().map(Chain::name).collect();
        names.extend(ruleset.local_chains());
        names.sort();
        for name in names {
            writeln!(f, ":{name} - [0:0]")?;
        }
        for hook in hooks.iter().copied() {
            for to in ruleset.jumps_from(hook) {
                writeln!(f, "-A {hook} -j {to}")?;
            }
        }
        for chain in ruleset.chains() {
            for rule in chain.rules() {
                writeln!(
                    f,
                    "-A {} {}",
                    chain.name(),
                    rule.to_iptables_save(ruleset.family())
                )?;
            }
        }
        writeln!(f, "COMMIT")
    }
}
