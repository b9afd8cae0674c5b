//! Who is exempt in networks that are banned: exceptions (nomatch) in the same set, which are there
//! before the network and stay for longer.

use std::collections::BTreeMap;

use ban_sets::network::{holds, spelled};
use ban_sets::{End, Entry, Left, Members, Network, PrefixMap, SetName};

use super::candidate::Candidate;
use crate::exempt::Part;

/// Seconds that an exception stays when its network is gone: with a network that is banned for 3600
/// seconds comes an exception for 4200. Half of them are time enough to add both.
///
/// The seconds also tell our exceptions from those of an administrator, who would have to hit the
/// same ones: no set has a place for a mark of ours.
const LONGER: u32 = 600;

/// The same for an address that is exempt in this run alone, and for one that is pardoned: another
/// run cannot know whether it still is.
const LONGER_BY_RUN: u32 = LONGER + 60;

/// Seconds by which an exception of ours may end earlier than [`LONGER`] after its network, which
/// was added after it, and later, because the kernel rounds.
const EARLIER: u32 = 20;
const LATER: u32 = 1;

/// Exceptions in one network: more would crowd the set.
const MOST: usize = 256;

/// The longest that a network with exceptions is banned, in seconds, in a set whose entries have at
/// most `longest` left.
pub(super) fn longest_ban(longest: u32) -> u32 {
    longest.saturating_sub(LONGER_BY_RUN)
}

/// The exceptions among `members` that a scan made for a reason that every scan knows, going by
/// when they end: `203.0.113.9` for 4200 seconds in `203.0.113.0/24` for 3600.
pub(super) fn of_scans(members: &Members) -> Vec<Network> {
    let ends_like_ours = |network: Network, exception: &Entry| {
        let Left::Seconds(seconds) = members.left(exception) else {
            return false;
        };
        let around = members.covering(network).filter(|member| !member.exception);
        let mut ends = around.filter_map(|member| match members.left(member) {
            Left::Seconds(seconds) => Some(seconds.saturating_add(LONGER)),
            Left::ForGood => None,
        });
        ends.any(|end| (end.saturating_sub(EARLIER)..=end.saturating_add(LATER)).contains(&seconds))
    };
    let exceptions = members.iter().filter(|(_, member)| member.exception);
    let ours = exceptions.filter(|(network, member)| ends_like_ours(*network, member));
    ours.map(|(network, _)| network).collect()
}

/// For each candidate, what stands against banning its network except for who is exempt in it:
/// `203.0.113.9` is banned by itself, so that no exception can take its place. `keeps` says whether
/// the set keeps its members until their time is over.
pub(super) fn obstacles(
    candidates: &[Candidate<'_>],
    set: &SetName,
    members: &Members,
    keeps: bool,
) -> Vec<Option<String>> {
    let mut by_network: PrefixMap<Vec<&Candidate<'_>>> = PrefixMap::default();
    for candidate in candidates {
        let network = candidate.ban.source().network();
        by_network.or_default(network).push(candidate);
    }
    let obstacle = |candidate: &Candidate<'_>| {
        let number = candidate.exempt.len();
        if number > MOST {
            return Some(format!(
                "{number} networks in it are exempt, and at most {MOST} can be excepted"
            ));
        }
        candidate.exempt.iter().find_map(|part| {
            let why = if !keeps {
                format!("a full {set} would throw out the exception (forceadd)")
            } else if members
                .get(part.network)
                .is_some_and(|member| !member.exception)
            {
                format!(
                    "banned there by itself, ipset del {set} {}",
                    spelled(part.network)
                )
            } else {
                let mut others = by_network.covering(part.network).flatten();
                let other = others.find(|other| !other.excepts(part))?;
                format!("not exempt for rule {}", other.ban.number)
            };
            Some(format!("{part}, and {why}"))
        })
    };
    let obstacles = candidates.iter().map(obstacle);
    obstacles
        .map(|why| why.map(|why| format!("not banned whole: {why}")))
        .collect()
}

impl Candidate<'_> {
    fn excepts(&self, part: &Part) -> bool {
        self.exempt
            .iter()
            .any(|own| holds(own.network, part.network))
    }
}

/// The exceptions that bans need and that are not in the set for their full time: `203.0.113.9
/// timeout 4200 nomatch`.
pub(super) fn entries<'a>(
    bans: impl Iterator<Item = &'a Candidate<'a>>,
    members: &Members,
) -> Vec<Entry> {
    let mut entries: BTreeMap<Network, Entry> = BTreeMap::new();
    // Longest first, so that another ban needs none of its own.
    for candidate in bans {
        for part in &candidate.exempt {
            let longer = if part.by_run { LONGER_BY_RUN } else { LONGER };
            let seconds = candidate.seconds.saturating_add(longer);
            let existing = members.get(part.network).filter(|member| member.exception);
            if existing.is_some_and(|member| members.left(member) >= Left::Seconds(seconds)) {
                continue;
            }
            let comment = existing.and_then(|member| member.comment.clone());
            let entry = Entry::new(part.network).because(comment).except();
            let entry = entry.until(End::after(members.at(), seconds));
            entries.entry(part.network).or_insert(entry);
        }
    }
    entries.into_values().collect()
}

/// The first who is exempt in a network and would be banned along, because `members` has no
/// exception for him that lasts.
pub(super) fn unguarded<'a>(candidate: &'a Candidate<'_>, members: &Members) -> Option<&'a Part> {
    candidate.exempt.iter().find(|part| {
        // It stays for longer than the ban.
        let enough = Left::Seconds(candidate.seconds.saturating_add(LONGER / 2));
        let member = members.get(part.network);
        !member.is_some_and(|member| member.exception && members.left(member) >= enough)
    })
}

#[cfg(test)]
mod tests;
