//! The contents of lists put into their sets.

use ipset_netlink::address_list::AddressList;
use ipset_netlink::{Entry, Family, IpSet, Key, Network, SetName, SetType, Timeout, Transport};

use super::exceptions::Cut;
use super::report::{ListReport, ListedSet, Outcome};
use super::{Content, Contents, Exceptions, InSet, Size};
use crate::config::Wanted;
use crate::configured::List;
use crate::findings::{Findings, causes};

/// What shall be in the sets of a list, beside what is in them.
#[derive(Debug)]
pub(crate) struct Planned<'a> {
    pub(crate) list: &'a List,
    /// What will be in the sets; `None` where the list cannot be read or is refused, and they are
    /// to stay as they are.
    pub(crate) content: Option<Content>,
    /// Networks before anything was taken out.
    networks: u64,
    cuts: Vec<Cut>,
    /// The sets, of which some may be missing.
    pub(crate) sets: Vec<SetPlan>,
}

/// A set of a list.
#[derive(Debug)]
pub(crate) struct SetPlan {
    pub(crate) family: Family,
    pub(crate) name: SetName,
    /// What is in it; `None` where there is none.
    pub(crate) found: Option<InSet>,
}

impl<'a> Planned<'a> {
    /// Works out what shall be in the sets of the lists that were read, and looks at what is. Why a
    /// list stays as it is, is noted.
    ///
    /// With `allow_shrink` a list may shrink however much.
    pub(crate) fn all<T: Transport>(
        kernel: &mut IpSet<T>,
        contents: &Contents<'a>,
        wanted: &Wanted,
        allow_shrink: bool,
        findings: &mut Findings,
    ) -> Vec<Self> {
        if contents.is_empty() {
            return Vec::new();
        }
        let exceptions = Exceptions::look(kernel, wanted);
        if let Err(why) = &exceptions {
            findings.fail(why.clone());
        }
        let plan = |(list, content): (&'a List, Option<&Content>)| {
            let mut planned = Self {
                list,
                content: content.cloned(),
                networks: 0,
                cuts: Vec::new(),
                sets: Vec::new(),
            };
            planned.cut(exceptions.as_ref().ok());
            planned.look(kernel, findings);
            if !allow_shrink {
                planned.refuse_to_shrink(findings);
            }
            planned
        };
        contents.iter().map(plan).collect()
    }

    /// Takes out what a block list is never to hold; where that is not known it stays as it is.
    fn cut(&mut self, exceptions: Option<&Exceptions>) {
        let Some(content) = &mut self.content else {
            return;
        };
        self.networks = Size::of(&content.addresses).networks;
        if self.list.blocks() {
            match exceptions {
                Some(exceptions) => self.cuts = exceptions.cut_out_of(content),
                None => self.content = None,
            }
        }
    }

    fn look<T: Transport>(&mut self, kernel: &mut IpSet<T>, findings: &mut Findings) {
        for (family, name) in &self.list.sets {
            let found = InSet::look(kernel, name).unwrap_or_else(|error| {
                findings.fail(causes(&error));
                self.content = None;
                None
            });
            self.sets.push(SetPlan {
                family: *family,
                name: name.clone(),
                found,
            });
        }
    }

    fn refuse_to_shrink(&mut self, findings: &mut Findings) {
        let mut before = Size::default();
        for found in self.sets.iter().filter_map(|set| set.found.as_ref()) {
            before += Size::of(&found.addresses);
        }
        let content = self.content.as_ref();
        if let Some(why) = content.and_then(|content| content.shrinks(self.list, before)) {
            findings.fail(why);
            self.content = None;
        }
    }

    /// Whether a set of it has, or will have, other members than it has; `false` where there is no
    /// such set.
    pub(crate) fn changes(&self, set: &SetPlan) -> bool {
        match (&self.content, &set.found) {
            (Some(content), Some(found)) => !found.is(&content.addresses.of_family(set.family)),
            _ => false,
        }
    }

    /// What is known before anything is done.
    pub(crate) fn report(&self) -> ListReport {
        let size = |addresses: &AddressList| Size::of(addresses).networks;
        let set = |set: &SetPlan| {
            let before = set.found.as_ref().map(|found| size(&found.addresses));
            let content = self.content.as_ref();
            let after = content.map(|content| size(&content.addresses.of_family(set.family)));
            ListedSet {
                name: set.name.to_string(),
                family: set.family.to_string(),
                before,
                after: after.or(before),
            }
        };
        let entries = self.content.as_ref().map(|content| content.entries);
        ListReport {
            name: self.list.name.clone(),
            blocks: self.list.blocks(),
            files: self.list.files.clone(),
            entries,
            networks: entries.map(|_| self.networks),
            taken_out: self.cuts.iter().map(Cut::clone).collect(),
            outcome: match &self.content {
                None => Outcome::Kept,
                Some(_) => Outcome::Unchanged,
            },
            sets: self.sets.iter().map(set).collect(),
        }
    }

    /// Puts it into the sets that there are.
    fn put<T: Transport>(&self, kernel: &mut IpSet<T>, findings: &mut Findings) -> ListReport {
        let mut report = self.report();
        for set in self.sets.iter().filter(|set| self.changes(set)) {
            let (Some(content), Some(found)) = (&self.content, &set.found) else {
                continue;
            };
            match replace(kernel, set, found, content, self.list.single) {
                Ok(()) => report.outcome = Outcome::Replaced,
                Err(why) => {
                    findings.fail(why);
                    report.outcome = Outcome::Kept;
                    break;
                }
            }
        }
        report
    }
}

/// Puts the lists into their sets; what stays as it is because of an error is noted.
pub(crate) fn put_in<T: Transport>(
    kernel: &mut IpSet<T>,
    planned: &[Planned<'_>],
    findings: &mut Findings,
) -> Vec<ListReport> {
    let put = |planned: &Planned<'_>| planned.put(kernel, findings);
    planned.iter().map(put).collect()
}

/// Gives a set other members in one step.
fn replace<T: Transport>(
    kernel: &mut IpSet<T>,
    set: &SetPlan,
    found: &InSet,
    content: &Content,
    single: bool,
) -> Result<(), String> {
    let name = &set.name;
    // In a set with timeouts, which an earlier configuration may have made.
    let timeout = found.header.options.timeout.map(|_| Timeout::PERMANENT);
    let entry = |key: Key| {
        let mut entry = Entry::new(key);
        entry.timeout = timeout;
        entry
    };
    let (addresses, family) = (&content.addresses, set.family);
    let of_networks = |network: Network| entry(Key::from(network));
    let replaced = if found.header.set_type != SetType::HashIp {
        kernel.replace_all(name, addresses.networks(family).map(of_networks))
    } else if single {
        kernel.replace_all(
            name,
            addresses.addresses(family).map(|one| entry(Key::ip(one))),
        )
    } else {
        // It would take an entry for each address of a network.
        return Err(format!(
            "set \"{name}\" is of type hash:ip, which has no place for the networks of list \"{name}\": it is kept as it was"
        ));
    };
    replaced.map(drop).map_err(|error| causes(&error))
}
