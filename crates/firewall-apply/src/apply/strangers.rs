//! Rules that somebody put into our chains, which are made anew each time.

use iptables_ruleset::{Chain, RuleState, Ruleset, Snapshot};

use crate::config::Wanted;
use crate::findings::Findings;
use crate::last::{Last, key};
use crate::rules::place;

/// How many of the rules that are gone from one chain are shown.
const SHOWN: usize = 5;

/// Warns of rules of others that are gone. A chain of ours had such rules when it had more than it
/// got when it was made.
pub(super) fn note(
    before: &Snapshot,
    after: &Snapshot,
    wanted: &Wanted,
    last: &Last,
    findings: &mut Findings,
) {
    let Some(kept) = last.kept() else { return };
    for ruleset in &wanted.rulesets {
        for chain in ruleset.chains() {
            let rules = rules(before, ruleset, chain);
            let got = kept.rules.get(&key(ruleset, chain)).copied();
            let more = got.map_or(0, |got| rules.len().saturating_sub(got));
            if more == 0 {
                continue;
            }
            let mut gone: Vec<String> = rules
                .iter()
                .map(|rule| rule.describe(ruleset.family()))
                .collect();
            for rule in self::rules(after, ruleset, chain) {
                let same = gone
                    .iter()
                    .position(|other| *other == rule.describe(ruleset.family()));
                same.map(|at| gone.swap_remove(at));
            }
            // With another configuration some of them were ours.
            let shown = if gone.len() == more {
                gone.truncate(SHOWN);
                format!(", {}", gone.join("; "))
            } else {
                String::new()
            };
            let what = match more {
                1 => "1 rule".to_owned(),
                more => format!("{more} rules"),
            };
            let (place, name) = (place(ruleset), chain.name());
            findings.warn(format!(
                "{what} that somebody put into the {place} chain {name}: gone{shown}. Every apply takes out of that chain \
                 what is not its own; rules of your own belong into FIREWALL_LOCAL"
            ));
        }
    }
}

fn rules<'a>(snapshot: &'a Snapshot, ruleset: &Ruleset, chain: &Chain) -> &'a [RuleState] {
    let table = snapshot.table_of(ruleset);
    let chain = table.and_then(|table| table.chain(chain.name().as_str()));
    chain.map_or(&[], |chain| chain.rules())
}
