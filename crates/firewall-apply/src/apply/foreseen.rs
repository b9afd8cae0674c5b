//! Who will be in a set once a configuration is in.

use std::net::IpAddr;
use std::ops::ControlFlow;

use ipset_netlink::{IpSet, Key, Listed, SetName, Transport};

use super::lists::Lists;
use super::saved_members::SavedMembers;
use crate::config::Wanted;

/// What decides about who will be in a set.
pub(super) struct Foreseen<'a> {
    /// The configuration that goes in.
    pub(super) wanted: &'a Wanted,
    /// The one that is in, whose members leave the sets with it.
    pub(super) before: Option<&'a Wanted>,
    pub(super) lists: &'a Lists<'a>,
    /// The saved members, which go into sets that are not there; `None` where all are.
    pub(super) saved: Option<&'a SavedMembers<'a>>,
}

impl Foreseen<'_> {
    /// Whether an address will be in a set.
    pub(super) fn holds<T: Transport>(
        &self,
        kernel: &mut IpSet<T>,
        set: &iptables_ruleset::SetName,
        address: IpAddr,
    ) -> bool {
        let Ok(name) = set.as_str().parse::<SetName>() else {
            return false;
        };
        let covers = |key: &Key| {
            key.as_network()
                .is_some_and(|network| network.contains(address))
        };
        if let Some(wanted) = self.lists.wanted_of(&name) {
            let there = kernel.header(&name).is_ok();
            if there
                || self
                    .saved
                    .is_none_or(|saved| self.lists.fills(&name, saved))
            {
                return wanted.contains(address);
            }
        }
        let members = self.wanted.members_of(&name);
        if members.iter().any(covers) {
            return true;
        }
        match kernel.contains(&name, &Key::ip(address)) {
            Ok(true) => {}
            Err(error) if error.is_set_not_found() => return self.comes_back(&name, address),
            Ok(false) | Err(_) => return false,
        }
        let leaving = self
            .before
            .map_or(&[][..], |before| before.members_of(&name));
        if !leaving.iter().any(covers) {
            return true;
        }
        let mut stays = false;
        let read = kernel.for_each(Some(&name), |listed| {
            if let Listed::Entry(entry) = listed {
                // What somebody added by hand with a timeout stays.
                let ends = entry.timeout.is_some_and(|timeout| !timeout.is_permanent());
                let kept = ends || !leaving.contains(&entry.key);
                stays |= kept && !entry.nomatch && covers(&entry.key);
            }
            ControlFlow::Continue(())
        });
        stays || read.is_err()
    }

    /// Whether an address is among the saved members of a set that will be made.
    fn comes_back(&self, name: &SetName, address: IpAddr) -> bool {
        let mut sets = self.wanted.sets.iter();
        let set = sets.find(|set| set.name() == name);
        let (Some(set), Some(saved)) = (set, self.saved) else {
            return false;
        };
        saved.will_hold(&set.create, address)
    }
}
