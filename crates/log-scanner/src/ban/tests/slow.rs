//! What takes its time.

use std::net::IpAddr;

use ban_sets::{Backend, Error, Refusal};

use super::*;

/// Sets of which `blacklist_v6` takes seconds to list.
struct Slow(Memory);

const SECONDS: u32 = 3;

impl Backend for Slow {
    fn longest(&self) -> u32 {
        self.0.longest()
    }

    fn set(&mut self, name: &SetName) -> Result<Option<Set>, Error> {
        self.0.set(name)
    }

    fn fillable(&mut self, name: &SetName, family: Family, networks: bool) -> Result<Set, Error> {
        self.0.fillable(name, family, networks)
    }

    fn make(&mut self, name: &SetName, family: Family) -> Result<(), Error> {
        self.0.make(name, family)
    }

    fn put(
        &mut self,
        name: &SetName,
        entries: &[Entry],
        now: Timestamp,
        if_there: IfThere,
    ) -> Result<Vec<Refusal>, Error> {
        self.0.put(name, entries, now, if_there)
    }

    fn take_out(&mut self, name: &SetName, network: Network) -> Result<bool, Error> {
        self.0.take_out(name, network)
    }

    fn list(
        &mut self,
        name: &SetName,
        now: Timestamp,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        if *name == set("blacklist_v6") {
            std::thread::sleep(Duration::from_secs(SECONDS.into()));
        }
        self.0.list(name, now, each)
    }

    fn matches(&mut self, name: &SetName, network: Network) -> Result<bool, Error> {
        self.0.matches(name, network)
    }

    fn excepts(&mut self, name: &SetName, address: IpAddr) -> Result<bool, Error> {
        self.0.excepts(name, address)
    }

    fn cure(&mut self, name: &SetName) -> Option<String> {
        self.0.cure(name)
    }
}

/// What was read first, and by that needs no change, has less time left when it is read back.
#[test]
fn reading_large_sets_makes_no_ban_too_short() {
    let mut kernel = kernel();
    add(&mut kernel, "blacklist", [entry(SOURCE, DAY)]);
    let rules = [rule()];
    let as_of = time("2026-11-22T09:00:00Z");
    let (mut sets, _) = Sets::of(Box::new(Slow(kernel)), &rules);
    let mut banning = Banning {
        sets: Some(&mut sets),
        exemptions: &Exemptions::new(BTreeSet::new(), &[]),
        pardons: &Pardons::default(),
        dry_run: false,
        as_of,
        present: &Present::new(AsOf::At(as_of)),
        quota: &Quota::new(Some(NonZeroU32::MAX), Span::Run),
        known: Known::Nothing,
    };
    let mut nobody = Table::new(|_| Ok(Peers::default()));
    let acted = banning.act(&rules, vec![ban(&rules[0], 1, SOURCE)], &mut nobody);
    let told = Told::from(acted.expect("decided"));
    assert_eq!(told.outcomes, [Outcome::Kept(Remaining::Seconds(DAY))]);
}
