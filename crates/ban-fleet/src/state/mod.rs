//! What is known of a fleet: what each host has told, merged.

mod front;

use std::collections::BTreeMap;

use front::Front;

use crate::name::{Host, Rule, Set};
use crate::prefix::Prefix;
use crate::record::{Ban, Bucket, Evidence, Pardon, Record};
use crate::time::Time;

/// What each host has told.
///
/// Merging asks for no order: whatever came first, twice or by a detour, the same records make the
/// same state. So a host that was away, an engine that lost its last writes and one that was
/// restored from an old copy are no cases of their own.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ban_fleet::{Host, Record, State, Time};
///
/// let web1: Host = "web1".parse()?;
/// let short = Record::parse(b"ban blacklist 203.0.113.7 end=2000 last=1000 scan rule=blocked hits=5 ports=-")?;
/// let long = Record::parse(b"ban blacklist 203.0.113.7 end=9000 last=8000 scan rule=blocked hits=7 ports=-")?;
/// let mut one = State::default();
/// assert!(one.insert(&web1, long.clone()));
/// // The later end was there before.
/// assert!(!one.insert(&web1, short.clone()));
/// let mut other = State::default();
/// other.insert(&web1, short);
/// other.insert(&web1, long);
/// assert_eq!(one, other);
/// one.prune(Time::from_millis(9000));
/// assert_eq!(one, State::default());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    origins: BTreeMap<Host, Told>,
}

/// What one host has told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    bans: BTreeMap<(Set, Prefix), Front<Ban>>,
    pardons: BTreeMap<Prefix, Front<Pardon>>,
    evidence: BTreeMap<(Rule, Bucket, Prefix), u64>,
    /// How many records all these are.
    records: usize,
}

impl State {
    /// Takes in what a host tells; whether that was new.
    pub fn insert(&mut self, origin: &Host, record: Record) -> bool {
        self.put(origin, record).is_some()
    }

    /// Takes in what a host tells, where that is new; the records that it makes needless.
    pub(crate) fn put(&mut self, origin: &Host, record: Record) -> Option<Vec<Record>> {
        match self.origins.get_mut(origin) {
            Some(told) => told.insert(record),
            None => self
                .origins
                .entry(origin.clone())
                .or_default()
                .insert(record),
        }
    }

    /// Takes in what another state has.
    pub fn merge(&mut self, other: &Self) {
        for (origin, record) in other.records() {
            self.insert(origin, record);
        }
    }

    /// Forgets what is over.
    pub fn prune(&mut self, now: Time) {
        self.origins.retain(|_, told| {
            told.prune(now);
            told.records > 0
        });
    }

    /// Forgets all that a host has told.
    pub fn forget(&mut self, origin: &Host) {
        self.origins.remove(origin);
    }

    /// The hosts that have told something.
    pub fn origins(&self) -> impl Iterator<Item = &Host> {
        self.origins.keys()
    }

    /// How many records of a host there are.
    pub fn count(&self, origin: &Host) -> usize {
        self.origins.get(origin).map_or(0, |told| told.records)
    }

    /// All records, in an order of theirs.
    pub fn records(&self) -> impl Iterator<Item = (&Host, Record)> {
        let origins = self.origins.iter();
        origins.flat_map(|(origin, told)| told.records().map(move |record| (origin, record)))
    }

    /// The records of one host.
    pub fn records_of(&self, origin: &Host) -> impl Iterator<Item = Record> {
        self.origins.get(origin).into_iter().flat_map(Told::records)
    }

    /// The bans of one host. Of one prefix in one set there are several where one that ends later is
    /// for what came earlier.
    pub fn bans_of(&self, origin: &Host) -> impl Iterator<Item = &Ban> {
        let told = self.origins.get(origin).into_iter();
        told.flat_map(|told| told.bans.values().flat_map(Front::iter))
    }

    /// All pardons.
    pub fn pardons(&self) -> impl Iterator<Item = (&Host, &Pardon)> {
        let origins = self.origins.iter();
        origins.flat_map(|(origin, told)| {
            let pardons = told.pardons.values().flat_map(Front::iter);
            pardons.map(move |pardon| (origin, pardon))
        })
    }

    /// All evidence, as who saw it, by which rule, when, whom, and how often.
    pub fn evidence(&self) -> impl Iterator<Item = (&Host, &Rule, Bucket, Prefix, u64)> {
        let origins = self.origins.iter();
        origins.flat_map(|(origin, told)| {
            let evidence = told.evidence.iter();
            evidence
                .map(move |((rule, bucket, source), hits)| (origin, rule, *bucket, *source, *hits))
        })
    }
}

impl Told {
    fn insert(&mut self, record: Record) -> Option<Vec<Record>> {
        let replaced: Vec<Record> = match record {
            Record::Ban(ban) => {
                let key = (ban.set.clone(), ban.prefix);
                let replaced = self.bans.entry(key).or_default().put(ban)?;
                replaced.into_iter().map(Record::Ban).collect()
            }
            Record::Pardon(pardon) => {
                let front = self.pardons.entry(pardon.prefix).or_default();
                front.put(pardon)?.into_iter().map(Record::Pardon).collect()
            }
            Record::Evidence(evidence) => self.count(evidence)?,
        };
        self.records = (self.records + 1).saturating_sub(replaced.len());
        Some(replaced)
    }

    /// Takes in a number that is larger than the one that was there; that one.
    fn count(&mut self, evidence: Evidence) -> Option<Vec<Record>> {
        let Evidence {
            rule,
            bucket,
            source,
            hits,
        } = evidence.clone();
        match self.evidence.insert((rule, bucket, source), hits) {
            Some(before) if before >= hits => {
                let key = (evidence.rule, bucket, source);
                self.evidence.insert(key, before);
                None
            }
            Some(before) => Some(vec![Record::Evidence(Evidence {
                hits: before,
                ..evidence
            })]),
            None => Some(Vec::new()),
        }
    }

    fn prune(&mut self, now: Time) {
        self.bans.retain(|_, front| {
            front.prune(now);
            !front.is_empty()
        });
        self.pardons.retain(|_, front| {
            front.prune(now);
            !front.is_empty()
        });
        self.evidence
            .retain(|(_, bucket, _), _| bucket.forgotten() > now);
        let bans: usize = self.bans.values().map(Front::len).sum();
        let pardons: usize = self.pardons.values().map(Front::len).sum();
        self.records = bans + pardons + self.evidence.len();
    }

    fn records(&self) -> impl Iterator<Item = Record> {
        let bans = self.bans.values().flat_map(Front::iter);
        let pardons = self.pardons.values().flat_map(Front::iter);
        let evidence = self.evidence.iter();
        let evidence = evidence.map(|((rule, bucket, source), hits)| Evidence {
            rule: rule.clone(),
            bucket: *bucket,
            source: *source,
            hits: *hits,
        });
        let bans = bans.cloned().map(Record::Ban);
        let pardons = pardons.cloned().map(Record::Pardon);
        bans.chain(pardons).chain(evidence.map(Record::Evidence))
    }
}
