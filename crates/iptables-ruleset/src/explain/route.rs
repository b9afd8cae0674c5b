//! The way of a packet through every table of a host.

use super::ending::{Added, Ending, LogLine, Verdict, either};
use super::walk::Explanation;
use crate::packet::{Facts, Holds, Packet, Tracking};
use crate::{Family, Hook, KernelTable, Table};

/// What becomes of a packet in all the chains that it comes through on its way to this host, or
/// through it, whoever made them: those of the hook prerouting, then those of input or forward; from
/// this host those of output, then those of postrouting; in the order of their priorities.
///
/// Tables of iptables-legacy, of bridges and of network devices are not among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Route {
    /// The chains that it comes through, in order. A chain without a rule that accepts everything is
    /// left out.
    pub passages: Vec<Passage>,
    /// How its way can end: for each the passage that it ends in, by its place, and how. A way that
    /// an earlier chain lets through ends in the last one. None: no chain has anything to say.
    pub endings: Vec<(usize, Ending)>,
}

/// A chain that a packet comes through.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Passage {
    /// Which chain.
    pub place: Place,
    /// What becomes of the packet there.
    pub explanation: Explanation,
}

/// A chain at which packets enter a table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// `ip`, `ip6`, or `inet` for both.
    pub family: &'static str,
    /// Its table.
    pub table: String,
    /// Its name.
    pub chain: String,
    /// `prerouting`, `input`, `forward`, `output` or `postrouting`.
    pub hook: &'static str,
    /// Where it stands among the chains of that hook; the one of iptables' filter table has 0.
    pub priority: i32,
}

impl Place {
    /// Whether it is a built-in chain of this table of iptables.
    pub fn is_built_in(&self, table: Table, hook: Hook) -> bool {
        self.table == table.name() && self.chain == hook.chain() && self.family != "inet"
    }
}

impl Route {
    /// Follows a packet through the tables of a host.
    pub fn follow(tables: &[KernelTable], packet: &Packet, facts: &mut dyn Facts) -> Self {
        let mut packet = packet.clone();
        let mut route = Self::default();
        let (mut logged, mut added): (Vec<LogLine>, Vec<Added>) = (Vec::new(), Vec::new());
        let mut ended: Vec<(usize, Ending)> = Vec::new();
        for (place, table) in chains(tables, &packet) {
            // Connection tracking has not seen it yet.
            let is_first = matches!(place.hook, "prerouting" | "output");
            let before = is_first && place.priority < NF_IP_PRI_CONNTRACK;
            let as_seen = if before {
                packet.clone().unseen()
            } else {
                packet.clone()
            };
            let explanation = super::table(&table.state, &place.chain, &as_seen, facts);
            if explanation.untracked == Some(Holds::Yes) && before {
                packet = packet.tracking(Tracking::Untracked);
            }
            let silent =
                explanation.steps.is_empty() && explanation.verdict() == Some(Verdict::Accept);
            if silent {
                continue;
            }
            let at = route.passages.len();
            let mut through = Vec::new();
            for ending in &explanation.endings {
                let mut ending = ending.clone();
                ending.logged.splice(0..0, logged.iter().cloned());
                ending.added.splice(0..0, added.iter().cloned());
                if ending.verdict == Verdict::Accept {
                    through.push((ending.logged.clone(), ending.added.clone()));
                }
                ended.push((at, ending));
            }
            route.passages.push(Passage { place, explanation });
            let goes_on = !through.is_empty();
            (logged, added) = through
                .into_iter()
                .reduce(|a, b| (either(&a.0, &b.0), either(&a.1, &b.1)))
                .unwrap_or_default();
            if !goes_on {
                break;
            }
        }
        // What a chain lets through comes to the next one.
        let last = route.passages.len().saturating_sub(1);
        ended.retain(|(at, ending)| *at == last || ending.verdict != Verdict::Accept);
        route.endings = ended;
        route
    }

    /// What becomes of the packet, where all endings agree.
    pub fn verdict(&self) -> Option<Verdict> {
        let whole = self.passages.iter().all(|one| !one.explanation.cut_short);
        let mut verdicts = self.endings.iter().map(|(_, ending)| ending.verdict);
        let first = verdicts.next().unwrap_or(Verdict::Accept);
        (whole && verdicts.all(|other| other == first)).then_some(first)
    }
}

/// The chains that a packet comes through, in order.
fn chains<'t>(tables: &'t [KernelTable], packet: &Packet) -> Vec<(Place, &'t KernelTable)> {
    let hooks = if packet.is_sent() {
        [(Hook::Output, "output"), (Hook::Postrouting, "postrouting")]
    } else if packet.is_passed_on() {
        [(Hook::Prerouting, "prerouting"), (Hook::Forward, "forward")]
    } else {
        [(Hook::Prerouting, "prerouting"), (Hook::Input, "input")]
    };
    let hooks = hooks.map(|(hook, name)| (hook.number(), name));
    let own = match packet.family() {
        Family::Ipv4 => "ip",
        Family::Ipv6 => "ip6",
    };
    let mut found = Vec::new();
    for table in tables
        .iter()
        .filter(|table| table.family == own || table.family == "inet")
    {
        for (name, chain) in table.state.chains() {
            let Some(base) = &chain.base else { continue };
            let order = hooks.iter().position(|(number, _)| *number == base.hook);
            let Some((order, (_, hook))) = order.and_then(|at| Some((at, hooks.get(at)?))) else {
                continue;
            };
            // Addresses are only rewritten where a connection begins.
            let new = packet.state() == Tracking::New;
            if base.kind == "filter" || (base.kind == "nat" && new) {
                let place = Place {
                    family: table.family,
                    table: table.name.clone(),
                    chain: name.to_owned(),
                    hook,
                    priority: base.priority,
                };
                found.push(((order, base.priority), place, table));
            }
        }
    }
    found.sort_by_key(|(order, _, _)| *order);
    found
        .into_iter()
        .map(|(_, place, table)| (place, table))
        .collect()
}

/// enum `nf_ip_hook_priorities`, `linux/netfilter_ipv4.h`.
const NF_IP_PRI_CONNTRACK: i32 = -200;
