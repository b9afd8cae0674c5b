//! Lines that are sent together.

use ipset_netlink::{
    Comment, Dimension, Element, Entry, Family, IfExists, IfMissing, SetName, SetType,
};

use crate::command_line::{Command, Stop};
use crate::session::{KnownSet, Session};

/// Entries that are added to one set, or deleted from it, and the lines they come from.
pub(super) struct Batch {
    command: Command,
    set: SetName,
    known: KnownSet,
    /// Of the option `-exist`, when the first of them was read.
    exist: bool,
    /// What nearly all lines of a large file begin with: command and set. `None` where that can be
    /// read in another way.
    beginning: Option<Vec<u8>>,
    /// Where the entry has addresses, it can have networks.
    only_networks: bool,
    /// The kernel has every option of an entry.
    has_all_options: bool,
    entries: Vec<Entry>,
    lines: Vec<u64>,
}

impl Batch {
    pub(super) fn new(session: &Session, command: Command, set: SetName, known: KnownSet) -> Self {
        // Names with blanks need quotes, and commas in the name of an entry separate to `ipset`.
        let is_word = set.as_str().parse::<SetName>().is_ok() && !set.as_bytes().contains(&b'"');
        let is_plain = is_word && known.spec.set_type != SetType::ListSet;
        let single = [Dimension::Ip, Dimension::SingleIp];
        let mut dimensions = known.spec.set_type.dimensions().iter();
        let mut arguments = known.spec.add.arguments.iter();
        Self {
            command,
            exist: session.options.exist,
            beginning: is_plain
                .then(|| [command.name().as_bytes(), b" ", set.as_bytes(), b" "].concat()),
            only_networks: dimensions.all(|dimension| !single.contains(dimension)),
            has_all_options: arguments.all(|(_, since)| *since <= known.revision),
            known,
            set,
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

    /// The entry of a line that is one more of them and says to `ipset` what it says to the
    /// library. Of any other line the grammar tells what it means, or what is wrong.
    pub(super) fn read(&self, line: &[u8]) -> Option<Entry> {
        let KnownSet { spec, family, .. } = self.known;
        let text = line.strip_prefix(self.beginning.as_deref()?)?;
        let entry = Entry::parse(text, &spec.set_type).ok()?;
        // One entry, of the family of the set.
        let is_plain = |element: &Element| match element {
            Element::Ip(address) => Family::of(*address) == family,
            Element::Net(network) => {
                self.only_networks
                    && network.prefix_length() > 0
                    && Family::of(network.address()) == family
            }
            Element::Range(_) => false,
            Element::Port(port) => !port.is_range() && port.family().is_none_or(|of| of == family),
            _ => true,
        };
        let is_plain = entry.key.elements().iter().all(is_plain);
        (is_plain && Self::takes(self.command, &entry) && self.takes_options(&entry))
            .then_some(entry)
    }

    /// Whether the kernel is new enough for the options of the entry, which are nothing else.
    fn takes_options(&self, entry: &Entry) -> bool {
        let is_bare = entry.comment.is_none()
            && entry.counters.is_none()
            && entry.skbinfo.is_none()
            && !entry.nomatch
            && self.known.spec.set_type != SetType::HashNetIface;
        let comment = entry.comment.as_ref().map(Comment::as_bytes);
        is_bare
            || self.has_all_options
                // Such a word may be an option of the command, an empty one is none.
                && comment.is_none_or(|text| !text.is_empty() && !text.starts_with(b"-"))
                && entry.counters.is_none_or(|counters| {
                    counters.packets.max(counters.bytes) < u64::MAX
                })
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
