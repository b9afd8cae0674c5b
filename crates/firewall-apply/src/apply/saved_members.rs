//! New sets, with the members they had when they were saved.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::Path;

use ipset_netlink::{
    CreateSet, Entry, Error, IfExists, IfMissing, IpSet, Key, SetName, Timeout, Transport,
};
use jiff::Timestamp;

use super::members;
use super::report::SavedReport;
use crate::configured::ConfiguredSet;
use crate::findings::{Findings, causes};
use crate::lists::Size;
use crate::save::aside;
use crate::save::format::{Saved, SavedSet};
use crate::save::members::{PutBack, elapsed, note_refused, put_back, will_hold};
use crate::save::parse::read;
use crate::sets::{REMEMBERED, destroy_unfinished, is_missing};

/// The members that were saved.
pub(super) struct SavedMembers<'a> {
    saved: Saved,
    path: &'a Path,
    /// Numbers of the lines that were not put back.
    lost: BTreeSet<usize>,
}

impl<'a> SavedMembers<'a> {
    /// Reads the file of `save`. A file that does not exist has nothing in it; what is wrong with
    /// one that exists is noted.
    pub(super) fn read(path: &'a Path, findings: &mut Findings) -> (Self, SavedReport) {
        // All the sets that members are wanted of hold addresses.
        let mut lost = BTreeSet::new();
        let (saved, found) = match read(path, &mut |_| None) {
            Ok(parsed) => {
                for problem in parsed.bad_lines(path) {
                    findings.fail(problem);
                }
                lost = parsed.rejected;
                (parsed.saved, true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Saved::default(), false),
            Err(error) => {
                let path = path.display();
                findings.fail(format!(
                    "cannot put saved members back: cannot read {path}: {error}"
                ));
                (Saved::default(), true)
            }
        };
        let report = SavedReport {
            path: path.to_owned(),
            found,
            saved: saved.at,
            elapsed: elapsed(saved.at, Timestamp::now()),
        };
        (Self { saved, path, lost }, report)
    }

    /// Reads the file where one of the sets is missing, into which saved members would go.
    pub(super) fn read_where_missing<T: Transport>(
        kernel: &mut IpSet<T>,
        sets: &[ConfiguredSet],
        path: &'a Path,
        findings: &mut Findings,
    ) -> Option<(Self, SavedReport)> {
        let any = sets.iter().any(|set| is_missing(kernel, set.name()));
        any.then(|| Self::read(path, findings))
    }

    /// How much was saved of a set.
    pub(super) fn size(&self, set: &SetName) -> Size {
        let members = self.saved.set(set).map_or(&[][..], |saved| &saved.members);
        Size::of_entries(members.iter().map(|member| &member.entry))
    }

    /// Whether an address is in a set once it is made with its saved members.
    pub(super) fn will_hold(&self, wanted: &CreateSet, address: IpAddr) -> bool {
        let Some(saved) = self.saved.set(&wanted.name) else {
            return false;
        };
        will_hold(&extended(wanted, saved), saved, self.saved.at, address)
    }

    /// Keeps the lines that were not put back beside the file.
    pub(super) fn keep_aside(&self, findings: &mut Findings) {
        aside::keep(self.path, &self.lost, findings);
    }

    /// Creates the set `wanted` with `members` and with its saved members. Members that cannot be
    /// put in are noted and no error.
    pub(super) fn create<T: Transport>(
        &mut self,
        kernel: &mut IpSet<T>,
        wanted: &CreateSet,
        members: &[Key],
        findings: &mut Findings,
    ) -> Result<(PutBack, u64), Error> {
        let name = temporary_name(UNFINISHED, &wanted.name);
        let (Some(saved), Some(name)) = (self.saved.set(&wanted.name), name) else {
            kernel.create(wanted, IfExists::Fail)?;
            let added = members::into(kernel, wanted, &wanted.name, members, findings);
            return Ok((PutBack::default(), added));
        };
        let mut unfinished = extended(wanted, saved);
        unfinished.name = name.clone();
        destroy_unfinished(kernel, &name)?;
        if let Err(error) = kernel.create(&unfinished, IfExists::Fail) {
            // What a file says must not keep the firewall down.
            let why = causes(&error).replace(name.as_str(), wanted.name.as_str());
            findings.fail(format!(
                "{why}; it is made without what was saved of it but its members"
            ));
            unfinished = wanted.clone();
            unfinished.name = name.clone();
            kernel.create(&unfinished, IfExists::Fail)?;
        }
        let added = members::into(kernel, &unfinished, &wanted.name, members, findings);
        let outcome = fill(kernel, &unfinished, members, saved, self.saved.at);
        note_refused(&saved.name, &outcome, self.path, findings);
        if let Err(error) = kernel.rename(&name, &wanted.name) {
            // Of two errors the first one is the cause.
            let _ = kernel.destroy(&name, IfMissing::Fail);
            return Err(error);
        }
        self.lost.extend(&outcome.lines);
        Ok((outcome, added))
    }

    /// Makes the sets that the scanner remembers by, as they were saved, where they are not there.
    pub(super) fn create_remembered<T: Transport>(
        &mut self,
        kernel: &mut IpSet<T>,
        findings: &mut Findings,
    ) {
        let saved = self.saved.sets.iter().filter_map(|set| set.create.clone());
        let remembered: Vec<CreateSet> = saved
            .filter(|set| REMEMBERED.contains(&set.name.as_str()))
            .collect();
        for set in remembered {
            if is_missing(kernel, &set.name) {
                if let Err(error) = self.create(kernel, &set, &[], findings) {
                    findings.fail(causes(&error));
                }
            }
        }
    }
}

/// Puts the saved members back beside those that are there.
fn fill<T: Transport>(
    kernel: &mut IpSet<T>,
    set: &CreateSet,
    members: &[Key],
    saved: &SavedSet,
    at: Option<Timestamp>,
) -> PutBack {
    // What was saved of them must not end what the configuration says.
    let present: Vec<Entry> = members
        .iter()
        .map(|member| Entry::new(member.clone()).timeout(Timeout::PERMANENT))
        .collect();
    put_back(kernel, set, &present, saved, at)
}

/// The set to make: it has room for what its saved members have, such as comments, and starts large
/// enough for them. A set of the type that was saved has all options of the saved one that the
/// configuration says nothing about.
fn extended(wanted: &CreateSet, saved: &SavedSet) -> CreateSet {
    let mut set = wanted.clone();
    if let Some(create) = &saved.create {
        let configured = &wanted.options;
        if (&create.set_type, create.family) == (&wanted.set_type, wanted.family) {
            set.options = create.options.clone();
            set.options.timeout = configured.timeout;
            set.options.max_elements = configured.max_elements;
            set.options.hash_size = configured.hash_size;
            set.options.counters |= configured.counters;
            set.options.comments |= configured.comments;
        } else {
            set.options.counters |= create.options.counters;
            set.options.comments |= create.options.comments;
            set.options.skbinfo = create.options.skbinfo;
            set.options.forceadd = create.options.forceadd;
        }
    }
    // About half as many buckets as members is what the kernel fills fastest.
    let buckets = u32::try_from(saved.members.len() / 2).unwrap_or(u32::MAX);
    if buckets > DEFAULT_HASH_SIZE {
        set.options.hash_size = Some(buckets.min(CreateSet::MAX_HASH_SIZE));
    }
    set
}

/// Stands before the name of a set that does not have all its members yet. So a set under its own
/// name is complete, also when the run that made it was killed on the way; the next run takes the
/// remains away.
pub(super) const UNFINISHED: &str = "rampart.new.";

/// The name of a set while it is made or exchanged. Of a long name it has the beginning; of two that
/// begin alike, one is done before the other is begun.
pub(super) fn temporary_name(before: &str, set: &SetName) -> Option<SetName> {
    let mut name = before.as_bytes().to_vec();
    name.extend_from_slice(set.as_bytes());
    name.truncate(SetName::MAX_LEN);
    SetName::verbatim(&name).ok()
}

/// The buckets a hash starts with unless told otherwise (`IPSET_DEFAULT_HASHSIZE` in
/// `net/netfilter/ipset/ip_set_hash_gen.h`).
const DEFAULT_HASH_SIZE: u32 = 1024;

#[cfg(test)]
mod tests {
    use std::fs;

    use ipset_netlink::testing::FakeKernel;
    use ipset_netlink::{Family, SetType};

    use super::*;

    const SAVED: &str = "\
create blacklist hash:net family inet timeout 0
add blacklist 192.0.2.1 timeout 600
add blacklist 2001:db8::1
add blacklist 198.51.100.0/24
";

    fn wanted() -> CreateSet {
        CreateSet::new("blacklist".parse().unwrap(), SetType::HashIp, Family::Inet)
            .timeout(Timeout::PERMANENT)
    }

    #[test]
    fn a_new_set_has_its_saved_members_and_what_is_refused_is_kept_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sets.save");
        fs::write(&path, SAVED).unwrap();
        let mut findings = Findings::default();
        let mut kernel = FakeKernel::new();
        let mut sets = IpSet::with_transport(&mut kernel).unwrap();
        // What a run that was killed left behind.
        let mut remains = wanted();
        remains.name = format!("{UNFINISHED}blacklist").parse().unwrap();
        sets.create(&remains, IfExists::Fail).unwrap();

        let (mut saved, about) = SavedMembers::read(&path, &mut findings);
        assert!(about.found);
        let members = ["203.0.113.7".parse().unwrap()];
        let made = saved.create(&mut sets, &wanted(), &members, &mut findings);
        let (put_back, added) = made.unwrap();
        assert_eq!((put_back.added, put_back.refused, added), (1, 1, 1));
        saved.keep_aside(&mut findings);

        assert_eq!(kernel.sets().len(), 1, "{:?}", kernel.sets());
        let set = &kernel.sets()[0];
        assert_eq!(set.header.name, wanted().name);
        let mut keys: Vec<_> = set
            .entries
            .iter()
            .map(|entry| entry.key.to_string())
            .collect();
        keys.sort();
        assert_eq!(keys, ["192.0.2.1", "203.0.113.7"]);
        let lines: Vec<_> = findings.errors.iter().map(|error| error.line).collect();
        assert_eq!(lines, [Some(3), Some(4)], "{findings:?}");
        let aside = fs::read_to_string(directory.path().join("sets.save.bad")).unwrap();
        let refused = "add blacklist 2001:db8::1\nadd blacklist 198.51.100.0/24\n";
        assert!(aside.ends_with(refused), "{aside}");
    }

    #[test]
    fn what_the_scanner_remembers_comes_back_unless_it_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sets.save");
        let text = "create pardoned hash:net family inet timeout 0 comment\n\
            add pardoned 192.0.2.1 timeout 600 comment \"a word\"\n\
            create offenders_v6 hash:net family inet6 timeout 0 comment\n\
            add offenders_v6 2001:db8::/64 timeout 0\n\
            create others hash:net family inet timeout 0\n";
        fs::write(&path, text).unwrap();
        let mut findings = Findings::default();
        let (mut saved, _) = SavedMembers::read(&path, &mut findings);
        let mut kernel = FakeKernel::new();
        let mut sets = IpSet::with_transport(&mut kernel).unwrap();
        saved.create_remembered(&mut sets, &mut findings);
        sets.flush(&"pardoned".parse().unwrap()).unwrap();
        saved.create_remembered(&mut sets, &mut findings);
        assert!(!findings.failed(), "{findings:?}");
        let mut found: Vec<_> = kernel
            .sets()
            .iter()
            .map(|set| (set.header.name.to_string(), set.entries.len()))
            .collect();
        found.sort();
        let expected = [("offenders_v6".to_owned(), 1), ("pardoned".to_owned(), 0)];
        assert_eq!(found, expected);
    }

    #[test]
    fn where_the_kernel_refuses_nothing_is_left_behind() {
        const IPSET_ERR_INVALID_PROTOCOL: i32 = 4097;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sets.save");
        fs::write(&path, SAVED).unwrap();
        let mut findings = Findings::default();
        let (mut saved, _) = SavedMembers::read(&path, &mut findings);
        let mut kernel = FakeKernel::new();
        // What a run that was killed left behind is to be destroyed first.
        let mut remains = wanted();
        remains.name = format!("{UNFINISHED}blacklist").parse().unwrap();
        let mut sets = IpSet::with_transport(&mut kernel).unwrap();
        sets.create(&remains, IfExists::Fail).unwrap();
        kernel.refuse_next(IPSET_ERR_INVALID_PROTOCOL);
        let mut sets = IpSet::with_transport(&mut kernel).unwrap();
        let made = saved.create(&mut sets, &wanted(), &[], &mut findings);
        assert!(made.is_err());
        let [left] = kernel.sets() else {
            panic!("{:?}", kernel.sets());
        };
        assert_eq!(left.header.name, remains.name);
    }

    #[test]
    fn without_a_file_a_set_is_made_with_what_is_configured() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sets.save");
        let mut findings = Findings::default();
        let (mut saved, about) = SavedMembers::read(&path, &mut findings);
        assert!(!about.found);
        let mut kernel = FakeKernel::new();
        let mut sets = IpSet::with_transport(&mut kernel).unwrap();
        let members = ["203.0.113.7".parse().unwrap()];
        saved
            .create(&mut sets, &wanted(), &members, &mut findings)
            .unwrap();
        assert_eq!(kernel.sets()[0].entries.len(), 1);
        assert!(!findings.failed(), "{findings:?}");
    }
}
