//! How many new bans there may be: in a run, or in a minute of one that follows; of each rule, and
//! of all together.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use crate::rule::Rule;
use crate::violation::{Banned, Outcome};

/// The time that a quota is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    Run,
    Minute,
}

/// How many new bans may still be added.
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    span: Span,
    /// Of all rules together, where that is bounded.
    all: Option<NonZeroU32>,
    added: u32,
    /// By the numbers of the rules.
    added_by: BTreeMap<usize, u32>,
}

/// Which bound is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bound {
    All,
    /// The rule's of this number.
    Rule(usize),
}

impl Quota {
    /// Nothing was added yet.
    pub(crate) fn new(all: Option<NonZeroU32>, span: Span) -> Self {
        Self {
            span,
            all,
            added: 0,
            added_by: BTreeMap::new(),
        }
    }

    /// The time is over, and the next has begun.
    pub(crate) fn renew(&mut self) {
        *self = Self::new(self.all, self.span);
    }

    /// Takes in what was added.
    pub(crate) fn take_in(&mut self, banned: &[Banned<'_>]) {
        for banned in banned {
            if matches!(banned.outcome, Outcome::Added | Outcome::WouldAdd) {
                self.add(banned.ban.number);
            }
        }
    }

    fn add(&mut self, number: usize) {
        self.added = self.added.saturating_add(1);
        let by_rule = self.added_by.entry(number).or_default();
        *by_rule = by_rule.saturating_add(1);
    }

    /// The bound that a new ban by the rule of this number would break.
    pub(super) fn bound(&self, number: usize, rule: &Rule) -> Option<Bound> {
        let added = self.added_by.get(&number).copied().unwrap_or_default();
        if self.all.is_some_and(|most| self.added >= most.get()) {
            return Some(Bound::All);
        }
        (added >= rule.most_bans().get()).then_some(Bound::Rule(number))
    }

    /// Adds a ban that any of these rules, of these numbers, may be charged with; the bound that it
    /// would break.
    pub(super) fn charge<'r>(
        &mut self,
        rules: impl Iterator<Item = (usize, &'r Rule)>,
    ) -> Result<(), Bound> {
        let mut broken = None;
        for (number, rule) in rules {
            match self.bound(number, rule) {
                None => {
                    self.add(number);
                    return Ok(());
                }
                Some(bound) => broken = broken.or(Some(bound)),
            }
        }
        broken.map_or(Ok(()), Err)
    }

    /// What to say where nothing more may be added by the rule of this number.
    pub(crate) fn spent(&self, number: usize, rule: &Rule) -> Option<String> {
        let (bound, span) = (self.bound(number, rule)?, self.span.words());
        Some(match bound {
            Bound::All => format!(
                "{span} has at most {} new bans (--max-bans): others have to wait for the next",
                self.all.map_or(0, NonZeroU32::get)
            ),
            Bound::Rule(number) => format!(
                "{span} has at most {} new bans by rule {number} ({} {}, max-bans): others have to wait for the next",
                rule.most_bans(),
                rule.name,
                rule.protocols
            ),
        })
    }

    /// What to say of so many who are beyond a bound; `rules` are all of them.
    pub(super) fn warning(&self, bound: Bound, violators: &str, rules: &[Rule]) -> String {
        let span = self.span.words();
        let rule = |number: usize| rules.get(number.checked_sub(1)?);
        match bound {
            Bound::All => format!(
                "not banned: {violators}, because {span} adds at most {} new bans (--max-bans), those with the most evidence",
                self.all.map_or(0, NonZeroU32::get)
            ),
            Bound::Rule(number) => {
                let about = rule(number).map_or_else(String::new, |rule| {
                    format!(" ({} {})", rule.name, rule.protocols)
                });
                let most = rule(number).map_or(0, |rule| rule.most_bans().get());
                format!(
                    "not banned: {violators} of rule {number}{about}, a flood whose sources may be forged: {span} adds at most {most} new bans by it (max-bans), \
                     those with the most evidence"
                )
            }
        }
    }
}

impl Span {
    fn words(self) -> &'static str {
        match self {
            Self::Run => "one run",
            Self::Minute => "a minute",
        }
    }
}
