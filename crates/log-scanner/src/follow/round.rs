//! One round of bans: for those whose turn it is, the step that a scan does for all.
//!
//! Sets of a million members are not read for every ban. A source that a set has nothing to do with
//! is added without its being read; the kernel is asked for that source alone, before and after. Who
//! is in a set already, and every network, has to wait for the round that reads the sets, which has
//! at most a tenth of the time.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use ban_sets::{Pardons, SetName};
use jiff::{SignedDuration, Timestamp};
use netfilter_host::conntrack::Conntrack;

use super::pending::{Case, Pending};
use crate::ban::{Acted, Banning, Known, Quota, Span, set_aside};
use crate::clock::Present;
use crate::connected::Peering;
use crate::cut;
use crate::error::Fatal;
use crate::exempt::Exemptions;
use crate::rule::Rule;
use crate::sets::Sets;
use crate::source::Source;
use crate::violation::{Ban, Banned, Outcome, Violator};

/// How long a ban that could not be is left alone before it is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// How long after its line a handshake may be completed, and how often that is looked for.
const HANDSHAKE: Duration = Duration::from_secs(10);
const LOOKS: u32 = 5;
/// What `--max-bans` is for.
const MINUTE: Duration = Duration::from_secs(60);
/// How many times as long as reading the sets took they are not read again.
const REST: u32 = 10;
/// How often sets are read where nobody asks for it, so that exceptions go that have lapsed.
const REVIEW: Duration = Duration::from_secs(300);

/// Sources and what they did.
type Cases = Vec<(Case, Violator)>;

/// When what may be done.
#[derive(Debug)]
pub(crate) struct Pace {
    quota: Quota,
    /// When the minute began that the quota is for.
    minute: Instant,
    /// When the sets may be read again.
    reading: Instant,
    review: Instant,
}

/// What a round needs besides the bans.
pub(crate) struct Round<'a> {
    /// Who was pardoned when it was counted, and who is by now.
    pub(crate) pardons: (&'a Pardons, &'a Pardons),
    pub(crate) sets: Option<&'a mut Sets>,
    pub(crate) exemptions: &'a Exemptions,
    pub(crate) peering: &'a mut dyn Peering,
    pub(crate) dry_run: bool,
    pub(crate) present: &'a Present,
}

impl Pace {
    /// Adds at most so many new bans in a minute.
    pub(crate) fn new(most: Option<NonZeroU32>, now: Instant) -> Self {
        Self {
            quota: Quota::new(most, Span::Minute),
            minute: now,
            reading: now,
            review: now + REVIEW,
        }
    }

    /// Begins another minute where one is over, or one has to begin.
    fn turn(&mut self, now: Instant, anew: bool) {
        if anew || now.duration_since(self.minute) >= MINUTE {
            self.minute = now;
            self.quota.renew();
        }
    }

    /// Whether the sets are to be read although nobody asks for it.
    pub(crate) fn wants_review(&self, now: Instant) -> bool {
        self.review <= now
    }

    /// When they are.
    pub(crate) fn next_review(&self) -> Instant {
        self.review
    }
}

impl Round<'_> {
    /// Bans those whose turn it is; `all`: everybody who waits, whoever's turn it is, and at most as
    /// many as in a scan.
    ///
    /// # Errors
    ///
    /// When the kernel does not say who is exempt or who is in the sets. Everybody waits on then.
    pub(crate) fn act<'r>(
        &mut self,
        rules: &'r [Rule],
        pending: &mut Pending,
        pace: &mut Pace,
        all: bool,
    ) -> Result<Acted<'r>, Fatal> {
        let now = Instant::now();
        pace.turn(now, all);
        let due = if all {
            pending.take_all()
        } else {
            pending.take_due(now)
        };
        let mut acted = Acted::default();
        let due = put_off(rules, due, pending, pace, &mut acted.warnings);
        let (quick, slow) = if all {
            (Vec::new(), due)
        } else {
            self.part(rules, due)
        };
        let quick = self.ban(rules, quick, Known::Absent, all, pending, pace);
        join(&mut acted, quick?);
        for (case, violator) in pending.take_networks(rules) {
            pending.add(case, violator, now);
        }
        let review = pace.wants_review(now);
        if slow.is_empty() && !review && !all {
            return Ok(acted);
        }
        if pace.reading > now && !all {
            for (case, violator) in slow {
                pending.put_back(case, violator, pace.reading);
            }
            return Ok(acted);
        }
        let mut slow = slow;
        if !all {
            // Once the sets are read, who would have to wait for that later need not.
            slow.extend(pending.take_all());
        }
        let started = Instant::now();
        let read = self.ban(rules, slow, Known::Nothing, all, pending, pace);
        let networks = pending.take_networks(rules);
        let read = read.and_then(|mut acted| {
            if !networks.is_empty() {
                let more = self.ban(rules, networks, Known::Nothing, all, pending, pace);
                join(&mut acted, more?);
            }
            Ok(acted)
        });
        let ended = Instant::now();
        pace.reading = ended + ended.duration_since(started) * REST;
        pace.review = ended + REVIEW;
        join(&mut acted, read?);
        Ok(acted)
    }

    /// Those who can be added without reading their sets, and the others.
    /// A source is among the one or the other by all rules, because its offences are counted in their
    /// order.
    fn part(&mut self, rules: &[Rule], due: Cases) -> (Cases, Cases) {
        let sets = &mut self.sets;
        let mut taken: BTreeMap<&SetName, usize> = BTreeMap::new();
        let (quick, mut slow): (Cases, Cases) = due.into_iter().partition(|((rule, source), _)| {
            let Some(rule) = rules.get(*rule) else {
                return false;
            };
            let set = rule.ipset.of(source.address());
            source.is_single_address()
                && sets.as_mut().is_none_or(|sets| {
                    // Where somebody has to give way, it has to be known who is there.
                    let taken = taken.entry(set).or_default();
                    let has_room = sets.room(set).is_none_or(|room| *taken < room);
                    // Who cannot be asked for now is asked for with all others.
                    let is_quick = has_room
                        && sets.is_stranger(set, source.address()).unwrap_or(false)
                        && (rule.repeat.is_none()
                            || sets
                                .is_offender(source.network())
                                .is_ok_and(|is_known| !is_known));
                    *taken += usize::from(is_quick);
                    is_quick
                })
        });
        let sources: HashSet<Source> = slow.iter().map(|((_, source), _)| *source).collect();
        let (more, quick) = quick
            .into_iter()
            .partition(|((_, source), _)| sources.contains(source));
        let more: Cases = more;
        slow.extend(more);
        (quick, slow)
    }

    fn ban<'r>(
        &mut self,
        rules: &'r [Rule],
        cases: Cases,
        known: Known,
        all: bool,
        pending: &mut Pending,
        pace: &mut Pace,
    ) -> Result<Acted<'r>, Fatal> {
        let now = Instant::now();
        let end_of_minute = pace.minute + MINUTE;
        if cases.is_empty() && known == Known::Absent {
            return Ok(Acted::default());
        }
        let as_of = self.present.instant;
        let bans = cases.iter().filter_map(|((number, _), violator)| {
            Ban::new(rules.get(*number)?, number + 1, violator.clone(), as_of)
        });
        let (counted, now_pardoned) = self.pardons;
        let (bans, pardoned) = set_aside(bans.collect(), counted, now_pardoned);
        let mut banning = Banning {
            sets: self.sets.as_deref_mut(),
            exemptions: self.exemptions,
            pardons: now_pardoned,
            dry_run: self.dry_run,
            as_of,
            present: self.present,
            quota: &pace.quota,
            known,
        };
        let mut acted = match banning.act(rules, bans, self.peering) {
            Ok(acted) => acted,
            Err(error) => {
                for (case, violator) in cases {
                    pending.put_back(case, violator, now + RETRY / 10);
                }
                return Err(error);
            }
        };
        acted.took = took(&acted.banned);
        acted.banned.extend(pardoned);
        let sets = self.sets.as_deref_mut();
        let (banned, warning) = cut::act(Conntrack::open, acted.banned, sets, self.dry_run);
        acted.banned = banned;
        acted.warnings.extend(warning);
        for banned in &acted.banned {
            let case = (banned.ban.number - 1, banned.ban.source());
            let violator = &banned.ban.violator;
            if banned.outcome.is_banned() {
                pending.banned(banned.ban.number, banned.ban.rule, violator);
            }
            match banned.outcome {
                Outcome::BeyondMaxBans | Outcome::NoRoom => {
                    pending.put_back(case, violator.clone(), end_of_minute);
                }
                // The line was written at the first packet of a handshake.
                Outcome::NoHandshake if !all && as_of <= latest(violator) => {
                    pending.put_back(case, violator.clone(), now + HANDSHAKE / LOOKS);
                }
                Outcome::Refused(_) => pending.put_back(case, violator.clone(), now + RETRY),
                _ => pending.done(case, banned.ban.rule, violator.last_violating, now),
            }
        }
        pace.quota.take_in(&acted.banned);
        Ok(acted)
    }
}

/// How long it took until the kernel had said that each new ban is in its set.
fn took(banned: &[Banned<'_>]) -> Vec<Duration> {
    let now = Timestamp::now();
    let new = banned
        .iter()
        .filter(|banned| banned.outcome == Outcome::Added);
    // A line may be ahead of the clock.
    let took = |since| now.duration_since(since).try_into().unwrap_or_default();
    new.map(|banned| took(banned.ban.violator.due_since))
        .collect()
}

/// Until when the handshake of a source's last line is waited for.
fn latest(violator: &Violator) -> Timestamp {
    let last = violator.last_violating;
    let wait = SignedDuration::try_from(HANDSHAKE).unwrap_or_default();
    last.saturating_add(wait).unwrap_or(last)
}

/// Those who need not wait for the next minute, because their rules may add more in this one; what
/// to say of the others.
fn put_off(
    rules: &[Rule],
    due: Cases,
    pending: &mut Pending,
    pace: &Pace,
    warnings: &mut Vec<String>,
) -> Cases {
    let mut in_time = Vec::with_capacity(due.len());
    for (case, violator) in due {
        let rule = rules.get(case.0);
        match rule.and_then(|rule| pace.quota.spent(case.0 + 1, rule)) {
            None => in_time.push((case, violator)),
            Some(warning) => {
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
                pending.put_back(case, violator, pace.minute + MINUTE);
            }
        }
    }
    in_time
}

fn join<'r>(acted: &mut Acted<'r>, more: Acted<'r>) {
    acted.banned.extend(more.banned);
    acted.lifted.extend(more.lifted);
    acted.dropped.extend(more.dropped);
    acted.warnings.extend(more.warnings);
    acted.notes.extend(more.notes);
    acted.took.extend(more.took);
}
