//! Decisions about bans, by rule and by what became of them.

use std::collections::BTreeMap;

use netfilter_host::metrics::Metrics;

use crate::rule::Rule;
use crate::violation::{Ban, Banned, Dropped, Lifted, Outcome};

/// What may become of a violator; each rule has a series of each, from the first run on.
const OUTCOMES: [&str; 11] = [
    "added",
    "refreshed",
    "kept",
    "exempt",
    "connected",
    "no-handshake",
    "beyond-max-bans",
    "no-room",
    "expired",
    "would-add",
    "refused",
];

/// What was decided.
#[derive(Debug, Default)]
pub(super) struct Bans {
    rules: BTreeMap<RuleKey, BTreeMap<&'static str, u64>>,
    /// By set.
    dropped: BTreeMap<String, u64>,
    lifted: BTreeMap<String, u64>,
}

/// What tells a rule from the others, in labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RuleKey {
    /// From 1.
    number: usize,
    rule: String,
    protocols: String,
    ipset: String,
}

impl RuleKey {
    pub(super) fn of(number: usize, rule: &Rule) -> Self {
        Self {
            number,
            rule: rule.name.to_string(),
            protocols: rule.protocols.to_string(),
            ipset: rule.ipset.to_string(),
        }
    }

    /// Those of a series of the rule, with others behind them.
    pub(super) fn labelled<T>(
        &self,
        more: &[(&'static str, &str)],
        then: impl FnOnce(&[(&'static str, &str)]) -> T,
    ) -> T {
        let number = self.number.to_string();
        let own = [
            ("number", &*number),
            ("rule", &*self.rule),
            ("type", &*self.protocols),
            ("ipset", &*self.ipset),
        ];
        then(&[&own[..], more].concat())
    }
}

impl Bans {
    /// Has these rules from now on, and goes on with those that it had before.
    pub(super) fn by(&mut self, rules: &[Rule]) {
        let mut before = std::mem::take(self);
        for (rule, number) in rules.iter().zip(1..) {
            let key = RuleKey::of(number, rule);
            let known = before.rules.remove(&key).unwrap_or_default();
            self.rules.insert(key, known);
            for set in rule.ipset.both() {
                for (now, before) in [
                    (&mut self.dropped, &mut before.dropped),
                    (&mut self.lifted, &mut before.lifted),
                ] {
                    let known = before.remove(set.as_str());
                    now.entry(set.to_string()).or_default();
                    if let (Some(number), Some(known)) = (now.get_mut(set.as_str()), known) {
                        *number = known;
                    }
                }
            }
        }
    }

    /// Counts what became of a ban.
    pub(super) fn count(&mut self, ban: &Ban<'_>, outcome: &Outcome) {
        let key = RuleKey::of(ban.number, ban.rule);
        let outcomes = self.rules.entry(key).or_default();
        *outcomes.entry(outcome.word()).or_default() += 1;
    }

    /// Counts bans that gave way and exceptions that went, as far as they did.
    pub(super) fn gone(&mut self, dropped: &[Dropped], lifted: &[Lifted]) {
        let dropped = dropped.iter().filter(|one| one.error.is_none());
        for one in dropped {
            *self.dropped.entry(one.set.to_string()).or_default() += 1;
        }
        let lifted = lifted.iter().filter(|one| one.error.is_none());
        for one in lifted {
            *self.lifted.entry(one.set.to_string()).or_default() += 1;
        }
    }

    /// Counts all of these.
    pub(super) fn count_all<'a, 'r: 'a>(
        &mut self,
        banned: impl IntoIterator<Item = &'a Banned<'r>>,
    ) {
        for banned in banned {
            self.count(&banned.ban, &banned.outcome);
        }
    }

    pub(super) fn write(&self, metrics: &mut Metrics) {
        for (rule, outcomes) in &self.rules {
            for outcome in OUTCOMES {
                let number = outcomes.get(outcome).copied().unwrap_or_default();
                let mut samples = metrics.counter(
                    "rampart_bans",
                    "Decisions about who broke the threshold of a rule, by what came of them; added is a new ban.",
                );
                rule.labelled(&[("outcome", outcome)], |labels| {
                    samples.sample(labels, number);
                });
            }
        }
        for (name, help, gone) in [
            (
                "rampart_bans_dropped",
                "Bans that gave way before their end, because their set was full.",
                &self.dropped,
            ),
            (
                "rampart_exceptions_lifted",
                "Exceptions from bans of networks that went because nobody in them is exempt any more.",
                &self.lifted,
            ),
        ] {
            for (set, number) in gone {
                metrics.counter(name, help).sample(&[("set", set)], *number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::violation::Remaining;
    use crate::violation::tests::{ban, rule, time};

    #[test]
    fn whatever_becomes_of_a_ban_has_its_series() {
        let rules = [rule(), rule()];
        let mut bans = Bans::default();
        bans.by(&rules);
        let outcomes = [
            Outcome::Added,
            Outcome::Refreshed,
            Outcome::Kept(Remaining::Permanent),
            Outcome::Outlasted {
                rule: 1,
                until: time("2026-11-22T09:00:00Z"),
            },
            Outcome::Connected,
            Outcome::NoHandshake,
            Outcome::BeyondMaxBans,
            Outcome::NoRoom,
            Outcome::Exempt("the set is \"full\"".to_owned()),
            Outcome::Expired,
            Outcome::WouldAdd,
            Outcome::Refused("203.0.113.7".to_owned()),
        ];
        for outcome in &outcomes {
            // Who is not in the list of series would be missed.
            assert!(OUTCOMES.contains(&outcome.word()), "{outcome:?}");
            bans.count(&ban(&rules[1], 2, "203.0.113.7"), outcome);
        }
        bans.by(&rules);
        let mut metrics = Metrics::new("test", "1");
        bans.write(&mut metrics);
        let text = metrics.openmetrics();
        let series = text
            .lines()
            .filter(|line| line.starts_with("rampart_bans_total{"));
        assert_eq!(series.count(), 2 * OUTCOMES.len());
        for (number, outcome, counted) in [(1, "added", 0), (2, "added", 1), (2, "kept", 2)] {
            let line = format!(
                "rampart_bans_total{{number=\"{number}\",rule=\"blocked\",type=\"tcp\",ipset=\"blacklist\",outcome=\"{outcome}\"}} {counted}\n"
            );
            assert!(text.contains(&line), "{line}{text}");
        }
        assert!(text.contains("rampart_bans_dropped_total{set=\"blacklist_v6\"} 0\n"));
        // Why is nobody's label.
        let mut samples = text.lines().filter(|line| !line.starts_with('#'));
        assert!(
            samples.all(|line| !line.contains("203.0.113.7") && !line.contains("full")),
            "{text}"
        );
        bans.by(&rules[..1]);
        assert_eq!(bans.rules.len(), 1);
    }
}
