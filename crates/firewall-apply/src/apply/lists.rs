//! The lists of a configuration that goes in.

use ipset_netlink::{IpSet, SetName, Transport};

use super::saved_members::SavedMembers;
use crate::config::Wanted;
use crate::findings::Findings;
use crate::lists::{Content, Contents, Planned, Size};

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
    pub(super) fn content_of(&self, set: &SetName) -> Option<&Content> {
        self.planned_of(set)?.content.as_ref()
    }

    /// Whether a set that is made anew is filled by its file, and not by what was saved of it: the
    /// file can be read, and does not look cut off beside that.
    pub(super) fn fills(&self, set: &SetName, saved: &SavedMembers<'_>) -> bool {
        let Some(planned) = self.planned_of(set) else {
            return false;
        };
        let mut before = Size::default();
        for (_, name) in &planned.list.sets {
            before += saved.size(name);
        }
        let content = planned.content.as_ref();
        content.is_some_and(|content| content.shrinks(planned.list, before).is_none())
    }

    fn planned_of(&self, set: &SetName) -> Option<&Planned<'a>> {
        let mut planned = self.planned.iter();
        planned.find(|planned| planned.list.sets.iter().any(|(_, name)| name == set))
    }
}
