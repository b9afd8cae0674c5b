//! A ban that may take an entry in a set, and whether it does.

use ban_sets::network::spelled;
use ban_sets::{End, Entry, Left, Members, Network, SetName};

use crate::exempt::Part;
use crate::reason::{Evidence, Reason};
use crate::violation::{Ban, Outcome, Remaining};

/// Seconds by which the same end may look later than itself: the kernel rounds the time that an
/// entry has left down to whole seconds, and ours is rounded up.
pub(super) const ROUNDING: u32 = 1;

/// A ban that may take an entry: `203.0.113.0/24` for another 3600 seconds, without
/// `203.0.113.9`, which is exempt in it.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'r> {
    pub(super) ban: Ban<'r>,
    /// How long the ban lasts from now on.
    pub(super) seconds: u32,
    /// Who in the source is exempt, and not to be banned along.
    pub(super) exempt: Vec<Part>,
    /// Whether the source is let go because this host has opened a connection to it.
    pub(super) connected: bool,
}

impl Candidate<'_> {
    /// Whether it takes an entry, where these are the members of the set.
    pub(super) fn decide(&self, set: &SetName, members: &Members) -> Decision {
        let (network, seconds) = (self.ban.source().network(), self.seconds);
        let entry = Entry::new(network).until(End::after(members.at(), seconds));
        let mut around = members.covering(network).peekable();
        let existing = match around.peek() {
            None => return Decision::Add(entry, Outcome::Added),
            Some(exception) if exception.exception => {
                let why = format!(
                    "excepted (nomatch) in {set} as {}",
                    spelled(exception.network)
                );
                return Decision::Leave(Outcome::Exempt(why));
            }
            Some(existing) => *existing,
        };
        let lefts = around.take_while(|entry| !entry.exception);
        let longest = lefts.map(|entry| members.left(entry)).max();
        match longest {
            Some(Left::ForGood) => return Decision::Leave(Outcome::Kept(Remaining::Permanent)),
            Some(Left::Seconds(left)) if seconds <= left.saturating_add(ROUNDING) => {
                return Decision::Leave(Outcome::Kept(Remaining::Seconds(left)));
            }
            _ => {}
        }
        if existing.network != network {
            // A network that is there leaves earlier; the source stays on in an entry of its own.
            return Decision::Add(entry, Outcome::Added);
        }
        // An update takes the comment away unless it brings one.
        let entry = entry.because(existing.comment.clone());
        Decision::Add(entry, Outcome::Refreshed)
    }

    /// The entry with the reason of this ban as its comment. What another than a scan wrote there
    /// stays, and so does the time since which the source is banned.
    pub(super) fn explain(&self, entry: &Entry) -> Entry {
        let before = entry.comment.as_ref().map(Reason::of);
        let since = match before {
            None => self.ban.as_of,
            Some(Reason::Scan(Evidence { since, .. })) => since,
            Some(_) => return entry.clone(),
        };
        let violator = &self.ban.violator;
        let seen = [violator.first_seen, violator.last_violating];
        let evidence = Evidence {
            offence: self.ban.offence,
            ..Evidence::new(self.ban.rule, violator.peak_hits, seen, since)
        };
        let comment = Reason::Scan(evidence).comment();
        match comment {
            Some(comment) => entry.clone().because(Some(comment)),
            None => entry.clone(),
        }
    }

    /// Whether an entry is needed for it.
    pub(super) fn needs_entry(&self, set: &SetName, members: &Members) -> bool {
        matches!(self.decide(set, members), Decision::Add(..))
    }

    /// The outcome where it cannot be in the set.
    pub(super) fn refused(&self, set: &SetName, why: &str) -> Outcome {
        let source = self.ban.source();
        Outcome::Refused(format!("cannot add {source} to set \"{set}\": {why}"))
    }
}

/// What a candidate takes, going by what is in the set.
pub(super) enum Decision {
    /// No entry.
    Leave(Outcome),
    /// This entry, and the outcome once it is there.
    Add(Entry, Outcome),
}

/// A ban that gives way to others, and how many seconds it would have lasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Victim {
    pub(super) network: Network,
    pub(super) left: u32,
}
