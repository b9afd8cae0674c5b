//! Room in a full set: the bans that end soonest give way.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use ban_sets::{Entry, Left};

use super::candidate::{ROUNDING, Victim};
use super::plan::Plan;
use crate::reason::Reason;
use crate::violation::Outcome;

impl Plan<'_> {
    /// Where the set takes only `room` more entries: leaves out the new bans that end soonest, and
    /// says which bans of scans have to go because they end sooner still. Bans of administrators
    /// stay, and so does what has no end.
    ///
    /// So of all bans, old and new, the set has those that end last, and a run that finds the same
    /// violators again changes nothing.
    pub(super) fn make_room(&mut self, room: usize) -> Vec<Victim> {
        let mut new = self.new_ends();
        let exceptions = self.new_exceptions();
        if new.len().saturating_add(exceptions) <= room {
            return Vec::new();
        }
        new.sort_unstable_by_key(|(seconds, _)| Reverse(*seconds));
        let mut old = self.of_scans();
        old.sort_unstable_by_key(|victim| (victim.left, victim.network));
        let mut old = old.into_iter().peekable();
        let mut gone: Vec<_> = old.by_ref().take(exceptions.saturating_sub(room)).collect();
        let mut room = room.saturating_sub(exceptions);
        let mut without = BTreeSet::new();
        for (seconds, place) in new {
            if room > 0 {
                room -= 1;
                continue;
            }
            let ends_sooner = |victim: &Victim| victim.left.saturating_add(ROUNDING) < seconds;
            match old.next_if(ends_sooner) {
                Some(victim) => gone.push(victim),
                None => drop(without.insert(place)),
            }
        }
        self.give_up(&without, &Outcome::NoRoom);
        self.lose(&gone);
        gone
    }

    /// The bans that scans have made and that none of these renews.
    fn of_scans(&self) -> Vec<Victim> {
        let is_by_scan = |entry: &Entry| {
            let reason = entry.comment.as_ref().map(Reason::of);
            !entry.exception && matches!(reason, Some(Reason::Scan(_)))
        };
        let members = self.members().iter();
        let of_scans = members.filter(|(network, entry)| is_by_scan(entry) && !self.adds(*network));
        let victims = of_scans.filter_map(|(network, entry)| match self.members().left(entry) {
            Left::Seconds(left) => Some(Victim { network, left }),
            Left::ForGood => None,
        });
        victims.collect()
    }
}
