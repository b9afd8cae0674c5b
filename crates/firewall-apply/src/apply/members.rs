//! Who is in a set because the configuration says so.

use std::collections::HashMap;

use ipset_netlink::{CreateSet, Entry, IfExists, IpSet, Key, SetHeader, SetName, Timeout};

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

/// Puts `members` into a set that was there, those that are not in it for good.
pub(super) fn into_existing(
    kernel: &mut IpSet,
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
pub(super) fn into(
    kernel: &mut IpSet,
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

/// Takes out of a set who was in it because the last configuration said so, and no longer does;
/// returns how many.
///
/// Who is in it for a time was put there by somebody else since, and stays.
pub(super) fn take_out(
    kernel: &mut IpSet,
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
