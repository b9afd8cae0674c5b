//! A set that is there otherwise than configured, replaced by one as configured with its members.

use std::collections::{HashMap, HashSet};

use ipset_netlink::{
    CreateSet, Entry, IfExists, IfMissing, IpSet, Key, SetHeader, SetName, Timeout, Transport,
};

use super::saved_members::{UNFINISHED, temporary_name};
use crate::configured::ConfiguredSet;
use crate::findings::{Findings, causes};
use crate::save::format::misfit;
use crate::sets::{Headers, as_configured, destroy_unfinished, unusable};

/// Sets that were replaced; what they were is there under another name until it is settled which of
/// the two stays.
#[derive(Default)]
pub(super) struct Replaced(Vec<(Replacement, u64)>);

impl Replaced {
    /// How many members a set has that was replaced; `None` for one that was not.
    pub(super) fn members(&self, name: &SetName) -> Option<u64> {
        let mut all = self.0.iter();
        let found = all.find(|(replacement, _)| replacement.found.name == *name);
        found.map(|(_, members)| *members)
    }

    /// Whether none was.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The new ones stay.
    pub(super) fn keep<T: Transport>(&self, kernel: &mut IpSet<T>, findings: &mut Findings) {
        for (replacement, _) in &self.0 {
            if let Err(error) = kernel.destroy(&replacement.target.name, IfMissing::Ignore) {
                findings.fail(causes(&error));
            }
        }
    }

    /// The old ones come back, with who came in and without who went out since.
    pub(super) fn take_back<T: Transport>(&self, kernel: &mut IpSet<T>, findings: &mut Findings) {
        for (replacement, _) in &self.0 {
            if let Err(why) = replacement.take_back(kernel) {
                let name = &replacement.found.name;
                findings.fail(format!(
                    "set \"{name}\" stays as the configuration says, although the rules do not go in: {why}"
                ));
            }
        }
    }
}

/// Replaces those of the sets that differ from what the configuration says and whose members all
/// fit. A warning says why one is not replaced.
///
/// Where a set cannot be used and not be replaced either, none is.
pub(super) fn those_that_differ<T: Transport>(
    kernel: &mut IpSet<T>,
    sets: &[ConfiguredSet],
    headers: &Headers,
    findings: &mut Findings,
) -> Replaced {
    sweep(kernel, sets);
    let mut replacements = Vec::new();
    let mut stops = false;
    for (wanted, found) in sets.iter().zip(headers) {
        // What is missing is made, and what cannot be asked for is told, when they are judged.
        let Ok(Some(found)) = found else {
            continue;
        };
        let target = as_configured(wanted, found);
        if target == CreateSet::from(found) {
            continue;
        }
        match Replacement::new(kernel, found.clone(), target) {
            Ok(replacement) => replacements.push(replacement),
            Err(why) => {
                stops |= unusable(wanted, found).is_some();
                findings.warn(not_replaced(wanted.name(), &why));
            }
        }
    }
    let mut replaced = Replaced::default();
    if stops {
        return replaced;
    }
    for replacement in replacements {
        match replacement.carry_out(kernel) {
            Ok(members) => replaced.0.push((replacement, members)),
            Err(why) => findings.warn(not_replaced(&replacement.found.name, &why)),
        }
    }
    replaced
}

/// Takes away what a run left behind that was killed: nobody knows these names.
fn sweep<T: Transport>(kernel: &mut IpSet<T>, sets: &[ConfiguredSet]) {
    for set in sets {
        if let Ok(unfinished) = name(UNFINISHED, set.name()) {
            // Where it cannot be, it is said when the name is needed.
            let _ = destroy_unfinished(kernel, &unfinished);
        }
    }
}

fn not_replaced(name: &SetName, why: &str) -> String {
    format!("set \"{name}\" cannot be replaced by one as the configuration says: {why}")
}

/// A set that can be replaced.
struct Replacement {
    found: SetHeader,
    /// As it shall be, under the name it has until it is whole, and the old one from then on.
    target: CreateSet,
    entries: Vec<Entry>,
}

impl Replacement {
    /// Whether it can be replaced; the error says why not.
    fn new<T: Transport>(
        kernel: &mut IpSet<T>,
        found: SetHeader,
        mut target: CreateSet,
    ) -> Result<Self, String> {
        let kind = (&target.set_type, target.family);
        let other_kind = (&found.set_type, found.family) != kind;
        if other_kind && found.references > 0 {
            return Err(REFERENCED.to_owned());
        }
        let set = kernel.list(&found.name).map_err(|error| causes(&error))?;
        let masked = found.options.netmask.is_some() || found.options.bitmask.is_some();
        if other_kind && masked && !set.entries.is_empty() {
            return Err("each of its members stands for a network of its netmask".to_owned());
        }
        let entries: Vec<Entry> = set
            .entries
            .into_iter()
            .map(|entry| with_end(entry, &target))
            .collect();
        if let Some(why) = entries.iter().find_map(|entry| misfit(entry, &target)) {
            return Err(why);
        }
        let room = target.options.max_elements.unwrap_or(u32::MAX);
        if entries.len() as u64 > u64::from(room) {
            let members = entries.len();
            return Err(format!(
                "it has {members} members, more than its maxelem would be ({room})"
            ));
        }
        target.name = name(UNFINISHED, &found.name)?;
        // As many buckets as it has come to need.
        target.options.hash_size = found.options.hash_size;
        Ok(Self {
            found,
            target,
            entries,
        })
    }

    /// Returns how many members the new set has. Where it fails the old one is as it was.
    fn carry_out<T: Transport>(&self, kernel: &mut IpSet<T>) -> Result<u64, String> {
        let unfinished = &self.target.name;
        let exchanged = self.fill(kernel).and_then(|()| self.exchange(kernel));
        let done = match exchanged {
            Ok(()) => self.catch_up(kernel).map_err(|why| {
                // Whoever is not in the new one is in the old one.
                match self.exchange(kernel) {
                    Ok(()) => why,
                    Err(also) => format!("{why}; {also}"),
                }
            }),
            Err(why) => Err(why),
        };
        if done.is_err() {
            // Of two errors the first one is the cause.
            let _ = kernel.destroy(unfinished, IfMissing::Ignore);
        }
        let late =
            done.map_err(|why| why.replace(unfinished.as_str(), self.found.name.as_str()))?;
        Ok(self.entries.len() as u64 + late)
    }

    /// Exchanges the two again, once the old one has the members that the new one has.
    fn take_back<T: Transport>(&self, kernel: &mut IpSet<T>) -> Result<(), String> {
        let text = |error| causes(&error);
        let (now, old) = (&self.found.name, &self.target.name);
        let members = kernel.list(now).map_err(text)?.entries;
        let before = kernel.list(old).map_err(text)?.entries;
        let as_it_was = CreateSet::from(&self.found);
        let known: HashMap<&Key, Option<Timeout>> = before
            .iter()
            .map(|entry| (&entry.key, entry.timeout))
            .collect();
        let differs = |entry: &Entry| known.get(&entry.key) != Some(&entry.timeout);
        let entries: Vec<Entry> = members
            .iter()
            .cloned()
            .map(|entry| with_end(entry, &as_it_was))
            .filter(differs)
            .collect();
        let bulk = kernel.add_all(old, &entries, IfExists::Update);
        if let Some(failure) = bulk.map_err(text)?.failures.first() {
            return Err(causes(&failure.error).replace(old.as_str(), now.as_str()));
        }
        let stays: HashSet<&Key> = members.iter().map(|entry| &entry.key).collect();
        for gone in before.iter().filter(|entry| !stays.contains(&entry.key)) {
            kernel.delete(old, &gone.key).map_err(text)?;
        }
        self.exchange(kernel)?;
        kernel.destroy(old, IfMissing::Ignore).map_err(text)
    }

    fn fill<T: Transport>(&self, kernel: &mut IpSet<T>) -> Result<(), String> {
        let text = |error| causes(&error);
        let unfinished = &self.target.name;
        // What a run that was killed left behind.
        destroy_unfinished(kernel, unfinished).map_err(text)?;
        kernel.create(&self.target, IfExists::Fail).map_err(text)?;
        let bulk = kernel.add_all(unfinished, &self.entries, IfExists::Update);
        match bulk.map_err(text)?.failures.first() {
            Some(failure) => Err(causes(&failure.error)),
            None => Ok(()),
        }
    }

    /// Gives the new set the name. Whoever looks into the set by its name or by a rule finds the
    /// old members or the new ones; sets of another kind can only be exchanged while no rule uses
    /// them.
    fn exchange<T: Transport>(&self, kernel: &mut IpSet<T>) -> Result<(), String> {
        let text = |error| causes(&error);
        let (name_of_it, unfinished) = (&self.found.name, &self.target.name);
        match kernel.swap(unfinished, name_of_it) {
            Err(error) if error.is_type_mismatch() => {
                let old = name(OLD, name_of_it)?;
                destroy_unfinished(kernel, &old).map_err(text)?;
                kernel.rename(name_of_it, &old).map_err(text)?;
                if let Err(error) = kernel.rename(unfinished, name_of_it) {
                    // Of two errors the first one is the cause.
                    let _ = kernel.rename(&old, name_of_it);
                    return Err(causes(&error));
                }
                kernel.rename(&old, unfinished).map_err(text)
            }
            other => other.map_err(text),
        }
    }

    /// Adds who came into the old set while the new one was being made; returns how many.
    fn catch_up<T: Transport>(&self, kernel: &mut IpSet<T>) -> Result<u64, String> {
        let text = |error| causes(&error);
        let known: HashSet<&Key> = self.entries.iter().map(|entry| &entry.key).collect();
        let old = kernel.list(&self.target.name).map_err(text)?.entries;
        let late: Vec<Entry> = old
            .into_iter()
            .filter(|entry| !known.contains(&entry.key))
            .map(|entry| with_end(entry, &self.target))
            .collect();
        let bulk = kernel.add_all(&self.found.name, &late, IfExists::Update);
        Ok(bulk.map_err(text)?.accepted)
    }
}

/// The member with the end it had: never in a set that came to have timeouts, and none in one that
/// has none.
fn with_end(mut entry: Entry, target: &CreateSet) -> Entry {
    match (entry.timeout, target.options.timeout) {
        (None, Some(_)) => entry.timeout(Timeout::PERMANENT),
        (Some(_), None) => {
            entry.timeout = None;
            entry
        }
        _ => entry,
    }
}

fn name(before: &str, set: &SetName) -> Result<SetName, String> {
    let no_name = || format!("there is no name for it beside \"{set}\"");
    temporary_name(before, set).ok_or_else(no_name)
}

/// Stands before the name of a set that is being replaced by one of another kind.
const OLD: &str = "rampart.old.";
const REFERENCED: &str =
    "rules or other sets use it, and under them the kernel exchanges only sets of the same type";

#[cfg(test)]
mod tests {
    use std::slice;

    use ipset_netlink::testing::FakeKernel;
    use ipset_netlink::{Family, SetType};
    use iptables_ruleset::config::SetOrigin;

    use super::*;
    use crate::sets::headers;

    fn wanted(set_type: SetType, maxelem: u32) -> CreateSet {
        CreateSet::new("blacklist".parse().unwrap(), set_type, Family::Inet)
            .timeout(Timeout::PERMANENT)
            .max_elements(maxelem)
    }

    fn configured(create: &CreateSet) -> ConfiguredSet {
        ConfiguredSet {
            create: create.clone(),
            origin: SetOrigin::List,
            filled_by_packets: false,
        }
    }

    fn kernel(there: &CreateSet, members: &[&str]) -> IpSet<FakeKernel> {
        let mut kernel = IpSet::with_transport(FakeKernel::new()).unwrap();
        kernel.create(there, IfExists::Fail).unwrap();
        for member in members {
            let entry = Entry::new(member.parse().unwrap());
            kernel.add(&there.name, &entry, IfExists::Fail).unwrap();
        }
        kernel
    }

    fn replace_differing(
        kernel: &mut IpSet<FakeKernel>,
        sets: &[ConfiguredSet],
        findings: &mut Findings,
    ) -> Replaced {
        let headers = headers(kernel, sets);
        those_that_differ(kernel, sets, &headers, findings)
    }

    fn members(kernel: &mut IpSet<FakeKernel>) -> Vec<String> {
        let set = kernel.list(&"blacklist".parse().unwrap()).unwrap();
        let mut keys: Vec<_> = set.entries.iter().map(|one| one.key.to_string()).collect();
        keys.sort();
        keys
    }

    #[test]
    fn what_differs_is_replaced_and_its_members_stay() {
        for (there, want) in [
            (wanted(SetType::HashIp, 10), wanted(SetType::HashNet, 1000)),
            (wanted(SetType::HashNet, 10), wanted(SetType::HashNet, 1000)),
            (wanted(SetType::HashNet, 10), wanted(SetType::HashIp, 2)),
        ] {
            let mut kernel = kernel(&there, &["192.0.2.1", "192.0.2.2"]);
            let mut findings = Findings::default();
            let configured = configured(&want);
            let all = slice::from_ref(&configured);
            let replaced = replace_differing(&mut kernel, all, &mut findings);
            assert!(findings.warnings.is_empty(), "{findings:?}");
            assert_eq!(replaced.members(&want.name), Some(2));
            replaced.keep(&mut kernel, &mut findings);
            let found = kernel.header(&want.name).unwrap();
            assert_eq!(found.set_type, want.set_type);
            assert_eq!(found.options.max_elements, want.options.max_elements);
            assert_eq!(members(&mut kernel), ["192.0.2.1", "192.0.2.2"]);
            assert_eq!(kernel.names().unwrap().len(), 1);
            // Once is enough.
            let again = replace_differing(&mut kernel, all, &mut findings);
            assert!(again.is_empty());
        }
    }

    /// Who came in stays in, who went out stays out.
    #[test]
    fn what_was_replaced_comes_back_with_what_was_done_meanwhile() {
        let endless = |set_type| {
            CreateSet::new("blacklist".parse().unwrap(), set_type, Family::Inet).max_elements(10)
        };
        for (there, want) in [
            (wanted(SetType::HashIp, 10), wanted(SetType::HashNet, 1000)),
            (wanted(SetType::HashNet, 10), wanted(SetType::HashNet, 1000)),
            (endless(SetType::HashNet), wanted(SetType::HashNet, 10)),
        ] {
            let mut kernel = kernel(&there, &["192.0.2.1", "192.0.2.2"]);
            let before = kernel.header(&there.name).unwrap();
            let mut findings = Findings::default();
            let replaced = replace_differing(&mut kernel, &[configured(&want)], &mut findings);
            let timeout = Timeout::from_secs(600).unwrap();
            let late = Entry::new("192.0.2.3".parse().unwrap()).timeout(timeout);
            kernel.add(&want.name, &late, IfExists::Fail).unwrap();
            let gone = "192.0.2.1".parse().unwrap();
            kernel.delete(&want.name, &gone).unwrap();
            replaced.take_back(&mut kernel, &mut findings);
            assert!(!findings.failed(), "{findings:?}");
            let after = kernel.header(&there.name).unwrap();
            assert_eq!(CreateSet::from(&after), CreateSet::from(&before));
            assert_eq!(members(&mut kernel), ["192.0.2.2", "192.0.2.3"]);
            assert_eq!(kernel.names().unwrap().len(), 1);
        }
    }

    #[test]
    fn where_not_all_have_room_the_new_set_stays() {
        let mut kernel = kernel(&wanted(SetType::HashNet, 1), &["192.0.2.1"]);
        let mut findings = Findings::default();
        let want = wanted(SetType::HashNet, 10);
        let replaced = replace_differing(&mut kernel, &[configured(&want)], &mut findings);
        let late = Entry::new("192.0.2.3".parse().unwrap());
        kernel.add(&want.name, &late, IfExists::Fail).unwrap();
        replaced.take_back(&mut kernel, &mut findings);
        assert_eq!(findings.errors.len(), 1, "{findings:?}");
        let error = findings.errors[0].to_string();
        assert!(error.contains("\"blacklist\" stays"), "{error}");
        assert!(!error.contains("rampart."), "{error}");
        assert_eq!(members(&mut kernel), ["192.0.2.1", "192.0.2.3"]);
    }

    #[test]
    fn what_does_not_fit_is_left_as_it_is_with_the_reason() {
        for (there, want, why) in [
            (
                wanted(SetType::HashNet, 10),
                wanted(SetType::HashIp, 10),
                "single addresses only",
            ),
            (
                wanted(SetType::HashNet, 10),
                wanted(SetType::HashNet, 1),
                "2 members",
            ),
        ] {
            let all = ["192.0.2.0/24", "198.51.100.1"];
            let mut kernel = kernel(&there, &all);
            let mut findings = Findings::default();
            let replaced = replace_differing(&mut kernel, &[configured(&want)], &mut findings);
            assert!(replaced.is_empty());
            let said = findings.warnings[0].to_string();
            assert!(said.contains(why), "{said}");
            assert_eq!(members(&mut kernel), all);
        }
    }

    /// Where the run stops nothing is changed before.
    #[test]
    fn none_is_replaced_where_one_stops_the_run() {
        let there = wanted(SetType::HashNet, 10);
        let mut kernel = kernel(&there, &["192.0.2.1"]);
        let mut pairs = CreateSet::new(
            "whitelist".parse().unwrap(),
            SetType::HashIpPort,
            Family::Inet,
        );
        pairs = pairs.timeout(Timeout::PERMANENT);
        kernel.create(&pairs, IfExists::Fail).unwrap();
        let entry = Entry::new(Key::parse("192.0.2.1,tcp:80", &SetType::HashIpPort).unwrap());
        kernel.add(&pairs.name, &entry, IfExists::Fail).unwrap();
        let mut white = wanted(SetType::HashNet, 1000);
        white.name = pairs.name.clone();
        let mut findings = Findings::default();
        let sets = [wanted(SetType::HashNet, 1000), white].map(|set| configured(&set));
        let replaced = replace_differing(&mut kernel, &sets, &mut findings);
        assert!(replaced.is_empty());
        let found = kernel.header(&there.name).unwrap();
        assert_eq!(found.options.max_elements, Some(10));
    }
}
