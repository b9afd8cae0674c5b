//! From what is wanted to the sets of this host: pardons first, then bans, read back.

use std::collections::BTreeMap;

use ban_fleet::{Host, Member, Pardon, Prefix, Set, State, Wanted};
use ban_sets::network::holds;
use ban_sets::{
    Backend, ByHand, End, Entry, Family, IfThere, Members, Network, Pardons, SetName, names,
};
use jiff::{SignedDuration, Timestamp};

use super::protected::network;
use super::{reason, time};
use crate::error::chain;

/// What became of it.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// Bans that were put, or prolonged.
    pub(crate) added: Vec<Put>,
    /// How many are there already, for as long.
    pub(crate) kept: usize,
    /// How many end when the kernel can count no longer.
    pub(crate) clamped: usize,
    /// Bans that this host lets be, and why.
    pub(crate) refused: Vec<(Put, String)>,
    /// Whom a pardon of the fleet let go.
    pub(crate) pardoned: Vec<Prefix>,
    /// Entries that went with a pardon.
    pub(crate) taken_out: usize,
    /// What could not be done.
    pub(crate) troubles: Vec<String>,
}

/// A ban in a set.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Put {
    #[serde(serialize_with = "super::as_text")]
    pub(crate) set: SetName,
    #[serde(serialize_with = "super::as_text")]
    pub(crate) prefix: Prefix,
    #[serde(serialize_with = "super::as_text")]
    pub(crate) end: Timestamp,
    #[serde(serialize_with = "super::as_texts")]
    pub(crate) seen_by: Vec<Host>,
}

/// The bans of one set.
type Lot<'a> = Vec<(Network, Prefix, &'a Member)>;

/// Counting seconds rounds an end by less than this.
const ROUNDING: SignedDuration = SignedDuration::from_secs(2);

/// The sets, and what is to be done there.
pub(crate) struct Applying<'a> {
    pub(crate) sets: &'a mut dyn Backend,
    pub(crate) own: &'a Host,
    pub(crate) state: &'a State,
    pub(crate) wanted: &'a Wanted,
    /// The engine's time: ends are counted from it.
    pub(crate) now: Timestamp,
    pub(crate) dry_run: bool,
    pub(crate) applied: Applied,
}

impl Applying<'_> {
    /// Lets those go whom a pardon of the fleet is for that this host does not have, and who was
    /// not banned by hand since.
    pub(crate) fn pardon<'p>(&mut self, pardons: impl Iterator<Item = &'p Pardon>, taken: &[Set]) {
        let known = match self.sets.pardons(self.now) {
            Ok(known) => known,
            Err(error) => return self.trouble(&format!("pardons: {}", chain(&error))),
        };
        for pardon in pardons {
            let (Some(of), Some(at)) = (network(pardon.prefix), time(pardon.at)) else {
                continue;
            };
            if known.since(of).is_none_or(|since| since < at) {
                self.pardon_one(pardon, of, at, taken);
            }
        }
    }

    fn pardon_one(&mut self, pardon: &Pardon, of: Network, at: Timestamp, taken: &[Set]) {
        let mut out = Vec::new();
        for set in taken {
            let Some(name) = names::of_family(set.as_str(), Family::of(of.address())) else {
                continue;
            };
            let members = match self.sets.members(&name, self.now) {
                Ok(members) => members,
                Err(error) if error.is_set_missing() => continue,
                Err(error) => return self.trouble(&format!("set {name}: {}", chain(&error))),
            };
            let within = members.within(of).filter(|(_, entry)| !entry.exception);
            let within: Vec<_> = within.collect();
            if within.iter().any(|(_, entry)| is_by_hand_since(entry, at)) {
                return;
            }
            let still = |network: Network| {
                let prefix = Prefix::new(network.address(), network.prefix_length()).ok();
                prefix
                    .is_some_and(|prefix| self.wanted.members.contains_key(&(set.clone(), prefix)))
            };
            let void = within.iter().filter(|(network, _)| !still(*network));
            out.extend(void.map(|(network, _)| (name.clone(), *network)));
        }
        self.applied.pardoned.push(pardon.prefix);
        self.applied.taken_out += out.len();
        if self.dry_run {
            return;
        }
        let longest = SignedDuration::from_secs(self.sets.longest().into());
        let most = at.saturating_add(longest).unwrap_or(Timestamp::MAX);
        let end = End::At(time(pardon.until).map_or(most, |until| until.min(most)));
        // The pardon first: a scan in between would ban again.
        let by_hand = ByHand::new(at, pardon.why.as_str());
        if let Err(error) = self.sets.pardon(of, &by_hand, end) {
            self.trouble(&format!("pardon of {}: {}", pardon.prefix, chain(&error)));
        }
        for (name, network) in out {
            if let Err(error) = self.sets.take_out(&name, network) {
                self.trouble(&format!("{network} in set {name}: {}", chain(&error)));
            }
        }
    }

    /// Puts the bans that others have, and reads them back.
    pub(crate) fn ban(&mut self) {
        let pardons = match self.sets.pardons(self.now) {
            Ok(pardons) => pardons,
            Err(error) => return self.trouble(&format!("pardons: {}", chain(&error))),
        };
        let mut lots: BTreeMap<(&Set, bool), Lot<'_>> = BTreeMap::new();
        for ((set, prefix), member) in &self.wanted.members {
            // What this host alone bans is in its sets by whoever found it.
            let is_told = member.seen_by.iter().any(|host| host != self.own);
            if let Some(network) = network(*prefix).filter(|_| is_told) {
                let of_family = lots.entry((set, prefix.address().is_ipv4())).or_default();
                of_family.push((network, *prefix, member));
            }
        }
        for ((set, is_ipv4), lot) in lots {
            let family = if is_ipv4 { Family::Inet } else { Family::Inet6 };
            if let Some(name) = names::of_family(set.as_str(), family) {
                self.fill(set, &name, family, &lot, &pardons);
            }
        }
    }

    fn fill(
        &mut self,
        set: &Set,
        name: &SetName,
        family: Family,
        lot: &Lot<'_>,
        pardons: &Pardons,
    ) {
        let networks = lot.iter().any(|(_, prefix, _)| !prefix.is_address());
        let opened = self
            .sets
            .fillable(name, family, networks)
            .and_then(|about| Ok((about.comments, self.sets.members(name, self.now)?)));
        let (comments, members) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let count = lot.len();
                let why = format!("set {name}: {} (bans of others: {count})", chain(&error));
                return self.trouble(&why);
            }
        };
        let latest = reason::latest(self.state, &self.wanted.members);
        let (mut entries, mut puts) = (Vec::new(), Vec::new());
        for (network, prefix, member) in lot {
            let Some(put) = self.put(name, *prefix, member) else {
                continue;
            };
            if let Some(why) = refusal(*network, member, &members, pardons) {
                self.applied.refused.push((put, why));
                continue;
            }
            let there = members.get(*network);
            if there.is_some_and(|there| is_as_long(there.end, put.end)) {
                self.applied.kept += 1;
                continue;
            }
            // What a rule of this host's own has found stays beside the later end.
            let own = there.and_then(|there| there.comment.clone());
            let own = own.filter(|comment| !comment.as_str().starts_with(reason::WORD));
            let key = (set.clone(), *prefix);
            let comment = own.or_else(|| reason::comment(member, latest.get(&key).copied()));
            let entry = Entry::new(*network).until(End::At(put.end));
            entries.push(entry.because(comment.filter(|_| comments)));
            puts.push(put);
        }
        if self.dry_run || entries.is_empty() {
            self.applied.added.extend(puts);
            return;
        }
        let refused = match self.sets.put(name, &entries, self.now, IfThere::Replace) {
            Ok(refused) => refused,
            Err(error) => {
                self.trouble(&format!("set {name}: {}", chain(&error)));
                Vec::new()
            }
        };
        let mut why: BTreeMap<usize, String> = refused
            .into_iter()
            .map(|refusal| (refusal.place, chain(&refusal.error)))
            .collect();
        let after = match self.sets.members(name, self.now) {
            Ok(after) => after,
            Err(error) => return self.trouble(&format!("set {name}: {}", chain(&error))),
        };
        for (place, (entry, put)) in entries.iter().zip(puts).enumerate() {
            let there = after.get(entry.network).filter(|there| !there.exception);
            if there.is_some_and(|there| is_as_long(there.end, put.end)) {
                self.applied.added.push(put);
            } else {
                let why = why.remove(&place);
                let why = why.unwrap_or_else(|| format!("it is not in set {name} afterwards"));
                self.trouble(&format!("{}: {why}", put.prefix));
            }
        }
    }

    /// A ban as it goes into a set; nothing where it is over.
    fn put(&mut self, name: &SetName, prefix: Prefix, member: &Member) -> Option<Put> {
        let longest = SignedDuration::from_secs(self.sets.longest().into());
        let most = self.now.saturating_add(longest).unwrap_or(Timestamp::MAX);
        let end = time(member.end).filter(|end| *end > self.now)?;
        if end > most {
            self.applied.clamped += 1;
        }
        Some(Put {
            set: name.clone(),
            prefix,
            end: end.min(most),
            seen_by: member.seen_by.clone(),
        })
    }

    fn trouble(&mut self, why: &str) {
        self.applied.troubles.push(why.to_owned());
    }
}

/// Why a ban is let be that the fleet agrees on.
fn refusal(
    network: Network,
    member: &Member,
    members: &Members,
    pardons: &Pardons,
) -> Option<String> {
    let mut forms = pardons.forms();
    let pardoned = forms.find(|(pardoned, since)| {
        let is_about = holds(*pardoned, network) || holds(network, *pardoned);
        is_about && time(member.last_hit).is_none_or(|last| last <= *since)
    });
    if let Some((pardoned, since)) = pardoned {
        return Some(format!("{pardoned} is pardoned here since {since:.0}"));
    }
    let excepted = members.covering(network).next();
    let excepted = excepted.filter(|entry| entry.exception)?;
    Some(format!("{} is excepted here", excepted.network))
}

fn is_as_long(there: End, wanted: Timestamp) -> bool {
    match there {
        End::Never => true,
        End::At(end) => end.saturating_add(ROUNDING).is_ok_and(|end| end >= wanted),
    }
}

/// Whether an administrator of this host banned it after an instant.
fn is_by_hand_since(entry: &Entry, at: Timestamp) -> bool {
    let comment = entry.comment.as_ref();
    let by_hand = comment.and_then(|comment| comment.as_str().strip_prefix("ban: "));
    let by_hand = by_hand.and_then(ByHand::parse);
    by_hand.is_some_and(|by_hand| by_hand.since > at)
}
