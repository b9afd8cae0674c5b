//! The kernel's ipsets.

mod fit;
mod room;

use std::net::IpAddr;
use std::ops::ControlFlow;

use fit::unusable;
use ipset_netlink as ipset;
use ipset_netlink::{
    CreateSet, Family, IfExists, IpSet, Key, Listed, NetlinkSocket, Network, SetHeader, SetName,
    SetType, Timeout, Transport,
};
use jiff::Timestamp;

use crate::{Backend, End, Entry, Error, IfThere, Left, Refusal, Set, Takes};

/// The kernel counts no longer time.
pub(crate) const LONGEST: u32 = Timeout::MAX.as_secs();

/// The kernel's ipsets. They count whole seconds; a fraction that is left is a second.
#[derive(Debug)]
pub struct IpSets<T: Transport = NetlinkSocket>(IpSet<T>);

impl IpSets {
    /// Opens a session in the network namespace of the calling thread.
    ///
    /// # Errors
    ///
    /// The kernel has no ipsets.
    pub fn connect() -> Result<Self, Error> {
        Ok(Self(IpSet::connect()?))
    }
}

impl<T: Transport> IpSets<T> {
    /// In a session that there is.
    pub fn new(session: IpSet<T>) -> Self {
        Self(session)
    }

    fn header(&mut self, name: &SetName) -> Result<Option<SetHeader>, Error> {
        match self.0.header(name) {
            Err(error) if error.is_set_not_found() => Ok(None),
            header => Ok(Some(header?)),
        }
    }
}

impl<T: Transport> Backend for IpSets<T> {
    fn longest(&self) -> u32 {
        LONGEST
    }

    fn set(&mut self, name: &SetName) -> Result<Option<Set>, Error> {
        Ok(self.header(name)?.map(set))
    }

    fn fillable(&mut self, name: &SetName, family: Family, networks: bool) -> Result<Set, Error> {
        let Some(header) = self.header(name)? else {
            let set_type = if networks { "hash:net" } else { "hash:ip" };
            return Err(Error::other(format!(
                "cannot add to set \"{name}\": it does not exist; firewall-apply creates the firewall's own sets, others: \
                 ipset create {name} {set_type} family {family} timeout 0"
            )));
        };
        match unusable(&header, family, networks) {
            Some(why) => Err(Error::other(why)),
            None => Ok(set(header)),
        }
    }

    fn make(&mut self, name: &SetName, family: Family) -> Result<(), Error> {
        let set = CreateSet::new(name.clone(), SetType::HashNet, family);
        let set = set.timeout(Timeout::PERMANENT).comments();
        match self.0.create(&set, IfExists::Fail) {
            Err(error) if !error.is_set_exists() => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn put(
        &mut self,
        name: &SetName,
        entries: &[Entry],
        now: Timestamp,
        if_there: IfThere,
    ) -> Result<Vec<Refusal>, Error> {
        let if_exists = match if_there {
            IfThere::Refuse => IfExists::Fail,
            IfThere::Replace => IfExists::Update,
        };
        let mut refused = Vec::new();
        let mut places = Vec::with_capacity(entries.len());
        let numbered = entries.iter().enumerate();
        let sent = numbered.filter_map(|(place, entry)| match encoded(entry, now) {
            Ok(entry) => {
                places.push(place);
                Some(entry)
            }
            Err(error) => {
                refused.push(Refusal { place, error });
                None
            }
        });
        let outcome = self.0.add_all(name, sent, if_exists)?;
        refused.extend(outcome.failures.into_iter().filter_map(|failure| {
            let place = usize::try_from(failure.index).ok()?;
            Some(Refusal {
                place: *places.get(place)?,
                error: failure.error.into(),
            })
        }));
        refused.sort_by_key(|refusal| refusal.place);
        Ok(refused)
    }

    fn take_out(&mut self, name: &SetName, network: Network) -> Result<bool, Error> {
        Ok(self.0.delete(name, &Key::from(network))?)
    }

    fn list(
        &mut self,
        name: &SetName,
        now: Timestamp,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let listed = self.0.for_each(Some(name), |listed| match listed {
            Listed::Entry(entry) => {
                decoded(entry, now).map_or(ControlFlow::Continue(()), &mut *each)
            }
            _ => ControlFlow::Continue(()),
        });
        Ok(listed?)
    }

    fn matches(&mut self, name: &SetName, network: Network) -> Result<bool, Error> {
        Ok(self.0.contains(name, &Key::from(network))?)
    }

    fn excepts(&mut self, name: &SetName, address: IpAddr) -> Result<bool, Error> {
        let exception = ipset::Entry::new(Key::from(address)).nomatch();
        Ok(self.0.test(name, &exception)?)
    }

    fn cure(&mut self, name: &SetName) -> Option<String> {
        self.0.header(name).ok().map(|header| room::cure(&header))
    }
}

fn encoded(entry: &Entry, now: Timestamp) -> Result<ipset::Entry, Error> {
    let timeout = match entry.end.left_at_least(now) {
        Left::ForGood => Timeout::PERMANENT,
        Left::Seconds(seconds) => Timeout::from_secs(seconds).map_err(Error::other)?,
    };
    let mut encoded = ipset::Entry::new(Key::from(entry.network)).timeout(timeout);
    encoded.comment.clone_from(&entry.comment);
    encoded.nomatch = entry.exception;
    Ok(encoded)
}

fn decoded(entry: ipset::Entry, now: Timestamp) -> Option<Entry> {
    let timeout = entry.timeout.filter(|timeout| !timeout.is_permanent());
    Some(Entry {
        network: entry.key.as_network()?,
        end: timeout.map_or(End::Never, |left| End::after(now, left.as_secs())),
        comment: entry.comment,
        exception: entry.nomatch,
    })
}

fn set(header: SetHeader) -> Set {
    let options = &header.options;
    let mask = match options.bitmask {
        Some(IpAddr::V4(mask)) => u8::try_from(mask.to_bits().leading_ones()).ok(),
        Some(IpAddr::V6(mask)) => u8::try_from(mask.to_bits().leading_ones()).ok(),
        None => options.netmask,
    };
    Set {
        family: header.family,
        takes: match header.set_type {
            SetType::HashNet => Takes::Networks,
            SetType::HashIp => Takes::Addresses,
            SetType::BitmapIp => Takes::Range,
            _ => Takes::More,
        },
        kind: header.set_type.to_string(),
        comments: options.comments,
        most: options.max_elements,
        entries: header.elements,
        forgets: options.forceadd,
        bits: mask,
        name: header.name,
    }
}

#[cfg(test)]
mod tests {
    use ipset_netlink::testing::FakeKernel;

    use super::*;
    use crate::network::parse;

    fn name(name: &str) -> SetName {
        name.parse().expect(name)
    }

    /// What the stock tool is to be told, word by word.
    #[test]
    fn what_an_administrator_is_told() {
        let mut kernel = FakeKernel::new();
        let mut session = IpSet::with_transport(&mut kernel).expect("connected");
        let small = CreateSet::new(name("small"), SetType::HashIp, Family::Inet);
        let small = small.timeout(Timeout::PERMANENT).max_elements(1);
        session.create(&small, IfExists::Fail).expect("created");
        let plain = CreateSet::new(name("plain"), SetType::HashNet, Family::Inet);
        session.create(&plain, IfExists::Fail).expect("created");
        let mut sets = IpSets::new(session);
        let mut unfit = |set: &str, networks| {
            let set = sets.fillable(&name(set), Family::Inet, networks);
            set.map_err(|error| error.to_string()).err()
        };
        assert_eq!(
            unfit("other", false).as_deref(),
            Some(
                "cannot add to set \"other\": it does not exist; firewall-apply creates the firewall's own sets, others: \
                 ipset create other hash:ip family inet timeout 0"
            )
        );
        assert!(unfit("small", true).is_some_and(|why| why.contains("takes single addresses")));
        assert!(unfit("plain", true).is_some_and(|why| why.contains("without a timeout")));
        assert_eq!(unfit("small", false), None);
        let cure = sets.cure(&name("small")).expect("a cure");
        assert!(
            cure.contains("to make room") && cure.contains("maxelem 2"),
            "{cure}"
        );
        let entries =
            ["203.0.113.7", "203.0.113.8"].map(|text| Entry::new(parse(text).expect(text)));
        let refused = sets.put(
            &name("small"),
            &entries,
            Timestamp::UNIX_EPOCH,
            IfThere::Replace,
        );
        let refused = refused.expect("put");
        let said: Vec<_> = refused.iter().map(|one| one.error.to_string()).collect();
        assert_eq!(said.len(), 1);
        assert!(
            said.concat().contains("203.0.113.8") && said.concat().contains("small"),
            "{said:?}"
        );
    }
}
