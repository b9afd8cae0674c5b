//! Who is exempt in networks that are banned: exceptions (nomatch) in the same set, which are there before the network and
//! stay for longer.

use std::collections::BTreeMap;

use ipset_netlink::{Entry, Network, SetName, Timeout};

use super::plan::{Left, Wish, left};
use crate::exempt::Part;
use crate::networks::{Members, Networks};
use crate::source::{Source, holds, spelled};

/// Seconds that an exception stays when its network is gone; half of them are time enough to add both.
const LONGER: u32 = 600;

/// More in one network would crowd the set.
const MOST: usize = 256;

/// The longest that a network with exceptions is banned, in seconds.
pub(super) fn longest_ban() -> u32 {
    Timeout::MAX.as_secs() - LONGER
}

/// For each wish, why its network cannot be banned without those who are exempt in it. `keeps`: whether the set keeps its
/// members until their time is over.
pub(super) fn obstacles(
    wishes: &[Wish],
    set: &SetName,
    members: &Members,
    keeps: bool,
) -> Vec<Option<String>> {
    let mut by_network: Networks<Vec<&Wish>> = Networks::default();
    for wish in wishes {
        let network = wish.source.network();
        by_network.entry(network).or_default().push(wish);
    }
    let obstacle = |wish: &Wish| {
        let number = wish.exempt.len();
        if number > MOST {
            return Some(format!(
                "{number} networks in it are exempt, and at most {MOST} can be excepted"
            ));
        }
        wish.exempt.iter().find_map(|part| {
            let why = if !keeps {
                format!("a full {set} would throw out the exception (forceadd)")
            } else if members
                .get(part.network)
                .is_some_and(|member| !member.nomatch)
            {
                format!(
                    "banned there by itself, ipset del {set} {}",
                    spelled(part.network)
                )
            } else {
                let mut others = by_network.covering(part.network).flatten();
                let other = others.find(|other| !other.excepts(part))?;
                format!("not exempt for rule {}", other.rule + 1)
            };
            Some(format!("{part}, and {why}"))
        })
    };
    let obstacles = wishes.iter().map(obstacle);
    obstacles
        .map(|why| why.map(|why| format!("not banned whole: {why}")))
        .collect()
}

impl Wish {
    fn excepts(&self, part: &Part) -> bool {
        self.exempt
            .iter()
            .any(|own| holds(own.network, part.network))
    }
}

/// The exceptions that bans need and that are not in the set for long enough.
///
/// When one has to be added, all get their full time: those that were there would run low until they are read back.
pub(super) fn entries<'a>(
    bans: impl Iterator<Item = &'a Wish> + Clone,
    members: &Members,
) -> Vec<Entry> {
    let mut entries: BTreeMap<Network, Entry> = BTreeMap::new();
    if bans.clone().all(|wish| unguarded(wish, members).is_none()) {
        return Vec::new();
    }
    // Longest first, so that another ban needs none of its own.
    for wish in bans {
        let seconds = wish.seconds.saturating_add(LONGER);
        let seconds = seconds.min(Timeout::MAX.as_secs());
        let Ok(timeout) = Timeout::from_secs(seconds) else {
            continue;
        };
        for part in &wish.exempt {
            let existing = members.get(part.network).filter(|member| member.nomatch);
            if existing.is_some_and(|member| left(member) >= Left::Seconds(seconds)) {
                continue;
            }
            let entry = Entry::new(Source::from(part.network).key());
            let entry = entry.timeout(timeout).nomatch();
            let comment = existing.and_then(|member| member.comment.clone());
            let entry = match comment {
                Some(comment) => entry.comment(comment),
                None => entry,
            };
            entries.entry(part.network).or_insert(entry);
        }
    }
    entries.into_values().collect()
}

/// Who would be banned along, if any of those who are exempt is not excepted.
pub(super) fn unguarded<'a>(wish: &'a Wish, members: &Members) -> Option<&'a Part> {
    wish.exempt.iter().find(|part| {
        let member = members.get(part.network);
        !member.is_some_and(|member| guards(member, wish))
    })
}

/// Whether a member excepts for long enough.
fn guards(member: &Entry, wish: &Wish) -> bool {
    member.nomatch && left(member) >= Left::Seconds(wish.seconds.saturating_add(LONGER / 2))
}

#[cfg(test)]
mod tests;
