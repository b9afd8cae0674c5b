//! From violations to entries: who is left alone, who is there already, who is added.

mod exceptions;
mod plan;

use std::collections::BTreeMap;
use std::time::Instant;

use ipset_netlink::SetName;
use jiff::{SignedDuration, Timestamp};

use crate::clock::Present;
use crate::duration::whole_seconds;
use crate::error::Fatal;
use crate::exempt::{Exemption, Exemptions};
use crate::networks::Members;
use crate::report::{Outcome, RuleReport, ViolationReport};
use crate::rule::Rule;
use crate::sets::Sets;
use crate::source::{Source, holds};
use plan::{Plan, Wish};

/// What is needed to act on violations.
pub(crate) struct Bans<'a> {
    /// None in a dry run that cannot ask the kernel.
    pub(crate) sets: Option<&'a mut Sets>,
    pub(crate) exemptions: Exemptions,
    pub(crate) dry_run: bool,
    /// The instant that the scan speaks of.
    pub(crate) as_of: Timestamp,
    /// Tells how much of each ban has passed since then.
    pub(crate) present: &'a Present,
}

impl Bans<'_> {
    /// Decides about every violation of every rule and does it. Nothing is changed before all is decided; afterwards
    /// the sets are read back.
    ///
    /// # Errors
    ///
    /// When the kernel does not say who is exempt or who is in the sets; nothing was changed then.
    pub(crate) fn act(&mut self, reports: &mut [RuleReport]) -> Result<(), Fatal> {
        let mut by_set: BTreeMap<SetName, Vec<Wish>> = BTreeMap::new();
        for (rule, report) in reports.iter_mut().enumerate() {
            for (place, violation) in report.violations.iter_mut().enumerate() {
                let exempt = match self.exemption(&report.rule, violation.source)? {
                    Exemption::Whole(why) => {
                        violation.outcome = Outcome::Exempt(why);
                        continue;
                    }
                    Exemption::Parts(parts) => parts,
                };
                if violation.timeout == 0 {
                    violation.outcome = Outcome::Expired;
                    continue;
                }
                let seconds = self.seconds_left(violation);
                by_set.entry(violation.set.clone()).or_default().push(Wish {
                    rule,
                    place,
                    source: violation.source,
                    seconds: if exempt.is_empty() {
                        seconds
                    } else {
                        seconds.min(exceptions::longest_ban())
                    },
                    exempt,
                    until: violation.expires,
                });
            }
        }
        let mut plans = Vec::new();
        for (set, wishes) in by_set {
            let members = self.members(&set)?;
            let keeps = self
                .sets
                .as_ref()
                .is_none_or(|sets| sets.keeps_exceptions(&set));
            plans.push(Plan::new(set, wishes, &members, keeps, self.dry_run));
        }
        for plan in &mut plans {
            if !self.dry_run {
                self.carry_out(plan);
            }
            for (wish, outcome) in plan.outcomes() {
                let report = reports.get_mut(wish.rule);
                let violation = report.and_then(|report| report.violations.get_mut(wish.place));
                if let Some(violation) = violation {
                    if outcome.is_by_this_scan() {
                        violation.exceptions.clone_from(&wish.exempt);
                    }
                    violation.outcome = outcome;
                }
            }
        }
        Ok(())
    }

    fn exemption(&mut self, rule: &Rule, source: Source) -> Result<Exemption, Fatal> {
        let own = self.exemptions.of(source, &rule.exempt);
        let Exemption::Parts(mut parts) = own else {
            return Ok(own);
        };
        if let Some(sets) = &mut self.sets {
            let whitelisted = sets.whitelisting(source);
            let whitelisted = whitelisted.map_err(|why| Fatal::Sets(vec![why]))?;
            let Exemption::Parts(more) = whitelisted else {
                return Ok(whitelisted);
            };
            parts.extend(more);
        }
        // Each once, and none within another.
        parts.sort_by_key(|part| part.network);
        parts.dedup_by(|part, around| holds(around.network, part.network));
        Ok(Exemption::Parts(parts))
    }

    fn members(&mut self, set: &SetName) -> Result<Members, Fatal> {
        match &mut self.sets {
            Some(sets) => sets.members(set).map_err(|why| Fatal::Sets(vec![why])),
            None => Ok(Members::default()),
        }
    }

    /// What is left of the ban by now.
    fn seconds_left(&self, violation: &ViolationReport) -> u32 {
        let left = violation.expires.duration_since(self.as_of);
        let left = whole_seconds(left.saturating_sub(self.present.passed()));
        u32::try_from(left)
            .unwrap_or(u32::MAX)
            .clamp(1, violation.timeout.max(1))
    }

    /// Fills the set and reads it back.
    fn carry_out(&mut self, plan: &mut Plan) {
        let Some(sets) = &mut self.sets else { return };
        let started = Instant::now();
        if !plan.exceptions().is_empty() {
            let (refused, broken) = sets.fill(plan.set(), plan.exceptions());
            let (members, unread) = match sets.members(plan.set()) {
                Ok(members) => (members, None),
                Err(why) => (Members::default(), Some(why)),
            };
            let why = refused.into_iter().flatten().next();
            plan.guard(&members, why.or(broken).or(unread).as_deref());
        }
        let mut broken = None;
        if !plan.entries().is_empty() {
            let refused;
            (refused, broken) = sets.fill(plan.set(), plan.entries());
            plan.refuse(&refused);
        }
        match sets.members(plan.set()) {
            Ok(members) => {
                let passed = SignedDuration::try_from(started.elapsed());
                let passed = passed.map_or(i64::MAX, whole_seconds);
                plan.compare(&members, passed, broken.as_deref());
            }
            Err(why) => plan.unread(&broken.unwrap_or(why)),
        }
    }
}
