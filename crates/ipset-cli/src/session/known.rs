//! What the kernel has said about types and sets, so that it is asked once.

use std::collections::HashMap;

use ipset_netlink::{Family, SetName};

use super::Session;
use crate::command_line::{Command, Stop};
use crate::text;
use crate::types::{self, Families, TypeSpec};

#[derive(Debug, Default)]
pub(super) struct Known {
    sets: HashMap<SetName, KnownSet>,
    revisions: HashMap<&'static str, u8>,
}

/// A set that there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownSet {
    pub(crate) spec: &'static TypeSpec,
    pub(crate) family: Family,
    pub(crate) revision: u8,
}

impl Known {
    /// Sets have come, gone, or changed their names.
    pub(super) fn forget(&mut self) {
        self.sets.clear();
    }
}

impl Session {
    /// Type, family and revision of a set.
    pub(crate) fn known_set(&mut self, set: &SetName) -> Result<KnownSet, Stop> {
        if let Some(known) = self.known.sets.get(set) {
            return Ok(*known);
        }
        let asked = self.connect()?.type_of(set);
        let kernel = self.checked(asked, Command::Test, None)?;
        let name = kernel.set_type.name();
        let spec = types::find(name).filter(|spec| {
            spec.name == name
                && (spec.oldest_revision()..=spec.newest_revision()).contains(&kernel.revision)
        });
        let Some(spec) = spec else {
            return Err(self
                .report
                .error(format_args!(
                    "Kernel-library incompatibility: set {} in kernel has got settype {name} with \
                     family {} and revision {} while ipset library does not support the settype \
                     with that family and revision.",
                    text::of(set.as_bytes()),
                    kernel.family,
                    kernel.revision
                ))
                .into());
        };
        let family = match kernel.family {
            Family::Unspec => spec.families.default_family(),
            family => family,
        };
        let known = KnownSet {
            spec,
            family,
            revision: kernel.revision,
        };
        self.known.sets.insert(set.clone(), known);
        Ok(known)
    }

    /// The newest revision of a type that both the kernel and this program know.
    pub(super) fn revision_of(&mut self, spec: &'static TypeSpec) -> Result<u8, Stop> {
        if let Some(revision) = self.known.revisions.get(spec.name) {
            return Ok(*revision);
        }
        let family = spec.families.default_family();
        let asked = self.connect()?.revisions(&spec.set_type, family);
        let kernel = self.checked(asked, Command::Version, None)?;
        let name = spec.name;
        let family = match spec.families {
            Families::Neutral => "UNSPEC",
            _ => "INET",
        };
        if kernel.minimum > spec.newest_revision() {
            return Err(self
                .report
                .error(format_args!(
                    "Kernel supports {name} type, family {family} with minimal revision {} while \
                     ipset program with maximal revision {}.\n\
                     You need to upgrade your ipset program.",
                    kernel.minimum,
                    spec.newest_revision()
                ))
                .into());
        }
        if kernel.maximum < spec.oldest_revision() {
            return Err(self
                .report
                .error(format_args!(
                    "Kernel supports {name} type, family {family} with maximal revision {} while \
                     ipset program with minimal revision {}.\n\
                     You need to upgrade your kernel.",
                    kernel.maximum,
                    spec.oldest_revision()
                ))
                .into());
        }
        let revision = kernel.maximum.min(spec.newest_revision());
        self.known.revisions.insert(name, revision);
        Ok(revision)
    }
}
