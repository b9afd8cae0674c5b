//! What the items look at.

#[cfg(test)]
use std::path::Path;
use std::time::SystemTime;

use ipset_netlink::IpSet;
use iptables_ruleset::{Kernel as _, Nftables, Snapshot};
use jiff::Timestamp;

use crate::args::{DEFAULT_SAVED, DoctorArgs};
use crate::config::{self, Source, Wanted};
use crate::findings::{Findings, Problem, causes, refusal};
use crate::host::Host;
use crate::last::Last;
use crate::{sets, standing};

/// What the items look at.
pub(super) struct Context<'a> {
    pub(super) host: Host,
    pub(super) config: Source,
    pub(super) wanted: Option<&'a Wanted>,
    /// What is wrong with the configuration.
    pub(super) problems: Vec<Problem>,
    pub(super) last: Last,
    /// The built-in configuration, where no other can be read.
    built_in: Option<Wanted>,
    pub(super) kernel: Kernel,
    pub(super) now: Timestamp,
}

/// The kernel, as far as it answers.
pub(super) struct Kernel {
    pub(super) sets: Option<IpSet>,
    pub(super) nftables: Option<Nftables>,
    pub(super) snapshot: Option<Snapshot>,
    /// Why it does not answer.
    pub(super) trouble: Vec<String>,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        config: Source,
        wanted: Option<&'a Wanted>,
        args: &DoctorArgs,
        problems: Vec<Problem>,
    ) -> Self {
        let host = Host::below(&args.root);
        let saved = host.path(DEFAULT_SAVED);
        Self {
            last: Last::read(args.last.as_deref(), &saved),
            host,
            config,
            wanted,
            problems,
            built_in: config::built_in().ok(),
            kernel: Kernel::ask(),
            now: Timestamp::now(),
        }
    }

    /// A host with these files and a kernel that is not asked.
    #[cfg(test)]
    pub(super) fn of_files(host: Host, wanted: Option<&'a Wanted>) -> Self {
        Self {
            last: Last::read(Some(Path::new(config::NO_FILE)), Path::new(DEFAULT_SAVED)),
            host,
            config: Source {
                path: "firewall.toml".into(),
                found: true,
                more: Vec::new(),
            },
            wanted,
            problems: Vec::new(),
            built_in: config::built_in().ok(),
            kernel: Kernel {
                sets: None,
                nftables: None,
                snapshot: None,
                trouble: Vec::new(),
            },
            now: Timestamp::now(),
        }
    }

    /// What shall stand.
    pub(super) fn expected(&self) -> Option<&Wanted> {
        standing::expected(self.wanted, &self.last).or(self.built_in.as_ref())
    }

    /// What shall stand, and the kernel to ask about it.
    pub(super) fn expected_and_kernel(&mut self) -> Option<(&Wanted, &mut Kernel)> {
        let expected = standing::expected(self.wanted, &self.last).or(self.built_in.as_ref())?;
        Some((expected, &mut self.kernel))
    }

    /// How many seconds ago a time of the system was; 0 for one that is still to come.
    pub(super) fn seconds_since(&self, at: SystemTime) -> u64 {
        let at = Timestamp::try_from(at).unwrap_or(self.now);
        u64::try_from(self.now.duration_since(at).as_secs()).unwrap_or(0)
    }
}

impl Kernel {
    fn ask() -> Self {
        let mut findings = Findings::default();
        let sets = sets::connect(&mut findings);
        let mut trouble: Vec<String> = findings.errors.iter().map(ToString::to_string).collect();
        let (mut nftables, mut snapshot) = (None, None);
        match Nftables::connect() {
            Ok(mut connected) => {
                match connected.snapshot() {
                    Ok(tables) => snapshot = Some(tables),
                    Err(error) => trouble.push(refusal(&error)),
                }
                nftables = Some(connected);
            }
            Err(error) => trouble.push(causes(&error)),
        }
        Self {
            sets,
            nftables,
            snapshot,
            trouble,
        }
    }
}
