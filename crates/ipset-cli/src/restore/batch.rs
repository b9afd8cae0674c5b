use ipset_netlink::{Entry, IfExists, IfMissing, SetName};

use super::plain;
use crate::command_line::{Command, Stop};
use crate::session::{KnownSet, Session};

/// Entries that are added to one set, or deleted from it, and the lines they come from.
pub(super) struct Batch {
    command: Command,
    set: SetName,
    known: KnownSet,
    /// Of the option `-exist`, when the first of them was read.
    exist: bool,
    entries: Vec<Entry>,
    lines: Vec<u64>,
}

impl Batch {
    pub(super) fn new(session: &Session, command: Command, set: SetName, known: KnownSet) -> Self {
        Self {
            command,
            set,
            known,
            exist: session.options.exist,
            entries: Vec::with_capacity(MOST_ENTRIES),
            lines: Vec::with_capacity(MOST_ENTRIES),
        }
    }

    /// Whether this can be one of many. What is deleted is its key and nothing else then.
    pub(super) fn takes(command: Command, entry: &Entry) -> bool {
        command == Command::Add || *entry == Entry::new(entry.key.clone())
    }

    /// Whether a line with this command on this set is one more of them.
    pub(super) fn is_of(&self, session: &Session, command: Command, set: &SetName) -> bool {
        (self.command, &self.set, self.exist) == (command, set, session.options.exist)
    }

    /// The entry of a line that is one more of them and has nothing that takes thought.
    pub(super) fn read(&self, line: &[u8]) -> Option<Entry> {
        let line = plain::Line::read(line)?;
        let set_type = &self.known.spec.set_type;
        (line.command == self.command && line.set.as_bytes() == self.set.as_bytes())
            .then(|| line.entry(set_type, self.known.family))?
    }

    pub(super) fn push(&mut self, line: u64, entry: Entry) {
        self.entries.push(entry);
        self.lines.push(line);
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= MOST_ENTRIES
    }

    /// Sends them and forgets them. An error names the line of the entry that was refused.
    pub(super) fn send(&mut self, session: &mut Session) -> Result<(), Stop> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let sets = session.connect()?;
        let outcome = if self.command == Command::Del {
            let if_missing = if self.exist {
                IfMissing::Ignore
            } else {
                IfMissing::Fail
            };
            let keys = self.entries.iter().map(|entry| &entry.key);
            sets.try_delete_all(&self.set, keys, if_missing)
        } else {
            let if_exists = if self.exist {
                IfExists::Update
            } else {
                IfExists::Fail
            };
            sets.try_add_all(&self.set, &self.entries, if_exists)
        };
        let (index, result) = match outcome {
            Ok(mut outcome) => match outcome.failures.pop() {
                Some(failure) => (failure.index, Err(failure.error)),
                None => (0, Ok(())),
            },
            Err(error) => (0, Err(error)),
        };
        let line = usize::try_from(index)
            .ok()
            .and_then(|index| self.lines.get(index));
        session.report.set_line(line.copied());
        self.entries.clear();
        self.lines.clear();
        session.checked(result, self.command, Some(&self.known.spec.set_type))
    }
}

/// As many as fit into one message to the kernel, more or less.
const MOST_ENTRIES: usize = 1200;
