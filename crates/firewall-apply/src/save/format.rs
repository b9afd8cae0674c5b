//! What a saved file holds, and its lines as `ipset save` writes them.

use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};

use ipset_netlink::{
    Counters, CreateSet, Element, Entry, Interface, Key, Position, SetName, SetType, SkbMark,
    Timeout,
};
use jiff::Timestamp;

/// The first words of the first line of a file of ours; version and time follow.
pub(super) const MAGIC: &str = "# rampart sets.save ";
/// The last line of a file of ours: without it the file was cut off.
pub(super) const END: &str = "# rampart sets.save end";

/// A saved file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Saved {
    /// When it was written; files of `ipset save` do not say.
    pub(crate) at: Option<Timestamp>,
    /// The sets in the order of their first line.
    pub(crate) sets: Vec<SavedSet>,
}

/// The lines about one set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct SavedSet {
    /// Its name.
    pub(crate) name: SetName,
    /// Its `create` line, if there is one.
    pub(crate) create: Option<CreateSet>,
    /// Its `add` lines.
    pub(crate) members: Vec<Member>,
}

/// An `add` line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Member {
    /// The number of the line, from 1.
    pub(crate) line: usize,
    /// What it adds; with a timeout as it was at the time of saving.
    pub(crate) entry: Entry,
}

impl Saved {
    /// The lines about the set `name`.
    pub(crate) fn set(&self, name: &SetName) -> Option<&SavedSet> {
        self.sets.iter().find(|set| set.name == *name)
    }

    /// Writes the file. With a time of saving it is one of ours: the time, the sets, the mark of
    /// the end.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub(crate) fn write(&self, mut out: impl Write) -> io::Result<()> {
        if let Some(at) = self.at {
            writeln!(out, "{MAGIC}1 saved={at}")?;
        }
        for set in &self.sets {
            if let Some(create) = &set.create {
                writeln!(out, "{}", CreateLine(create))?;
            }
            for member in &set.members {
                write!(out, "add {} ", set.name)?;
                words(&mut out, &member.entry)?;
                writeln!(out)?;
            }
        }
        match self.at {
            Some(_) => writeln!(out, "{END}"),
            None => Ok(()),
        }
    }
}

/// The `create` line of a set, as `ipset restore` reads it.
#[derive(Debug)]
pub(crate) struct CreateLine<'a>(pub(crate) &'a CreateSet);

impl Display for CreateLine<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let CreateSet {
            name,
            set_type,
            family,
            options,
            ..
        } = self.0;
        write!(f, "create {name} {set_type}")?;
        option(f, "range", options.range)?;
        option(f, "family", set_type.takes("family").then_some(family))?;
        option(f, "markmask", options.mark_mask.map(Hex))?;
        option(f, "hashsize", options.hash_size)?;
        option(f, "maxelem", options.max_elements)?;
        option(f, "size", options.size)?;
        option(f, "netmask", options.netmask)?;
        option(f, "bitmask", options.bitmask)?;
        option(f, "timeout", options.timeout.map(Timeout::as_secs))?;
        for (word, there) in [
            ("counters", options.counters),
            ("comment", options.comments),
            ("skbinfo", options.skbinfo),
            ("forceadd", options.forceadd),
        ] {
            if there {
                write!(f, " {word}")?;
            }
        }
        option(f, "bucketsize", options.bucket_size)?;
        option(f, "initval", options.initial_value.map(Hex))
    }
}

/// An entry as the end of its `add` line.
fn words(out: &mut impl Write, entry: &Entry) -> io::Result<()> {
    write!(out, "{}", entry.key)?;
    if let Some(timeout) = entry.timeout {
        write!(out, " timeout {}", timeout.as_secs())?;
    }
    if entry.nomatch {
        write!(out, " nomatch")?;
    }
    if let Some(Element::Interface(Interface { wildcard: true, .. })) = entry.key.elements().last()
    {
        write!(out, " wildcard")?;
    }
    if let Some(counters) = entry.counters {
        let Counters { packets, bytes } = counters;
        write!(out, " packets {packets} bytes {bytes}")?;
    }
    if let Some(comment) = &entry.comment {
        // As the bytes it is, which need not be UTF-8.
        out.write_all(&[b" comment \"", comment.as_bytes(), b"\""].concat())?;
    }
    let skbinfo = entry.skbinfo.unwrap_or_default();
    if let Some(SkbMark { value, mask }) = skbinfo.mark {
        write!(out, " skbmark {}/{}", Hex(value), Hex(mask))?;
    }
    if let Some(class) = skbinfo.priority {
        write!(out, " skbprio {:x}:{:x}", class >> 16, class & 0xffff)?;
    }
    if let Some(queue) = skbinfo.queue {
        write!(out, " skbqueue {queue}")?;
    }
    match &entry.position {
        Some(Position::Before(set)) => write!(out, " before {set}"),
        Some(Position::After(set)) => write!(out, " after {set}"),
        None => Ok(()),
    }
}

fn option(f: &mut Formatter<'_>, word: &str, value: Option<impl Display>) -> fmt::Result {
    match value {
        Some(value) => write!(f, " {word} {value}"),
        None => Ok(()),
    }
}

struct Hex(u32);

impl Display for Hex {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// Why the entry can never be a member of a set of this `create` line; `None` when it can.
pub(crate) fn misfit(entry: &Entry, set: &CreateSet) -> Option<String> {
    let key = &entry.key;
    let why = match (&set.set_type, key.elements()) {
        _ if key.family().is_some_and(|family| family != set.family) => {
            format!("the set is for family {}", set.family)
        }
        (set_type, _) if !set_type.accepts(key) => format!("the set is of type {set_type}"),
        (set_type, _) if entry.nomatch && !set_type.holds_networks() => {
            format!("a set of type {set_type} has no exceptions (nomatch)")
        }
        (SetType::HashIp, [Element::Net(_) | Element::Range(_)]) => {
            "a set of type hash:ip takes single addresses only".to_owned()
        }
        (SetType::HashNet, [Element::Net(network)]) if network.prefix_length() == 0 => {
            "a set of type hash:net takes no prefix of 0; give the two halves, with a prefix of 1"
                .to_owned()
        }
        _ => return None,
    };
    Some(cannot_add(key, &set.name, &why))
}

/// The words of the kernel's own refusals.
pub(crate) fn cannot_add(key: &Key, set: &SetName, why: &str) -> String {
    format!("cannot add {key} to set \"{set}\": {why}")
}
