//! The sources that are known, in no more memory than is allowed.
//!
//! A source is in the generation of its last hit. When the youngest generation has its share of the
//! memory, the next one begins; when all generations together have what is allowed, the oldest is
//! dropped. So a flood of forged sources drives out the sources whose last hit is the longest ago,
//! and nobody has to search for them.

use std::collections::{HashMap, VecDeque};

use super::history::Source;

/// Sources by table, of which there is one for each family and prefix length that are counted, and
/// by network.
#[derive(Debug, Clone)]
pub(super) struct Sources {
    /// In bytes.
    allowed: usize,
    young: Generation,
    /// The oldest first.
    older: VecDeque<Generation>,
    dropped: u64,
}

#[derive(Debug, Clone, Default)]
struct Generation {
    tables: Vec<Table>,
    /// What the sources take beside their places in the tables.
    bytes: usize,
}

#[derive(Debug, Clone, Default)]
struct Table {
    sources: HashMap<u128, Source>,
    /// The most sources that it has had room for since it was made; std's does not say how many
    /// places it has.
    room: usize,
}

/// Shares of the memory. They are few, because each generation is asked for a source.
pub(super) const SHARES: usize = 8;

impl Sources {
    pub(super) fn new(tables: usize) -> Self {
        Self {
            allowed: 0,
            young: Generation::new(tables),
            older: VecDeque::new(),
            dropped: 0,
        }
    }

    /// Sets how many bytes may be taken.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.allowed = bytes;
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        let all = self.older.iter().chain([&self.young]);
        all.map(Generation::count).sum()
    }

    /// What they take, in bytes.
    pub(super) fn size(&self) -> usize {
        let all = self.older.iter().chain([&self.young]);
        all.map(Generation::size).sum()
    }

    /// What they may take, in bytes.
    pub(super) fn allowed(&self) -> usize {
        self.allowed
    }

    /// How many were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Changes a source, which is new if it is not known. `None` if there is no such table.
    pub(super) fn change<T>(
        &mut self,
        table: usize,
        network: u128,
        change: impl FnOnce(&mut Source) -> T,
    ) -> Option<T> {
        if self.young.size() + self.young.growth(table) > self.allowed / SHARES {
            self.turn();
        }
        if !self.young.tables.get(table)?.sources.contains_key(&network) {
            let mut older = self.older.iter_mut().rev();
            let known = older.find_map(|generation| generation.take(table, network));
            self.young.put(table, network, known.unwrap_or_default());
        }
        let young = self.young.tables.get_mut(table)?;
        let source = young.sources.get_mut(&network)?;
        let before = source.bytes();
        let answer = change(source);
        self.young.bytes = self.young.bytes + source.bytes() - before;
        Some(answer)
    }

    /// Begins a generation, and drops as many of the oldest as it takes to leave it its share.
    #[cold]
    fn turn(&mut self) {
        let next = Generation::new(self.young.tables.len());
        self.older
            .push_back(std::mem::replace(&mut self.young, next));
        // The youngest has nothing yet.
        let mut size = self.size();
        while size > self.allowed - self.allowed / SHARES {
            let Some(oldest) = self.older.pop_front() else {
                return;
            };
            size -= oldest.size();
            self.dropped += oldest.count() as u64;
        }
    }

    /// Keeps those of which `keep` says so, which may change them.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut Source) -> bool) {
        for generation in self.older.iter_mut().chain([&mut self.young]) {
            generation.bytes = 0;
            for table in &mut generation.tables {
                table.sources.retain(|_, source| {
                    let kept = keep(source);
                    generation.bytes += if kept { source.bytes() } else { 0 };
                    kept
                });
                // After a flood it is large; one that is merely emptier may well be filled again.
                if table.sources.len() < table.room / 4 {
                    table.sources.shrink_to(table.sources.len() * 2);
                    table.room = table.sources.capacity();
                }
            }
        }
        self.older.retain(|generation| generation.count() > 0);
    }
}

impl Generation {
    fn new(tables: usize) -> Self {
        let mut new = Self::default();
        new.tables.resize_with(tables, Table::default);
        new
    }

    fn take(&mut self, table: usize, network: u128) -> Option<Source> {
        let source = self.tables.get_mut(table)?.sources.remove(&network)?;
        self.bytes -= source.bytes();
        Some(source)
    }

    fn put(&mut self, table: usize, network: u128, source: Source) {
        if let Some(table) = self.tables.get_mut(table) {
            self.bytes += source.bytes();
            table.sources.insert(network, source);
            table.room = table.room.max(table.sources.capacity());
        }
    }

    fn count(&self) -> usize {
        self.tables.iter().map(|table| table.sources.len()).sum()
    }

    /// In bytes.
    fn size(&self) -> usize {
        self.bytes + self.tables.iter().map(Table::size).sum::<usize>()
    }

    /// How many bytes a full table takes more for a while, when there is one source more: it moves
    /// into one of twice the size.
    fn growth(&self, table: usize) -> usize {
        let table = self.tables.get(table);
        let is_full = |table: &&Table| table.sources.len() == table.sources.capacity();
        table.filter(is_full).map_or(0, |table| 2 * table.size())
    }
}

impl Table {
    /// In bytes: std's have a byte beside each place, and are never more than seven eighths full.
    fn size(&self) -> usize {
        self.room / 7 * 8 * (size_of::<(u128, Source)>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_33_bytes_of_a_table() {
        assert_eq!(size_of::<(u128, Source)>(), 32);
    }
}
