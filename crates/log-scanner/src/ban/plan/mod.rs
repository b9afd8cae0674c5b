//! What is wanted in one set, and what it takes.

use std::cmp::Reverse;
use std::collections::hash_map;

use ipset_netlink::{Entry, SetName, Timeout};
use jiff::Timestamp;

use super::exceptions;
use crate::exempt::Part;
use crate::networks::{Members, Networks};
use crate::report::{Outcome, Remaining};
use crate::source::Source;

/// The kernel rounds the time an entry has left down to whole seconds and we round ours up; the
/// same end can so look one second later than itself.
const ROUNDING: u32 = 1;

/// A source that a rule wants in the set.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// The rule's place, from 0, and that of the violation in it.
    pub(super) rule: usize,
    pub(super) place: usize,
    pub(super) source: Source,
    /// Who in it is not to be banned along.
    pub(super) exempt: Vec<Part>,
    /// Whether its rule lets those go to whom this host has opened a connection.
    pub(super) spares_connected: bool,
    /// Whether the source is let go for that.
    pub(super) connected: bool,
    /// How far the source went over the threshold, in thousandths of it.
    pub(super) evidence: u64,
    /// How long from now on.
    pub(super) seconds: u32,
    pub(super) until: Timestamp,
}

/// What becomes of a wish.
#[derive(Debug)]
struct Decided {
    wish: Wish,
    outcome: Outcome,
    /// The place of the entry that fulfils it, where one is added.
    entry: Option<usize>,
}

/// All wishes about one set and the entries that fulfil them.
#[derive(Debug)]
pub(super) struct Plan {
    set: SetName,
    decided: Vec<Decided>,
    entries: Vec<Entry>,
    /// For each entry, whether nothing of its source is in the set yet.
    new: Vec<bool>,
    /// What is added before them.
    exceptions: Vec<Entry>,
}

impl Plan {
    /// Gives each wish the outcome it has if the kernel agrees.
    ///
    /// Of several about the same source, or a network around it, the one that ends last is
    /// fulfilled, and that fulfils the others. Who is exempt in a network is excepted from its ban
    /// first; where that cannot be, the network is let go. `keeps`: whether the set keeps its
    /// members until their time is over.
    pub(super) fn new(
        set: SetName,
        mut wishes: Vec<Wish>,
        members: &Members,
        keeps: bool,
        dry_run: bool,
    ) -> Self {
        wishes.sort_by_key(|wish| {
            (
                Reverse(wish.seconds),
                wish.source.network().prefix_length(),
                wish.rule,
                wish.place,
            )
        });
        let obstacles = exceptions::obstacles(&wishes, &set, members, keeps);
        let mut plan = Self {
            set,
            decided: Vec::with_capacity(wishes.len()),
            entries: Vec::new(),
            new: Vec::new(),
            exceptions: Vec::new(),
        };
        // The entry that bans a network, and the wish it is for.
        let mut planned: Networks<(usize, Wish)> = Networks::default();
        for (wish, obstacle) in wishes.into_iter().zip(obstacles) {
            let decision = match (decision(members, &plan.set, &wish), obstacle) {
                (Decision::Add(..), _) if wish.connected => Decision::Leave(Outcome::Connected),
                (Decision::Add(..), Some(why)) => Decision::Leave(Outcome::Exempt(why)),
                (decision, _) => decision,
            };
            let (outcome, entry) = match decision {
                Decision::Leave(outcome) => (outcome, None),
                Decision::Add(entry, outcome) => {
                    let network = wish.source.network();
                    let around = planned.covering(network).next();
                    if let Some((entry, by)) = around {
                        let outlasted = Outcome::Outlasted {
                            rule: by.rule + 1,
                            until: by.until,
                        };
                        (outlasted, Some(*entry))
                    } else {
                        let place = plan.entries.len();
                        plan.entries.push(entry);
                        plan.new.push(outcome == Outcome::Added);
                        if let hash_map::Entry::Vacant(new) = planned.entry(network) {
                            new.insert((place, wish.clone()));
                        }
                        let outcome = if dry_run { Outcome::WouldAdd } else { outcome };
                        (outcome, Some(place))
                    }
                }
            };
            plan.decided.push(Decided {
                wish,
                outcome,
                entry,
            });
        }
        plan.except(members);
        plan
    }

    fn except(&mut self, members: &Members) {
        self.exceptions = exceptions::entries(self.bans().map(|(_, wish)| wish), members);
    }

    /// The evidence for each entry that is new, and its place.
    pub(super) fn new_entries(&self) -> Vec<(u64, usize)> {
        let mut evidence = vec![0; self.entries.len()];
        for decided in &self.decided {
            let slot = decided.entry.and_then(|place| evidence.get_mut(place));
            if let Some(slot) = slot {
                *slot = decided.wish.evidence.max(*slot);
            }
        }
        let places = evidence.into_iter().enumerate().zip(&self.new);
        let new = places.filter(|(_, new)| **new);
        new.map(|((place, evidence), _)| (evidence, place))
            .collect()
    }

    /// Leaves the entries at these places for another run.
    pub(super) fn postpone(&mut self, places: &[usize], members: &Members) {
        let mut postponed = vec![None; self.entries.len()];
        for place in places {
            if let Some(postponed) = postponed.get_mut(*place) {
                *postponed = Some(());
            }
        }
        self.withdraw(&postponed, |(), _| Outcome::BeyondMaxBans);
        self.except(members);
    }

    /// Whether an entry is needed for what is wished.
    pub(super) fn adds(members: &Members, set: &SetName, wish: &Wish) -> bool {
        matches!(decision(members, set, wish), Decision::Add(..))
    }

    pub(super) fn set(&self) -> &SetName {
        &self.set
    }

    pub(super) fn exceptions(&self) -> &[Entry] {
        &self.exceptions
    }

    /// The place of each entry, and the wish that it is for.
    fn bans(&self) -> impl Iterator<Item = (usize, &Wish)> + Clone {
        self.decided.iter().filter_map(|decided| {
            let is_for_another = matches!(decided.outcome, Outcome::Outlasted { .. });
            let place = decided.entry.filter(|_| !is_for_another)?;
            Some((place, &decided.wish))
        })
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Gives up the bans of which the exceptions are not among `members`, the set as it was read
    /// back when they had been added; `broken`: why that came to an end before its time.
    pub(super) fn guard(&mut self, members: &Members, broken: Option<&str>) {
        let mut given_up: Vec<Option<String>> = vec![None; self.entries.len()];
        for (place, wish) in self.bans() {
            let Some(reason) = given_up.get_mut(place) else {
                continue;
            };
            *reason = exceptions::unguarded(wish, members).map(|part| {
                let why = "the exception is not there, read back after it was added";
                let why = broken.unwrap_or(why);
                format!("{part}, and cannot be excepted first: {why}")
            });
        }
        let set = self.set.clone();
        self.withdraw(&given_up, |why, wish| refused(wish, &set, why));
    }

    /// Takes back the entries for which there is a reason; `outcome`: what their wishes come to by
    /// it.
    fn withdraw<T>(&mut self, reasons: &[Option<T>], outcome: impl Fn(&T, &Wish) -> Outcome) {
        let mut places = 0..;
        let place = |reason: &Option<T>| reason.is_none().then(|| places.next()).flatten();
        let places: Vec<Option<usize>> = reasons.iter().map(place).collect();
        let mut stays = places.iter().map(Option::is_some);
        self.entries.retain(|_| stays.next().unwrap_or(false));
        let mut stays = places.iter().map(Option::is_some);
        self.new.retain(|_| stays.next().unwrap_or(false));
        for decided in &mut self.decided {
            let Some(place) = decided.entry else { continue };
            decided.entry = places.get(place).copied().flatten();
            if let Some(Some(reason)) = reasons.get(place) {
                decided.outcome = outcome(reason, &decided.wish);
            }
        }
    }

    pub(super) fn outcomes(&self) -> impl Iterator<Item = (&Wish, Outcome)> {
        self.decided
            .iter()
            .map(|decided| (&decided.wish, decided.outcome.clone()))
    }

    /// Takes in, for each of [`entries`](Self::entries), why it was refused.
    pub(super) fn refuse(&mut self, refused: &[Option<String>]) {
        for decided in &mut self.decided {
            let why = decided.entry.and_then(|place| refused.get(place)?.clone());
            if let Some(why) = why {
                decided.outcome = Outcome::Refused(why);
            }
        }
    }

    /// Refuses what is wanted and not among `members`, the set as it was read back so many seconds
    /// after it was filled; `broken`: why filling it came to an end before its time.
    pub(super) fn compare(&mut self, members: &Members, passed: i64, broken: Option<&str>) {
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        for decided in &mut self.decided {
            if is_wanted(&decided.outcome) {
                if let Some(why) = missing(members, &decided.wish, passed) {
                    let why = broken.unwrap_or(&why);
                    decided.outcome = refused(&decided.wish, &self.set, why);
                }
            }
        }
    }

    /// Refuses what is wanted, because nobody knows whether it is there.
    pub(super) fn unread(&mut self, why: &str) {
        for decided in &mut self.decided {
            if is_wanted(&decided.outcome) {
                let why = format!("it cannot be read back whether it is there: {why}");
                decided.outcome = refused(&decided.wish, &self.set, &why);
            }
        }
    }
}

fn is_wanted(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Added | Outcome::Refreshed | Outcome::Kept(_) | Outcome::Outlasted { .. } => true,
        Outcome::Connected
        | Outcome::BeyondMaxBans
        | Outcome::Exempt(_)
        | Outcome::Expired
        | Outcome::WouldAdd
        | Outcome::Refused(_) => false,
    }
}

fn refused(wish: &Wish, set: &SetName, why: &str) -> Outcome {
    Outcome::Refused(format!(
        "cannot add {} to set \"{set}\": {why}",
        wish.source
    ))
}

/// Why packets of the source do not match the set for as long as they should.
fn missing(members: &Members, wish: &Wish, passed: u32) -> Option<String> {
    let mut around = members.covering(wish.source.network()).peekable();
    let wanted = wish.seconds.saturating_sub(passed);
    match around.peek() {
        // It may have run out by now.
        _ if wanted <= ROUNDING => None,
        None => Some("it is not there, read back after it was filled".to_owned()),
        Some(entry) if entry.nomatch => Some(format!(
            "read back, it is excepted (nomatch) there as {}",
            entry.key
        )),
        Some(_) => {
            let longest = around
                .take_while(|entry| !entry.nomatch)
                .map(left)
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

/// How long a member stays.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Left {
    Seconds(u32),
    ForGood,
}

pub(super) fn left(entry: &Entry) -> Left {
    let timeout = entry.timeout.unwrap_or(Timeout::PERMANENT);
    if timeout.is_permanent() {
        Left::ForGood
    } else {
        Left::Seconds(timeout.as_secs())
    }
}

enum Decision {
    Leave(Outcome),
    /// And the outcome once it is there.
    Add(Entry, Outcome),
}

fn decision(members: &Members, set: &SetName, wish: &Wish) -> Decision {
    let (key, seconds) = (wish.source.key(), wish.seconds);
    let entry = match Timeout::from_secs(seconds) {
        Ok(timeout) => Entry::new(key.clone()).timeout(timeout),
        Err(error) => return Decision::Leave(refused(wish, set, &error.to_string())),
    };
    let mut around = members.covering(wish.source.network()).peekable();
    let existing = match around.peek() {
        None => return Decision::Add(entry, Outcome::Added),
        Some(exception) if exception.nomatch => {
            let why = format!("excepted (nomatch) in {set} as {}", exception.key);
            return Decision::Leave(Outcome::Exempt(why));
        }
        Some(existing) => *existing,
    };
    let longest = around.take_while(|entry| !entry.nomatch).map(left).max();
    match longest {
        Some(Left::ForGood) => return Decision::Leave(Outcome::Kept(Remaining::Permanent)),
        Some(Left::Seconds(left)) if seconds <= left.saturating_add(ROUNDING) => {
            return Decision::Leave(Outcome::Kept(Remaining::Seconds(left)));
        }
        _ => {}
    }
    if existing.key != key {
        // A network that is there leaves earlier; the source stays on in an entry of its own.
        return Decision::Add(entry, Outcome::Added);
    }
    // An update takes the comment away unless it brings one.
    let entry = match existing.comment.clone() {
        Some(comment) => entry.comment(comment),
        None => entry,
    };
    Decision::Add(entry, Outcome::Refreshed)
}

#[cfg(test)]
pub(super) mod tests;
