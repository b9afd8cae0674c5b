//! What of a file is no record.

/// What of an outbox is no record: how many lines, and what the first of them are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// How many lines there are.
    pub count: u64,
    /// The first of them, as the number of the line and why it is none.
    pub first: Vec<(u64, String)>,
}

/// How many are named.
const NAMED: usize = 10;

impl Damage {
    pub(super) fn add(&mut self, line: u64, why: &str) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push((line, why.to_owned()));
        }
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.count == 0
    }
}
