//! What a saved file holds: lines as `ipset save` writes them, between two marks of ours.

use ipset_netlink::text::Style;
use ipset_netlink::{CreateSet, Element, Entry, Key, SetName, SetType};
use jiff::Timestamp;

/// The first words of the first line of a file of ours; version and time follow.
pub(super) const MAGIC: &str = "# rampart sets.save ";
/// The last line of a file of ours: without it the file was cut off.
pub(super) const END: &str = "# rampart sets.save end";

/// A saved file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Saved {
    /// When it was written; files of `ipset save` do not say.
    pub(crate) at: Option<Timestamp>,
    /// The sets in the order of their first line.
    pub(crate) sets: Vec<SavedSet>,
}

/// The lines about one set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SavedSet {
    /// Its name.
    pub(crate) name: SetName,
    /// Its `create` line, if there is one.
    pub(crate) create: Option<CreateSet>,
    /// Its `add` lines.
    pub(crate) members: Vec<Member>,
}

/// An `add` line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Member {
    /// The number of the line, from 1.
    pub(crate) line: usize,
    /// What it adds; with a timeout as it was at the time of saving.
    pub(crate) entry: Entry,
}

impl Saved {
    /// The lines about the set `name`.
    pub(crate) fn set(&self, name: &SetName) -> Option<&SavedSet> {
        self.sets.iter().find(|set| set.name == *name)
    }

    /// The file as text. With a time of saving it is one of ours: the time, the sets, the mark of
    /// the end.
    pub(crate) fn text(&self) -> Vec<u8> {
        let style = Style::default();
        let mut out = Vec::new();
        if let Some(at) = self.at {
            out.extend_from_slice(format!("{MAGIC}1 saved={at}\n").as_bytes());
        }
        for set in &self.sets {
            if let Some(create) = &set.create {
                style.create(&mut out, create);
                out.push(b'\n');
            }
            for member in &set.members {
                out.extend_from_slice(b"add ");
                out.extend_from_slice(set.name.as_bytes());
                out.push(b' ');
                style.entry(&mut out, &member.entry);
                out.push(b'\n');
            }
        }
        if self.at.is_some() {
            out.extend_from_slice(END.as_bytes());
            out.push(b'\n');
        }
        out
    }
}

/// Why the entry can never be a member of a set of this `create` line; `None` when it can.
pub(crate) fn misfit(entry: &Entry, set: &CreateSet) -> Option<String> {
    let key = &entry.key;
    let why = match (&set.set_type, key.elements()) {
        _ if key.family().is_some_and(|family| family != set.family) => {
            format!("the set is for family {}", set.family)
        }
        (set_type, _) if !set_type.accepts(key) => format!("the set is of type {set_type}"),
        (set_type, _) if entry.nomatch && !set_type.holds_networks() => {
            format!("a set of type {set_type} has no exceptions (nomatch)")
        }
        (SetType::HashIp, [Element::Net(_) | Element::Range(_)]) => {
            "a set of type hash:ip takes single addresses only".to_owned()
        }
        (SetType::HashNet, [Element::Net(network)]) if network.prefix_length() == 0 => {
            "a set of type hash:net takes no prefix of 0; give the two halves, with a prefix of 1"
                .to_owned()
        }
        _ => return None,
    };
    Some(cannot_add(key, &set.name, &why))
}

/// The words of the kernel's own refusals.
pub(crate) fn cannot_add(key: &Key, set: &SetName, why: &str) -> String {
    format!("cannot add {key} to set \"{set}\": {why}")
}
