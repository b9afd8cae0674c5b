//! The sources that are known, in no more memory than is allowed.
//!
//! What is hit gets the number of the hit. When all tables together take what is allowed, those are
//! dropped whose number is the lowest: sources that were seen once by the page, in the order in
//! which they came, and the others one by one. So a flood of forged sources drives out the sources
//! whose last hit is the longest ago, and nobody has to search for them.

mod index;
mod known;
mod singles;
mod table;
#[cfg(test)]
mod tests;

use self::table::Table;
use super::history::Source;

/// Sources by table, of which there is one for each family and prefix length that are counted, and
/// by network.
#[derive(Debug, Clone)]
pub(super) struct Sources {
    /// In bytes.
    allowed: usize,
    tables: Vec<Table>,
    /// How many hits there were.
    hits: u64,
    dropped: u64,
}

/// The memory has room for so many sources of as many hits as are kept of one.
pub(super) const LEAST: usize = 4;

impl Sources {
    /// For tables that are each of IPv4 or not, and of networks of a length; `ports`: whether any
    /// rule asks for them.
    pub(super) fn new(tables: impl IntoIterator<Item = (bool, u8)>, ports: bool) -> Self {
        let tables = tables.into_iter();
        Self {
            allowed: 0,
            tables: tables
                .map(|(is_v4, length)| Table::new(is_v4, length, ports))
                .collect(),
            hits: 0,
            dropped: 0,
        }
    }

    /// Sets how many bytes may be taken.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.allowed = bytes;
        for table in &mut self.tables {
            table.expect(bytes);
        }
    }

    /// Has the processor fetch what tells where a network is.
    #[inline]
    pub(super) fn fetch(&self, table: usize, network: u128) -> u32 {
        let table = self.tables.get(table);
        table.map_or(0, |table| table.fetch(network))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.tables.iter().map(Table::count).sum()
    }

    /// What they may take, in bytes.
    pub(super) fn allowed(&self) -> usize {
        self.allowed
    }

    /// How many were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// What they take, in bytes.
    pub(super) fn size(&self) -> usize {
        self.tables.iter().map(Table::bytes).sum()
    }

    /// Changes a source, which is new if it is not known. `None` if there is no such table.
    pub(super) fn change<T>(
        &mut self,
        table: usize,
        network: u128,
        change: impl FnOnce(&mut Source) -> T,
    ) -> Option<T> {
        self.hits += 1;
        let table = self.tables.get_mut(table)?;
        if table.is_full() {
            self.dropped += table.drop_oldest();
        }
        let answer = table.change(network, self.hits, change);
        if self.size() > self.allowed {
            self.make_room();
        }
        answer
    }

    /// Drops those whose last hit is the longest ago, until there is room again.
    #[cold]
    fn make_room(&mut self) {
        while self.size() > self.allowed {
            let tables = self.tables.iter_mut();
            let oldest = tables.filter_map(|table| Some((table.oldest()?, table)));
            let Some((_, table)) = oldest.min_by_key(|(oldest, _)| *oldest) else {
                return;
            };
            self.dropped += table.drop_oldest();
        }
    }

    /// Keeps those of which `keep` says so, which may change them.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut Source) -> bool) {
        for table in &mut self.tables {
            table.retain(&mut keep);
        }
    }
}
