//! A log that goes on: which sources break a threshold, told at the packet that does it.

mod history;
mod lines;
mod repeated;
mod sources;

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::time::SystemTime;

use self::history::{Breach, Limits, bytes_for};
pub use self::lines::LineDetector;
use self::repeated::EventBefore;
use self::sources::{LEAST, Sources};
use crate::event::Event;
use crate::packet::Transport;
use crate::rule::{Nature, Span, Threshold};
use crate::time::{from_micros, to_micros};

/// Says at each packet whose threshold its source breaks with it: for a program that follows a log
/// and acts at once. A [`LineDetector`] reads the lines itself. A log that is read to its end is for
/// a [`Scan`](crate::Scan), which counts alike.
///
/// # Late lines
///
/// Lines need not be in order. A packet that comes later than newer ones of its source, by no more
/// than the rule's [`within`](Threshold::within), counts where it belongs, and the answers are those
/// of a `Scan` of the same lines. A packet that comes later still is counted with what is kept of
/// its source: it makes nobody a violator who is none.
///
/// # Memory
///
/// A source that sent one packet takes 15 bytes (IPv4) or 27 (IPv6), two more if a rule asks for
/// ports, however many rules count it. Of a source that sent more, each rule keeps the last packets,
/// in 40 bytes each: at most four times as many as its [`hits`](Threshold::hits) or its
/// [ports](Threshold::distinct_ports), and 128 if that is less. One case is judged by fewer packets than were sent, so that the last window may end earlier
/// than a `Scan` says: a source sends more than 64 packets in two windows to a rule that asks for
/// ports, and some of them come late.
///
/// All sources together take no more than [allowed](Self::memory): 140 MiB unless set, which is room
/// for five million sources of one packet each. When it is full, those are dropped that sent nothing
/// for the longest time, and [`dropped`](Self::dropped) says how many. A source that was dropped is
/// new when it comes back. However much is allowed, there are no more than eight million sources of
/// one packet of a family and prefix length. [`forget_before`](Self::forget_before) keeps the memory from getting
/// full.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use std::num::NonZeroU32;
/// use std::time::{Duration, SystemTime};
///
/// use firewall_log::{Detector, Event, Threshold};
///
/// const HOUR: Duration = Duration::from_secs(3600);
/// let line = b"[1.0] DROP: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2";
/// let event = Event::parse(line).unwrap();
/// let two_in_a_minute = Threshold::new(NonZeroU32::new(2).unwrap(), Duration::from_secs(60));
/// let mut detector = Detector::new([two_in_a_minute]);
///
/// let mut ends = HashMap::new();
/// for second in [0, 50, 100, 500] {
///     let at = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
///     for violation in detector.observe(&event, at) {
///         // A ban begins, or is prolonged; a late packet may tell of a window that is over.
///         let end = ends.entry(violation.source).or_insert(violation.last_seen);
///         *end = violation.last_seen.max(*end);
///     }
///     detector.forget_before(at - Duration::from_secs(10));
/// }
/// let end = ends[&event.source().unwrap()] + HOUR;
/// assert_eq!(end, SystemTime::UNIX_EPOCH + Duration::from_secs(100) + HOUR);
/// ```
#[derive(Debug, Clone)]
pub struct Detector {
    rules: Vec<Threshold>,
    /// Whether any of them asks for ports.
    ports: bool,
    limits: Limits,
    /// What the rules count sources as.
    networks: Vec<Networks>,
    /// A table for each of those.
    sources: Sources,
    before: EventBefore,
}

/// The networks of one family and length.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Networks {
    is_v4: bool,
    length: u8,
    /// The rules that count them, in order.
    rules: Vec<usize>,
}

/// A source broke the threshold of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Which of the detector's rules, from 0.
    pub rule: usize,
    /// The source; the first address of its network, where the rule [counts
    /// networks](Threshold::aggregate_v6).
    pub source: IpAddr,
    /// The prefix length of the network; 32 or 128 for a single address.
    pub prefix_length: u8,
    /// The packets in the window, at least as many as the rule [asks for](Threshold::hits).
    pub hits: u64,
    /// The different destination ports in the window, if the rule [asks for
    /// them](Threshold::distinct_ports).
    pub ports: Option<u32>,
    /// The first packet in the window.
    pub first_seen: SystemTime,
    /// The last packet in the window, which a ban is dated from.
    pub last_seen: SystemTime,
}

impl Violation {
    /// What a network did by a rule, which asks for that many `ports` if for any.
    fn new(
        breach: &Breach,
        (source, prefix_length): (IpAddr, u8),
        ports: Option<NonZeroU16>,
    ) -> Self {
        Self {
            rule: breach.rule,
            source,
            prefix_length,
            hits: breach.window.hits,
            ports: ports.map(|_| breach.window.ports),
            first_seen: from_micros(breach.first),
            last_seen: from_micros(breach.window.last),
        }
    }
}

/// Five million sources of one packet each, and some room.
const MEMORY: usize = 140 << 20;

impl Detector {
    /// A detector that has seen nothing yet.
    pub fn new(rules: impl IntoIterator<Item = Threshold>) -> Self {
        let rules: Vec<_> = rules.into_iter().collect();
        let mut networks: Vec<Networks> = Vec::new();
        for (number, rule) in rules.iter().enumerate() {
            let (v4, v6) = rule.aggregates();
            for (is_v4, length) in [(true, v4), (false, v6)] {
                let is_same =
                    |known: &&mut Networks| known.is_v4 == is_v4 && known.length == length;
                match networks.iter_mut().find(is_same) {
                    Some(known) => known.rules.push(number),
                    None => networks.push(Networks {
                        is_v4,
                        length,
                        rules: vec![number],
                    }),
                }
            }
        }
        let limits = Limits::new(rules.iter().map(Threshold::limit).collect());
        let ports = rules.iter().any(|rule| rule.ports().is_some());
        let new = Self {
            rules,
            limits,
            sources: Sources::new(networks.iter().map(|of| (of.is_v4, of.length)), ports),
            ports,
            networks,
            before: EventBefore::default(),
        };
        new.memory(MEMORY)
    }

    /// Keeps what it knows of sources in so many bytes; 140 MiB unless set. A rule that asks for so
    /// many [hits](Threshold::hits) that a few sources would not have room raises it: 140 MiB are
    /// enough for 110,000 hits.
    pub fn memory(mut self, bytes: usize) -> Self {
        let rules = self.rules.iter().map(Threshold::limit);
        let least = rules.map(bytes_for).max().unwrap_or_default();
        self.sources.allow(bytes.max(least.saturating_mul(LEAST)));
        self
    }

    /// Counts a packet that was logged at `at` under every rule that [matches](Threshold::matches)
    /// it. Answers the rules whose threshold its source breaks with it, in order, each with the last
    /// window that holds the packet and breaks the threshold.
    ///
    /// A source that goes on breaking a threshold is answered again at each further packet in such a
    /// window. The latest [`last_seen`](Violation::last_seen) of all answers is the
    /// [`last_violating`](crate::Tally::last_violating) of a `Scan`, so a ban that is prolonged
    /// whenever `last_seen` grows ends when one dated from the whole log would. A caller that wants
    /// to act less often compares `last_seen` with the one that it acted upon.
    ///
    /// [Repeated](Event::repeated) packets count as in a `Scan`: they came between the event observed
    /// before and their own, if the two are the same. So every event is to be observed, also those
    /// of packets [without source](Event::source), which are not counted. (A `Scan` looks for the
    /// event before in the last 4 KiB.)
    pub fn observe(&mut self, event: &Event<'_>, at: SystemTime) -> Vec<Violation> {
        let at = to_micros(at);
        let first = self.before.replace(event, at);
        let mut violations = Vec::new();
        let Some(source) = event.source() else {
            return violations;
        };
        let hit = Span {
            since: event.repeated.map_or(Some(at), |_| first),
            at,
            hits: event.repeated.map_or(1, |times| times.get().into()),
            port: event
                .packet
                .network
                .transport()
                .and_then(Transport::ports)
                .map(|(_, destination)| destination)
                .filter(|_| self.ports),
        };
        let nature = Nature::of(&event.packet);
        let earliest = hit.since.unwrap_or(at);
        let counts = |rule: &Threshold| {
            rule.counts(event.prefix, nature)
                && !rule.excepted().has(source)
                && !rule.pardoned().has(source, earliest)
        };
        for (table, networks) in self.networks.iter().enumerate() {
            if networks.is_v4 != source.is_ipv4() {
                continue;
            }
            let rules = networks.rules.iter().copied();
            let set: Vec<usize> = rules
                .filter(|rule| self.rules.get(*rule).is_some_and(counts))
                .collect();
            let Some(rule) = set.first().and_then(|rule| self.rules.get(*rule)) else {
                continue;
            };
            let (source, prefix_length) = rule.network(source);
            let bits = match source {
                IpAddr::V4(source) => source.to_bits().into(),
                IpAddr::V6(source) => source.to_bits(),
            };
            let set = self.limits.number(&set);
            let tell = |breach: Breach| {
                let ports = self.rules.get(breach.rule).and_then(Threshold::ports);
                violations.push(Violation::new(&breach, (source, prefix_length), ports));
            };
            self.sources.change(table, bits, |source| {
                source.add(hit, set, &self.limits, tell);
            });
        }
        violations.sort_by_key(|violation| violation.rule);
        violations
    }

    /// Forgets what is in no window with a packet at `at` or later, and the sources of which nothing
    /// is left. A packet that is logged before `at` all the same is counted with what is left.
    ///
    /// Goes through all sources, at some 20 nanoseconds each: a call now and then is meant, with the
    /// present less the time by which lines come late.
    pub fn forget_before(&mut self, at: SystemTime) {
        let at = to_micros(at);
        self.sources
            .retain(|source| source.forget_before(at, &self.limits));
    }

    /// How many sources are known; one that is counted as several networks is as many.
    pub fn sources(&self) -> usize {
        self.sources.count()
    }

    /// What is known of sources takes so many bytes.
    pub fn size(&self) -> usize {
        self.sources.size()
    }

    /// It may take so many bytes, [as set](Self::memory) or raised for the rules.
    pub fn allowed(&self) -> usize {
        self.sources.allowed()
    }

    /// How many sources were dropped because the [memory](Self::memory) was full.
    pub fn dropped(&self) -> u64 {
        self.sources.dropped()
    }
}
