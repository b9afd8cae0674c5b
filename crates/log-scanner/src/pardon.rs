//! Pardons: of whom an administrator has let go, nothing counts that came before.
//!
//! A pardon is an entry of the set `pardoned` or `pardoned_v6` whose comment says the instant, so
//! that every scan finds it, and it is saved and restored like a ban. It stays for as long as any
//! ban could last that is dated from before it.

use std::net::IpAddr;
use std::time::SystemTime;

use firewall_log::Threshold;
use ipset_netlink::{
    CreateSet, Entry, Family, IfExists, IpSet, Key, Network, SetName, SetType, Timeout, Transport,
};
use jiff::Timestamp;

use crate::error::chain;
use crate::names::{PARDONED, V6};
use crate::reason::{ByHand, Reason};
use crate::source::{Source, holds, mapping};

/// Who is pardoned, and until when what he did counts no more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pardons(Vec<(Network, Timestamp)>);

impl Pardons {
    /// Those that there are. Sets that are no sets of pardons have none.
    pub(crate) fn read<T: Transport>(kernel: &mut IpSet<T>) -> Result<Self, String> {
        let mut pardons = Vec::new();
        for (name, _) in names() {
            let set = match kernel.list(&name) {
                Err(error) if error.is_set_not_found() => continue,
                Err(error) => return Err(chain(&error)),
                Ok(set) => set,
            };
            pardons.extend(set.entries.iter().filter_map(pardon));
        }
        Ok(Self(pardons))
    }

    /// The rule with what is pardoned left out of what it counts. What came as an IPv4-mapped IPv6
    /// address is pardoned with the IPv4 address.
    pub(crate) fn apply(&self, threshold: Threshold) -> Threshold {
        let of = |network: Network, until: Timestamp| {
            (
                network.address(),
                network.prefix_length(),
                SystemTime::from(until),
            )
        };
        let forms = self
            .0
            .iter()
            .flat_map(|(network, until)| [of(*network, *until), of(mapping(*network), *until)]);
        threshold.pardon(forms)
    }

    /// Since when a source is pardoned, or somebody in it, where that is not known to `earlier`: he
    /// was let go while the log was read.
    pub(crate) fn news(&self, earlier: &Self, source: Source) -> Option<Timestamp> {
        let source = source.network();
        let about = self.0.iter().filter(|pardon| {
            let (network, _) = pardon;
            !earlier.0.contains(pardon) && (holds(*network, source) || holds(source, *network))
        });
        about.map(|(_, until)| *until).max()
    }
}

/// Pardons a network from `by_hand.since` on, for so long; the sets are made where they are missing.
pub(crate) fn grant<T: Transport>(
    kernel: &mut IpSet<T>,
    network: Network,
    by_hand: &ByHand,
    timeout: Timeout,
) -> Result<(), String> {
    let name = name_for(network.address()).ok_or("no name for the set of pardons")?;
    let family = Family::of(network.address());
    let set = CreateSet::new(name, SetType::HashNet, family);
    let set = set.timeout(Timeout::PERMANENT).comments();
    match kernel.create(&set, IfExists::Fail) {
        Err(error) if !error.is_set_exists() => return Err(chain(&error)),
        _ => {}
    }
    let comment = Reason::Unban(by_hand.clone()).comment();
    let comment = comment.ok_or("its comment cannot be made")?;
    let entry = Entry::new(Key::from(network))
        .timeout(timeout)
        .comment(comment);
    let added = kernel.add(&set.name, &entry, IfExists::Update);
    added.map_err(|error| chain(&error))
}

/// Takes back the pardons of a network and of those in it; whose they were.
pub(crate) fn lift<T: Transport>(
    kernel: &mut IpSet<T>,
    network: Network,
) -> Result<Vec<Network>, String> {
    let Some(name) = name_for(network.address()) else {
        return Ok(Vec::new());
    };
    let set = match kernel.list(&name) {
        Err(error) if error.is_set_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(chain(&error)),
        Ok(set) => set,
    };
    let pardons = set.entries.iter().filter_map(pardon);
    let within: Vec<_> = pardons
        .map(|(pardoned, _)| pardoned)
        .filter(|pardoned| holds(network, *pardoned))
        .collect();
    for pardoned in &within {
        let deleted = kernel.delete(&name, &Key::from(*pardoned));
        deleted.map_err(|error| chain(&error))?;
    }
    Ok(within)
}

/// The sets of pardons.
pub(crate) fn names() -> impl Iterator<Item = (SetName, Family)> {
    let families = [("", Family::Inet), (V6, Family::Inet6)];
    families.into_iter().filter_map(|(suffix, family)| {
        let name = format!("{PARDONED}{suffix}").parse();
        Some((name.ok()?, family))
    })
}

fn name_for(address: IpAddr) -> Option<SetName> {
    let mut names = names();
    let of = names.find(|(_, family)| *family == Family::of(address));
    of.map(|(name, _)| name)
}

/// Who is pardoned by an entry, and since when. What has no instant pardons nothing.
fn pardon(entry: &Entry) -> Option<(Network, Timestamp)> {
    match Reason::of(entry.comment.as_ref()?) {
        Reason::Unban(by_hand) if !entry.nomatch => Some((entry.key.as_network()?, by_hand.since)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ipset_netlink::testing::FakeKernel;

    use super::*;
    use crate::rule::network;
    use crate::violation::tests::time;

    #[test]
    fn granted_read_and_taken_back() {
        let mut kernel = IpSet::with_transport(FakeKernel::new()).expect("connected");
        assert_eq!(Pardons::read(&mut kernel), Ok(Pardons::default()));
        let since = time("2026-11-22T09:00:00.123456Z");
        for text in ["203.0.113.7", "203.0.113.128/25", "2001:db8::/64"] {
            let network = network(text).expect(text);
            let by_hand = ByHand::new(since, "so");
            grant(&mut kernel, network, &by_hand, Timeout::MAX).expect("granted");
        }
        // Of somebody who does not know what the set is for.
        let other = Entry::new("198.51.100.1".parse().expect("a key"));
        let set = name_for(network("198.51.100.1").expect("one").address()).expect("a name");
        kernel.add(&set, &other, IfExists::Fail).expect("added");
        let pardons = Pardons::read(&mut kernel).expect("read");
        assert_eq!(pardons.0.len(), 3);
        let source = |text| Source::from(network(text).expect(text));
        for (text, is) in [
            ("203.0.113.7", true),
            ("203.0.113.0/24", true),
            ("203.0.113.129", true),
            ("203.0.113.8", false),
            ("198.51.100.1", false),
        ] {
            let news = pardons.news(&Pardons::default(), source(text));
            assert_eq!(news, is.then_some(since), "{text}");
            assert_eq!(pardons.news(&pardons, source(text)), None);
        }
        let lifted = lift(&mut kernel, network("203.0.113.0/24").expect("one"));
        assert_eq!(lifted.map(|lifted| lifted.len()), Ok(2));
        let left = Pardons::read(&mut kernel).expect("read");
        assert_eq!(left.0, [(network("2001:db8::/64").expect("one"), since)]);
    }
}
