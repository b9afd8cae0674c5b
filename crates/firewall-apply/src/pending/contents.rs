//! What was in the sets of lists that a configuration changes.

use ipset_netlink::{CreateSet, Entry, Error, IpSet, Transport};
use jiff::Timestamp;

use crate::findings::{Findings, causes};
use crate::lists::{Planned, SetPlan};
use crate::save;
use crate::save::format::{Saved, SavedSet, misfit};
use crate::save::members::{aged, elapsed};
use crate::save::parse::parse;

/// The sets that will have other members, as `save` writes them; nothing where there is none.
pub(super) fn of<T: Transport>(
    kernel: &mut IpSet<T>,
    planned: &[Planned<'_>],
) -> Result<String, String> {
    let mut saved = Saved {
        at: Some(Timestamp::now()),
        sets: Vec::new(),
    };
    for planned in planned {
        let changed = planned.sets.iter().filter(|set| set.change().is_some());
        for SetPlan { name, .. } in changed {
            let set = kernel.list(name).map_err(|error| causes(&error))?;
            // What no line can hold is in no list.
            saved.sets.extend(save::keep(set, &mut Findings::default()));
        }
    }
    if saved.sets.is_empty() {
        return Ok(String::new());
    }
    String::from_utf8(saved.text()).map_err(|error| causes(&error))
}

/// Gives the sets back what was in them.
pub(super) fn put_back<T: Transport>(
    kernel: &mut IpSet<T>,
    contents: &str,
    findings: &mut Findings,
) {
    match parse(contents.as_bytes(), &mut |_| None) {
        Ok(parsed) => {
            let at = parsed.saved.at;
            for set in &parsed.saved.sets {
                if let Err(why) = put_set_back(kernel, set, at) {
                    findings.fail(why);
                }
            }
        }
        Err(error) => findings.fail(format!("what was in the lists cannot be read: {error}")),
    }
}

fn put_set_back<T: Transport>(
    kernel: &mut IpSet<T>,
    set: &SavedSet,
    at: Option<Timestamp>,
) -> Result<(), String> {
    let text = |error: Error| causes(&error);
    let header = kernel.header(&set.name).map_err(text)?;
    let target = CreateSet::from(&header);
    let elapsed = elapsed(at, Timestamp::now());
    let members = set.members.iter().map(|member| member.entry.clone());
    let entries: Vec<Entry> = members
        .filter_map(|entry| aged(entry, elapsed, target.options.timeout, &target))
        .collect();
    match entries.iter().find_map(|entry| misfit(entry, &target)) {
        Some(why) => Err(why),
        None => kernel
            .replace_all(&set.name, &entries)
            .map(drop)
            .map_err(text),
    }
}
