//! `[sets.members]`: members that the configuration puts into the sets.

use std::collections::HashMap;

use ipset_netlink::{
    CreateSet, Entry, IfExists, IpSet, Key, SetHeader, SetName, Timeout, Transport,
};

use crate::findings::{Findings, causes};
use crate::save::format::misfit;
use crate::save::members::NAMED;

/// What was done with the members of a set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Changed {
    /// Put in, or made permanent.
    pub(crate) added: u64,
    /// Taken out.
    pub(crate) removed: u64,
}

/// Puts those of `members` into a set that was there that are not in it for good.
pub(super) fn into_existing<T: Transport>(
    kernel: &mut IpSet<T>,
    header: &SetHeader,
    members: &[Key],
    findings: &mut Findings,
) -> Changed {
    if members.is_empty() {
        return Changed::default();
    }
    let present = match kernel.list(&header.name) {
        Ok(set) => set.entries,
        Err(error) => {
            findings.fail(causes(&error));
            return Changed::default();
        }
    };
    let permanent: HashMap<&Key, bool> = present
        .iter()
        .map(|entry| (&entry.key, is_permanent(entry)))
        .collect();
    let missing: Vec<Key> = members
        .iter()
        .filter(|member| permanent.get(member) != Some(&true))
        .cloned()
        .collect();
    let set = CreateSet::from(header);
    let added = into(kernel, &set, &header.name, &missing, findings);
    Changed { added, removed: 0 }
}

/// Puts `members` into the set `target`, which people know as `name`; returns how many went in.
pub(super) fn into<T: Transport>(
    kernel: &mut IpSet<T>,
    target: &CreateSet,
    name: &SetName,
    members: &[Key],
    findings: &mut Findings,
) -> u64 {
    let mut refused: Vec<String> = Vec::new();
    let mut entries = Vec::new();
    for member in members {
        let mut entry = Entry::new(member.clone());
        if target.options.timeout.is_some() {
            entry = entry.timeout(Timeout::PERMANENT);
        }
        match misfit(&entry, target) {
            None => entries.push(entry),
            Some(why) => refused.push(why),
        }
    }
    if !entries.is_empty() {
        match kernel.add_all(&target.name, &entries, IfExists::Update) {
            Ok(bulk) => refused.extend(bulk.failures.iter().map(|failure| causes(&failure.error))),
            Err(error) => refused.extend(vec![causes(&error); entries.len()]),
        }
    }
    for why in refused.iter().take(NAMED) {
        // A set has another name while it is being made.
        let why = why.replace(target.name.as_str(), name.as_str());
        findings.fail(format!("[sets.members]: {why}"));
    }
    if refused.len() > NAMED {
        findings.fail(format!(
            "[sets.members]: {} more could not be put into set \"{name}\"",
            refused.len() - NAMED
        ));
    }
    (members.len() - refused.len()) as u64
}

/// Takes the members out of a set that the configuration named `before` and no longer does; returns
/// how many.
///
/// A member with a timeout was put there by somebody else since, and stays.
pub(super) fn take_out<T: Transport>(
    kernel: &mut IpSet<T>,
    set: &SetName,
    before: &[Key],
    now: &[Key],
    findings: &mut Findings,
) -> u64 {
    let gone: Vec<&Key> = before.iter().filter(|key| !now.contains(key)).collect();
    if gone.is_empty() {
        return 0;
    }
    let present = match kernel.list(set) {
        Ok(set) => set.entries,
        Err(error) => {
            findings.fail(causes(&error));
            return 0;
        }
    };
    let ours = |entry: &&Entry| is_permanent(entry) && gone.contains(&&entry.key);
    let mut removed = 0;
    for entry in present.iter().filter(ours) {
        match kernel.delete(set, &entry.key) {
            Ok(was_there) => removed += u64::from(was_there),
            Err(error) => findings.fail(causes(&error)),
        }
    }
    removed
}

fn is_permanent(entry: &Entry) -> bool {
    !entry.nomatch && entry.timeout.is_none_or(Timeout::is_permanent)
}

#[cfg(test)]
mod tests {
    use ipset_netlink::testing::FakeKernel;
    use ipset_netlink::{Family, SetType};

    use super::*;

    fn keys(texts: &[&str]) -> Vec<Key> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    /// A set with one permanent member and one that ends.
    fn kernel() -> (IpSet<FakeKernel>, SetHeader) {
        let name: SetName = "blacklist".parse().unwrap();
        let mut kernel = IpSet::with_transport(FakeKernel::new()).unwrap();
        let set = CreateSet::new(name.clone(), SetType::HashNet, Family::Inet);
        kernel
            .create(&set.timeout(Timeout::PERMANENT), IfExists::Fail)
            .unwrap();
        for (key, seconds) in [("192.0.2.1", 0), ("192.0.2.2", 600)] {
            let entry = Entry::new(key.parse().unwrap());
            let timeout = Timeout::from_secs(seconds).unwrap();
            let entry = entry.timeout(timeout);
            kernel.add(&name, &entry, IfExists::Fail).unwrap();
        }
        let header = kernel.header(&name).unwrap();
        (kernel, header)
    }

    fn permanent(kernel: &mut IpSet<FakeKernel>, name: &SetName) -> Vec<String> {
        let entries = kernel.list(name).unwrap().entries;
        let mut keys: Vec<String> = entries
            .iter()
            .filter(|entry| is_permanent(entry))
            .map(|entry| entry.key.to_string())
            .collect();
        keys.sort();
        keys
    }

    #[test]
    fn members_of_the_configuration_are_in_for_good() {
        let (mut kernel, header) = kernel();
        let mut findings = Findings::default();
        let wanted = keys(&["192.0.2.1", "192.0.2.2", "198.51.100.0/24"]);
        let changed = into_existing(&mut kernel, &header, &wanted, &mut findings);
        assert_eq!(changed.added, 2, "one was permanent before");
        assert!(!findings.failed(), "{findings:?}");
        assert_eq!(
            permanent(&mut kernel, &header.name),
            ["192.0.2.1", "192.0.2.2", "198.51.100.0/24"]
        );
    }

    #[test]
    fn a_member_that_no_set_takes_is_named_and_the_others_go_in() {
        let (mut kernel, header) = kernel();
        let mut findings = Findings::default();
        let wanted = keys(&["2001:db8::1", "198.51.100.7"]);
        let changed = into_existing(&mut kernel, &header, &wanted, &mut findings);
        assert_eq!(changed.added, 1);
        assert_eq!(findings.errors.len(), 1, "{findings:?}");
        let error = findings.errors[0].to_string();
        assert!(error.starts_with("[sets.members]: "), "{error}");
        assert!(error.contains("2001:db8::1"), "{error}");
    }

    #[test]
    fn only_permanent_members_that_the_configuration_lost_are_taken_out() {
        let (mut kernel, header) = kernel();
        let mut findings = Findings::default();
        let before = keys(&["192.0.2.1", "192.0.2.2"]);
        let removed = take_out(&mut kernel, &header.name, &before, &[], &mut findings);
        assert_eq!(removed, 1, "who ends was put in by somebody else since");
        assert_eq!(permanent(&mut kernel, &header.name), [""; 0]);
        assert_eq!(kernel.list(&header.name).unwrap().entries.len(), 1);
    }
}
