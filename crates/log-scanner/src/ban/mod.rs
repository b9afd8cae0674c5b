//! From violations to entries: who is left alone, who is there already, who is added.

mod exceptions;
mod plan;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Instant;

use ipset_netlink::{Network, SetName};
use jiff::{SignedDuration, Timestamp};
use plan::{Plan, Wish};

use crate::clock::Present;
use crate::connected::Peers;
use crate::duration::whole_seconds;
use crate::error::Fatal;
use crate::exempt::{Exemption, Exemptions, Part};
use crate::networks::Members;
use crate::report::{Lifted, Outcome, RuleReport, ViolationReport};
use crate::rule::Rule;
use crate::sets::Sets;
use crate::source::{Source, holds};

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
    /// No more new bans than this.
    pub(crate) most: NonZeroU32,
}

/// What was done besides bans.
#[derive(Debug, Default)]
pub(crate) struct Acted {
    pub(crate) lifted: Vec<Lifted>,
    pub(crate) warnings: Vec<String>,
}

/// A set, what is in it, and who is to be.
struct Lot {
    set: SetName,
    members: Members,
    wishes: Vec<Wish>,
}

impl Lot {
    /// Lets those go to whom this host has opened a connection, where there are any to be banned.
    fn spare(&mut self, peers: &mut Asked, exemptions: &Exemptions) {
        let Self {
            set,
            members,
            wishes,
        } = self;
        for wish in wishes {
            if wish.spares_connected && Plan::adds(members, set, wish) {
                let parts: Vec<_> = peers.ask(exemptions).parts_of(wish.source).collect();
                if wish.source.is_single_address() {
                    wish.connected = !parts.is_empty();
                } else {
                    let exempt = std::mem::take(&mut wish.exempt);
                    wish.exempt = distinct(exempt.into_iter().chain(parts).collect());
                }
            }
            if !wish.exempt.is_empty() {
                wish.seconds = wish.seconds.min(exceptions::longest_ban());
            }
        }
    }
}

/// The kernel's answer to whom this host has opened connections, once it has been asked.
#[derive(Default)]
struct Asked {
    peers: Option<Peers>,
    /// Why it could not.
    failed: Option<String>,
}

impl Asked {
    fn ask(&mut self, exemptions: &Exemptions) -> &Peers {
        let failed = &mut self.failed;
        self.peers.get_or_insert_with(|| {
            let peers = Peers::of_this_host(exemptions);
            peers.unwrap_or_else(|why| {
                *failed = Some(format!(
                    "cannot tell to whom this host has opened connections, so that nobody is let go for one: {why}"
                ));
                Peers::default()
            })
        })
    }
}

/// Each once, and none within another.
fn distinct(mut parts: Vec<Part>) -> Vec<Part> {
    parts.sort_by_key(|part| (part.network, Reverse(part.by_run)));
    parts.dedup_by(|part, around| holds(around.network, part.network));
    parts
}

impl Bans<'_> {
    /// Decides about every violation of every rule and does it. Nothing is added before all is
    /// decided; afterwards the sets are read back.
    ///
    /// # Errors
    ///
    /// When the kernel does not say who is exempt or who is in the sets; nothing was changed then.
    pub(crate) fn act(&mut self, reports: &mut [RuleReport]) -> Result<Acted, Fatal> {
        let mut acted = Acted::default();
        let mut lots = Vec::new();
        let mut by_set = self.wishes(reports)?;
        // Also where nobody is to be banned now: an exception stays for as long as an old ban.
        for rule in reports.iter().map(|report| &report.rule) {
            for set in [&rule.ipset.inet, &rule.ipset.inet6] {
                let wishes = by_set.remove(set).unwrap_or_default();
                let holds_networks = self
                    .sets
                    .as_ref()
                    .is_some_and(|sets| sets.holds_networks(set));
                let is_new = lots.iter().all(|lot: &Lot| lot.set != *set);
                if is_new && (holds_networks || !wishes.is_empty()) {
                    lots.push(Lot {
                        set: set.clone(),
                        members: self.members(set)?,
                        wishes,
                    });
                }
            }
        }
        let mut peers = Asked::default();
        for lot in &mut lots {
            self.lift(lot, reports, &mut peers, &mut acted)?;
        }
        for lot in &mut lots {
            lot.spare(&mut peers, &self.exemptions);
        }
        acted.warnings.extend(peers.failed);
        let mut plans = Vec::new();
        for lot in &mut lots {
            let sets = self.sets.as_ref();
            let keeps = sets.is_none_or(|sets| sets.keeps_exceptions(&lot.set));
            let wishes = std::mem::take(&mut lot.wishes);
            let set = lot.set.clone();
            plans.push(Plan::new(set, wishes, &lot.members, keeps, self.dry_run));
        }
        self.limit(&mut plans, &lots);
        for plan in &mut plans {
            if !self.dry_run && plan.outcomes().next().is_some() {
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
        Ok(acted)
    }

    /// Who is to be in which set, as the rules want it. Whoever is let go by himself has his
    /// outcome.
    fn wishes(
        &mut self,
        reports: &mut [RuleReport],
    ) -> Result<BTreeMap<SetName, Vec<Wish>>, Fatal> {
        let mut by_set: BTreeMap<SetName, Vec<Wish>> = BTreeMap::new();
        for (rule, report) in reports.iter_mut().enumerate() {
            for (place, violation) in report.violations.iter_mut().enumerate() {
                let exempt = match self.exemption(&report.rule.exempt, violation.source)? {
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
                let howmany = u64::from(report.rule.howmany.get());
                by_set.entry(violation.set.clone()).or_default().push(Wish {
                    rule,
                    place,
                    source: violation.source,
                    seconds: self.seconds_left(violation),
                    exempt,
                    spares_connected: !report.rule.ban_connected,
                    connected: false,
                    evidence: violation.peak_hits.saturating_mul(1000) / howmany,
                    until: violation.expires,
                });
            }
        }
        Ok(by_set)
    }

    /// Takes out what scans excepted in a set and nobody is exempt in any more.
    fn lift(
        &mut self,
        lot: &mut Lot,
        reports: &[RuleReport],
        peers: &mut Asked,
        acted: &mut Acted,
    ) -> Result<(), Fatal> {
        let rules = reports.iter().map(|report| &report.rule);
        let filling =
            rules.filter(|rule| rule.ipset.inet == lot.set || rule.ipset.inet6 == lot.set);
        let filling: Vec<&Rule> = filling.collect();
        let exempt: Vec<_> = filling
            .iter()
            .flat_map(|rule| &rule.exempt)
            .copied()
            .collect();
        let spares_connected = filling.iter().any(|rule| !rule.ban_connected);
        for network in exceptions::of_scans(&lot.members) {
            let source = Source::from(network);
            if matches!(self.exemption(&exempt, source)?, Exemption::Whole(_))
                || (spares_connected && peers.ask(&self.exemptions).any_in(network))
            {
                continue;
            }
            let mut error = None;
            if let (false, Some(sets)) = (self.dry_run, &mut self.sets) {
                error = sets.remove(&lot.set, network).err();
            }
            if error.is_none() {
                lot.members.remove(network);
            }
            acted.lifted.push(Lifted {
                source,
                set: lot.set.clone(),
                error,
            });
        }
        Ok(())
    }

    /// Leaves new bans for another run where there are too many, those with the least evidence.
    fn limit(&self, plans: &mut [Plan], lots: &[Lot]) {
        let new = plans.iter().enumerate().flat_map(|(number, plan)| {
            let entries = plan.new_entries().into_iter();
            entries.map(move |(evidence, place)| (Reverse(evidence), number, place))
        });
        let mut new: Vec<_> = new.collect();
        let most = usize::try_from(self.most.get()).unwrap_or(usize::MAX);
        if new.len() <= most {
            return;
        }
        new.sort_unstable();
        let beyond = new.split_off(most);
        for (number, (plan, lot)) in plans.iter_mut().zip(lots).enumerate() {
            let of_plan = beyond.iter().filter(|(_, of, _)| *of == number);
            let places: Vec<_> = of_plan.map(|(_, _, place)| *place).collect();
            if !places.is_empty() {
                plan.postpone(&places, &lot.members);
            }
        }
    }

    /// How much of `source` is exempt; `more` are the networks that its rule exempts.
    fn exemption(&mut self, more: &[Network], source: Source) -> Result<Exemption, Fatal> {
        let own = self.exemptions.of(source, more);
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
        Ok(Exemption::Parts(distinct(parts)))
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
