//! Members of sets that a configuration changes, as they were.

use std::collections::HashMap;

use ipset_netlink::{Entry, IfExists, IpSet, Key, SetName, Timeout, Transport};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Wanted;
use crate::findings::{Findings, causes};

/// A member that a configuration puts in or takes out, as it was.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberThen {
    set: String,
    key: String,
    was: Was,
}

/// How a member was in its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Was {
    /// It was not.
    Absent,
    /// For good.
    Permanent,
    Until(Timestamp),
}

/// The members of a set that `wanted` puts in, or makes permanent, and those that go because they
/// were in the set for `before` alone.
pub(super) fn of<T: Transport>(
    kernel: &mut IpSet<T>,
    set: &SetName,
    wanted: &Wanted,
    before: Option<&Wanted>,
) -> Result<Vec<MemberThen>, String> {
    let named = wanted.members_of(set);
    let before = before.map_or(&[][..], |before| before.members_of(set));
    if named.is_empty() && before.is_empty() {
        return Ok(Vec::new());
    }
    let now = Timestamp::now();
    let there = kernel.list(set).map_err(|error| causes(&error))?.entries;
    let there: HashMap<&Key, Was> = there
        .iter()
        .filter(|entry| !entry.nomatch)
        .map(|entry| (&entry.key, was(entry, now)))
        .collect();
    let state = |key: &Key| there.get(key).copied().unwrap_or(Was::Absent);
    let put_in = named.iter().filter(|key| state(key) != Was::Permanent);
    let gone = |key: &&Key| !named.contains(key) && state(key) == Was::Permanent;
    let taken_out = before.iter().filter(gone);
    let then = |key: &Key| MemberThen {
        set: set.to_string(),
        key: key.to_string(),
        was: state(key),
    };
    Ok(put_in.chain(taken_out).map(then).collect())
}

fn was(entry: &Entry, now: Timestamp) -> Was {
    match entry.timeout {
        Some(timeout) if !timeout.is_permanent() => {
            let left = jiff::SignedDuration::from_secs(timeout.as_secs().into());
            now.checked_add(left).map_or(Was::Permanent, Was::Until)
        }
        _ => Was::Permanent,
    }
}

/// Puts the members back as they were, with the time they would have left.
pub(super) fn put_back<T: Transport>(
    kernel: &mut IpSet<T>,
    members: &[MemberThen],
    findings: &mut Findings,
) {
    let now = Timestamp::now();
    for member in members {
        let (Ok(set), Ok(key)) = (member.set.parse::<SetName>(), member.key.parse::<Key>()) else {
            findings.fail(format!(
                "{} is no member of a set {}",
                member.key, member.set
            ));
            continue;
        };
        let left = match member.was {
            Was::Absent => None,
            Was::Permanent => Some(Timeout::PERMANENT),
            Was::Until(end) => u32::try_from(end.duration_since(now).as_secs())
                .ok()
                .filter(|seconds| *seconds > 0)
                .and_then(|seconds| Timeout::from_secs(seconds).ok()),
        };
        let done = match left {
            Some(timeout) => {
                let mut entry = Entry::new(key);
                if kernel
                    .header(&set)
                    .is_ok_and(|header| header.options.timeout.is_some())
                {
                    entry = entry.timeout(timeout);
                }
                kernel.add(&set, &entry, IfExists::Update)
            }
            None => kernel.delete(&set, &key).map(drop),
        };
        if let Err(error) = done {
            findings.fail(causes(&error));
        }
    }
}
