//! An engine in memory, with faults, for tests.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cursor, Engine, Mark, Pulled, Push, Snapshot, Told};
use crate::name::Host;
use crate::record::{Pardon, Record};
use crate::state::State;

/// An engine in memory that loses, forgets and is cut off as it is told to.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ban_fleet::{Engine, Host, Mark, MemoryEngine, Push, Record};
///
/// let web1: Host = "web1".parse()?;
/// let mut engine = MemoryEngine::default();
/// let ban = Record::parse(b"ban blacklist 203.0.113.7 end=2000 last=1000 hand why=")?;
/// let push = Push {
///     records: &[ban],
///     gone: &[],
///     is_all: false,
///     mark: Mark::new(1),
/// };
/// engine.session(&web1).push(&web1, &push)?;
/// assert_eq!(engine.session(&web1).snapshot(None, 10)?.told.len(), 1);
/// engine.lose_last(1);
/// assert_eq!(engine.session(&web1).snapshot(None, 10)?.told.len(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryEngine {
    writes: Vec<Write>,
    /// How many writes there ever were: a lost number does not come again.
    count: u64,
    /// Up to which write the history is no longer told, but in snapshots.
    trimmed: u64,
    cut_off: BTreeSet<Host>,
}

/// One push.
#[derive(Clone, Debug)]
struct Write {
    id: u64,
    origin: Host,
    lines: Vec<Vec<u8>>,
    mark: Mark,
}

/// Why an engine in memory did not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// The host is cut off from it.
    #[error("the engine cannot be reached")]
    Unreachable,
    /// Somebody else's name was given.
    #[error("NOPERM: a host writes in its own name alone")]
    Refused,
}

/// An engine in memory, as one host has it before it.
#[derive(Debug)]
pub struct MemorySession<'a> {
    engine: &'a mut MemoryEngine,
    host: Host,
}

impl MemoryEngine {
    /// It, as this host has it before it.
    pub fn session(&mut self, host: &Host) -> MemorySession<'_> {
        MemorySession {
            engine: self,
            host: host.clone(),
        }
    }

    /// Loses the last writes, as a replica does that takes over.
    pub fn lose_last(&mut self, writes: usize) {
        let left = self.writes.len().saturating_sub(writes);
        self.writes.truncate(left);
    }

    /// Loses everything.
    pub fn restart_empty(&mut self) {
        self.writes.clear();
    }

    /// Has again what an earlier copy of it had.
    pub fn restore(&mut self, copy: &Self) {
        self.writes.clone_from(&copy.writes);
        self.trimmed = copy.trimmed;
    }

    /// Leaves nothing of the history but what is in snapshots.
    pub fn trim(&mut self) {
        self.trimmed = self.count;
    }

    /// Cuts a host off, or lets it in again.
    pub fn cut_off(&mut self, host: &Host, is_cut_off: bool) {
        if is_cut_off {
            self.cut_off.insert(host.clone());
        } else {
            self.cut_off.remove(host);
        }
    }

    /// Writes anything in a host's name, as somebody does who has its password.
    pub fn write(&mut self, origin: &Host, lines: Vec<Vec<u8>>) {
        let mark = self.mark(origin);
        self.append(origin.clone(), lines, mark);
    }

    fn append(&mut self, origin: Host, lines: Vec<Vec<u8>>, mark: Mark) {
        self.count += 1;
        let id = self.count;
        self.writes.push(Write {
            id,
            origin,
            lines,
            mark,
        });
    }

    fn mark(&self, origin: &Host) -> Mark {
        let of_origin = self.writes.iter().rev();
        let mut of_origin = of_origin.filter(|write| write.origin == *origin);
        of_origin.next().map_or(Mark::default(), |write| write.mark)
    }

    /// The last write of each host.
    fn ends(&self) -> BTreeMap<&Host, u64> {
        let ends = self.writes.iter();
        ends.map(|write| (&write.origin, write.id)).collect()
    }

    fn cursor(&self) -> Cursor {
        let mut cursor = Cursor::default();
        for (host, id) in self.ends() {
            cursor.set(host.clone(), id.to_string());
        }
        cursor
    }
}

impl MemorySession<'_> {
    fn reach(&self, origin: &Host) -> Result<(), MemoryError> {
        if self.engine.cut_off.contains(&self.host) {
            return Err(MemoryError::Unreachable);
        }
        if *origin == self.host {
            Ok(())
        } else {
            Err(MemoryError::Refused)
        }
    }
}

fn told(write: &Write) -> impl Iterator<Item = Told> {
    let lines = write.lines.iter();
    lines.map(|line| Told {
        origin: write.origin.clone(),
        line: line.clone(),
    })
}

impl Engine for MemorySession<'_> {
    type Error = MemoryError;

    fn push(&mut self, origin: &Host, push: &Push<'_>) -> Result<Mark, MemoryError> {
        self.reach(origin)?;
        let lines = push.records.iter();
        let lines = lines
            .map(|record| record.to_string().into_bytes())
            .collect();
        let before = self.engine.mark(origin);
        self.engine.append(origin.clone(), lines, push.mark);
        Ok(before)
    }

    fn pull_since(&mut self, reader: &Host, cursor: &Cursor) -> Result<Pulled, MemoryError> {
        self.reach(reader)?;
        let engine = &*self.engine;
        let ends = engine.ends();
        let read = |host: &Host| {
            let position = cursor.position(host);
            position.and_then(|id| id.parse().ok()).unwrap_or(0)
        };
        let is_lost = cursor
            .iter()
            .any(|(host, _)| ends.get(host).is_none_or(|end| *end < read(host)));
        let is_trimmed = engine
            .writes
            .iter()
            .any(|write| write.id <= engine.trimmed && write.id > read(&write.origin));
        let news = (!is_lost && !is_trimmed).then(|| {
            let writes = engine.writes.iter();
            let news = writes.filter(|write| write.id > read(&write.origin));
            (news.flat_map(told).collect(), engine.cursor())
        });
        Ok(Pulled {
            news,
            mark: engine.mark(reader),
        })
    }

    fn snapshot(&mut self, of: Option<&Host>, most: usize) -> Result<Snapshot, MemoryError> {
        let host = self.host.clone();
        self.reach(&host)?;
        let writes = self.engine.writes.iter();
        let mut by_host: BTreeMap<&Host, (State, BTreeSet<&[u8]>)> = BTreeMap::new();
        for write in writes.filter(|write| of.is_none_or(|of| *of == write.origin)) {
            let (state, others) = by_host.entry(&write.origin).or_default();
            for line in &write.lines {
                match Record::parse(line) {
                    Ok(record) => {
                        state.insert(&write.origin, record);
                    }
                    Err(_) => {
                        others.insert(line);
                    }
                }
            }
        }
        let by_host = by_host.into_iter();
        let told = by_host.flat_map(|(origin, (state, others))| {
            let records: Vec<_> = state.records_of(origin).collect();
            let lines = records
                .into_iter()
                .map(|record| record.to_string().into_bytes());
            let lines = lines.chain(others.into_iter().map(<[u8]>::to_vec));
            let told = lines.map(|line| Told {
                origin: origin.clone(),
                line,
            });
            told.take(most)
        });
        Ok(Snapshot {
            told: told.collect(),
            cursor: self.engine.cursor(),
        })
    }

    fn pardon(&mut self, admin: &Host, pardon: &Pardon) -> Result<(), MemoryError> {
        self.reach(admin)?;
        let line = Record::Pardon(pardon.clone()).to_string();
        let mark = self.engine.mark(admin);
        self.engine
            .append(admin.clone(), vec![line.into_bytes()], mark);
        Ok(())
    }
}
