//! Which sources hit too often, packet by packet.

mod hits;
mod late;
mod ported;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::SystemTime;

use self::hits::Hits;
use crate::event::Event;
use crate::packet::Transport;
use crate::rule::{Limit, Tally, Threshold, Window};
use crate::time::{from_micros, to_micros};

/// Counts the packets of each source under a list of rules.
///
/// For a program that follows a log, [`observe`](Self::observe) says at each packet whether it
/// belongs to a violation. For one that reads a log to its end, [`violators`](Self::violators) and
/// [`tallies`](Self::tallies) then say what it all came to. Both count alike, and lines need not be
/// in order: a packet seen late counts where it belongs.
///
/// Times count to the microsecond. A packet in order costs a constant, one out of order the
/// logarithm of what its source has sent. A source that has been seen once or twice takes some 40
/// to 80 bytes of a map, and every further packet 8; [`forget_before`](Self::forget_before) bounds
/// that. The maps are std's with their random keys, since whoever is logged chooses the addresses.
#[derive(Debug, Clone)]
pub struct Detector {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    threshold: Threshold,
    limit: Limit,
    matched: u64,
    v4: HashMap<Ipv4Addr, Hits>,
    v6: HashMap<Ipv6Addr, Hits>,
}

/// A window over the threshold, as [`Detector::observe`] sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Who; the first address of the network, where the rule [counts
    /// networks](Threshold::aggregate_v6).
    pub source: IpAddr,
    /// The prefix length of the network; 32 or 128 for a single address.
    pub prefix_length: u8,
    /// Which of the detector's rules, from 0.
    pub rule: usize,
    /// The packets in the window: the fullest that holds the one just observed.
    pub hits: NonZeroU32,
    /// The first packet in the window.
    pub first_seen: SystemTime,
    /// The last packet in the window; what a ban is dated from.
    pub last_seen: SystemTime,
}

impl Detector {
    /// A detector that has seen nothing yet.
    pub fn new(rules: impl IntoIterator<Item = Threshold>) -> Self {
        let rules = rules.into_iter().map(Rule::new).collect();
        Self { rules }
    }

    /// Counts a packet that was logged at `at` under every rule that [matches](Threshold::matches)
    /// it.
    ///
    /// Answers the violation that it belongs to: the fullest window that holds it, if that reaches
    /// the threshold. So a source that goes on is answered again at each packet, later each time,
    /// and a ban that is extended each time ends when one dated from the whole log would. If
    /// several rules are violated, it is the first of them in the order they were given.
    ///
    /// A packet [without source](Event::source) is passed over. A line that stands for
    /// [several](Event::repeated) counts as the last of them.
    pub fn observe(&mut self, event: &Event<'_>, at: SystemTime) -> Option<Violation> {
        let source = event.source()?;
        let at = to_micros(at);
        let mut first = None;
        for (index, rule) in self.rules.iter_mut().enumerate() {
            if !rule.threshold.matches(event) {
                continue;
            }
            let (network, window) = rule.add(source, at, event);
            first = first.or(window.map(|window| (index, network, window)));
        }
        first.map(|(rule, (source, prefix_length), window)| Violation {
            source,
            prefix_length,
            rule,
            hits: u32::try_from(window.hits)
                .ok()
                .and_then(NonZeroU32::new)
                .unwrap_or(NonZeroU32::MAX),
            first_seen: from_micros(window.first),
            last_seen: from_micros(window.last),
        })
    }

    /// Forgets all packets before `at`, and the sources of which none is left. Goes through all
    /// sources: a call now and then is meant, not one for each packet. What lies further back than
    /// the longest [`within`](Threshold::within) is of no more use to [`observe`](Self::observe).
    pub fn forget_before(&mut self, at: SystemTime) {
        let at = to_micros(at);
        for rule in &mut self.rules {
            rule.v4.retain(|_, hits| hits.forget_before(at));
            rule.v6.retain(|_, hits| hits.forget_before(at));
            give_back(&mut rule.v4);
            give_back(&mut rule.v6);
        }
    }

    /// Every source that a rule has counted, in no order; nothing for a rule there is not.
    pub fn tallies(&self, rule: usize) -> impl Iterator<Item = Tally> {
        self.rules.get(rule).into_iter().flat_map(Rule::tallies)
    }

    /// The sources that reached the rule's threshold, in no order.
    pub fn violators(&self, rule: usize) -> impl Iterator<Item = Tally> {
        self.tallies(rule)
            .filter(|tally| tally.last_violating.is_some())
    }

    /// How many packets a rule has counted, also those forgotten since; 0 for a rule there is not.
    pub fn matched(&self, rule: usize) -> u64 {
        self.rules.get(rule).map_or(0, |rule| rule.matched)
    }

    /// How many sources a rule knows; 0 for a rule there is not.
    pub fn sources(&self, rule: usize) -> usize {
        self.rules
            .get(rule)
            .map_or(0, |rule| rule.v4.len() + rule.v6.len())
    }
}

impl Rule {
    fn new(threshold: Threshold) -> Self {
        let limit = threshold.limit();
        Self {
            threshold,
            limit,
            matched: 0,
            v4: HashMap::new(),
            v6: HashMap::new(),
        }
    }

    fn add(
        &mut self,
        source: IpAddr,
        at: i64,
        event: &Event<'_>,
    ) -> ((IpAddr, u8), Option<Window>) {
        self.matched += 1;
        let port = if self.limit.ports > 0 {
            event.packet.network.transport().and_then(Transport::ports)
        } else {
            None
        };
        let hit = (at, port.map(|(_, destination)| destination));
        let network = self.threshold.network(source);
        let window = match network.0 {
            IpAddr::V4(source) => add(&mut self.v4, source, hit, self.limit),
            IpAddr::V6(source) => add(&mut self.v6, source, hit, self.limit),
        };
        (network, window)
    }

    fn tallies(&self) -> impl Iterator<Item = Tally> {
        let v4 = self
            .v4
            .iter()
            .map(|(source, hits)| (IpAddr::from(*source), hits));
        let v6 = self
            .v6
            .iter()
            .map(|(source, hits)| (IpAddr::from(*source), hits));
        v4.chain(v6)
            .map(|(source, hits)| Tally::of_sum(&self.threshold, source, hits.sum(self.limit)))
    }
}

/// After a flood the map is large; one that is merely emptier now may well be filled again.
fn give_back<A: Eq + Hash>(sources: &mut HashMap<A, Hits>) {
    if sources.len() < sources.capacity() / 4 {
        sources.shrink_to(sources.len() * 2);
    }
}

fn add<A: Eq + Hash>(
    sources: &mut HashMap<A, Hits>,
    source: A,
    (at, port): (i64, Option<u16>),
    limit: Limit,
) -> Option<Window> {
    match sources.entry(source) {
        Entry::Occupied(mut known) => known.get_mut().add(at, port, limit),
        Entry::Vacant(new) => new.insert(Hits::new(at, port, limit)).first_window(limit),
    }
}
