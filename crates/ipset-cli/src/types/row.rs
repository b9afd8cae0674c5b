//! What is said of a type in a table, and what follows from it and from what the library knows of
//! the type.

use ipset_netlink::{Dimension, Method, SetType};

use super::Argument::{
    self, After, Before, BucketSize, Bytes, Comment, Comments, Counters, ForceAdd, InitVal,
    NoMatch, Packets, SkbInfo, SkbMark, SkbPrio, SkbQueue, Timeout, Wildcard,
};
use super::revision::Revision;
use super::{CommandSpec, Families, Field, Fields, Reading, TypeSpec};

/// A type as its table has it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) set_type: SetType,
    /// The name it had in ipset 4.
    pub(super) alias: &'static str,
    /// The number of the first revision, and what each brought.
    pub(super) revisions: (u8, &'static [Revision]),
    /// What `create` takes before the options that all types have, in the order of the help.
    pub(super) before: &'static [Argument],
    /// What it takes after them.
    pub(super) after: &'static [Argument],
    /// What the help says about the entry of `add` and `del`; `test` takes the same without ranges.
    pub(super) entry: &'static str,
    /// Whether `test` takes a range of addresses all the same.
    pub(super) tests_ranges: bool,
    /// The lines of its help that say what an entry looks like.
    pub(super) usage: &'static [&'static str],
}

impl Row {
    pub(super) fn spec(&'static self) -> TypeSpec {
        let dimensions = self.set_type.dimensions();
        let (oldest, revisions) = self.revisions;
        let revisions = revisions.iter().map(|revision| revision.text);
        TypeSpec {
            name: self.set_type.name(),
            alias: self.alias,
            set_type: self.set_type.clone(),
            families: self.families(),
            elements: self
                .elements()
                .map(|(reading, field, _)| (reading, field))
                .collect(),
            last_element_optional: dimensions.ends_with(&[Dimension::OptionalMac]),
            revisions: (oldest..).zip(revisions).collect(),
            create: self.create(),
            add: CommandSpec {
                help: self.entry.into(),
                arguments: self.since(self.added()),
                needed: self.needed(),
                allowed: self.allowed(true),
            },
            del: CommandSpec {
                help: self.entry.into(),
                arguments: self.since(self.neighbours().iter().copied()),
                needed: self.needed(),
                allowed: self.allowed(true),
            },
            test: CommandSpec {
                help: self.entry.replace("|IP/CIDR", "").replace("|FROM-TO", ""),
                arguments: self.since(self.exceptions().iter().chain(self.neighbours()).copied()),
                needed: self.needed(),
                allowed: self.allowed(self.tests_ranges),
            },
            usage: self.usage,
            explains_ports: dimensions.contains(&Dimension::Port),
        }
    }

    fn families(&self) -> Families {
        match (self.set_type.holds_addresses(), self.set_type.method()) {
            (false, _) => Families::Neutral,
            (true, Some(Method::Bitmap)) => Families::Inet,
            (true, _) => Families::Both,
        }
    }

    /// How each part of an entry is read, and the fields it fills: the one it must fill, and
    /// others.
    fn elements(&self) -> impl Iterator<Item = (Reading, Field, &'static [Field])> {
        let mut is_first = true;
        let is_hash = self.set_type.method() == Some(Method::Hash);
        let dimensions = self.set_type.dimensions().iter();
        dimensions.filter_map(move |dimension| {
            let first = std::mem::take(&mut is_first);
            let (address, net): (Field, &[Field]) = if first {
                (Field::Ip, &[Field::Cidr, Field::IpTo])
            } else {
                (Field::Ip2, &[Field::Cidr2, Field::Ip2To])
            };
            let element: (Reading, Field, &[Field]) = match dimension {
                // Where only one address is allowed, a range is read all the same and then refused.
                Dimension::SingleIp if is_hash && first => (Reading::IpOrRange, address, &[]),
                Dimension::SingleIp => (Reading::SingleIp, address, &[]),
                Dimension::Ip if is_hash => (Reading::IpOrRange, address, &[Field::IpTo]),
                Dimension::Ip => (Reading::Ip, address, &[Field::IpTo]),
                Dimension::Net => (Reading::Net, address, net),
                Dimension::Port => (Reading::Port, Field::Port, &[Field::PortTo]),
                Dimension::PortOfAnyProtocol => (Reading::PlainPort, Field::Port, &[Field::PortTo]),
                Dimension::Mac | Dimension::OptionalMac => (Reading::Mac, Field::Mac, &[]),
                Dimension::Mark => (Reading::Mark, Field::Mark, &[]),
                Dimension::Interface => (Reading::Interface, Field::Interface, &[Field::Physdev]),
                Dimension::Set => (Reading::SetName, Field::Name, &[Field::Before]),
                _ => return None,
            };
            Some(element)
        })
    }

    fn needed(&self) -> Fields {
        let mut needed = Fields::default();
        for (reading, field, _) in self.elements() {
            needed.insert(field);
            if reading == Reading::Port {
                needed.insert(Field::Protocol);
            }
        }
        if self.set_type.dimensions().contains(&Dimension::OptionalMac) {
            needed.remove(Field::Mac);
        }
        needed
    }

    fn allowed(&self, with_ranges: bool) -> Fields {
        let mut allowed = self.needed();
        for (_, field, others) in self.elements() {
            allowed.insert(field);
            for other in others {
                let is_range = matches!(other, Field::IpTo | Field::Ip2To | Field::PortTo);
                if with_ranges || !is_range {
                    allowed.insert(*other);
                }
            }
        }
        allowed
    }

    /// A bitmap is made for a range.
    fn create(&self) -> CommandSpec {
        let is_bitmap = self.set_type.method() == Some(Method::Bitmap);
        let (help, range) = match (is_bitmap, self.set_type.holds_addresses()) {
            (false, _) => ("", Fields::of(&[])),
            (true, true) => (
                "range IP/CIDR|FROM-TO",
                Fields::of(&[Field::Ip, Field::IpTo]),
            ),
            (true, false) => (
                "range [PROTO:]FROM-TO",
                Fields::of(&[Field::Port, Field::PortTo]),
            ),
        };
        let of_all = [
            (Timeout, "timeout"),
            (Counters, "counters"),
            (Comments, "comment"),
            (ForceAdd, "forceadd"),
            (SkbInfo, "skbinfo"),
            (BucketSize, "bucketsize"),
            (InitVal, "initval"),
        ];
        let of_all = of_all
            .into_iter()
            .filter(|(_, option)| self.set_type.takes(option));
        let of_all = of_all.map(|(argument, _)| argument);
        let arguments = self.before.iter().copied().chain(of_all);
        CommandSpec {
            help: help.into(),
            arguments: self.since(arguments.chain(self.after.iter().copied())),
            needed: range,
            allowed: range,
        }
    }

    /// What an entry can carry.
    fn added(&self) -> impl Iterator<Item = Argument> {
        let wildcard = self.set_type == SetType::HashNetIface;
        let own = self.exceptions().iter().chain(self.neighbours()).copied();
        let own = own.chain(wildcard.then_some(Wildcard));
        let extensions = [Packets, Bytes, Comment, SkbMark, SkbPrio, SkbQueue];
        [Timeout].into_iter().chain(own).chain(extensions)
    }

    fn exceptions(&self) -> &'static [Argument] {
        if self.set_type.holds_networks() {
            &[NoMatch]
        } else {
            &[]
        }
    }

    fn neighbours(&self) -> &'static [Argument] {
        match self.set_type.method() {
            Some(Method::List) => &[Before, After],
            _ => &[],
        }
    }

    /// Each argument with the revision that brought it.
    fn since(&self, arguments: impl Iterator<Item = Argument>) -> Vec<(Argument, u8)> {
        let (oldest, revisions) = self.revisions;
        let brought = |argument| {
            let mut numbered = (oldest..).zip(revisions);
            let found = numbered.find(|(_, revision)| revision.brings.contains(&argument));
            found.map_or(0, |(number, _)| number)
        };
        arguments
            .map(|argument| (argument, brought(argument)))
            .collect()
    }
}
