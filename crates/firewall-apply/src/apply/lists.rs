//! The lists of a configuration that goes in.

use ipset_netlink::address_list::AddressList;
use ipset_netlink::{IpSet, SetName, Transport};

use super::saved_members::SavedMembers;
use crate::config::Wanted;
use crate::findings::Findings;
use crate::lists::{Contents, Planned, Size, shrinks};

/// The lists of a configuration, read, and what is known of their sets before anything is done.
pub(super) struct Lists<'a> {
    wanted: &'a Wanted,
    contents: Contents<'a>,
    pub(super) planned: Vec<Planned<'a>>,
}

impl<'a> Lists<'a> {
    /// Reads the files of the lists and looks at their sets; what is wrong is noted.
    pub(super) fn read<T: Transport>(
        kernel: &mut IpSet<T>,
        wanted: &'a Wanted,
        findings: &mut Findings,
    ) -> Self {
        let contents = Contents::read(&wanted.lists, findings);
        let planned = Planned::all(kernel, &contents, wanted, false, findings);
        Self {
            wanted,
            contents,
            planned,
        }
    }

    /// Looks at the sets again, now that some were made.
    pub(super) fn look_again<T: Transport>(
        &self,
        kernel: &mut IpSet<T>,
        findings: &mut Findings,
    ) -> Vec<Planned<'a>> {
        Planned::all(kernel, &self.contents, self.wanted, false, findings)
    }

    /// What a file will put into a set; `None` for a set that no file fills, or that stays as it
    /// is.
    pub(super) fn wanted_of(&self, set: &SetName) -> Option<&AddressList> {
        let mut sets = self.planned_of(set)?.sets.iter();
        sets.find(|one| one.name == *set)?.wanted()
    }

    /// Whether a set that is made anew is filled by its file, and not by what was saved of it: the
    /// file can be read, and does not look cut off beside that.
    pub(super) fn fills(&self, set: &SetName, saved: &SavedMembers<'_>) -> bool {
        let Some(planned) = self.planned_of(set) else {
            return false;
        };
        let mut before = Size::default();
        for set in &planned.sets {
            before += saved.size(&set.name);
        }
        let size = planned.size();
        size.is_some_and(|now| shrinks(planned.list, before, now).is_none())
    }

    fn planned_of(&self, set: &SetName) -> Option<&Planned<'a>> {
        let mut planned = self.planned.iter();
        planned.find(|planned| planned.sets.iter().any(|one| one.name == *set))
    }
}
