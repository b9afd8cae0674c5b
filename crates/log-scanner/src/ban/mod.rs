//! From bans that rules want to entries: who is left alone, who is there already, who is added.

mod candidate;
mod exceptions;
mod offences;
mod plan;
mod quota;
mod room;
mod set_aside;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use ban_sets::network::holds;
use ban_sets::{IfThere, Members, Network, Pardons, PrefixMap, SetName};
use candidate::Candidate;
use jiff::{SignedDuration, Timestamp};
use offences::Offences;
use plan::Plan;
use quota::Bound;
pub(crate) use quota::{Quota, Span};
pub(crate) use set_aside::{pardons, set_aside};

use crate::clock::Present;
use crate::connected::{Connected, Peering};
use crate::duration::whole_seconds;
use crate::error::Fatal;
use crate::exempt::{Exemption, Exemptions, Part, distinct};
use crate::handshake::Handshakes;
use crate::neighbours::Neighbours;
use crate::rule::Rule;
use crate::sets::Sets;
use crate::violation::{Ban, Banned, Dropped, Lifted, Outcome};
use crate::words::count;

/// What bans need besides themselves.
pub(crate) struct Banning<'a> {
    /// `None` in a dry run that cannot ask the kernel.
    pub(crate) sets: Option<&'a mut Sets>,
    pub(crate) exemptions: &'a Exemptions,
    /// Whose past counts no more.
    pub(crate) pardons: &'a Pardons,
    pub(crate) dry_run: bool,
    /// The instant that the violations were found for.
    pub(crate) as_of: Timestamp,
    /// Tells how much of each ban has passed since then.
    pub(crate) present: &'a Present,
    /// How many new bans are added at most.
    pub(crate) quota: &'a Quota,
    /// What is known of the sets.
    pub(crate) known: Known,
}

/// What is known of the sets before anybody is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing: they are read whole, before and after.
    Nothing,
    /// The sources of the bans are addresses that the sets neither match nor except. Sets of any
    /// size are filled without being read; who is in one by then is not touched.
    Absent,
}

/// What was done.
#[derive(Debug, Default)]
pub(crate) struct Acted<'r> {
    /// What became of the bans, in no order.
    pub(crate) banned: Vec<Banned<'r>>,
    pub(crate) lifted: Vec<Lifted>,
    pub(crate) dropped: Vec<Dropped>,
    pub(crate) warnings: Vec<String>,
    /// What is worth a word and no trouble.
    pub(crate) notes: Vec<String>,
    /// How long each new ban took since the packet that broke the threshold, where a log is
    /// followed.
    pub(crate) took: Vec<Duration>,
}

/// A set, what is in it, and which bans may go into it.
struct Lot<'r> {
    set: &'r SetName,
    members: Members,
    /// The exceptions of earlier scans that nobody is exempt in any more.
    lapsed: Vec<Network>,
    candidates: Vec<Candidate<'r>>,
}

impl Lot<'_> {
    /// Excepts from the bans of networks who is excepted there because he was let go by hand, for as
    /// long as that holds and nothing that he did since has him banned.
    fn keep_pardoned(&mut self, pardons: &Pardons) {
        let sources = self.candidates.iter();
        let sources: PrefixMap<()> = sources
            .map(|candidate| (candidate.ban.source().network(), ()))
            .collect();
        for candidate in &mut self.candidates {
            let source = candidate.ban.source();
            if source.is_single_address() {
                continue;
            }
            let exceptions = self.members.within(source.network());
            let exceptions = exceptions.filter(|(within, member)| {
                member.exception
                    && *within != source.network()
                    && sources.within(*within).next().is_none()
            });
            for (within, _) in exceptions {
                let mut known = candidate.exempt.iter();
                let Some(since) = pardons.since(within) else {
                    continue;
                };
                if !known.any(|part| holds(part.network, within)) {
                    let why = format!("pardoned since {since}");
                    candidate.exempt.push(Part::by_run(within, why));
                }
            }
            candidate.exempt = distinct(std::mem::take(&mut candidate.exempt));
        }
    }

    /// Lets those go to whom this host has opened a connection. The kernel is asked only where
    /// somebody is to be banned.
    fn spare(&mut self, connected: &mut Connected<'_>, longest: u32) {
        for candidate in &mut self.candidates {
            let source = candidate.ban.source();
            let spares_connected = !candidate.ban.rule.ban_connected;
            if spares_connected && candidate.needs_entry(self.set, &self.members) {
                let peers = connected.peers(source.network());
                let parts: Vec<_> = peers.parts_of(source).collect();
                if source.is_single_address() {
                    candidate.connected = !parts.is_empty();
                } else {
                    candidate.exempt.extend(parts);
                    candidate.exempt = distinct(std::mem::take(&mut candidate.exempt));
                }
            }
            if !candidate.exempt.is_empty() {
                candidate.seconds = candidate.seconds.min(exceptions::longest_ban(longest));
            }
        }
    }
}

impl Banning<'_> {
    /// Decides about every ban that one of the `rules` wants, and does it; `peering` tells to whom
    /// this host has opened connections. Nothing is added before
    /// all is decided; afterwards the sets are read back.
    ///
    /// # Errors
    ///
    /// When the kernel does not say who is exempt or who is in the sets; nothing was changed then.
    pub(crate) fn act<'r>(
        &mut self,
        rules: &'r [Rule],
        bans: Vec<Ban<'r>>,
        peering: &mut dyn Peering,
    ) -> Result<Acted<'r>, Fatal> {
        let mut acted = Acted::default();
        // The time that each ban has left is told from now on: reading the sets may take a while.
        let started = Instant::now();
        let sets = self.sets.as_deref_mut();
        let mut offences = Offences::read(sets, rules, self.known, self.as_of)?;
        let mut handshakes = Handshakes::default();
        let bans = proven(bans, &mut handshakes, &mut acted.banned);
        let candidates = self.candidates(rules, bans, &mut offences, &mut acted.banned)?;
        let mut connected = Connected::new(self.exemptions, peering);
        let lots = self.lots(rules, candidates, &mut connected)?;
        let longest = self.sets.as_ref().map_or(u32::MAX, |sets| sets.longest());
        let mut plans = Vec::with_capacity(lots.len());
        for mut lot in lots {
            self.lift(&mut lot, &mut acted.lifted);
            lot.keep_pardoned(self.pardons);
            lot.spare(&mut connected, longest);
            let sets = self.sets.as_ref();
            let keeps = sets.is_none_or(|sets| sets.keeps_exceptions(lot.set));
            let (set, members) = (lot.set, lot.members);
            plans.push(Plan::new(set, lot.candidates, members, keeps, self.dry_run));
        }
        acted.warnings.extend(connected.warning());
        acted.warnings.extend(handshakes.warning());
        acted.notes.extend(without_handshake(&acted.banned));
        acted.warnings.extend(self.limit(&mut plans, rules));
        for plan in &mut plans {
            let warning = self.make_room(plan, &mut acted.dropped);
            acted.warnings.extend(warning);
        }
        let mut filled = Vec::new();
        for mut plan in plans {
            if !self.dry_run && !plan.is_empty() {
                self.carry_out(&mut plan, started);
            }
            let (set, before) = (plan.set(), acted.banned.len());
            acted.banned.extend(plan.into_banned());
            let mut new = acted.banned.iter().skip(before);
            if new.any(|banned| matches!(banned.outcome, Outcome::Added | Outcome::Refreshed)) {
                filled.push(set);
            }
        }
        if let Some(sets) = &mut self.sets {
            acted.notes.extend(sets.without_comments(&filled));
            if !self.dry_run {
                let forgotten = offences.remember(sets, &acted.banned, self.as_of);
                acted.warnings.extend(forgotten);
            }
        }
        Ok(acted)
    }

    /// The bans that may go into each set. A source that is exempt itself, and one whose ban has
    /// expired, goes to `banned` with that outcome.
    fn candidates<'r>(
        &mut self,
        rules: &'r [Rule],
        bans: Vec<Ban<'r>>,
        offences: &mut Offences,
        banned: &mut Vec<Banned<'r>>,
    ) -> Result<BTreeMap<&'r SetName, Vec<Candidate<'r>>>, Fatal> {
        let mut wanted = Vec::with_capacity(bans.len());
        for ban in bans {
            let sets = self.sets.as_deref_mut();
            let exempt = self.exemptions.of(ban.source(), &ban.rule.exempt, sets)?;
            match exempt {
                Exemption::Whole(why) => banned.push(ban.with(Outcome::Exempt(why))),
                Exemption::Parts(exempt) => wanted.push((ban, exempt)),
            }
        }
        let mut by_set: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut numbered = offences.number(wanted);
        if self.known == Known::Nothing {
            numbered.extend(self.networks(rules, &numbered)?);
        }
        for (ban, exempt) in numbered {
            if ban.timeout == 0 {
                banned.push(ban.with(Outcome::Expired));
                continue;
            }
            by_set.entry(ban.set()).or_default().push(Candidate {
                seconds: self.seconds_left(&ban),
                exempt,
                connected: false,
                ban,
            });
        }
        Ok(by_set)
    }

    /// The bans of networks that these bans are enough for, by rules that look for such; each with who
    /// is exempt in it.
    fn networks<'r>(
        &mut self,
        rules: &'r [Rule],
        bans: &[(Ban<'r>, Vec<Part>)],
    ) -> Result<Vec<(Ban<'r>, Vec<Part>)>, Fatal> {
        let mut neighbours = Neighbours::default();
        for (ban, _) in bans {
            neighbours.add(ban.number, ban.rule, &ban.violator);
        }
        let mut networks = Vec::new();
        for (number, violator) in neighbours.take(rules) {
            let rule = number.checked_sub(1).and_then(|place| rules.get(place));
            let ban = rule.and_then(|rule| Ban::new(rule, number, violator, self.as_of));
            let Some(ban) = ban.filter(|ban| ban.timeout > 0) else {
                continue;
            };
            let sets = self.sets.as_deref_mut();
            let exempt = self.exemptions.of(ban.source(), &ban.rule.exempt, sets)?;
            if let Exemption::Parts(exempt) = exempt {
                networks.push((ban, exempt));
            }
        }
        Ok(networks)
    }

    /// Reads the sets, also those where nobody is to be banned now, if they can hold networks: an
    /// exception stays for as long as an old ban.
    fn lots<'r>(
        &mut self,
        rules: &'r [Rule],
        mut candidates: BTreeMap<&'r SetName, Vec<Candidate<'r>>>,
        connected: &mut Connected<'_>,
    ) -> Result<Vec<Lot<'r>>, Fatal> {
        let mut lots: Vec<Lot<'r>> = Vec::new();
        for set in rules.iter().flat_map(|rule| rule.ipset.both()) {
            let candidates = candidates.remove(set).unwrap_or_default();
            let sets = self.sets.as_ref();
            let holds_networks =
                self.known == Known::Nothing && sets.is_some_and(|sets| sets.holds_networks(set));
            let is_new = lots.iter().all(|lot| lot.set != set);
            if is_new && (holds_networks || !candidates.is_empty()) {
                let now = self.now();
                let sets = self.sets.as_mut().filter(|_| self.known == Known::Nothing);
                let members = sets.map_or(Ok(Members::none(now)), |sets| sets.members(set, now));
                let members = members.map_err(|why| Fatal::Sets(vec![why]))?;
                lots.push(Lot {
                    lapsed: self.lapsed(rules, set, &members, connected)?,
                    set,
                    members,
                    candidates,
                });
            }
        }
        Ok(lots)
    }

    /// The exceptions of earlier scans in a set that nobody is exempt in any more.
    fn lapsed(
        &mut self,
        rules: &[Rule],
        set: &SetName,
        members: &Members,
        connected: &mut Connected<'_>,
    ) -> Result<Vec<Network>, Fatal> {
        let filling = rules.iter().filter(|rule| rule.ipset.both().contains(&set));
        let spares_connected = filling.clone().any(|rule| !rule.ban_connected);
        let exempt: Vec<_> = filling.flat_map(|rule| &rule.exempt).copied().collect();
        let mut lapsed = Vec::new();
        for network in exceptions::of_scans(members) {
            let sets = self.sets.as_deref_mut();
            let exemption = self.exemptions.of(network.into(), &exempt, sets)?;
            let is_exempt = matches!(exemption, Exemption::Whole(_))
                || (spares_connected && connected.peers(network).any_in(network));
            if !is_exempt {
                lapsed.push(network);
            }
        }
        Ok(lapsed)
    }

    /// Takes out the exceptions that have lapsed.
    fn lift(&mut self, lot: &mut Lot<'_>, lifted: &mut Vec<Lifted>) {
        for network in std::mem::take(&mut lot.lapsed) {
            let mut error = None;
            if let (false, Some(sets)) = (self.dry_run, &mut self.sets) {
                error = sets.remove(lot.set, network).err();
            }
            if error.is_none() {
                lot.members.remove(network);
            }
            lifted.push(Lifted {
                source: network.into(),
                set: lot.set.clone(),
                error,
            });
        }
    }

    /// Leaves new bans for another time where there are too many, those with the least evidence;
    /// what to say of them.
    fn limit(&self, plans: &mut [Plan<'_>], rules: &[Rule]) -> Vec<String> {
        let numbered = plans.iter().enumerate();
        let ranks = numbered.flat_map(|(number, plan)| {
            let new = plan.new_entries();
            new.map(move |(evidence, place)| (Reverse(evidence), number, place))
        });
        let mut ranks: Vec<_> = ranks.collect();
        ranks.sort_unstable();
        let mut quota = self.quota.clone();
        let mut beyond: BTreeMap<(Bound, usize), BTreeSet<usize>> = BTreeMap::new();
        for (_, number, place) in ranks {
            let rules = plans.get(number).map(|plan| plan.rules_of(place));
            if let Err(bound) = quota.charge(rules.into_iter().flatten()) {
                beyond.entry((bound, number)).or_default().insert(place);
            }
        }
        // The places move as entries are left out, so each plan is asked once.
        let mut postponed: BTreeMap<Bound, u64> = BTreeMap::new();
        for (number, plan) in plans.iter_mut().enumerate() {
            let of_plan = beyond.iter().filter(|((_, of), _)| *of == number);
            let of_plan: Vec<_> = of_plan.collect();
            for ((bound, _), places) in &of_plan {
                *postponed.entry(*bound).or_default() += plan.wanting(places);
            }
            let all = of_plan.iter().flat_map(|(_, places)| places.iter());
            plan.give_up(&all.copied().collect(), &Outcome::BeyondMaxBans);
        }
        let warnings = postponed.into_iter().map(|(bound, number)| {
            let violators = count(number, "violator");
            self.quota.warning(bound, &violators, rules)
        });
        warnings.collect()
    }

    /// Takes out of a set that would be full what ends soonest; what to say of who is not banned.
    fn make_room(&mut self, plan: &mut Plan<'_>, dropped: &mut Vec<Dropped>) -> Option<String> {
        let (Some(sets), Known::Nothing) = (&mut self.sets, self.known) else {
            return None;
        };
        let set = plan.set();
        let most = sets.bound(set)?;
        let room = most.saturating_sub(plan.members().len());
        for victim in plan.make_room(room) {
            let removed = if self.dry_run {
                Ok(())
            } else {
                sets.remove(set, victim.network)
            };
            dropped.push(Dropped {
                source: victim.network.into(),
                set: set.clone(),
                timeout: victim.left,
                error: removed.err(),
            });
        }
        let without = plan.without_room();
        (without > 0).then(|| {
            format!(
                "not banned: {}, because set \"{set}\" is full and what is in it ends later",
                count(without, "violator")
            )
        })
    }

    /// The instant by the clock of `as_of`.
    fn now(&self) -> Timestamp {
        self.present.now(self.as_of)
    }

    /// What is left of a ban by now, in seconds.
    fn seconds_left(&self, ban: &Ban<'_>) -> u32 {
        let left = whole_seconds(ban.expires.duration_since(self.now()));
        u32::try_from(left)
            .unwrap_or(u32::MAX)
            .clamp(1, ban.timeout.max(1))
    }

    /// Fills the set and reads it back; the bans were told at `started` how long they last.
    fn carry_out(&mut self, plan: &mut Plan<'_>, started: Instant) {
        let (as_of, present) = (self.as_of, self.present);
        let now = || present.now(as_of);
        let Some(sets) = &mut self.sets else { return };
        let set = plan.set();
        let exceptions = plan.exceptions();
        if !exceptions.is_empty() {
            let (refused, broken) = sets.fill(set, &exceptions, now(), IfThere::Replace);
            let (members, unread) = match sets.members(set, now()) {
                Ok(members) => (members, None),
                Err(why) => (Members::none(now()), Some(why)),
            };
            let why = refused.into_iter().flatten().next();
            plan.guard(&members, why.or(broken).or(unread).as_deref());
        }
        let entries = if sets.keeps_comments(set) {
            plan.entries_with_reasons()
        } else {
            plan.entries()
        };
        let mut broken = None;
        if !entries.is_empty() {
            let refused;
            let if_there = match self.known {
                Known::Nothing => IfThere::Replace,
                Known::Absent => IfThere::Refuse,
            };
            (refused, broken) = sets.fill(set, &entries, now(), if_there);
            plan.refuse(refused);
        }
        let members = match self.known {
            Known::Nothing => sets.members(set, now()),
            Known::Absent => sets.members_of(set, &entries, now()),
        };
        match members {
            Ok(members) => {
                let passed = SignedDuration::try_from(started.elapsed());
                let passed = passed.map_or(i64::MAX, whole_seconds);
                plan.compare(&members, passed, broken.as_deref());
            }
            Err(why) => plan.unread(&broken.unwrap_or(why)),
        }
    }
}

/// The bans of sources that have proven their address to the rules that ask for it; the others go to
/// `banned`.
fn proven<'r>(
    bans: Vec<Ban<'r>>,
    handshakes: &mut Handshakes,
    banned: &mut Vec<Banned<'r>>,
) -> Vec<Ban<'r>> {
    let mut proven = Vec::with_capacity(bans.len());
    for ban in bans {
        if !ban.rule.handshake || handshakes.prove(&ban) {
            proven.push(ban);
            continue;
        }
        let is_over = ban.timeout == 0;
        let outcome = if is_over {
            Outcome::Expired
        } else {
            Outcome::NoHandshake
        };
        banned.push(ban.with(outcome));
    }
    proven
}

/// What to say of who has proven nothing.
fn without_handshake(banned: &[Banned<'_>]) -> Option<String> {
    let without = banned.iter();
    let without = without.filter(|banned| banned.outcome == Outcome::NoHandshake);
    let number = u64::try_from(without.count()).unwrap_or(u64::MAX);
    (number > 0).then(|| {
        format!(
            "not banned: {} that completed too few TCP handshakes for rules with handshake",
            count(number, "source")
        )
    })
}
