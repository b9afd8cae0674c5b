//! What another firewall's files come to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use iptables_ruleset::config::{Action, IcmpType, ServiceName, ServiceProtocol, ServiceSource};
use iptables_ruleset::{InterfaceName, Network, PortRange, Rate};

use super::place::Place;
use super::saved::SavedMembers;
use crate::findings::Problem;

/// What the files come to, and what is left of them.
#[derive(Debug, Default)]
pub(crate) struct Translation {
    /// The files that were read.
    pub(crate) read: Vec<PathBuf>,
    pub(crate) firewall: Firewall,
    /// Whether what was read is no firewall by itself: it says nothing of what is open.
    pub(crate) is_a_part: bool,
    /// Members that have ends, or are of sets that no file fills.
    pub(crate) saved: SavedMembers,
    /// The rules of the scans.
    pub(crate) rules: Vec<ScanRule>,
    /// The files that sets and lists are filled from.
    pub(crate) files: Vec<MemberFile>,
    /// What could not be translated.
    pub(crate) left: Said,
    /// What is translated and differs, or is to be known.
    pub(crate) notes: Said,
    names: BTreeSet<(Direction, String)>,
    set_names: BTreeSet<String>,
}

/// A firewall, as firewall.toml says it.
#[derive(Debug, Default)]
pub(crate) struct Firewall {
    /// Of `[policy]`: the key, its value, and where that came from.
    pub(crate) policies: Vec<(&'static str, &'static str, String)>,
    pub(crate) trusted: Vec<(InterfaceName, String)>,
    /// What is dropped without a line, and where that came from.
    pub(crate) quiet: Option<(&'static str, String)>,
    /// The interfaces by which packets leave under this host's address.
    pub(crate) masquerade: Vec<(InterfaceName, String)>,
    /// Whether bans hold for what is passed on, and why.
    pub(crate) protect: Option<String>,
    pub(crate) whitelist: Vec<Member>,
    pub(crate) blacklist: Vec<Member>,
    pub(crate) sets: Vec<FilledSet>,
    pub(crate) blocklists: Vec<FilledSet>,
    pub(crate) services: Vec<Service>,
    pub(crate) output: Vec<Service>,
    pub(crate) forward: Vec<Service>,
    pub(crate) port_forwards: Vec<PortForward>,
}

/// Which way packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    In,
    Out,
    Through,
}

/// An address or network of a list.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) network: Network,
    pub(crate) place: Place,
    pub(crate) comment: String,
}

/// A set or block list, and what fills it.
#[derive(Debug)]
pub(crate) struct FilledSet {
    pub(crate) name: String,
    /// What is said above it.
    pub(crate) remarks: Vec<String>,
    /// The file; `None`: others fill it.
    pub(crate) file: Option<String>,
    /// Keys besides, with their values.
    pub(crate) more: Vec<(&'static str, String)>,
}

/// A file beside firewall.toml.
#[derive(Debug)]
pub(crate) struct MemberFile {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A service, coming in, going out or passed on.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) name: ServiceName,
    pub(crate) remarks: Vec<String>,
    /// None: every protocol, of what is passed on.
    pub(crate) protocols: Vec<ServiceProtocol>,
    pub(crate) ports: Vec<PortRange>,
    pub(crate) types: Vec<IcmpType>,
    pub(crate) action: Action,
    pub(crate) log: Option<bool>,
    /// With the burst.
    pub(crate) rate: Option<(Rate, u32)>,
    pub(crate) connections: Option<u32>,
    pub(crate) sources: Vec<ServiceSource>,
    pub(crate) destinations: Vec<ServiceSource>,
    pub(crate) comes_in_by: Vec<InterfaceName>,
    pub(crate) leaves_by: Vec<InterfaceName>,
}

/// A port of this host that is another's.
#[derive(Debug)]
pub(crate) struct PortForward {
    pub(crate) name: ServiceName,
    pub(crate) remarks: Vec<String>,
    pub(crate) on: InterfaceName,
    pub(crate) protocol: ServiceProtocol,
    pub(crate) port: PortRange,
    pub(crate) to: String,
}

/// A `[[rule]]` of scan.toml.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScanRule {
    pub(crate) remarks: Vec<String>,
    pub(crate) rule: &'static str,
    pub(crate) protocol: String,
    pub(crate) howmany: u32,
    /// Seconds, as all spans.
    pub(crate) within: u64,
    pub(crate) distinct_ports: Option<u16>,
    pub(crate) removeafter: u64,
    /// The time that somebody is remembered, the factor, and the longest ban.
    pub(crate) repeat: Option<(u64, u32, u64)>,
    pub(crate) aggregate_at: Option<u32>,
    pub(crate) exempt: Vec<Network>,
}

impl ScanRule {
    /// Seconds: the longest ban that is a whole number of days.
    pub(crate) const LONGEST: u64 = 24 * 86_400;
    /// Seconds that somebody is remembered who was banned; longer than the longest ban.
    pub(crate) const REMEMBERED: u64 = 30 * 86_400;
    /// How many addresses can be exempt: a rules file is a MiB at most.
    pub(crate) const MOST_EXEMPT: usize = 10_000;
}

impl Service {
    /// A service for everybody.
    pub(crate) fn new(
        name: ServiceName,
        protocols: impl IntoIterator<Item = ServiceProtocol>,
    ) -> Self {
        Self {
            name,
            remarks: Vec::new(),
            protocols: protocols.into_iter().collect(),
            ports: Vec::new(),
            types: Vec::new(),
            action: Action::Accept,
            log: None,
            rate: None,
            connections: None,
            sources: Vec::new(),
            destinations: Vec::new(),
            comes_in_by: Vec::new(),
            leaves_by: Vec::new(),
        }
    }
}

impl Translation {
    /// Of files that are no firewall by themselves.
    pub(crate) fn of_a_part() -> Self {
        Self {
            is_a_part: true,
            ..Self::default()
        }
    }

    /// Notes what could not be translated: what it is, and why.
    pub(crate) fn left(&mut self, place: &Place, what: &str, why: &str) {
        self.left.say(place, what, why);
    }

    /// Notes what is translated and differs, or is to be known.
    pub(crate) fn note(&mut self, place: &Place, what: &str, why: &str) {
        self.notes.say(place, what, why);
    }

    /// A name that no other service of that direction has, as near to the wanted one as can be.
    pub(crate) fn name(
        &mut self,
        direction: Direction,
        wanted: &str,
    ) -> Result<ServiceName, Problem> {
        let base = plain(wanted, "service");
        let names = &mut self.names;
        let name = free(&base, NAME_MAX, |name| {
            names.insert((direction, name.to_owned()))
        });
        name.parse()
            .map_err(|error: iptables_ruleset::BuildError| error.to_string().into())
    }

    /// A name that no other set has.
    pub(crate) fn set_name(&mut self, wanted: &str) -> String {
        let base = plain(wanted, "list").to_ascii_lowercase();
        let base = base.strip_suffix("_v6").unwrap_or(&base);
        let names = &mut self.set_names;
        free(base, SET_NAME_MAX, |name| {
            !RESERVED.contains(&name) && names.insert(name.to_owned())
        })
    }
}

/// What is said of places, at most so many lines of a file.
#[derive(Debug, Default)]
pub(crate) struct Said {
    problems: Vec<Problem>,
    of_file: BTreeMap<PathBuf, usize>,
}

impl Said {
    fn say(&mut self, place: &Place, what: &str, why: &str) {
        let count = self.of_file.entry(place.path.to_path_buf()).or_default();
        *count += 1;
        if *count <= NAMED {
            let what = shortened(what);
            self.problems.push(place.problem(format!("{what}: {why}")));
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.of_file.values().sum()
    }

    /// All of them; of a file with very many, how many more there are.
    pub(crate) fn into_problems(self) -> impl Iterator<Item = Problem> {
        let more = self.of_file.into_iter().filter_map(|(path, count)| {
            let more = count.checked_sub(NAMED).filter(|more| *more > 0)?;
            Some(Problem::file(
                &path,
                format!("{more} more lines like these"),
            ))
        });
        self.problems.into_iter().chain(more)
    }
}

/// A network as people write it: one of a single address is that address.
pub(crate) fn short(network: &Network) -> String {
    if network.prefix_length() == network.family().address_bits() {
        network.address().to_string()
    } else {
        network.to_string()
    }
}

/// Types of ICMP by their names.
pub(crate) fn icmp_types(names: &[&str]) -> Result<Vec<IcmpType>, Problem> {
    let types = names.iter().map(|name| name.parse());
    types
        .collect::<Result<_, iptables_ruleset::BuildError>>()
        .map_err(|error| error.to_string().into())
}

/// A text as a line of a report can hold it.
pub(crate) fn shortened(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '?' } else { c };
    let mut short: String = text.chars().take(SHOWN).map(shown).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

/// The letters of a name that every name may have.
fn plain(wanted: &str, otherwise: &str) -> String {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name: String = wanted
        .chars()
        .map(|c| if good(c) { c } else { '-' })
        .take(SET_NAME_MAX)
        .collect();
    let name = name.trim_matches('-');
    match name {
        "" => otherwise.to_owned(),
        name if name.starts_with("throttle-") => format!("own-{name}"),
        name => name.to_owned(),
    }
}

/// The first of `base`, `base-2`, `base-3` … that `take` takes.
fn free(base: &str, most: usize, mut take: impl FnMut(&str) -> bool) -> String {
    let cut = |length: usize| base.get(..length).unwrap_or(base).trim_end_matches('-');
    let mut name = cut(most).to_owned();
    let mut number = 1_u32;
    while !take(&name) {
        number = number.saturating_add(1);
        let ending = format!("-{number}");
        let length = most.saturating_sub(ending.len());
        name = format!("{}{ending}", cut(length));
    }
    name
}

/// Bytes of a service's name, and of a set's.
const NAME_MAX: usize = 20;
const SET_NAME_MAX: usize = 28;
/// The sets that are always there.
const RESERVED: [&str; 8] = [
    "whitelist",
    "blacklist",
    "throttle-soft",
    "throttle-hard",
    "blacklist-instant",
    "throttle-soft-instant",
    "throttle-hard-instant",
    "pardoned",
];
/// Of a file this many lines are named, the rest is counted.
const NAMED: usize = 200;
/// Characters of what a file says that are shown.
const SHOWN: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_free_and_allowed() {
        let mut made = Translation::default();
        let mut name = |wanted: &str| made.name(Direction::In, wanted).unwrap().to_string();
        assert_eq!(name("tcp-in"), "tcp-in");
        assert_eq!(name("tcp-in"), "tcp-in-2");
        assert_eq!(name("throttle-x"), "own-throttle-x");
        assert_eq!(name("ü ber!"), "ber");
        assert_eq!(name("🦀"), "service");
        let long = "a-very-long-name-that-nobody-can-have";
        assert_eq!(name(long), "a-very-long-name-tha");
        assert_eq!(name(long), "a-very-long-name-t-2");
        assert_eq!(made.set_name("Blacklist_v6"), "blacklist-2");
    }

    #[test]
    fn of_a_file_with_very_many_bad_lines_the_rest_is_counted() {
        let mut said = Said::default();
        for line in 1..=NAMED + 5 {
            let path = std::path::Path::new("x").into();
            said.say(&Place { path, line }, "a\u{1b}[2J", "no");
        }
        assert_eq!(said.count(), NAMED + 5);
        let all: Vec<_> = said.into_problems().map(|one| one.to_string()).collect();
        assert_eq!(all.len(), NAMED + 1);
        assert_eq!(all[0], "x:1: a?[2J: no");
        assert_eq!(all[NAMED], "x: 5 more lines like these");
    }
}
