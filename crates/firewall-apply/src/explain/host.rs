//! What this host knows: who is in its sets, and what is left of its limits.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::ControlFlow;

use ipset_netlink::{
    Dimension, Element, Entry, Error, IpSet, Key, Listed, Port, Timeout, TypeOfSet,
};
use iptables_ruleset::explain::{Answer, Budget, Direction, Facts, Packet};
use iptables_ruleset::{Family, SetName};
use netfilter_host::hashlimit;
use serde::Serialize;

use crate::words::Span;

/// The kernel of this network namespace. Each set is asked once.
pub(super) struct Host {
    sets: IpSet,
    names: BTreeMap<u16, Option<String>>,
    answers: BTreeMap<(SetName, Vec<bool>), Answer>,
    found: Vec<Found>,
    budgets: BTreeMap<String, Left>,
    problems: Vec<Error>,
}

/// The entry of a set that decides.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    /// The set.
    pub(super) set: String,
    /// The entry, such as `203.0.113.0/24`; null where it cannot be told which one it is.
    pub(super) entry: Option<String>,
    /// Whether it is an exception, so that the set does not match.
    pub(super) nomatch: bool,
    /// Its comment.
    pub(super) comment: Option<String>,
    /// Seconds until it ends; null where it does not end.
    pub(super) timeout: Option<u32>,
}

/// What is left of a limit.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Left {
    /// The name of the limit.
    pub(super) name: String,
    /// Packets that may come at once; null where it cannot be told.
    pub(super) packets: Option<u64>,
    /// Packets of a full budget.
    pub(super) burst: u64,
    /// How many sources or networks are counted in the same table.
    pub(super) sources: Option<u64>,
}

impl Host {
    pub(super) fn new(sets: IpSet) -> Self {
        Self {
            sets,
            names: BTreeMap::new(),
            answers: BTreeMap::new(),
            found: Vec::new(),
            budgets: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// Why sets could not be asked.
    pub(super) fn take_problems(&mut self) -> Vec<Error> {
        std::mem::take(&mut self.problems)
    }

    /// The entries that were found, and what is left of the limits that were asked.
    pub(super) fn into_findings(self) -> (Vec<Found>, Vec<Left>) {
        (self.found, self.budgets.into_values().collect())
    }

    fn look(
        &mut self,
        set: &SetName,
        directions: &[Direction],
        packet: &Packet,
    ) -> Result<Answer, Error> {
        let Ok(name) = set.as_str().parse() else {
            return Ok(Answer::perhaps("who is in a set of that name"));
        };
        let of = self.sets.type_of(&name)?;
        let Some(key) = key(&of, directions, packet) else {
            return Ok(Answer::perhaps(format!(
                "who is in a set of type {}",
                of.set_type
            )));
        };
        let inside = self.sets.contains(&name, &key)?;
        // An exception is an entry too, and the one that decides.
        let nomatch = !inside
            && of.set_type.holds_networks()
            && self.sets.test(&name, &Entry::new(key.clone()).nomatch())?;
        if !inside && !nomatch {
            return Ok(Answer::no(format!("{key} is not in it")));
        }
        let mut found = Found {
            set: set.to_string(),
            entry: None,
            nomatch,
            comment: None,
            timeout: None,
        };
        if let Some(address) = key.as_ip() {
            if let Some(entry) = self.covering(&name, address, nomatch)? {
                found.comment = entry.comment.as_ref().map(ToString::to_string);
                let ends = entry.timeout.filter(|timeout| !timeout.is_permanent());
                found.timeout = ends.map(Timeout::as_secs);
                found.entry = Some(entry.key.to_string());
            }
        }
        let answer = Answer::known(inside, found.words(&key));
        self.found.push(found);
        Ok(answer)
    }

    /// The smallest network of a set that an address is in.
    fn covering(
        &mut self,
        set: &ipset_netlink::SetName,
        address: IpAddr,
        nomatch: bool,
    ) -> Result<Option<Entry>, Error> {
        let mut smallest: Option<(u8, Entry)> = None;
        self.sets.for_each(Some(set), |listed| {
            if let Listed::Entry(entry) = listed {
                let network = entry.key.as_network();
                let network = network.filter(|network| network.contains(address));
                if let (Some(network), true) = (network, entry.nomatch == nomatch) {
                    let length = network.prefix_length();
                    if smallest.as_ref().is_none_or(|(known, _)| *known < length) {
                        smallest = Some((length, entry));
                    }
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(smallest.map(|(_, entry)| entry))
    }
}

impl Found {
    /// `203.0.113.0/24 is in it ("a scan"), for another 54m`.
    fn words(&self, key: &Key) -> String {
        let entry = self.entry.clone().unwrap_or_else(|| key.to_string());
        let what = if self.nomatch {
            "is an exception in it"
        } else {
            "is in it"
        };
        let comment = self.comment.as_ref();
        let comment = comment.map(|text| format!(" (\"{}\")", text.escape_debug()));
        let left = self
            .timeout
            .map(|seconds| format!(", for another {}", Span(seconds)));
        format!(
            "{entry} {what}{}{}",
            comment.unwrap_or_default(),
            left.unwrap_or_default()
        )
    }
}

impl Facts for Host {
    fn set_name(&mut self, index: u16) -> Option<String> {
        let sets = &mut self.sets;
        let name = || sets.name_of(index).ok().map(|name| name.to_string());
        self.names.entry(index).or_insert_with(name).clone()
    }

    fn member(&mut self, set: &SetName, directions: &[Direction], packet: &Packet) -> Answer {
        let of_source = directions.iter().map(|one| *one == Direction::Source);
        let question = (set.clone(), of_source.collect());
        if let Some(answer) = self.answers.get(&question) {
            return answer.clone();
        }
        let answer = match self.look(set, directions, packet) {
            Ok(answer) => answer,
            Err(error) => {
                self.problems.push(error);
                Answer::perhaps("who is in a set that cannot be asked")
            }
        };
        self.answers.insert(question, answer.clone());
        answer
    }

    fn within(&mut self, budget: &Budget<'_>) -> Answer {
        let left = look_at(budget);
        let answer = left.answer(budget);
        self.budgets.insert(left.name.clone(), left);
        answer
    }
}

impl Left {
    fn answer(&self, budget: &Budget<'_>) -> Answer {
        let full = match (self.sources, budget.most) {
            (Some(sources), Some(most)) => self.packets.is_none() && sources >= u64::from(most),
            _ => false,
        };
        if full {
            return Answer::perhaps("a table of sources that is full: who is not in it is dropped");
        }
        match (self.packets, self.sources) {
            (None, None) => Answer::perhaps("what is left of the limit, which cannot be read"),
            (None, Some(_)) => Answer::yes(format!("none of its {} packets is used", self.burst)),
            (Some(0), _) => Answer::no(format!("none of {} packets is left", self.burst)),
            (Some(left), _) => Answer::yes(format!("{left} of {} packets are left", self.burst)),
        }
    }
}

/// What the kernel says of a budget.
fn look_at(budget: &Budget<'_>) -> Left {
    let mut left = Left {
        name: budget.name.to_owned(),
        packets: None,
        burst: budget.burst.into(),
        sources: None,
    };
    // Everybody's budget is that of no address, in the family of the rule.
    let family = budget.family;
    let source = match (budget.of, family) {
        (Some(network), _) => network.address(),
        (None, Family::Ipv4) => Ipv4Addr::UNSPECIFIED.into(),
        (None, Family::Ipv6) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let of = match family {
        Family::Ipv4 => hashlimit::Family::Ipv4,
        Family::Ipv6 => hashlimit::Family::Ipv6,
    };
    let table: io::Result<hashlimit::Table> = hashlimit::look(of, budget.name, source);
    if let Ok(table) = table {
        left.sources = Some(table.budgets);
        left.packets = table.budget.map(|budget| budget.packets);
    }
    left
}

/// What a set of this type compares, where all of it is known.
fn key(of: &TypeOfSet, directions: &[Direction], packet: &Packet) -> Option<Key> {
    let mut elements = Vec::new();
    for (dimension, direction) in of.set_type.dimensions().iter().zip(directions) {
        let source = *direction == Direction::Source;
        let element = match dimension {
            Dimension::Ip | Dimension::SingleIp | Dimension::Net => {
                let address = if source {
                    Some(packet.source())
                } else {
                    packet.destination()
                };
                Element::from(address?)
            }
            Dimension::Port => {
                let port = if source {
                    packet.source_port()
                } else {
                    packet.destination_port()
                };
                let port = port.or_else(|| {
                    let (kind, code) = packet.icmp_type()?;
                    Some(u16::from_be_bytes([kind, code]))
                });
                Element::from(Port::new(packet.protocol_number()?, port?))
            }
            _ => return None,
        };
        elements.push(element);
    }
    match <[Element; 1]>::try_from(elements) {
        Ok([one]) => Some(Key::from(one)),
        Err(more) => match <[Element; 2]>::try_from(more) {
            Ok([a, b]) => Some(Key::from((a, b))),
            Err(more) => {
                let [a, b, c] = <[Element; 3]>::try_from(more).ok()?;
                Some(Key::from((a, b, c)))
            }
        },
    }
}
