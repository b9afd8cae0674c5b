//! The rule that adds up what hosts have seen.

mod counter;

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

pub use counter::Counter;

use crate::name::{Host, Rule};
use crate::prefix::Prefix;
use crate::record::{Bucket, MAX_WIDTH};
use crate::state::State;
use crate::time::Time;
use crate::trust::{Intake, Pardons, Policy};

/// How many buckets lie within the time of a rule.
pub(crate) const BUCKETS: u64 = 8;

/// A rule that is judged over all hosts: who sends at least `howmany` packets within a time, seen by
/// at least so many hosts, each of which has seen at least `floor` of them.
///
/// It bans nobody whom the same rule would not ban that reads the merged log of all hosts. The
/// packets of eight buckets side by side, each an eighth of the time wide, lie within the time; so
/// wherever eight buckets have enough, some window of the exact rule has. The reverse does not hold:
/// it may find who does by one bucket later, or not find who stays just over the threshold.
///
/// Each host judges by itself. Verdicts are not told to others, who have the same evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetRule {
    rule: Rule,
    howmany: NonZeroU32,
    width: u64,
    hosts: NonZeroUsize,
    floor: NonZeroU32,
}

/// A rule that cannot be judged over all hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FleetRuleError {
    /// One host has no need of the others.
    #[error("a rule of the fleet needs at least two hosts (hosts)")]
    Hosts,
    /// Its time is too short or too long to be cut in buckets.
    #[error("a rule of the fleet has a time from one second to 56 days (within)")]
    Within,
}

/// Who breaks a rule of the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The source.
    pub source: Prefix,
    /// The most packets in eight buckets; of one host no more than one less than the rule asks for.
    pub hits: u64,
    /// The hosts that have seen it in the last eight buckets that break the rule.
    pub hosts: Vec<Host>,
    /// An instant that is not after the last packet of those: a ban is dated from it.
    pub last_hit: Time,
}

impl FleetRule {
    /// A rule over at least `hosts` hosts, each with at least `floor` packets.
    ///
    /// # Errors
    ///
    /// Fails for less than two hosts, and for a time of less than a second or more than 56 days.
    pub fn new(
        rule: Rule,
        howmany: NonZeroU32,
        within: Duration,
        hosts: NonZeroUsize,
        floor: NonZeroU32,
    ) -> Result<Self, FleetRuleError> {
        if hosts.get() < 2 {
            return Err(FleetRuleError::Hosts);
        }
        let width = u64::try_from(within.as_millis()).unwrap_or(u64::MAX) / BUCKETS;
        if within < Duration::from_secs(1) || width > MAX_WIDTH {
            return Err(FleetRuleError::Within);
        }
        Ok(Self {
            rule,
            howmany,
            width,
            hosts,
            floor,
        })
    }

    /// Its name.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// How wide its buckets are, in milliseconds.
    pub fn width(&self) -> u64 {
        self.width
    }

    /// Counts what this host sees, for the others.
    pub fn counter(&self) -> Counter {
        Counter::new(self.rule.clone(), self.width, self.floor)
    }

    /// Who breaks it by all evidence that the policy takes, by source.
    ///
    /// Nobody is one of them who is protected here, or for what a pardon voids: a bucket that begins
    /// before a pardon's instant counts nothing of whom it lets go.
    pub fn verdicts(
        &self,
        state: &State,
        policy: &Policy,
        intake: &Intake,
        now: Time,
    ) -> Vec<Verdict> {
        let pardons = Pardons::of(state, policy, intake, now);
        let mut sources: BTreeMap<Prefix, Seen<'_>> = BTreeMap::new();
        for (origin, rule, bucket, source, hits) in state.evidence() {
            let is_asked =
                *rule == self.rule && bucket.width() == self.width && bucket.start() <= now;
            let is_taken = policy.trusts(origin) && !intake.is_cut_off(origin);
            if is_asked && is_taken && pardons.count(source, bucket) {
                let seen = sources.entry(source).or_default();
                seen.push((bucket, origin, hits));
            }
        }
        let sources = sources.into_iter();
        let unprotected =
            sources.filter(|(source, _)| policy.protected.overlapping(*source).is_none());
        let verdicts = unprotected.filter_map(|(source, seen)| self.judge(source, seen));
        verdicts.collect()
    }

    fn judge(&self, source: Prefix, mut seen: Seen<'_>) -> Option<Verdict> {
        seen.sort_unstable();
        let mut verdict: Option<Verdict> = None;
        let mut begin = 0;
        for end in 0..seen.len() {
            let last = seen.get(end)?.0.number();
            while seen
                .get(begin)
                .is_some_and(|(first, ..)| first.number() + BUCKETS <= last)
            {
                begin += 1;
            }
            let Some(window) = seen.get(begin..=end).and_then(|window| self.window(window)) else {
                continue;
            };
            let (hits, hosts, last_hit) = window;
            let hits = verdict.map_or(hits, |earlier| earlier.hits.max(hits));
            verdict = Some(Verdict {
                source,
                hits,
                hosts,
                last_hit,
            });
        }
        verdict
    }

    /// How many packets eight buckets have, by which hosts, and the begin of the last bucket, if that
    /// breaks the rule.
    fn window(&self, window: &[(Bucket, &Host, u64)]) -> Option<(u64, Vec<Host>, Time)> {
        let mut by_host: BTreeMap<&Host, (u64, Time)> = BTreeMap::new();
        for (bucket, host, hits) in window {
            let (all, last) = by_host.entry(host).or_default();
            *all = all.saturating_add(*hits);
            *last = bucket.start();
        }
        by_host.retain(|_, (hits, _)| *hits >= u64::from(self.floor.get()));
        // The word of one host is never enough.
        let most = u64::from(self.howmany.get()).saturating_sub(1).max(1);
        let hits = by_host.values().map(|(hits, _)| *hits.min(&most));
        let hits = hits.fold(0, u64::saturating_add);
        let last = by_host.values().map(|(_, last)| *last).max()?;
        let is_broken = hits >= self.howmany.get().into() && by_host.len() >= self.hosts.get();
        is_broken.then(|| (hits, by_host.into_keys().cloned().collect(), last))
    }
}

/// What was seen of a source: when, by whom, and how often.
type Seen<'a> = Vec<(Bucket, &'a Host, u64)>;
