//! The door of a host: what is taken in of what others tell, and who is cut off.

use std::collections::BTreeMap;

use crate::name::Host;
use crate::record::Record;
use crate::state::State;
use crate::time::Time;
use crate::trust::Policy;
use crate::wire::WireError;

/// Takes in what others tell, as far as their bounds go.
#[derive(Clone, Debug, Default)]
pub struct Intake {
    /// How many new records each may still tell, in units of a record a minute times a millisecond.
    allowances: BTreeMap<Host, i64>,
    /// When they were last made up.
    settled: Option<Time>,
    cuts: BTreeMap<Host, Cut>,
}

/// Why an origin is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// It has more records than it may; until it has fewer.
    #[error("it has more than {0} records (max-per-origin)")]
    TooMany(usize),
    /// It tells more in a minute than it may; until it has been silent for as long as what it told
    /// would have taken.
    #[error("it tells more than {0} new records in a minute (max-new-per-minute)")]
    TooFast(u32),
}

/// How a record came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// As news: it counts for the pace.
    News,
    /// As part of all there is.
    Snapshot,
}

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It says something new.
    New,
    /// It says nothing that was not known, is not asked for, or is over.
    Nothing,
    /// It is no record.
    Malformed(WireError),
}

const MINUTE: i64 = 60_000;

impl Intake {
    /// Makes up the allowances for the time since the last call; before each pull. Who was away for
    /// an hour may be told what came in an hour.
    pub fn settle(&mut self, policy: &Policy, now: Time) {
        let elapsed = self
            .settled
            .map_or(0, |settled| signed(now.since(settled).as_millis()));
        let pace = i64::from(policy.max_new_per_minute);
        let most = pace.saturating_mul(elapsed.max(MINUTE));
        for allowance in self.allowances.values_mut() {
            *allowance = allowance
                .saturating_add(pace.saturating_mul(elapsed))
                .min(most);
        }
        self.settled = Some(now);
        let allowances = &self.allowances;
        self.cuts.retain(|origin, cut| match cut {
            Cut::TooMany(_) => true,
            Cut::TooFast(_) => allowances.get(origin).is_some_and(|left| *left < 0),
        });
    }

    /// Takes in a line that an origin has told, where the policy asks for it.
    pub fn take(
        &mut self,
        state: &mut State,
        policy: &Policy,
        (origin, line): (&Host, &[u8]),
        arrival: Arrival,
        now: Time,
    ) -> Taken {
        let is_in = *origin != policy.own && policy.trusts(origin);
        if !is_in || matches!(self.cuts.get(origin), Some(Cut::TooMany(_))) {
            return Taken::Nothing;
        }
        let record = match Record::parse(line) {
            Ok(record) => record,
            Err(error) => return Taken::Malformed(error),
        };
        let is_wanted = match &record {
            Record::Ban(ban) => policy.seen_by(&ban.set).is_some(),
            Record::Pardon(_) => true,
            Record::Evidence(evidence) => policy.rules.contains(&evidence.rule),
        };
        if !is_wanted || record.end() <= now || !state.insert(origin, record) {
            return Taken::Nothing;
        }
        if arrival == Arrival::News {
            self.charge(policy, origin);
        }
        if state.count(origin) > policy.max_per_origin {
            self.cut_off(state, policy, origin);
        }
        Taken::New
    }

    /// Cuts an origin off that has more records than it may.
    pub(crate) fn cut_off(&mut self, state: &mut State, policy: &Policy, origin: &Host) {
        state.forget(origin);
        let cut = Cut::TooMany(policy.max_per_origin);
        self.cuts.insert(origin.clone(), cut);
    }

    /// How many new records each may still tell, and as of when, to be kept between runs.
    pub(crate) fn allowances(&self) -> (Option<Time>, &BTreeMap<Host, i64>) {
        (self.settled, &self.allowances)
    }

    /// As it was kept.
    pub(crate) fn kept(
        settled: Option<Time>,
        allowances: BTreeMap<Host, i64>,
        cuts: BTreeMap<Host, Cut>,
    ) -> Self {
        Self {
            allowances,
            settled,
            cuts,
        }
    }

    fn charge(&mut self, policy: &Policy, origin: &Host) {
        let minute = i64::from(policy.max_new_per_minute).saturating_mul(MINUTE);
        let allowance = match self.allowances.get_mut(origin) {
            Some(allowance) => allowance,
            None => self.allowances.entry(origin.clone()).or_insert(minute),
        };
        // Who has told ten minutes' worth too much is no longer to pay than that.
        *allowance = (*allowance - MINUTE).max(minute.saturating_mul(-10));
        if *allowance < 0 {
            let cut = Cut::TooFast(policy.max_new_per_minute);
            self.cuts.entry(origin.clone()).or_insert(cut);
        }
    }

    /// Whether nothing of this origin holds.
    pub fn is_cut_off(&self, origin: &Host) -> bool {
        self.cuts.contains_key(origin)
    }

    /// Who is cut off, and why.
    pub fn cuts(&self) -> impl Iterator<Item = (&Host, Cut)> {
        self.cuts.iter().map(|(origin, cut)| (origin, *cut))
    }

    /// Lets origins tell again that had too many records: all of what they have is about to be
    /// taken in.
    pub fn begin_snapshot(&mut self, of: Option<&Host>) {
        self.cuts.retain(|origin, cut| {
            let is_asked = of.is_none_or(|of| of == origin);
            !(is_asked && matches!(cut, Cut::TooMany(_)))
        });
    }
}

fn signed(millis: u128) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}
