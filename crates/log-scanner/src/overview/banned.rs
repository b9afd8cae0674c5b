//! Who is banned now, by the kernel's sets.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::places::Place;
use crate::bans::{Kind, Row, as_text_or_null};
use crate::error::{Fatal, chain};
use crate::ours::{self, SetArgs};
use crate::source::Source;

/// Bans of the sets, or why they cannot be told.
#[derive(Debug, Default, Serialize)]
pub(super) struct Bans {
    /// Why nothing is known.
    pub(super) unknown: Option<String>,
    /// How many there are in each set.
    pub(super) sets: BTreeMap<String, u64>,
    /// The latest.
    pub(super) latest: Vec<Banned>,
}

/// A ban.
#[derive(Debug, Serialize)]
pub(super) struct Banned {
    pub(super) source: Source,
    pub(super) set: String,
    #[serde(serialize_with = "as_text_or_null")]
    pub(super) since: Option<Timestamp>,
    /// `None`: for good.
    #[serde(serialize_with = "as_text_or_null")]
    pub(super) until: Option<Timestamp>,
    pub(super) why: String,
    #[serde(flatten)]
    pub(super) place: Place,
}

impl Bans {
    /// As the kernel has them; that they cannot be read is told and no error.
    pub(super) fn of_kernel(sets: &SetArgs, now: Timestamp, most: usize, zone: &TimeZone) -> Self {
        Self::read(sets, now, most, zone).unwrap_or_else(|error| Self {
            unknown: Some(error.complaints().join("; ")),
            ..Self::default()
        })
    }

    fn read(args: &SetArgs, now: Timestamp, most: usize, zone: &TimeZone) -> Result<Self, Fatal> {
        let trouble = |error: ban_sets::Error| Fatal::Sets(vec![chain(&error)]);
        let mut backend = ban_sets::of_this_host().map_err(trouble)?;
        let mut bans = Self::default();
        for set in ours::sets(backend.as_mut(), args)? {
            let (mut number, latest) = (0, &mut bans.latest);
            let listed = backend.list(&set.name, now, &mut |entry| {
                if !entry.exception {
                    let row = Row::new(&set.name, Kind::Ban, &entry, now);
                    number += 1;
                    latest.push(Banned {
                        source: row.source,
                        set: set.name.as_str().to_owned(),
                        since: row.since,
                        until: row.until,
                        why: row.why(zone),
                        place: Place::default(),
                    });
                    // A set may have millions.
                    if latest.len() > most.saturating_mul(2).saturating_add(1000) {
                        keep_latest(latest, most);
                    }
                }
                ControlFlow::Continue(())
            });
            listed.map_err(trouble)?;
            bans.sets.insert(set.name.as_str().to_owned(), number);
        }
        keep_latest(&mut bans.latest, most);
        Ok(bans)
    }

    /// All of them.
    pub(super) fn all(&self) -> u64 {
        self.sets.values().sum()
    }
}

fn keep_latest(bans: &mut Vec<Banned>, most: usize) {
    bans.sort_by_key(|ban| std::cmp::Reverse((ban.since, ban.until)));
    bans.truncate(most);
}
