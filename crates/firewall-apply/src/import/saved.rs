//! Members with ends, in a file that `restore` reads.

use ipset_netlink::{CreateSet, Entry, Family, SetName, SetType, Timeout};
use jiff::Timestamp;

use crate::save::format::{Member, Saved, SavedSet};

/// Members of sets that no file of addresses can hold.
#[derive(Debug, Default)]
pub(crate) struct SavedMembers {
    pub(crate) sets: Vec<SavedSet>,
    /// When the time was as long as the members say that they have left.
    pub(crate) at: Option<Timestamp>,
}

impl SavedMembers {
    /// The name of the file.
    pub(crate) const FILE: &'static str = "members.save";

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.sets.iter().map(|set| set.members.len()).sum()
    }

    /// Adds a member to one of the lists, which are made as `apply` makes them.
    pub(crate) fn add(&mut self, list: &str, family: Family, entry: Entry) {
        let ending = if family == Family::Inet6 { "_v6" } else { "" };
        let Ok(name) = format!("{list}{ending}").parse::<SetName>() else {
            return;
        };
        let line = 0;
        let member = Member { line, entry };
        if let Some(set) = self.sets.iter_mut().find(|set| set.name == name) {
            set.members.push(member);
            return;
        }
        let create = CreateSet::new(name.clone(), SetType::HashNet, family);
        let mut create = create.max_elements(1 << 20).timeout(Timeout::PERMANENT);
        create.options.comments = true;
        self.sets.push(SavedSet {
            name,
            create: Some(create),
            members: vec![member],
        });
    }

    /// Adds a set as it was made, under its name.
    pub(crate) fn add_set(&mut self, create: CreateSet, entries: impl Iterator<Item = Entry>) {
        self.sets.push(SavedSet {
            name: create.name.clone(),
            create: Some(create),
            members: entries.map(|entry| Member { line: 0, entry }).collect(),
        });
    }

    /// The file.
    pub(crate) fn text(&self) -> String {
        let saved = Saved {
            at: self.at,
            sets: self.sets.clone(),
        };
        String::from_utf8_lossy(&saved.text()).into_owned()
    }
}
