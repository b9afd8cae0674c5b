//! Offenders: who was banned by a rule that asks who has come back, and how often.
//!
//! The law. A rule's evidence are the instants at which a window reached its threshold. Of a source,
//! those of all rules with `repeat` are taken in order:
//!
//! - What comes until the end of the ban, as the evidence so far gives it, belongs to the same
//!   offence, and moves that end.
//! - What comes after it is a new offence: the next one, if the last evidence of the one before is
//!   not longer ago than the rule's `within`, or else the first again.
//!
//! So the number follows from the log and what is remembered of logs before, and evidence that is
//! read again changes nothing: it lies in the offence that it made, or before it. What is older than
//! the offence that is remembered belongs to a ban that has ended.
//!
//! A record is an entry of the set `offenders` or `offenders_v6`, with the record as its comment. It
//! stays for what is left of `within`, and a day more, for a scan that comes late; where that is more
//! than the kernel can count, for good, and a scan takes it out once it is over.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use ban_sets::names::{of_family, pair};
use ban_sets::network::{holds, mapping};
use ban_sets::{Backend, End, Entry, Error, Family, IfThere, Network, Refusal, SetName};
use jiff::{SignedDuration, Timestamp};

use crate::bouts::Bouts;
use crate::duration::whole_seconds;
use crate::error::chain;
use crate::names::OFFENDERS;
use crate::reason::{Reason, Record};
use crate::rule::Rule;

/// So long after its evidence a scan may come that counts by what is remembered, as one in time would.
const LATE: SignedDuration = SignedDuration::from_hours(24);

/// What is remembered of whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offenders {
    records: BTreeMap<Network, Record>,
    /// Who would stay for good and is to be forgotten.
    over: Vec<Network>,
}

impl Offenders {
    /// All that is remembered `now`. Sets that are no sets of offenders have none.
    pub(crate) fn read(sets: &mut dyn Backend, now: Timestamp) -> Result<Self, String> {
        let mut offenders = Self::default();
        for (name, _) in names() {
            let listed = sets.list(&name, now, &mut |entry| {
                if let Some((network, record)) = record(&entry) {
                    offenders.take_in(network, record, now);
                }
                ControlFlow::Continue(())
            });
            match listed {
                Err(error) if !error.is_set_missing() => return Err(chain(&error)),
                _ => {}
            }
        }
        Ok(offenders)
    }

    fn take_in(&mut self, network: Network, record: Record, now: Timestamp) {
        if is_over(&record, now) {
            self.over.push(network);
        } else {
            self.records.insert(network, record);
        }
    }

    /// What is remembered of a network.
    pub(crate) fn get(&self, network: Network) -> Option<Record> {
        self.records.get(&network).copied()
    }

    /// All that is remembered.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Network, Record)> {
        self.records
            .iter()
            .map(|(network, record)| (*network, *record))
    }

    /// Whose time is over.
    pub(crate) fn over(&self) -> &[Network] {
        &self.over
    }
}

/// Counts the offences of a source by the evidence of rules with `repeat`; what is remembered from
/// then on, and for each rule which offence its last evidence belongs to.
pub(crate) fn count(
    known: Option<Record>,
    evidence: &[(&Rule, &Bouts)],
) -> (Option<Record>, Vec<u32>) {
    let mut bouts = Vec::new();
    for (place, (rule, by_rule)) in evidence.iter().enumerate() {
        bouts.extend(
            by_rule
                .iter()
                .map(|(first, last)| (first, last, place, *rule)),
        );
    }
    bouts.sort_by_key(|(first, _, place, _)| (*first, *place));
    let mut numbers = vec![1; evidence.len()];
    let mut record = known;
    for (first, last, place, rule) in bouts {
        let Some(repeat) = rule.repeat else { continue };
        let within = seconds(repeat.within.get());
        let before = match record {
            Some(record) if last < record.first => continue,
            Some(record) if first <= record.end => record,
            _ => Record {
                offences: match record {
                    Some(record) if first.duration_since(record.last) <= within => {
                        record.offences.saturating_add(1)
                    }
                    _ => 1,
                },
                first,
                last,
                end: last,
                until: last,
            },
        };
        let length = seconds(repeat.length(rule.removeafter, before.offences));
        record = Some(Record {
            last: before.last.max(last),
            end: before.end.max(after(last, length)),
            until: before.until.max(after(last, within)),
            ..before
        });
        if let Some(number) = numbers.get_mut(place) {
            *number = before.offences;
        }
    }
    (record, numbers)
}

/// Remembers offenders; what to warn of.
pub(crate) fn remember(
    sets: &mut dyn Backend,
    offenders: &BTreeMap<Network, Record>,
    now: Timestamp,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for (name, family) in names() {
        let of_family = offenders.iter();
        let of_family = of_family.filter(|(network, _)| Family::of(network.address()) == family);
        let entries: Vec<_> = of_family
            .filter_map(|(network, record)| entry(*network, *record, now, sets.longest()))
            .collect();
        if entries.is_empty() {
            continue;
        }
        let forgotten = match put(sets, &name, family, &entries, now) {
            Err(error) => Some(chain(&error)),
            Ok(refused) => refused.first().map(|refusal| {
                if refusal.error.is_set_full() {
                    "it is full".to_owned()
                } else {
                    chain(&refusal.error)
                }
            }),
        };
        warnings.extend(forgotten.map(|why| {
            format!(
                "some who are banned are not remembered in set \"{name}\", so that their next ban is no longer than a first one: {why}"
            )
        }));
    }
    warnings
}

fn put(
    sets: &mut dyn Backend,
    name: &SetName,
    family: Family,
    entries: &[Entry],
    now: Timestamp,
) -> Result<Vec<Refusal>, Error> {
    match sets.put(name, entries, now, IfThere::Replace) {
        Err(error) if error.is_set_missing() => {
            sets.make(name, family)?;
            sets.put(name, entries, now, IfThere::Replace)
        }
        put => put,
    }
}

/// Forgets these networks.
pub(crate) fn forget(sets: &mut dyn Backend, networks: &[Network]) -> Result<(), String> {
    for network in networks {
        if let Some(name) = name_for(*network) {
            match sets.take_out(&name, *network) {
                Err(error) if !error.is_set_missing() => return Err(chain(&error)),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Forgets a network and who is in it, also as IPv4-mapped addresses; who was remembered.
pub(crate) fn forgive(sets: &mut dyn Backend, network: Network) -> Result<Vec<Network>, String> {
    let offenders = Offenders::read(sets, Timestamp::MIN)?;
    let forms = [network, mapping(network)];
    let forgiven = offenders.records.keys().copied();
    let forgiven = forgiven.filter(|one| forms.iter().any(|form| holds(*form, *one)));
    let forgiven: Vec<_> = forgiven.collect();
    forget(sets, &forgiven)?;
    Ok(forgiven)
}

/// Whether something is remembered of a network, or of one around it.
pub(crate) fn is_known(sets: &mut dyn Backend, network: Network) -> Result<bool, String> {
    let Some(name) = name_for(network) else {
        return Ok(false);
    };
    match sets.matches(&name, network) {
        Err(error) if error.is_set_missing() => Ok(false),
        known => known.map_err(|error| chain(&error)),
    }
}

/// The sets of offenders.
pub(crate) fn names() -> impl Iterator<Item = (SetName, Family)> {
    pair(OFFENDERS)
}

fn name_for(network: Network) -> Option<SetName> {
    of_family(OFFENDERS, Family::of(network.address()))
}

/// The entry of an offender; `None` where he is forgotten already.
fn entry(network: Network, record: Record, now: Timestamp, longest: u32) -> Option<Entry> {
    if is_over(&record, now) {
        return None;
    }
    let end = after(record.until, LATE);
    let is_short = whole_seconds(end.duration_since(now)) <= i64::from(longest);
    let comment = Reason::Offender(record).comment()?;
    let entry = Entry::new(network).because(Some(comment));
    Some(entry.until(if is_short { End::At(end) } else { End::Never }))
}

/// Whether no scan needs a record any more.
fn is_over(record: &Record, now: Timestamp) -> bool {
    after(record.until, LATE) < now
}

fn record(entry: &Entry) -> Option<(Network, Record)> {
    match Reason::of(entry.comment.as_ref()?) {
        Reason::Offender(record) if !entry.exception => Some((entry.network, record)),
        _ => None,
    }
}

fn seconds(seconds: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
}

fn after(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.saturating_add(span).unwrap_or(time)
}

#[cfg(test)]
mod tests;
