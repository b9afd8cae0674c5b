//! Pardons: of whom an administrator has let go, nothing counts that came before.
//!
//! A pardon is an entry of the set `pardoned` or `pardoned_v6` whose comment says the instant, so
//! that every program finds it, and it is saved and restored like a ban. It stays for as long as any
//! ban could last that is dated from before it.

use ipset_netlink::{Comment, Network};
use jiff::Timestamp;

use crate::network::{holds, mapping};
use crate::{ByHand, End, Entry};

/// One pardon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pardon {
    /// Whose.
    pub network: Network,
    /// What came from there until then counts no more.
    pub since: Timestamp,
}

impl Pardon {
    /// What an entry of a set of pardons says; nothing where its comment has no instant.
    pub fn of(entry: &Entry) -> Option<Self> {
        let comment = entry.comment.as_ref().filter(|_| !entry.exception)?;
        let (word, by_hand) = comment.as_str().split_once(": ")?;
        let since = ByHand::parse(by_hand).filter(|_| word == UNBAN)?.since;
        let network = entry.network;
        Some(Self { network, since })
    }

    /// The entry that pardons a network from `by_hand.since` on, until `end`.
    pub fn entry(network: Network, by_hand: &ByHand, end: End) -> Entry {
        let entry = Entry::new(network).until(end);
        entry.because(comment(by_hand))
    }
}

/// Who is pardoned, and until when what he did counts no more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pardons(Vec<Pardon>);

impl Pardons {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Pardon> {
        self.0.iter()
    }

    /// Each network with the instant until which it is pardoned, also as the IPv6 addresses that
    /// IPv4 addresses are mapped in.
    pub fn forms(&self) -> impl Iterator<Item = (Network, Timestamp)> {
        self.0.iter().flat_map(|pardon| {
            let forms = [pardon.network, mapping(pardon.network)];
            forms.map(|network| (network, pardon.since))
        })
    }

    /// Until when all that came from a network counts no more.
    pub fn since(&self, network: Network) -> Option<Timestamp> {
        let around = self
            .0
            .iter()
            .filter(|pardon| holds(pardon.network, network));
        around.map(|pardon| pardon.since).max()
    }

    /// Until when what a network did, or somebody in it, counts no more, where that is not known to
    /// `earlier`.
    pub fn news(&self, earlier: &Self, network: Network) -> Option<Timestamp> {
        let about = self.0.iter().filter(|pardon| {
            let is_about = holds(pardon.network, network) || holds(network, pardon.network);
            is_about && !earlier.0.contains(pardon)
        });
        about.map(|pardon| pardon.since).max()
    }
}

/// The comment of a pardon, cut where it is too long for one.
fn comment(by_hand: &ByHand) -> Option<Comment> {
    let text = format!("{UNBAN}: {by_hand}");
    let ends = (0..=Comment::MAX_LEN.min(text.len())).rev();
    let mut parts = ends.filter_map(|end| text.get(..end));
    parts.next()?.parse().ok()
}

/// The word that the comment of a pardon begins with.
const UNBAN: &str = "unban";

impl FromIterator<Pardon> for Pardons {
    fn from_iter<I: IntoIterator<Item = Pardon>>(pardons: I) -> Self {
        Self(pardons.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::parse;

    #[test]
    fn an_entry_says_whose_and_since_when() {
        let since: Timestamp = "2026-11-22T09:00:00.123456Z".parse().expect("a time");
        let by_hand = ByHand::new(since, "asked for by = Bob: since=never why=so");
        let network = parse("203.0.113.128/25").expect("a network");
        let entry = Pardon::entry(network, &by_hand, End::Never);
        assert_eq!(Pardon::of(&entry), Some(Pardon { network, since }));
        // Of somebody who does not know what the set is for.
        assert_eq!(Pardon::of(&entry.clone().except()), None);
        assert_eq!(Pardon::of(&Entry::new(network)), None);
        let other = entry.because("ban: since=2026-11-22T09:00:00Z".parse().ok());
        assert_eq!(Pardon::of(&other), None);
    }

    #[test]
    fn who_is_pardoned_meanwhile() {
        let since = Timestamp::UNIX_EPOCH;
        let pardons = ["203.0.113.7", "203.0.113.128/25", "2001:db8::/64"].map(|text| Pardon {
            network: parse(text).expect(text),
            since,
        });
        let pardons: Pardons = pardons.into_iter().collect();
        for (text, is) in [
            ("203.0.113.7", true),
            ("203.0.113.0/24", true),
            ("203.0.113.129", true),
            ("203.0.113.8", false),
            ("198.51.100.1", false),
        ] {
            let network = parse(text).expect(text);
            let news = pardons.news(&Pardons::default(), network);
            assert_eq!(news, is.then_some(since), "{text}");
            assert_eq!(pardons.news(&pardons, network), None);
            let is_all = is && !text.ends_with("/24");
            assert_eq!(pardons.since(network), is_all.then_some(since));
        }
        assert_eq!(pardons.forms().count(), 6);
    }

    #[test]
    fn a_long_reason_is_cut() {
        let by_hand = ByHand::new(Timestamp::UNIX_EPOCH, &"é\"\u{1b}".repeat(300));
        let comment = comment(&by_hand).expect("a comment");
        assert!(comment.as_str().len() > 250, "{comment}");
    }
}
