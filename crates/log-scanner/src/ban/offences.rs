//! Which ban of its source each ban is, and what is remembered of that.

use std::collections::BTreeMap;

use ban_sets::Network;
use jiff::Timestamp;

use super::Known;
use crate::bouts::Bouts;
use crate::error::Fatal;
use crate::offender::{Offenders, count};
use crate::reason::Record;
use crate::rule::Rule;
use crate::sets::Sets;
use crate::violation::{Ban, Banned, Outcome};

/// What was remembered, and what is to be once the bans are made.
#[derive(Debug, Default)]
pub(super) struct Offences {
    known: Offenders,
    counted: BTreeMap<Network, Record>,
}

impl Offences {
    /// What is remembered by now, where one of the rules asks for it. Of sources that are `Absent`
    /// nothing is.
    ///
    /// # Errors
    ///
    /// The kernel does not say what is.
    pub(super) fn read(
        sets: Option<&mut Sets>,
        rules: &[Rule],
        known: Known,
        as_of: Timestamp,
    ) -> Result<Self, Fatal> {
        let is_asked = known == Known::Nothing && rules.iter().any(|rule| rule.repeat.is_some());
        let known = match sets.filter(|_| is_asked) {
            None => Offenders::default(),
            Some(sets) => sets
                .offenders(as_of)
                .map_err(|why| Fatal::Sets(vec![why]))?,
        };
        Ok(Self {
            known,
            counted: BTreeMap::new(),
        })
    }

    /// The bans, each as long as its number wants it.
    pub(super) fn number<'r, X>(&mut self, mut bans: Vec<(Ban<'r>, X)>) -> Vec<(Ban<'r>, X)> {
        if bans.iter().all(|(ban, _)| ban.rule.repeat.is_none()) {
            return bans;
        }
        bans.sort_by_key(|(ban, _)| (ban.source(), ban.number));
        let mut numbered = Vec::with_capacity(bans.len());
        for of_source in bans.chunk_by(|(one, _), (other, _)| one.source() == other.source()) {
            let Some((first, _)) = of_source.first() else {
                continue;
            };
            let network = first.source().network();
            let evidence: Vec<(&Rule, &Bouts)> = of_source
                .iter()
                .map(|(ban, _)| (ban.rule, &ban.violator.bouts))
                .collect();
            let (record, numbers) = count(self.known.get(network), &evidence);
            if let Some(record) = record {
                self.counted.insert(network, record);
            }
            numbered.extend(numbers);
        }
        let bans = bans.into_iter().zip(numbered);
        bans.map(|((ban, with), number)| (ban.of_offence(number), with))
            .collect()
    }

    /// Remembers whose bans stand, or would if they were not over by now; what to warn of.
    pub(super) fn remember(
        mut self,
        sets: &mut Sets,
        banned: &[Banned<'_>],
        as_of: Timestamp,
    ) -> Vec<String> {
        let standing = banned.iter().filter(|banned| {
            let is_over = banned.outcome == Outcome::Expired;
            banned.ban.offence.is_some() && (is_over || banned.outcome.is_banned())
        });
        let mut news = BTreeMap::new();
        for banned in standing {
            let network = banned.ban.source().network();
            if let Some(record) = self.counted.remove(&network) {
                if self.known.get(network) != Some(record) {
                    news.insert(network, record);
                }
            }
        }
        let over = sets.forget(self.known.over()).err();
        let over = over.map(|why| format!("cannot forget whose time is over: {why}"));
        let mut warnings = sets.remember(&news, as_of);
        warnings.extend(over);
        warnings
    }
}
