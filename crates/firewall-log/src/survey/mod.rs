//! What a log holds, for people: when, who, to which ports, and who is new.

mod frequent;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::ops::AddAssign;
use std::time::SystemTime;

use self::frequent::{Frequent, Kept};
use crate::event::Event;
use crate::packet::{Protocol, Transport};
use crate::rule::range;
use crate::scan::Distinct;
use crate::time::{from_micros, to_micros};

/// What a span of time of a log holds: packets over time, the sources and networks that sent most,
/// ports, protocols and prefixes, and how many of the sources were there before.
///
/// It holds as much memory as it is [told to](Self::keep), whatever the log: of more sources than
/// that, those that sent most are kept, and what may be missing is [known](Frequency::lacks).
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use firewall_log::survey::{Decision, Survey};
/// use firewall_log::Event;
///
/// let line = b"[1.0] DROP: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2";
/// let event = Event::parse(line).unwrap();
/// let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
/// let mut survey = Survey::new(at(1000), at(2000), 10);
/// for second in [10, 1000, 1950] {
///     survey.add(&event, at(second), Decision::Blocked);
/// }
/// assert_eq!(survey.packets().blocked, 2);
/// let first = &survey.sources(5)[0];
/// assert_eq!(first.source.to_string(), "203.0.113.7");
/// assert!(first.known);
/// assert_eq!(survey.over_time().last().unwrap().1.blocked, 1);
/// ```
#[derive(Debug, Clone)]
pub struct Survey {
    /// Both in microseconds, and both belong to it.
    since: i64,
    until: i64,
    bins: Vec<Split>,
    packets: Split,
    sources: Frequent<IpAddr>,
    networks: Frequent<(IpAddr, u8)>,
    ports: HashMap<(u8, u16), Split>,
    protocols: HashMap<Option<u8>, Split>,
    prefixes: HashMap<Vec<u8>, Split>,
    /// Of prefixes that are too many.
    other_prefixes: Split,
    hasher: RandomState,
    before: Distinct,
    during: Distinct,
    ever: Distinct,
}

/// What the firewall did with a packet, as its log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It was kept out.
    Blocked,
    /// It was let in.
    Allowed,
}

/// Packets by what the firewall did with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "there is no third")]
pub struct Split {
    /// Packets that were kept out.
    pub blocked: u64,
    /// Packets that were let in.
    pub allowed: u64,
}

/// A source, or a network, and how often it is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frequency {
    /// The source, or the first address of the network.
    pub source: IpAddr,
    /// 32 or 128 for a source; 24 or 64 for a network.
    pub prefix_length: u8,
    /// Its packets in the span; at least so many.
    pub packets: Split,
    /// At most so many packets are missing in [`packets`](Self::packets), because there was no room
    /// for it at first; 0 mostly.
    pub lacks: u64,
    /// Its first packet that is remembered, also before the span.
    pub first_seen: SystemTime,
    /// Its last packet in the span.
    pub last_seen: SystemTime,
    /// Whether it was in the log before the span.
    pub known: bool,
}

/// How many sources there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sources {
    /// In the span.
    pub all: u64,
    /// Those of them that were in the log before.
    pub known: u64,
    /// Whether both are exact, which they are while there is room for all; if not, they are within
    /// two percent of all sources.
    pub exact: bool,
}

/// IPv4 networks, and those of IPv6, are of these lengths.
const V4_NETWORK: u8 = 24;
const V6_NETWORK: u8 = 64;

/// Sources that are kept unless another number is asked for.
const ROOM: usize = 50_000;

/// Prefixes that are told apart: whoever may set rules writes them, and nobody else.
const PREFIXES: usize = 256;

impl Survey {
    /// Of the time from `since` to `until`, both included, in so many equal parts, at least one.
    pub fn new(since: SystemTime, until: SystemTime, parts: usize) -> Self {
        Self {
            since: to_micros(since),
            until: to_micros(until),
            bins: vec![Split::default(); parts.max(1)],
            packets: Split::default(),
            sources: Frequent::new(ROOM),
            networks: Frequent::new(ROOM),
            ports: HashMap::new(),
            protocols: HashMap::new(),
            prefixes: HashMap::new(),
            other_prefixes: Split::default(),
            hasher: RandomState::new(),
            before: Distinct::default(),
            during: Distinct::default(),
            ever: Distinct::default(),
        }
    }

    /// Keeps so many sources and as many networks, and twice as many at times; 50,000 unless set, which
    /// take some 20 MB at most. To be said before the first packet.
    pub fn keep(mut self, sources: usize) -> Self {
        self.sources = Frequent::new(sources.max(1));
        self.networks = Frequent::new(sources.max(1));
        self
    }

    /// Takes in a packet that was logged at `at`, or [several](Event::repeated) where its line says so. Of
    /// what came before the span only the source is remembered; what came after it is left out.
    pub fn add(&mut self, event: &Event<'_>, at: SystemTime, decision: Decision) {
        let at = to_micros(at);
        if at > self.until {
            return;
        }
        let times = event.repeated.map_or(1, |times| times.get().into());
        let packets = match decision {
            Decision::Blocked => Split {
                blocked: times,
                allowed: 0,
            },
            Decision::Allowed => Split {
                blocked: 0,
                allowed: times,
            },
        };
        let is_in_span = at >= self.since;
        if let Some(source) = event.source() {
            let hash = self.hasher.hash_one(source);
            self.ever.add(hash);
            let (of, counted) = if is_in_span {
                (&mut self.during, packets)
            } else {
                (&mut self.before, Split::default())
            };
            of.add(hash);
            self.sources.add(source, at, counted);
            self.networks.add(network(source), at, counted);
        }
        if !is_in_span {
            return;
        }
        self.packets += packets;
        if let Some(bin) = self.bin(at).and_then(|bin| self.bins.get_mut(bin)) {
            *bin += packets;
        }
        let protocol = event.packet.protocol().map(Protocol::number);
        *self.protocols.entry(protocol).or_default() += packets;
        let transport = event.packet.network.transport();
        if let Some((protocol, (_, port))) = protocol.zip(transport.and_then(Transport::ports)) {
            *self.ports.entry((protocol, port)).or_default() += packets;
        }
        if let Some(known) = self.prefixes.get_mut(event.prefix) {
            *known += packets;
        } else if self.prefixes.len() < PREFIXES {
            self.prefixes.insert(event.prefix.to_vec(), packets);
        } else {
            self.other_prefixes += packets;
        }
    }

    /// The part that holds an instant.
    fn bin(&self, at: i64) -> Option<usize> {
        let parts = i128::try_from(self.bins.len()).ok()?;
        let span = i128::from(self.until) - i128::from(self.since);
        let past = i128::from(at) - i128::from(self.since);
        let place = past.checked_mul(parts)? / span.max(1);
        usize::try_from(place.min(parts - 1)).ok()
    }

    /// All packets of the span.
    pub fn packets(&self) -> Split {
        self.packets
    }

    /// The packets of each part of the span, with when it begins.
    pub fn over_time(&self) -> impl Iterator<Item = (SystemTime, Split)> {
        let parts = i128::try_from(self.bins.len()).unwrap_or(1);
        let span = i128::from(self.until) - i128::from(self.since);
        let begin = move |part: i128| {
            let past = span.saturating_mul(part) / parts;
            let past = i64::try_from(past).unwrap_or_default();
            from_micros(self.since.saturating_add(past))
        };
        (0..)
            .zip(&self.bins)
            .map(move |(part, packets)| (begin(part), *packets))
    }

    /// The sources that sent most, at most so many: those that were kept out most often first.
    pub fn sources(&self, most: usize) -> Vec<Frequency> {
        let all = self.sources.iter();
        let all = all.map(|(source, kept)| {
            let length = if source.is_ipv4() { 32 } else { 128 };
            self.frequency((*source, length), kept)
        });
        most_frequent(all, most)
    }

    /// The networks that sent most, IPv4 /24 and IPv6 /64, in the same order.
    pub fn networks(&self, most: usize) -> Vec<Frequency> {
        let all = self.networks.iter();
        let all = all.map(|(network, kept)| self.frequency(*network, kept));
        most_frequent(all, most)
    }

    fn frequency(&self, (source, prefix_length): (IpAddr, u8), kept: &Kept) -> Frequency {
        Frequency {
            source,
            prefix_length,
            packets: kept.packets,
            lacks: kept.lacks,
            first_seen: from_micros(kept.first),
            last_seen: from_micros(kept.last),
            known: kept.first < self.since,
        }
    }

    /// Packets that a source may have which is not kept; 0 where there was room for all.
    pub fn lacks(&self) -> u64 {
        self.sources.lacks()
    }

    /// How many sources there were, and how many of them had been there before.
    pub fn number_of_sources(&self) -> Sources {
        if self.sources.is_whole() {
            let of = self
                .sources
                .iter()
                .filter(|(_, kept)| kept.packets.all() > 0);
            let (mut all, mut known) = (0, 0);
            for (_, kept) in of {
                all += 1;
                known += u64::from(kept.first < self.since);
            }
            return Sources {
                all,
                known,
                exact: true,
            };
        }
        let all = self.during.estimate();
        let before = self.before.estimate();
        let both = all.saturating_add(before);
        Sources {
            all,
            known: both.saturating_sub(self.ever.estimate()).min(all),
            exact: false,
        }
    }

    /// The destination ports with most packets, at most so many, in the order of [`Self::sources`].
    pub fn ports(&self, most: usize) -> Vec<(Protocol, u16, Split)> {
        let all = self.ports.iter();
        let all = all
            .map(|((protocol, port), packets)| (Protocol::from_number(*protocol), *port, *packets));
        let mut all: Vec<_> = all.collect();
        all.sort_unstable_by(|one, other| {
            let numbers = |(protocol, port, _): &(Protocol, u16, Split)| (protocol.number(), *port);
            other
                .2
                .weight()
                .cmp(&one.2.weight())
                .then(numbers(one).cmp(&numbers(other)))
        });
        all.truncate(most);
        all
    }

    /// How many different ports there were.
    pub fn number_of_ports(&self) -> usize {
        self.ports.len()
    }

    /// All protocols, in the order of [`Self::sources`]; `None` is what the line does not show.
    pub fn protocols(&self) -> Vec<(Option<Protocol>, Split)> {
        let mut all: Vec<_> = self.protocols.iter().collect();
        all.sort_unstable_by(|one, other| {
            other
                .1
                .weight()
                .cmp(&one.1.weight())
                .then(one.0.cmp(other.0))
        });
        all.into_iter()
            .map(|(protocol, packets)| (protocol.map(Protocol::from_number), *packets))
            .collect()
    }

    /// The prefixes that rules log under, byte for byte, in the order of [`Self::sources`]; the last is
    /// `None` where there are more than 256, and stands for the rest.
    pub fn prefixes(&self) -> Vec<(Option<&[u8]>, Split)> {
        let mut all: Vec<_> = self.prefixes.iter().collect();
        all.sort_unstable_by(|one, other| {
            other
                .1
                .weight()
                .cmp(&one.1.weight())
                .then(one.0.cmp(other.0))
        });
        let all = all
            .into_iter()
            .map(|(prefix, packets)| (Some(prefix.as_slice()), *packets));
        let rest = (self.other_prefixes != Split::default()).then_some((None, self.other_prefixes));
        all.chain(rest).collect()
    }
}

impl Split {
    /// Both together.
    pub fn all(self) -> u64 {
        self.blocked.saturating_add(self.allowed)
    }

    /// What is sorted by: what was kept out, and then what was let in.
    fn weight(self) -> (u64, u64) {
        (self.blocked, self.allowed)
    }
}

impl AddAssign for Split {
    fn add_assign(&mut self, other: Self) {
        self.blocked = self.blocked.saturating_add(other.blocked);
        self.allowed = self.allowed.saturating_add(other.allowed);
    }
}

/// The network that a source is told with.
fn network(source: IpAddr) -> (IpAddr, u8) {
    let length = match source {
        IpAddr::V4(_) => V4_NETWORK,
        IpAddr::V6(_) => V6_NETWORK,
    };
    (range(source, length).0, length)
}

fn most_frequent(all: impl Iterator<Item = Frequency>, most: usize) -> Vec<Frequency> {
    let mut all: Vec<_> = all.filter(|one| one.packets.all() > 0).collect();
    all.sort_unstable_by(|one, other| {
        let weight = other.packets.weight().cmp(&one.packets.weight());
        weight.then(one.source.cmp(&other.source))
    });
    all.truncate(most);
    all
}
