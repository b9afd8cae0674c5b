//! A host of a fleet: what it knows, and one round of telling and being told.

mod saved;

use std::collections::BTreeMap;

pub use saved::SavedError;

use crate::engine::{Cursor, Engine, Mark, Push, Snapshot, Told};
use crate::name::Host;
use crate::record::Record;
use crate::state::State;
use crate::time::Time;
use crate::trust::{Arrival, Cut, Intake, Pardons, Policy, Taken, Wanted};
use crate::wire::WireError;

/// A host of a fleet.
///
/// What it tells is its own: what it was told it does not tell on, with the exception of pardons
/// that hold, so that a pardon is in no engine alone.
#[derive(Clone, Debug)]
pub struct Node {
    own: Host,
    state: State,
    intake: Intake,
    cursor: Cursor,
    /// What is not told yet.
    unsent: Vec<Record>,
    /// What that makes needless of what was told.
    gone: Vec<Record>,
    /// What the engine has with the last push of this host.
    mark: Mark,
    /// Whether it has ever been told all.
    is_whole: bool,
}

/// What a round was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// How many records were told, those told again included.
    pub pushed: usize,
    /// How many new ones came.
    pub new: usize,
    /// Whether all there is was taken in, and not the news alone.
    pub snapshot: bool,
    /// Whether the engine had lost what this host told, so that it was told again.
    pub told_again: bool,
    /// Lines that are no records, by who told them: how many, and why the first is none.
    pub malformed: BTreeMap<Host, (usize, WireError)>,
    /// Who is cut off, and why.
    pub cut_off: Vec<(Host, Cut)>,
}

impl Node {
    /// A host that knows nothing yet.
    pub fn new(own: Host) -> Self {
        Self {
            own,
            state: State::default(),
            intake: Intake::default(),
            cursor: Cursor::default(),
            unsent: Vec::new(),
            gone: Vec::new(),
            mark: Mark::default(),
            is_whole: false,
        }
    }

    /// Has something to tell: what is in the outbox, and evidence. What it has told before is left
    /// out.
    pub fn tell(&mut self, record: Record) {
        let Some(replaced) = self.state.put(&self.own, record.clone()) else {
            return;
        };
        if !replaced.is_empty() {
            self.unsent.retain(|unsent| !replaced.contains(unsent));
            self.gone.extend(replaced);
        }
        self.unsent.push(record);
    }

    /// What is known.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Who is cut off.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// How many records are still to be told.
    pub fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// The pardons that hold here, whoever gave them.
    pub fn pardons(&self, policy: &Policy, now: Time) -> Pardons {
        Pardons::of(&self.state, policy, &self.intake, now)
    }

    /// What this host wants in its sets by now.
    pub fn wanted(&self, policy: &Policy, now: Time) -> Wanted {
        Wanted::of(&self.state, policy, &self.intake, now)
    }

    /// One round: tells what is new here, and takes in what is new elsewhere.
    ///
    /// `now` is the engine's time. What failed is done by the next round; in between nothing that is
    /// known is lost.
    ///
    /// # Errors
    ///
    /// Fails where the engine does.
    pub fn sync<E: Engine>(
        &mut self,
        engine: &mut E,
        policy: &Policy,
        now: Time,
    ) -> Result<Synced, E::Error> {
        let mut synced = Synced::default();
        self.intake.settle(policy, now);
        self.state.prune(now);
        self.unsent.retain(|record| record.end() > now);
        self.pass_on_pardons(policy, now);
        self.push(engine, &mut synced)?;
        let pulled = engine.pull_since(&self.own, &self.cursor)?;
        if pulled.mark != self.mark {
            self.push_all(engine, &mut synced)?;
        }
        match pulled.news {
            Some((told, cursor)) if self.is_whole => {
                self.take(&told, policy, (Arrival::News, now), &mut synced);
                self.cursor = cursor;
            }
            _ => self.take_all(engine, policy, now, &mut synced)?,
        }
        self.ask_again(engine, policy, now, &mut synced)?;
        let cuts = self.intake.cuts();
        synced.cut_off = cuts.map(|(origin, cut)| (origin.clone(), cut)).collect();
        Ok(synced)
    }

    fn pass_on_pardons(&mut self, policy: &Policy, now: Time) {
        let pardons = Pardons::of(&self.state, policy, &self.intake, now);
        for pardon in pardons.iter() {
            self.tell(Record::Pardon(pardon.clone()));
        }
    }

    /// Tells what is new here; and all, where the engine has not what was told before it.
    fn push<E: Engine>(&mut self, engine: &mut E, synced: &mut Synced) -> Result<(), E::Error> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        let mark = self.mark.after(&self.unsent);
        let push = Push {
            records: &self.unsent,
            gone: &self.gone,
            is_all: false,
            mark,
        };
        let before = engine.push(&self.own, &push)?;
        synced.pushed += self.unsent.len();
        self.unsent.clear();
        self.gone.clear();
        let expected = std::mem::replace(&mut self.mark, mark);
        if before == expected {
            return Ok(());
        }
        synced.told_again = expected != Mark::default();
        self.push_all(engine, synced)
    }

    /// Tells all again that this host has told.
    fn push_all<E: Engine>(&mut self, engine: &mut E, synced: &mut Synced) -> Result<(), E::Error> {
        let all: Vec<_> = self.state.records_of(&self.own).collect();
        let mark = self.mark.after(&all);
        let push = Push {
            records: &all,
            gone: &[],
            is_all: true,
            mark,
        };
        engine.push(&self.own, &push)?;
        synced.pushed += all.len();
        synced.told_again |= self.mark != Mark::default();
        self.mark = mark;
        Ok(())
    }

    /// Takes in all there is.
    fn take_all<E: Engine>(
        &mut self,
        engine: &mut E,
        policy: &Policy,
        now: Time,
        synced: &mut Synced,
    ) -> Result<(), E::Error> {
        let snapshot = engine.snapshot(None, policy.max_per_origin + 1)?;
        self.take_snapshot(None, &snapshot, policy, now, synced);
        self.cursor = snapshot.cursor;
        self.is_whole = true;
        synced.snapshot = true;
        Ok(())
    }

    /// Asks for all of those again who had too many records: they may have fewer by now.
    fn ask_again<E: Engine>(
        &mut self,
        engine: &mut E,
        policy: &Policy,
        now: Time,
        synced: &mut Synced,
    ) -> Result<(), E::Error> {
        if synced.snapshot {
            return Ok(());
        }
        let cuts = self.intake.cuts();
        let too_many = cuts.filter(|(_, cut)| matches!(cut, Cut::TooMany(_)));
        let too_many: Vec<Host> = too_many.map(|(origin, _)| origin.clone()).collect();
        for origin in too_many {
            let snapshot = engine.snapshot(Some(&origin), policy.max_per_origin + 1)?;
            self.take_snapshot(Some(&origin), &snapshot, policy, now, synced);
        }
        Ok(())
    }

    fn take_snapshot(
        &mut self,
        of: Option<&Host>,
        snapshot: &Snapshot,
        policy: &Policy,
        now: Time,
        synced: &mut Synced,
    ) {
        self.intake.begin_snapshot(of);
        self.take(&snapshot.told, policy, (Arrival::Snapshot, now), synced);
        let mut counts: BTreeMap<&Host, usize> = BTreeMap::new();
        for told in &snapshot.told {
            *counts.entry(&told.origin).or_default() += 1;
        }
        // What the engine gave of it is not all.
        counts.retain(|origin, count| *count > policy.max_per_origin && **origin != self.own);
        for origin in counts.into_keys() {
            self.intake.cut_off(&mut self.state, policy, origin);
        }
    }

    fn take(
        &mut self,
        told: &[Told],
        policy: &Policy,
        (arrival, now): (Arrival, Time),
        synced: &mut Synced,
    ) {
        for Told { origin, line } in told {
            match self
                .intake
                .take(&mut self.state, policy, (origin, line), arrival, now)
            {
                Taken::New => synced.new += 1,
                Taken::Nothing => {}
                Taken::Malformed(error) => {
                    let (count, _) = synced.malformed.entry(origin.clone()).or_insert((0, error));
                    *count += 1;
                }
            }
        }
    }
}
