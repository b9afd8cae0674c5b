//! What a run found and did, as text or JSON. This room only writes, and only the run knows of it.

mod json;
pub(crate) mod text;

use jiff::Timestamp;
pub(crate) use json::write as write_json;
use serde::Serialize;
pub(crate) use text::write as write_text;

use crate::rule::{Protect, Rule};
use crate::scan::{Counted, LogRead};
use crate::violation::{Banned, Dropped, Lifted};

/// All that is told.
#[derive(Debug)]
pub(crate) struct Report<'r> {
    pub(crate) as_of: Timestamp,
    /// Who was never to be banned by any rule.
    pub(crate) protect: Protect,
    pub(crate) dry_run: bool,
    pub(crate) logs: Vec<LogRead>,
    /// In the order they were given; at least one.
    pub(crate) rules: Vec<RuleReport<'r>>,
    /// Who was excepted from a ban by an earlier scan and is not exempt any more.
    pub(crate) lifted: Vec<Lifted>,
    /// Bans that gave way in sets that are full.
    pub(crate) dropped: Vec<Dropped>,
    /// What is worth a word and no trouble.
    pub(crate) notes: Vec<String>,
    /// What the log gave reason to doubt.
    pub(crate) doubts: Vec<String>,
    /// What is to be said of the sets and connections.
    pub(crate) troubles: Vec<String>,
}

/// What became of one rule.
#[derive(Debug, Serialize)]
pub(crate) struct RuleReport<'r> {
    #[serde(flatten)]
    pub(crate) rule: &'r Rule,
    #[serde(flatten)]
    pub(crate) counted: Counted,
    /// By address, IPv4 first.
    pub(crate) violations: Vec<Banned<'r>>,
}

impl<'r> RuleReport<'r> {
    /// Of each rule, what it counted and what became of its violators, who are in any order.
    pub(crate) fn of_each(
        rules: &'r [Rule],
        counted: Vec<Counted>,
        mut banned: Vec<Banned<'r>>,
    ) -> Vec<Self> {
        banned.sort_by_key(|banned| (banned.ban.number, banned.ban.source()));
        let mut banned = banned.into_iter().peekable();
        let rules = rules.iter().zip(counted).zip(1..);
        rules
            .map(|((rule, counted), number)| {
                let mut next = || banned.next_if(|banned| banned.ban.number == number);
                RuleReport {
                    rule,
                    counted,
                    violations: std::iter::from_fn(&mut next).collect(),
                }
            })
            .collect()
    }
}

impl Report<'_> {
    /// Whether all that was wanted is in the kernel.
    pub(crate) fn is_complete(&self) -> bool {
        let mut violations = self.rules.iter().flat_map(|rule| &rule.violations);
        violations.all(|violation| violation.is_complete(self.dry_run))
            && self.lifted.iter().all(|lifted| lifted.error.is_none())
            && self.dropped.iter().all(|dropped| dropped.error.is_none())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::violation::Outcome;
    use crate::violation::tests::{ban, rule, time};

    static RULE: LazyLock<Rule> = LazyLock::new(rule);

    pub(crate) fn violation(source: &str, outcome: Outcome) -> Banned<'static> {
        ban(&RULE, 1, source).with(outcome)
    }

    pub(crate) fn report(dry_run: bool, violations: Vec<Banned<'static>>) -> Report<'static> {
        report_by(&RULE, dry_run, violations)
    }

    pub(crate) fn report_by<'r>(
        rule: &'r Rule,
        dry_run: bool,
        violations: Vec<Banned<'r>>,
    ) -> Report<'r> {
        Report {
            as_of: time("2026-11-22T09:00:00Z"),
            protect: Protect::default(),
            dry_run,
            logs: vec![LogRead {
                path: "/ram/iptables.log".to_owned(),
                bytes: 123_456,
                lines: 700,
                events: 690,
                unparsed: 1,
                rejected: 2,
                misplaced: 0,
                repeated: 0,
                lost: 0,
            }],
            rules: vec![RuleReport {
                rule,
                counted: Counted {
                    matched: 650,
                    sources: 7,
                    sources_exact: true,
                    prefixes: Vec::new(),
                },
                violations,
            }],
            lifted: Vec::new(),
            dropped: Vec::new(),
            notes: Vec::new(),
            doubts: vec!["2 lines were not written by the kernel".to_owned()],
            troubles: vec!["set \"whitelist\" cannot be asked".to_owned()],
        }
    }

    #[test]
    fn each_rule_has_its_own_violators_by_address() {
        let rules = [rule(), rule(), rule()];
        let of = |number: usize, source| {
            let rule = rules.get(number - 1).expect("a rule");
            ban(rule, number, source).with(Outcome::Added)
        };
        let banned = vec![
            of(3, "203.0.113.9"),
            of(1, "2001:db8::/64"),
            of(3, "198.51.100.1"),
            of(1, "203.0.113.9"),
        ];
        let counted = [10, 11, 12].map(|matched| Counted {
            matched,
            sources: 0,
            sources_exact: true,
            prefixes: Vec::new(),
        });
        let reports = RuleReport::of_each(&rules, counted.into(), banned);
        let told: Vec<_> = reports
            .iter()
            .map(|report| {
                let sources = report.violations.iter().map(|banned| banned.ban.source());
                let sources: Vec<_> = sources.map(|source| source.to_string()).collect();
                (report.counted.matched, sources.join(" "))
            })
            .collect();
        let expected = [
            (10, "203.0.113.9 2001:db8::/64"),
            (11, ""),
            (12, "198.51.100.1 203.0.113.9"),
        ];
        assert_eq!(
            told,
            expected.map(|(matched, all)| (matched, all.to_owned()))
        );
    }
}
