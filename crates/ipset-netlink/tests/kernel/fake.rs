//! The fake kernel does what the kernel does: the same commands, drawn at random, on both.

use ipset_netlink::testing::FakeKernel;
use ipset_netlink::{
    Counters, CreateSet, Entry, Error, IfExists, IfMissing, IpSet, Key, Set, SetName, SetType,
    Transport, TypeOfSet,
};
use netns_testbed::{Failed, Trial};

use crate::{lines, name, with_session};

pub(crate) fn trials(trials: &mut Vec<Trial>) {
    with_session(
        trials,
        "the_fake_kernel_does_what_the_kernel_does",
        the_fake_kernel_does_what_the_kernel_does,
    );
}

fn the_fake_kernel_does_what_the_kernel_does(sets: &mut IpSet) -> Result<(), Failed> {
    let mut fake = IpSet::with_transport(FakeKernel::new())?;
    let mut random = Random(7);
    let mut outcomes = std::collections::BTreeMap::new();
    for n in 0..10_000 {
        let command = Command::draw(&mut random);
        if command.stands_for_many(&mut fake) {
            continue;
        }
        let theirs = command.run(sets);
        let ours = command.run(&mut fake);
        assert_eq!(ours, theirs, "{n}: {command:?}");
        *outcomes.entry(theirs).or_insert(0) += 1;
        if n % 500 == 0 {
            assert_eq!(listed(&mut fake)?, listed(sets)?, "after {n}");
        }
    }
    assert_eq!(listed(&mut fake)?, listed(sets)?);
    // Refused in many ways, and not most of the time.
    assert!(outcomes.len() > 12, "{outcomes:?}");
    assert!(outcomes[&Ok(true)] > 1000, "{outcomes:?}");
    Ok(())
}

#[derive(Debug)]
enum Command {
    Create(Box<CreateSet>, IfExists),
    Destroy(SetName, IfMissing),
    DestroyAll,
    Flush(SetName),
    Rename(SetName, SetName),
    Swap(SetName, SetName),
    Add(SetName, Entry, IfExists),
    Delete(SetName, Entry, IfMissing),
    Test(SetName, Entry),
    TypeOf(SetName),
}

impl Command {
    fn draw(random: &mut Random) -> Self {
        let exists = if random.one_in(2) {
            IfExists::Fail
        } else {
            IfExists::Update
        };
        let missing = if random.one_in(2) {
            IfMissing::Fail
        } else {
            IfMissing::Ignore
        };
        let set = name(random.of(&SETS).split(' ').nth(1).unwrap());
        let other = name(random.of(&SETS).split(' ').nth(1).unwrap());
        match random.below(120) {
            0..=14 => {
                let create = lines::create(random.of(&SETS));
                Self::Create(create.into(), exists)
            }
            15 => Self::Destroy(set, missing),
            16 if random.one_in(5) => Self::DestroyAll,
            17 => Self::Flush(set),
            18 => Self::Rename(set, other),
            19..=21 => Self::Swap(set, other),
            22..=24 => Self::TypeOf(set),
            25..=79 => Self::Add(set, entry(random), exists),
            80..=99 => Self::Delete(set, entry(random), missing),
            _ => Self::Test(set, entry(random)),
        }
    }

    /// The fake refuses networks that are not one entry, and says so in its documentation.
    fn stands_for_many(&self, fake: &mut IpSet<FakeKernel>) -> bool {
        match self {
            Self::Add(set, entry, _) | Self::Delete(set, entry, _) => {
                let of_addresses = |is: TypeOfSet| is.set_type == SetType::HashIp;
                entry.key.as_ip().is_none() && fake.type_of(set).is_ok_and(of_addresses)
            }
            _ => false,
        }
    }

    /// What came of it: yes or no, or the kernel's number; without one, refused before it was sent.
    fn run<T: Transport>(&self, sets: &mut IpSet<T>) -> Result<bool, Option<u32>> {
        let done = |result: Result<(), Error>| result.map(|()| true);
        let result = match self {
            Self::Create(create, exists) => done(sets.create(create, *exists)),
            Self::Destroy(set, missing) => done(sets.destroy(set, *missing)),
            Self::DestroyAll => done(sets.destroy_all()),
            Self::Flush(set) => done(sets.flush(set)),
            Self::Rename(set, other) => done(sets.rename(set, other)),
            Self::Swap(set, other) => done(sets.swap(set, other)),
            Self::Add(set, entry, exists) => done(sets.add(set, entry, *exists)),
            Self::Delete(set, entry, missing) => done(sets.delete_entry(set, entry, *missing)),
            Self::Test(set, entry) => sets.test(set, entry),
            Self::TypeOf(set) => sets.type_of(set).map(|is| is.set_type == SetType::HashIp),
        };
        result.map_err(|error| error.kernel_code())
    }
}

fn listed<T: Transport>(sets: &mut IpSet<T>) -> Result<Vec<(SetName, SetType, Vec<Entry>)>, Error> {
    let mut listed: Vec<_> = sets
        .list_all()?
        .into_iter()
        .map(
            |Set {
                 header,
                 mut entries,
                 ..
             }| {
                assert_eq!(header.elements, u32::try_from(entries.len()).ok());
                // The kernel gives a new entry the counters of a deleted one whose place it takes.
                for entry in &mut entries {
                    entry.counters = entry.counters.map(|_| Counters::default());
                }
                if header.set_type != SetType::ListSet {
                    entries.sort_by(|a, b| a.key.cmp(&b.key));
                }
                (header.name, header.set_type, entries)
            },
        )
        .collect();
    listed.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(listed)
}

fn entry(random: &mut Random) -> Entry {
    let (set_type, key) = random.of(&KEYS).split_once(' ').unwrap();
    let key = Key::parse(key, &set_type.parse().unwrap()).unwrap();
    let mut entry = Entry::new(key);
    if set_type == "list:set" && random.one_in(3) {
        let neighbour = name(random.of(&["ip", "net", "net2", "gone"]));
        entry = match random.below(2) {
            0 => entry.before(neighbour),
            _ => entry.after(neighbour),
        };
    }
    if random.one_in(6) {
        entry.comment = Some("x".parse().unwrap());
    }
    if random.one_in(12) {
        entry.counters = Some(Counters {
            packets: 1,
            bytes: 2,
        });
    }
    entry.nomatch = random.one_in(12);
    entry
}

const SETS: [&str; 9] = [
    "create ip hash:ip maxelem 3 comment",
    "create ip hash:ip family inet6",
    "create full hash:ip maxelem 2 counters comment",
    "create net hash:net comment",
    "create net2 hash:net",
    "create port hash:ip,port",
    "create bitmap bitmap:port range 1-3",
    "create iface hash:net,iface",
    "create list list:set size 2",
];

const KEYS: [&str; 22] = [
    "hash:ip 192.0.2.1",
    "hash:ip 192.0.2.2",
    "hash:ip 192.0.2.3",
    "hash:ip 198.51.100.1",
    "hash:ip 2001:db8::1",
    "hash:net 192.0.2.0/24",
    "hash:net 192.0.0.0/16",
    "hash:net 128.0.0.0/1",
    "hash:net 0.0.0.0/0",
    "hash:ip,port 192.0.2.1,tcp:1",
    "hash:ip,port 192.0.2.1,udp:1",
    "hash:ip,port 2001:db8::1,udp:1",
    "bitmap:port 1",
    "bitmap:port 3",
    "bitmap:port 4",
    "hash:net,iface 192.0.2.0/24,eth0",
    "hash:net,iface 0.0.0.0/0,eth0",
    "hash:net,iface 192.0.2.1,eth0",
    "list:set ip",
    "list:set net",
    "list:set net2",
    "list:set list",
];

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        // The multiplier and the increment are Knuth's.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}
