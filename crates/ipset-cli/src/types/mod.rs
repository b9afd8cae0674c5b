//! What the command line knows of each set type. A type is a row of the table of its method.

mod argument;
mod bitmap;
mod field;
mod hash;
mod list;
mod revision;
mod row;

use std::sync::LazyLock;

pub(crate) use argument::Argument;
pub(crate) use field::{Field, Fields};
use ipset_netlink::{Family, SetType};
use row::Row;

/// All types, in the order `ipset help` lists them. Of two that could fit, the first is meant.
pub(crate) static ALL: LazyLock<Vec<TypeSpec>> = LazyLock::new(|| {
    let rows = list::ROWS.iter().chain(&hash::ROWS).chain(&bitmap::ROWS);
    rows.map(Row::spec).collect()
});

/// The type with this name or alias.
pub(crate) fn find(name: &str) -> Option<&'static TypeSpec> {
    ALL.iter()
        .find(|spec| spec.name == name || spec.alias == name)
}

/// A set type as the command line sees it.
#[derive(Debug)]
pub(crate) struct TypeSpec {
    pub(crate) name: &'static str,
    /// The name it had in ipset 4.
    pub(crate) alias: &'static str,
    pub(crate) set_type: SetType,
    pub(crate) families: Families,
    /// The parts of an entry, separated by commas: how each is read, and which field it fills.
    pub(crate) elements: Vec<(Reading, Field)>,
    pub(crate) last_element_optional: bool,
    /// What the type has been able to do since which revision, oldest first.
    pub(crate) revisions: Vec<(u8, &'static str)>,
    pub(crate) create: CommandSpec,
    pub(crate) add: CommandSpec,
    pub(crate) del: CommandSpec,
    pub(crate) test: CommandSpec,
    /// The lines of its help that say what an entry looks like.
    pub(crate) usage: &'static [&'static str],
    /// Whether its help goes on with what a port looks like.
    pub(crate) explains_ports: bool,
}

impl TypeSpec {
    pub(crate) fn oldest_revision(&self) -> u8 {
        self.revisions.first().map_or(0, |(number, _)| *number)
    }

    pub(crate) fn newest_revision(&self) -> u8 {
        self.revisions.last().map_or(0, |(number, _)| *number)
    }
}

/// What a command takes for sets of one type.
#[derive(Debug)]
pub(crate) struct CommandSpec {
    /// What the help says about the entry.
    pub(crate) help: String,
    /// Each argument with the revision that brought it.
    pub(crate) arguments: Vec<(Argument, u8)>,
    /// What must have been said.
    pub(crate) needed: Fields,
    /// What may be said besides the arguments.
    pub(crate) allowed: Fields,
}

/// The families that sets of a type can be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Families {
    /// IPv4.
    Inet,
    /// Either, and IPv4 where nothing is said.
    Both,
    /// None: entries have no address.
    Neutral,
}

impl Families {
    /// The one where nothing is said.
    pub(crate) fn default_family(self) -> Family {
        match self {
            Self::Inet | Self::Both => Family::Inet,
            Self::Neutral => Family::Unspec,
        }
    }
}

/// How a part of an entry is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// An address, a network or a range.
    Ip,
    /// One address.
    SingleIp,
    /// An address, a network or a range of IPv4; one address of IPv6.
    IpOrRange,
    /// An address, a network or a range of IPv4; an address or a network of IPv6.
    Net,
    Mac,
    Mark,
    /// A port or a range of them, of a protocol.
    Port,
    /// A port or a range of them, of TCP or UDP, which is then forgotten.
    PlainPort,
    Interface,
    SetName,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_one_name_one_alias_and_revisions_without_gaps() {
        for spec in ALL.iter() {
            for name in [spec.name, spec.alias] {
                let found = find(name).map(|found| found.name);
                assert_eq!(found, Some(spec.name), "{name}");
            }
            assert_eq!(spec.set_type.name(), spec.name);
            let numbers = spec.revisions.iter().map(|(number, _)| *number);
            assert!(numbers.eq(spec.oldest_revision()..=spec.newest_revision()));
        }
    }

    #[test]
    fn an_argument_came_with_a_revision_that_there_is_and_fits_its_command() {
        for spec in ALL.iter() {
            for command in [&spec.create, &spec.add, &spec.del, &spec.test] {
                for (argument, since) in &command.arguments {
                    assert!(*since <= spec.newest_revision(), "{argument:?}");
                }
                let ours = |field: Field| {
                    let parts = spec.elements.iter().map(|(_, field)| *field);
                    let arguments = command
                        .arguments
                        .iter()
                        .map(|(argument, _)| argument.field());
                    parts.chain(arguments).any(|known| known == field) || field == Field::Protocol
                };
                for field in [
                    Field::Ip,
                    Field::Ip2,
                    Field::Port,
                    Field::Mac,
                    Field::Mark,
                    Field::Interface,
                    Field::Name,
                ] {
                    assert!(
                        !command.needed.contains(field) || ours(field),
                        "{} {field:?}",
                        spec.name
                    );
                }
            }
        }
    }
}
