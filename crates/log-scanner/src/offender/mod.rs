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

use ipset_netlink::{
    BulkOutcome, CreateSet, Entry, Error, Family, IfExists, IpSet, Key, Network, SetName, SetType,
    Timeout, Transport,
};
use jiff::{SignedDuration, Timestamp};

use crate::bouts::Bouts;
use crate::duration::whole_seconds;
use crate::error::chain;
use crate::names::{OFFENDERS, V6};
use crate::reason::{Reason, Record};
use crate::rule::Rule;
use crate::source::{holds, mapping};

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
    pub(crate) fn read<T: Transport>(
        kernel: &mut IpSet<T>,
        now: Timestamp,
    ) -> Result<Self, String> {
        let mut offenders = Self::default();
        for (name, _) in names() {
            let set = match kernel.list(&name) {
                Err(error) if error.is_set_not_found() => continue,
                Err(error) => return Err(chain(&error)),
                Ok(set) => set,
            };
            for (network, record) in set.entries.iter().filter_map(record) {
                if is_over(&record, now) {
                    offenders.over.push(network);
                } else {
                    offenders.records.insert(network, record);
                }
            }
        }
        Ok(offenders)
    }

    /// What is remembered of a network.
    pub(crate) fn get(&self, network: Network) -> Option<Record> {
        self.records.get(&network).copied()
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
pub(crate) fn remember<T: Transport>(
    kernel: &mut IpSet<T>,
    offenders: &BTreeMap<Network, Record>,
    now: Timestamp,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for (name, family) in names() {
        let of_family = offenders.iter();
        let of_family = of_family.filter(|(network, _)| Family::of(network.address()) == family);
        let entries: Vec<_> = of_family
            .filter_map(|(network, record)| entry(*network, *record, now))
            .collect();
        if entries.is_empty() {
            continue;
        }
        let forgotten = match add(kernel, &name, family, &entries) {
            Err(error) => Some(chain(&error)),
            Ok(outcome) => outcome.failures.first().map(|failure| {
                if failure.error.is_set_full() {
                    "it is full".to_owned()
                } else {
                    chain(&failure.error)
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

fn add<T: Transport>(
    kernel: &mut IpSet<T>,
    name: &SetName,
    family: Family,
    entries: &[Entry],
) -> Result<BulkOutcome, Error> {
    match kernel.add_all(name, entries, IfExists::Update) {
        Err(error) if error.is_set_not_found() => {
            let set = CreateSet::new(name.clone(), SetType::HashNet, family);
            let set = set.timeout(Timeout::PERMANENT).comments();
            match kernel.create(&set, IfExists::Fail) {
                Err(error) if !error.is_set_exists() => return Err(error),
                _ => {}
            }
            kernel.add_all(name, entries, IfExists::Update)
        }
        added => added,
    }
}

/// Forgets these networks.
pub(crate) fn forget<T: Transport>(
    kernel: &mut IpSet<T>,
    networks: &[Network],
) -> Result<(), String> {
    for network in networks {
        if let Some(name) = name_for(*network) {
            match kernel.delete(&name, &Key::from(*network)) {
                Err(error) if !error.is_set_not_found() => return Err(chain(&error)),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Forgets a network and who is in it, also as IPv4-mapped addresses; who was remembered.
pub(crate) fn forgive<T: Transport>(
    kernel: &mut IpSet<T>,
    network: Network,
) -> Result<Vec<Network>, String> {
    let offenders = Offenders::read(kernel, Timestamp::MIN)?;
    let forms = [network, mapping(network)];
    let forgiven = offenders.records.keys().copied();
    let forgiven = forgiven.filter(|one| forms.iter().any(|form| holds(*form, *one)));
    let forgiven: Vec<_> = forgiven.collect();
    forget(kernel, &forgiven)?;
    Ok(forgiven)
}

/// Whether something is remembered of a network, or of one around it.
pub(crate) fn is_known<T: Transport>(
    kernel: &mut IpSet<T>,
    network: Network,
) -> Result<bool, String> {
    let Some(name) = name_for(network) else {
        return Ok(false);
    };
    match kernel.contains(&name, &Key::from(network)) {
        Err(error) if error.is_set_not_found() => Ok(false),
        known => known.map_err(|error| chain(&error)),
    }
}

/// The sets of offenders.
pub(crate) fn names() -> impl Iterator<Item = (SetName, Family)> {
    let families = [("", Family::Inet), (V6, Family::Inet6)];
    families.into_iter().filter_map(|(suffix, family)| {
        let name = format!("{OFFENDERS}{suffix}").parse();
        Some((name.ok()?, family))
    })
}

fn name_for(network: Network) -> Option<SetName> {
    let mut names = names();
    let of = names.find(|(_, family)| *family == Family::of(network.address()));
    of.map(|(name, _)| name)
}

/// The entry of an offender; `None` where he is forgotten already.
fn entry(network: Network, record: Record, now: Timestamp) -> Option<Entry> {
    if is_over(&record, now) {
        return None;
    }
    let left = whole_seconds(after(record.until, LATE).duration_since(now)).max(1);
    let left = u32::try_from(left).ok();
    let timeout = left.and_then(|left| Timeout::from_secs(left).ok());
    let comment = Reason::Offender(record).comment()?;
    let entry = Entry::new(Key::from(network)).comment(comment);
    Some(entry.timeout(timeout.unwrap_or(Timeout::PERMANENT)))
}

/// Whether no scan needs a record any more.
fn is_over(record: &Record, now: Timestamp) -> bool {
    after(record.until, LATE) < now
}

fn record(entry: &Entry) -> Option<(Network, Record)> {
    match Reason::of(entry.comment.as_ref()?) {
        Reason::Offender(record) if !entry.nomatch => Some((entry.key.as_network()?, record)),
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
