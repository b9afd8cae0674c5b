//! The contents of lists put into their sets.

use ipset_netlink::address_list::AddressList;
use ipset_netlink::{Entry, Family, IpSet, Key, Network, SetName, SetType, Timeout, Transport};

use super::exceptions::Cut;
use super::report::{ListReport, ListedSet, Outcome};
use super::{Content, Contents, Exceptions, InSet, Size, shrinks};
use crate::config::Wanted;
use crate::configured::List;
use crate::findings::{Findings, causes};

/// What shall be in the sets of a list, beside what is in them.
#[derive(Debug)]
pub(crate) struct Planned<'a> {
    pub(crate) list: &'a List,
    /// What stands in the files; `None` where they cannot be read or are refused, and the sets are
    /// to stay as they are.
    read: Option<Read>,
    /// The sets, of which some may be missing.
    pub(crate) sets: Vec<SetPlan>,
}

/// What stands in the files of a list.
#[derive(Debug)]
struct Read {
    entries: u64,
    /// Networks before anything was taken out.
    networks: u64,
    cuts: Vec<Cut>,
}

/// A set of a list.
#[derive(Debug)]
pub(crate) struct SetPlan {
    pub(crate) family: Family,
    pub(crate) name: SetName,
    /// What is in it; `None` where there is none.
    pub(crate) found: Option<InSet>,
    /// What shall be in it, and how much that is; `None` where it is to stay as it is.
    wanted: Option<(AddressList, Size)>,
}

impl SetPlan {
    /// What shall be in it; `None` where it is to stay as it is.
    pub(crate) fn wanted(&self) -> Option<&AddressList> {
        self.wanted.as_ref().map(|(addresses, _)| addresses)
    }

    /// How much shall be in it.
    pub(crate) fn size(&self) -> Option<Size> {
        self.wanted.as_ref().map(|(_, size)| *size)
    }

    /// What is in it and shall be another; `None` where it stays as it is, or there is none.
    pub(crate) fn change(&self) -> Option<(&InSet, &AddressList)> {
        let (found, wanted) = (self.found.as_ref()?, self.wanted()?);
        (!found.is(wanted)).then_some((found, wanted))
    }
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
        let exceptions = exceptions.as_ref().ok();
        let plan = |(list, content): (&'a List, Option<&Content>)| {
            let mut planned = Self::of(list, content, exceptions);
            planned.look(kernel, findings);
            if !allow_shrink {
                planned.refuse_to_shrink(findings);
            }
            planned
        };
        contents.iter().map(plan).collect()
    }

    /// What shall be in the sets, without what a block list is never to hold; where that is not
    /// known it stays as it is.
    fn of(list: &'a List, content: Option<&Content>, exceptions: Option<&Exceptions>) -> Self {
        let mut read = None;
        let mut addresses = None;
        if let Some(content) = content {
            let cut = match (list.blocks(), exceptions) {
                (false, _) => Some((content.addresses.clone(), Vec::new())),
                (true, Some(exceptions)) => Some(exceptions.cut_out_of(&content.addresses)),
                (true, None) => None,
            };
            if let Some((left, cuts)) = cut {
                read = Some(Read {
                    entries: content.entries,
                    networks: Size::of(&content.addresses).networks,
                    cuts,
                });
                addresses = Some(left);
            }
        }
        let set = |(family, name): &(Family, SetName)| SetPlan {
            family: *family,
            name: name.clone(),
            found: None,
            wanted: addresses.as_ref().map(|addresses| {
                let addresses = addresses.of_family(*family);
                let size = Size::of(&addresses);
                (addresses, size)
            }),
        };
        let sets = list.sets.iter().map(set).collect();
        Self { list, read, sets }
    }

    fn look<T: Transport>(&mut self, kernel: &mut IpSet<T>, findings: &mut Findings) {
        let mut unknown = false;
        for set in &mut self.sets {
            set.found = InSet::look(kernel, &set.name).unwrap_or_else(|error| {
                findings.fail(causes(&error));
                unknown = true;
                None
            });
        }
        if unknown {
            self.keep();
        }
    }

    fn refuse_to_shrink(&mut self, findings: &mut Findings) {
        let mut before = Size::default();
        for found in self.sets.iter().filter_map(|set| set.found.as_ref()) {
            before += found.size;
        }
        if let Some(why) = self.size().and_then(|now| shrinks(self.list, before, now)) {
            findings.fail(why);
            self.keep();
        }
    }

    /// The sets stay as they are.
    fn keep(&mut self) {
        self.read = None;
        for set in &mut self.sets {
            set.wanted = None;
        }
    }

    /// How much shall be in all its sets; `None` where they are to stay as they are.
    pub(crate) fn size(&self) -> Option<Size> {
        let mut all = self.read.as_ref().map(|_| Size::default())?;
        for size in self.sets.iter().filter_map(SetPlan::size) {
            all += size;
        }
        Some(all)
    }

    /// Puts it into the sets that there are.
    fn put<T: Transport>(&self, kernel: &mut IpSet<T>, findings: &mut Findings) -> ListReport {
        let mut outcome = match &self.read {
            None => Outcome::Kept,
            Some(_) => Outcome::Unchanged,
        };
        for set in &self.sets {
            let Some((found, wanted)) = set.change() else {
                continue;
            };
            match replace(kernel, set, found, wanted, self.list.single) {
                Ok(()) => outcome = Outcome::Replaced,
                Err(why) => {
                    findings.fail(why);
                    outcome = Outcome::Kept;
                    break;
                }
            }
        }
        self.report(outcome)
    }

    fn report(&self, outcome: Outcome) -> ListReport {
        let set = |set: &SetPlan| {
            let before = set.found.as_ref().map(|found| found.size.networks);
            let after = set.size().map(|size| size.networks);
            ListedSet {
                name: set.name.to_string(),
                family: set.family.to_string(),
                before,
                after: after.filter(|_| outcome != Outcome::Kept).or(before),
            }
        };
        let read = self.read.as_ref();
        ListReport {
            name: self.list.name.clone(),
            blocks: self.list.blocks(),
            files: self.list.files.clone(),
            entries: read.map(|read| read.entries),
            networks: read.map(|read| read.networks),
            taken_out: read.map_or_else(Vec::new, |read| read.cuts.clone()),
            outcome,
            sets: self.sets.iter().map(set).collect(),
        }
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
    wanted: &AddressList,
    single: bool,
) -> Result<(), String> {
    let (name, family) = (&set.name, set.family);
    // In a set with timeouts, which an earlier configuration may have made.
    let timeout = found.header.options.timeout.map(|_| Timeout::PERMANENT);
    let entry = |key: Key| {
        let mut entry = Entry::new(key);
        entry.timeout = timeout;
        entry
    };
    let replaced = if found.header.set_type != SetType::HashIp {
        let of_network = |network: Network| entry(Key::from(network));
        let entries = wanted.networks(family).map(of_network);
        kernel.replace_counted(name, wanted.network_count(family), entries)
    } else if single {
        let entries = wanted
            .addresses(family)
            .map(|address| entry(Key::ip(address)));
        let number = u64::try_from(wanted.address_count(family)).unwrap_or(u64::MAX);
        kernel.replace_counted(name, number, entries)
    } else {
        // It would take an entry for each address of a network.
        return Err(format!(
            "set \"{name}\" is of type hash:ip, which has no place for the networks of its list: it is kept as it was"
        ));
    };
    replaced.map(drop).map_err(|error| causes(&error))
}
