//! The plan for one set: who gets an entry, who needs none, and what became of all once the set is
//! filled.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use ban_sets::network::{holds, spelled};
use ban_sets::{Entry, Left, Members, Network, PrefixMap, SetName};

use super::candidate::{Candidate, Decision, ROUNDING, Victim};
use super::exceptions;
use crate::rule::Rule;
use crate::violation::{Banned, Outcome};

/// A candidate and what becomes of it.
#[derive(Debug)]
struct Decided<'r> {
    candidate: Candidate<'r>,
    outcome: Outcome,
}

/// An entry to be added.
#[derive(Debug)]
struct Addition<'r> {
    entry: Entry,
    /// Whether nothing of its source is in the set yet.
    is_new: bool,
    /// The candidate that the entry is for, and those that are banned with it.
    decided: Decided<'r>,
    outlasted: Vec<Decided<'r>>,
}

impl<'r> Addition<'r> {
    fn wanted(&self) -> impl Iterator<Item = &Decided<'r>> {
        std::iter::once(&self.decided).chain(&self.outlasted)
    }

    fn all(self) -> impl Iterator<Item = Decided<'r>> {
        std::iter::once(self.decided).chain(self.outlasted)
    }
}

/// All that is wanted in one set.
#[derive(Debug)]
pub(super) struct Plan<'r> {
    set: &'r SetName,
    members: Members,
    additions: Vec<Addition<'r>>,
    /// The candidates that need no entry or get none.
    others: Vec<Decided<'r>>,
}

impl<'r> Plan<'r> {
    /// Gives each candidate the outcome it has if the kernel agrees.
    ///
    /// Of several about the same source, or a network around it, the one that ends last gets an
    /// entry, and that stands for the others: `203.0.113.0/24` for two hours also bans
    /// `203.0.113.7` for one. Who is exempt in a network is excepted from its ban first; where that
    /// cannot be, the network is let go. `keeps` says whether the set keeps its members until their
    /// time is over.
    pub(super) fn new(
        set: &'r SetName,
        mut candidates: Vec<Candidate<'r>>,
        members: Members,
        keeps: bool,
        dry_run: bool,
    ) -> Self {
        candidates.sort_by_key(|Candidate { ban, seconds, .. }| {
            let bits = ban.source().network().prefix_length();
            (Reverse(*seconds), bits, ban.number, ban.source())
        });
        let obstacles = exceptions::obstacles(&candidates, set, &members, keeps);
        let mut additions: Vec<Addition<'r>> = Vec::with_capacity(candidates.len());
        let mut others = Vec::new();
        // The place of the addition that bans a network.
        let mut planned: PrefixMap<usize> = PrefixMap::default();
        for (candidate, obstacle) in candidates.into_iter().zip(obstacles) {
            let network = candidate.ban.source().network();
            let (entry, outcome) = match (candidate.decide(set, &members), obstacle) {
                (Decision::Add(..), _) if candidate.connected => (None, Outcome::Connected),
                (Decision::Add(..), Some(why)) => (None, Outcome::Exempt(why)),
                (Decision::Add(entry, outcome), None) => (Some(entry), outcome),
                (Decision::Leave(outcome), _) => (None, outcome),
            };
            let Some(entry) = entry else {
                others.push(Decided { candidate, outcome });
                continue;
            };
            let around = planned.covering(network).next();
            if let Some(around) = around.and_then(|place| additions.get_mut(*place)) {
                let by = &around.decided.candidate.ban;
                let outcome = Outcome::Outlasted {
                    rule: by.number,
                    until: by.expires,
                };
                around.outlasted.push(Decided { candidate, outcome });
                continue;
            }
            planned.insert(network, additions.len());
            let is_new = outcome == Outcome::Added;
            let outcome = if dry_run { Outcome::WouldAdd } else { outcome };
            additions.push(Addition {
                entry,
                is_new,
                decided: Decided { candidate, outcome },
                outlasted: Vec::new(),
            });
        }
        Self {
            set,
            members,
            additions,
            others,
        }
    }

    pub(super) fn set(&self) -> &'r SetName {
        self.set
    }

    /// Whether nobody is wanted in the set.
    pub(super) fn is_empty(&self) -> bool {
        self.additions.is_empty() && self.others.is_empty()
    }

    /// The entries to be added.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let entries = self.additions.iter().map(|addition| &addition.entry);
        entries.cloned().collect()
    }

    /// The same, each with its reason as comment unless somebody else's stands there.
    pub(super) fn entries_with_reasons(&self) -> Vec<Entry> {
        let entries = self.additions.iter();
        let entries = entries.map(|addition| addition.decided.candidate.explain(&addition.entry));
        entries.collect()
    }

    /// The exceptions that have to be there before the entries, and are not there for long enough.
    pub(super) fn exceptions(&self) -> Vec<Entry> {
        let additions = self.additions.iter();
        let candidates = additions.map(|addition| &addition.decided.candidate);
        exceptions::entries(candidates, &self.members)
    }

    /// The evidence for each entry that is new, and its place.
    pub(super) fn new_entries(&self) -> impl Iterator<Item = (u64, usize)> {
        self.new_additions().map(|(place, addition)| {
            let all = addition.wanted();
            let evidence = all.map(|decided| decided.candidate.ban.evidence());
            (evidence.max().unwrap_or_default(), place)
        })
    }

    fn new_additions(&self) -> impl Iterator<Item = (usize, &Addition<'r>)> {
        let additions = self.additions.iter().enumerate();
        additions.filter(|(_, addition)| addition.is_new)
    }

    /// The rules that want the entry at a place, with their numbers.
    pub(super) fn rules_of(&self, place: usize) -> impl Iterator<Item = (usize, &'r Rule)> {
        let wanted = self.additions.get(place).into_iter();
        let bans = wanted.flat_map(Addition::wanted);
        bans.map(|decided| (decided.candidate.ban.number, decided.candidate.ban.rule))
    }

    /// How many candidates want the entries at these places.
    pub(super) fn wanting(&self, places: &BTreeSet<usize>) -> u64 {
        let wanting = places.iter().filter_map(|place| self.additions.get(*place));
        let wanting = wanting.map(|addition| addition.wanted().count());
        u64::try_from(wanting.sum::<usize>()).unwrap_or(u64::MAX)
    }

    /// Leaves out the entries at these places: this becomes of the candidates that want them.
    pub(super) fn give_up(&mut self, places: &BTreeSet<usize>, outcome: &Outcome) {
        let mut place = 0..;
        self.withdraw(
            |_| place.next().filter(|place| places.contains(place)),
            |_, _| outcome.clone(),
        );
    }

    /// How many seconds each entry lasts that takes a place of its own in the set, and its place
    /// here.
    pub(super) fn new_ends(&self) -> Vec<(u32, usize)> {
        let new = self.new_additions();
        new.map(|(place, addition)| (addition.decided.candidate.seconds, place))
            .collect()
    }

    /// How many exceptions take a place in the set that they do not have.
    pub(super) fn new_exceptions(&self) -> usize {
        let exceptions = self.exceptions().into_iter();
        exceptions
            .filter(|exception| self.members.get(exception.network).is_none())
            .count()
    }

    /// What was in the set before.
    pub(super) fn members(&self) -> &Members {
        &self.members
    }

    /// Whether an entry is added for this very network.
    pub(super) fn adds(&self, network: Network) -> bool {
        let mut additions = self.additions.iter();
        additions.any(|addition| addition.decided.candidate.ban.source().network() == network)
    }

    /// How many are not banned because the set is full.
    pub(super) fn without_room(&self) -> u64 {
        let mut others = self.others.iter().map(|decided| &decided.outcome);
        let without = others
            .by_ref()
            .filter(|outcome| **outcome == Outcome::NoRoom);
        u64::try_from(without.count()).unwrap_or(u64::MAX)
    }

    /// Takes in that these are in the set no longer.
    pub(super) fn lose(&mut self, gone: &[Victim]) {
        for victim in gone {
            self.members.remove(victim.network);
        }
        for decided in &mut self.others {
            let source = decided.candidate.ban.source().network();
            let is_gone = gone.iter().any(|victim| holds(victim.network, source));
            if is_gone && matches!(decided.outcome, Outcome::Kept(_)) {
                decided.outcome = Outcome::NoRoom;
            }
        }
    }

    /// Gives up the bans of networks whose exceptions are not in the set. `members` is the set as
    /// it was read back once the exceptions had been added; `broken` is why adding them came to an
    /// end before its time.
    pub(super) fn guard(&mut self, members: &Members, broken: Option<&str>) {
        let set = self.set;
        self.withdraw(
            |candidate| {
                let part = exceptions::unguarded(candidate, members)?;
                let why = "the exception is not there, read back after it was added";
                let why = broken.unwrap_or(why);
                Some(format!("{part}, and cannot be excepted first: {why}"))
            },
            |why, candidate| candidate.refused(set, why),
        );
    }

    /// Takes in why the kernel refused each of [`entries`](Self::entries), if it did.
    pub(super) fn refuse(&mut self, refused: Vec<Option<String>>) {
        let mut refused = refused.into_iter();
        self.withdraw(
            |_| refused.next().flatten(),
            |why, _| Outcome::Refused(why.clone()),
        );
    }

    /// Takes back the entries for which there is a reason; `outcome` is what the reason means for
    /// each candidate that is banned by such an entry.
    fn withdraw<R>(
        &mut self,
        mut reason: impl FnMut(&Candidate<'r>) -> Option<R>,
        mut outcome: impl FnMut(&R, &Candidate<'r>) -> Outcome,
    ) {
        for addition in std::mem::take(&mut self.additions) {
            let Some(reason) = reason(&addition.decided.candidate) else {
                self.additions.push(addition);
                continue;
            };
            let withdrawn = addition.all().map(|Decided { candidate, .. }| Decided {
                outcome: outcome(&reason, &candidate),
                candidate,
            });
            self.others.extend(withdrawn);
        }
    }

    /// Refuses the candidates that should be in the set and are not. `members` is the set as it was
    /// read back, `passed` seconds after it was filled; `broken` is why filling it came to an end
    /// before its time.
    pub(super) fn compare(&mut self, members: &Members, passed: i64, broken: Option<&str>) {
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        self.refuse_wanted(|candidate| {
            let why = missing(members, candidate, passed)?;
            Some(broken.map_or(why, str::to_owned))
        });
    }

    /// Refuses all candidates that should be in the set, because nobody knows whether they are.
    pub(super) fn unread(&mut self, why: &str) {
        let why = format!("it cannot be read back whether it is there: {why}");
        self.refuse_wanted(|_| Some(why.clone()));
    }

    fn refuse_wanted(&mut self, why: impl Fn(&Candidate<'r>) -> Option<String>) {
        let additions = self.additions.iter_mut().flat_map(|addition| {
            let outlasted = addition.outlasted.iter_mut();
            outlasted.chain([&mut addition.decided])
        });
        for decided in additions.chain(&mut self.others) {
            let why = why(&decided.candidate).filter(|_| decided.outcome.is_banned());
            if let Some(why) = why {
                decided.outcome = decided.candidate.refused(self.set, &why);
            }
        }
    }

    /// What became of all candidates.
    pub(super) fn into_banned(self) -> impl Iterator<Item = Banned<'r>> {
        let additions = self.additions.into_iter().flat_map(Addition::all);
        additions.chain(self.others).map(|decided| {
            let Decided { candidate, outcome } = decided;
            let exceptions = if outcome.is_by_this_scan() {
                candidate.exempt
            } else {
                Vec::new()
            };
            Banned {
                exceptions,
                ..candidate.ban.with(outcome)
            }
        })
    }
}

/// Why packets of the source do not match the set for as long as they should.
fn missing(members: &Members, candidate: &Candidate<'_>, passed: u32) -> Option<String> {
    let mut around = members
        .covering(candidate.ban.source().network())
        .peekable();
    let wanted = candidate.seconds.saturating_sub(passed);
    match around.peek() {
        // It may have run out by now.
        _ if wanted <= ROUNDING => None,
        None => Some("it is not there, read back after it was filled".to_owned()),
        Some(entry) if entry.exception => Some(format!(
            "read back, it is excepted (nomatch) there as {}",
            spelled(entry.network)
        )),
        Some(_) => {
            let longest = around
                .take_while(|entry| !entry.exception)
                .map(|entry| members.left(entry))
                .max()
                .unwrap_or(Left::Seconds(0));
            match longest {
                Left::Seconds(seconds) if seconds.saturating_add(ROUNDING) < wanted => Some(
                    format!("read back, it leaves {seconds} s from now, not {wanted} s"),
                ),
                _ => None,
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
