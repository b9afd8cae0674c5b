//! What a host wants in its sets, of all that it was told.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::name::{Host, Set};
use crate::prefix::Prefix;
use crate::record::Ban;
use crate::state::State;
use crate::time::Time;
use crate::trust::pardons::AHEAD;
use crate::trust::{Intake, Pardons, Policy};

/// What a host wants in its sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The bans that hold here, its own included.
    pub members: BTreeMap<(Set, Prefix), Member>,
    /// The bans that do not, and why.
    pub refused: Vec<Refused>,
    /// How many prefixes in sets too few hosts have banned.
    pub waiting: usize,
    /// How many bans a pardon voids.
    pub void: usize,
}

/// A ban that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// When it ends.
    pub end: Time,
    /// The last hit of any of its bans.
    pub last_hit: Time,
    /// The hosts that have it, in order of their names.
    pub seen_by: Vec<Host>,
}

/// A ban that is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Who told it.
    pub origin: Host,
    /// The set.
    pub set: Set,
    /// Who is banned there.
    pub prefix: Prefix,
    /// Why it is not taken.
    pub why: Refusal,
}

/// Why a ban is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is of too many addresses.
    #[error("its prefix is shorter than is taken (min-prefix-v4, min-prefix-v6)")]
    TooWide,
    /// Somebody in it is protected here.
    #[error("{0} is protected here")]
    Protected(Prefix),
    /// Somebody in it was pardoned after its last hit.
    #[error("{0} is pardoned")]
    Pardoned(Prefix),
    /// Its last hit is more than a minute ahead.
    #[error("its last hit has not come yet")]
    Ahead,
}

/// What a prefix in a set is banned for by one host.
struct Vote<'a> {
    end: Time,
    last_hit: Time,
    origin: &'a Host,
}

impl Wanted {
    /// Decides what holds here, by what is known and whom the policy believes.
    ///
    /// Hosts that know the same, believe the same and protect the same want the same.
    pub fn of(state: &State, policy: &Policy, intake: &Intake, now: Time) -> Self {
        let pardons = Pardons::of(state, policy, intake, now);
        let mut wanted = Self::default();
        let mut votes: BTreeMap<(&Set, Prefix), Vec<Vote<'_>>> = BTreeMap::new();
        for origin in state.origins() {
            if !policy.trusts(origin) || intake.is_cut_off(origin) {
                continue;
            }
            for ban in state.bans_of(origin) {
                let end = ban.end.min(ban.last_hit.after(policy.longest));
                if end <= now || policy.seen_by(&ban.set).is_none() {
                    continue;
                }
                if pardons.void(ban) {
                    wanted.void += 1;
                    continue;
                }
                if let Some(why) = refusal(ban, policy, &pardons, now) {
                    wanted.refused.push(Refused {
                        origin: origin.clone(),
                        set: ban.set.clone(),
                        prefix: ban.prefix,
                        why,
                    });
                    continue;
                }
                let votes = votes.entry((&ban.set, ban.prefix)).or_default();
                match votes.last_mut().filter(|vote| vote.origin == origin) {
                    Some(vote) => {
                        vote.end = vote.end.max(end);
                        vote.last_hit = vote.last_hit.max(ban.last_hit);
                    }
                    None => votes.push(Vote {
                        end,
                        last_hit: ban.last_hit,
                        origin,
                    }),
                }
            }
        }
        for ((set, prefix), votes) in votes {
            match decide(set, votes, policy) {
                Some(member) => {
                    wanted.members.insert((set.clone(), prefix), member);
                }
                None => wanted.waiting += 1,
            }
        }
        wanted
    }
}

fn refusal(ban: &Ban, policy: &Policy, pardons: &Pardons, now: Time) -> Option<Refusal> {
    if let Some((protected, ())) = policy.protected.overlapping(ban.prefix) {
        return Some(Refusal::Protected(protected));
    }
    if policy.is_too_wide(ban.prefix) {
        return Some(Refusal::TooWide);
    }
    if ban.last_hit > now.after(AHEAD) {
        return Some(Refusal::Ahead);
    }
    pardons.inside(ban).map(Refusal::Pardoned)
}

/// The end that enough hosts agree on, or an administrator's where that is later.
fn decide(set: &Set, mut votes: Vec<Vote<'_>>, policy: &Policy) -> Option<Member> {
    let enough = policy.seen_by(set)?.get();
    votes.sort_by_key(|vote| Reverse(vote.end));
    let agreed = votes.get(enough - 1).map(|vote| vote.end);
    let mut by_admins = votes.iter().filter(|vote| policy.is_admin(vote.origin));
    let end = agreed.max(by_admins.next().map(|vote| vote.end))?;
    let last_hit = votes.iter().map(|vote| vote.last_hit).max()?;
    let mut seen_by: Vec<_> = votes.into_iter().map(|vote| vote.origin.clone()).collect();
    seen_by.sort_unstable();
    Some(Member {
        end,
        last_hit,
        seen_by,
    })
}
