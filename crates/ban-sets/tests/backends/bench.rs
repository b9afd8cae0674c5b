//! A backend under test, and how its sets are made.

use ban_sets::{
    Backend, Entry, Family, IfThere, IpSets, Memory, Network, Refusal, Set, SetName, Takes,
};
use ipset_netlink::{CreateSet, IfExists, IpSet, SetType, Timeout};
use jiff::Timestamp;
use netns_testbed::skip;

use crate::Done;

/// A backend, and what makes a set of it with options.
pub(crate) struct Bench {
    pub(crate) sets: Box<dyn Backend>,
    make: Box<dyn FnMut(&Set)>,
    made: u32,
}

impl Bench {
    pub(crate) fn memory() -> Self {
        let memory = Memory::new();
        let sets = Box::new(memory.clone());
        Self {
            sets,
            make: Box::new(move |set| memory.create(set.clone())),
            made: 0,
        }
    }

    pub(crate) fn ipset() -> Done<Self> {
        let mut session = match IpSet::connect() {
            Err(error) if error.is_not_supported() => return Err(skip(error.to_string())),
            session => session?,
        };
        let make = move |set: &Set| {
            let set_type = match set.takes {
                Takes::Networks => SetType::HashNet,
                _ => SetType::HashIp,
            };
            let mut create = CreateSet::new(set.name.clone(), set_type, set.family);
            create = create.timeout(Timeout::PERMANENT);
            if set.comments {
                create = create.comments();
            }
            if let Some(most) = set.most {
                create = create.max_elements(most);
            }
            session.create(&create, IfExists::Fail).unwrap();
        };
        Ok(Self {
            sets: Box::new(IpSets::connect()?),
            make: Box::new(make),
            made: 0,
        })
    }

    /// Makes a set, like this one but for its name.
    pub(crate) fn make(&mut self, options: impl FnOnce(Set) -> Set, family: Family) -> SetName {
        self.made += 1;
        let name: SetName = format!("set-{}", self.made).parse().unwrap();
        (self.make)(&options(Memory::networks(name.clone(), family)));
        name
    }

    pub(crate) fn put(&mut self, set: &SetName, entries: &[Entry]) -> Vec<Refusal> {
        let now = Timestamp::now();
        self.sets.put(set, entries, now, IfThere::Replace).unwrap()
    }

    pub(crate) fn matches(&mut self, set: &SetName, network: Network) -> bool {
        self.sets.matches(set, network).unwrap()
    }
}
