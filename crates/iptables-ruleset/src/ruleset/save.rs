//! A ruleset as `iptables-save` of iptables 1.8.9 prints it, byte for byte.

use std::fmt;

use crate::{Chain, ChainName, Guest, Policy, Ruleset};

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
        names.extend(ruleset.guests().map(Guest::host));
        names.sort();
        names.dedup();
        for name in &names {
            writeln!(f, ":{name} - [0:0]")?;
        }
        for hook in hooks.iter().copied() {
            // Nobody leads to the hosts yet.
            let guests = ruleset.guests().filter(|guest| guest.hook() == hook);
            for to in guests.map(Guest::to).chain(ruleset.jumps_from(hook)) {
                writeln!(f, "-A {hook} -j {to}")?;
            }
        }
        for name in names {
            for guest in ruleset.guests().filter(|guest| guest.host() == name) {
                writeln!(f, "-A {name} -j {}", guest.to())?;
            }
            let own = ruleset.chains().filter(|chain| chain.name() == name);
            for rule in own.flat_map(Chain::rules) {
                writeln!(f, "-A {name} {}", rule.to_iptables_save(ruleset.family()))?;
            }
        }
        writeln!(f, "COMMIT")
    }
}
