//! Which packets a rule counts, and how many in what time are too many.

use std::net::IpAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::excepted::Excepted;
use super::nature::{Nature, Role};
use super::pardoned::Pardoned;
use super::prefix::range;
use super::why_not::WhyNot;
use super::window::{Dated, Limit, are_near};
use crate::event::Event;
use crate::packet::Protocol;
use crate::time::to_micros;

/// A rule of a [`Detector`](crate::Detector) or a [`Scan`](crate::Scan). A source is a violator when
/// at least `hits` of its packets that the rule counts lie in a window whose first and last are at
/// most `within` apart, both ends included, and, if [asked for](Self::distinct_ports), went to
/// enough different ports.
///
/// # What counts
///
/// Unless the rule says otherwise, a packet counts only if it is evidence against its sender:
///
/// - A **TCP** packet counts if it opens a connection: SYN is set, ACK and RST are not. All others
///   are also what a host sends that answers packets which somebody forged in this host's name, and
///   what the end of an ordinary connection looks like once connection tracking has forgotten it.
///   [`count_stealth_scans`](Self::count_stealth_scans) adds those that no connection sends.
/// - An **ICMP** message counts if it asks (echo, timestamp, information, address mask, router or
///   neighbour solicitation) or is of a type that nobody answers with. A reply and an error come
///   because of another packet, whose source may have been forged.
/// - **UDP** and all other protocols count: nothing in such a packet says whether it is an answer.
///   A rule that asks for [different ports](Self::distinct_ports) leaves out UDP from port 53, 123
///   or 443.
/// - A **later fragment** of TCP or ICMP shows neither flags nor type and does not count; the first
///   one does.
/// - A packet that **hides its transport** counts whatever protocols the rule asks for: its line is
///   cut short before `PROTO=`, the header of TCP is not whole in it, or it is a fragment that
///   begins within that header. Nobody sends these but to get past a firewall. ESP over IPv6 has no
///   `PROTO=` either and is none of them. It has no port, so it adds none where [different
///   ports](Self::distinct_ports) are asked for.
/// - What went to a **multicast or broadcast** address, or in a frame to all or a group, is what
///   neighbours say to each other, and does not count.
/// - What this **host itself** sent (`IN=` is empty) never counts.
///
/// [`count_answers`](Self::count_answers) and [`count_multicast`](Self::count_multicast) switch
/// these off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    prefixes: Vec<Vec<u8>>,
    /// None for all.
    types: Vec<Type>,
    answers: bool,
    stealth: bool,
    multicast: bool,
    hits: NonZeroU32,
    within: Duration,
    distinct_ports: Option<NonZeroU16>,
    aggregate_v4: u8,
    aggregate_v6: u8,
    /// Shared by the copies of the rule, since there may be many.
    excepted: Arc<Excepted>,
    /// Likewise.
    pardoned: Arc<Pardoned>,
    /// In microseconds; `None` where nobody asks for bouts.
    apart: Option<i64>,
    /// What else is told of violators.
    beside: Vec<Vec<u8>>,
}

/// Which packets a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Protocol(Protocol),
    /// Those that hide their transport, which count whatever a rule is about.
    Hidden,
}

impl Threshold {
    /// A rule that counts every packet that is [evidence](Self#what-counts).
    pub fn new(hits: NonZeroU32, within: Duration) -> Self {
        Self {
            prefixes: Vec::new(),
            types: Vec::new(),
            answers: false,
            stealth: false,
            multicast: false,
            hits,
            within,
            distinct_ports: None,
            aggregate_v4: V4_BITS,
            aggregate_v6: V6_BITS,
            excepted: Arc::default(),
            pardoned: Arc::default(),
            apart: None,
            beside: Vec::new(),
        }
    }

    /// Counts packets logged under this prefix, and under those of other calls.
    ///
    /// Case does not matter, nor do colons and spaces at the end: `iptables-blocked` is
    /// `IPTABLES-BLOCKED: `.
    pub fn prefix(mut self, prefix: impl AsRef<[u8]>) -> Self {
        self.prefixes.push(stem(prefix.as_ref()).to_vec());
        self
    }

    /// Counts packets of this protocol, and of those of other calls.
    ///
    /// The number decides: [`Protocol::Icmp`] is also what `PROTO=1` of an IPv6 packet means.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.types.push(Type::Protocol(protocol));
        self
    }

    /// Counts packets that [hide their transport](Self#what-counts), and of the others only those
    /// of the [protocols](Self::protocol) that are named.
    pub fn hidden_transport(mut self) -> Self {
        self.types.push(Type::Hidden);
        self
    }

    /// Whether to count what is or may be an [answer](Self#what-counts), which anybody can have
    /// sent here by somebody else: TCP packets of any flags, ICMP replies and errors, later
    /// fragments, and UDP from any port. Not unless set.
    pub fn count_answers(mut self, count: bool) -> Self {
        self.answers = count;
        self
    }

    /// Whether to count TCP packets without SYN, ACK and RST, as NULL, FIN and Xmas scans send
    /// them. Not unless set.
    ///
    /// No connection sends them and nothing answers with them. But single packets without a
    /// handshake prove nothing, and a log of packets that belong to no connection is where they are
    /// looked for.
    pub fn count_stealth_scans(mut self, count: bool) -> Self {
        self.stealth = count;
        self
    }

    /// Whether to count packets to a multicast or broadcast address, and those in a frame to all or
    /// a group: the broadcast address of a subnet shows by its frame only. Not unless set.
    pub fn count_multicast(mut self, count: bool) -> Self {
        self.multicast = count;
        self
    }

    /// Asks for at least so many different destination ports in the same window, as a port scan has
    /// them.
    ///
    /// Port 22 of TCP and port 22 of UDP are one port. A packet without ports (ICMP, a later
    /// fragment, a header cut short) counts as a packet and adds no port. UDP from port 53, 123 or
    /// 443 does not count unless [answers](Self::count_answers) do: late answers of a server go to
    /// as many ports as there were questions. A rule that does not ask for ports counts it, so that
    /// a flood from such a port is found.
    pub fn distinct_ports(mut self, ports: NonZeroU16) -> Self {
        self.distinct_ports = Some(ports);
        self
    }

    /// Counts IPv4 sources as networks of this prefix length, so that whoever has a network is one
    /// source; 32, single addresses, unless set. What is over 32 is 32.
    pub fn aggregate_v4(mut self, prefix: u8) -> Self {
        self.aggregate_v4 = prefix.min(V4_BITS);
        self
    }

    /// Counts IPv6 sources as networks of this prefix length; 128, single addresses, unless set.
    /// What is over 128 is 128. 64 is what a single host commonly has.
    pub fn aggregate_v6(mut self, prefix: u8) -> Self {
        self.aggregate_v6 = prefix.min(V6_BITS);
        self
    }

    /// Does not count packets from these networks, each an address in it and its prefix length, nor
    /// from those of other calls. A prefix length over that of an address is that of an address.
    ///
    /// For those that are let go while the [network](Self::aggregate_v6) around them is counted: it
    /// must not pay for them.
    pub fn except(mut self, networks: impl IntoIterator<Item = (IpAddr, u8)>) -> Self {
        Arc::make_mut(&mut self.excepted).extend(networks);
        self
    }

    /// Counts of these networks, each an address in it and its prefix length, only packets after the
    /// instant beside it, and so for those of other calls; of several instants for an address the
    /// latest goes. A prefix length over that of an address is that of an address.
    ///
    /// For those who are let go although the log still holds what they did: a scan finds what it
    /// would find if their lines until then were not in the log. [Repeated](crate::Event::repeated)
    /// packets count if the first of them may have come after the instant.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use std::time::{Duration, SystemTime};
    ///
    /// use firewall_log::{Detector, Event, Threshold};
    ///
    /// let line = b"[1.0] DROP: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2";
    /// let event = Event::parse(line).unwrap();
    /// let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
    /// let two_in_a_minute = Threshold::new(NonZeroU32::new(2).unwrap(), Duration::from_secs(60))
    ///     .pardon([(event.source().unwrap(), 32, at(20))]);
    /// let mut detector = Detector::new([two_in_a_minute]);
    /// let violations = [0, 10, 20, 30, 40].map(|second| detector.observe(&event, at(second)).len());
    /// assert_eq!(violations, [0, 0, 0, 0, 1]);
    /// ```
    pub fn pardon(mut self, networks: impl IntoIterator<Item = (IpAddr, u8, SystemTime)>) -> Self {
        let networks = networks.into_iter();
        let networks = networks.map(|(address, length, until)| (address, length, to_micros(until)));
        Arc::make_mut(&mut self.pardoned).extend(networks);
        self
    }

    /// Has a [`Scan`](crate::Scan) tell when a source was over the threshold, in bouts: windows that
    /// reach it and end at most so far apart are one. For who wants to know whether somebody has
    /// come back; a [`Detector`](crate::Detector) answers each window by itself.
    pub fn bouts(mut self, apart: Duration) -> Self {
        self.apart = Some(i64::try_from(apart.as_micros()).unwrap_or(i64::MAX));
        self
    }

    /// Has a [`Scan`](crate::Scan) tell of each violator what else was logged of it under this prefix,
    /// and under those of other calls: [`Tally::beside`](crate::Tally::beside). Such packets count for
    /// nothing by that, whatever they are.
    ///
    /// For who wants to know which violators had been let in.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use std::time::{Duration, SystemTime};
    ///
    /// use firewall_log::{Clock, Scan, Threshold};
    /// use jiff::tz::TimeZone;
    ///
    /// # fn main() -> Result<(), firewall_log::ScanError> {
    /// let log = "\
    /// 2026-11-22T09:25:53+00:00 fw kernel: IPTABLES-ALLOWED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=4000 DPT=53 LEN=40
    /// 2026-11-22T09:25:54+00:00 fw kernel: IPTABLES-BLOCKED: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=2 PROTO=UDP SPT=4001 DPT=69 LEN=40
    /// ";
    /// let one = Threshold::new(NonZeroU32::MIN, Duration::ZERO)
    ///     .prefix("IPTABLES-BLOCKED")
    ///     .beside("IPTABLES-ALLOWED");
    /// let mut scan = Scan::new([one], Clock::new(SystemTime::now(), TimeZone::UTC));
    /// scan.read(log.as_bytes())?;
    /// let findings = scan.finish();
    /// let beside = findings[0].violators[0].beside.as_ref().unwrap();
    /// assert_eq!((beside.hits, beside.later), (1, 0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn beside(mut self, prefix: impl AsRef<[u8]>) -> Self {
        self.beside.push(stem(prefix.as_ref()).to_vec());
        self
    }

    /// The same rule that asks for so many percent of the hits, and of the different ports, rounded up.
    /// Who breaks it and not the rule itself has come near.
    ///
    /// ```
    /// use std::num::{NonZeroU16, NonZeroU32};
    /// use std::time::Duration;
    ///
    /// use firewall_log::Threshold;
    ///
    /// let rule = Threshold::new(NonZeroU32::new(21).unwrap(), Duration::from_secs(60));
    /// let near = rule.distinct_ports(NonZeroU16::new(10).unwrap()).near(80);
    /// assert_eq!(near.hits().get(), 17);
    /// assert_eq!(near.ports().unwrap().get(), 8);
    /// ```
    pub fn near(&self, percent: u8) -> Self {
        let part = |whole: u32| (u64::from(whole) * u64::from(percent)).div_ceil(100);
        let hits = u32::try_from(part(self.hits.get())).ok();
        let ports = self.distinct_ports.map(|ports| part(ports.get().into()));
        let ports = ports.map(|ports| u16::try_from(ports).ok().and_then(NonZeroU16::new));
        Self {
            hits: hits.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN),
            distinct_ports: ports.map(|ports| ports.unwrap_or(NonZeroU16::MIN)),
            ..self.clone()
        }
    }

    /// The network that a source counts as: its first address and its prefix length.
    #[inline]
    pub fn network(&self, source: IpAddr) -> (IpAddr, u8) {
        let length = match source {
            IpAddr::V4(_) => self.aggregate_v4,
            IpAddr::V6(_) => self.aggregate_v6,
        };
        (range(source, length).0, length)
    }

    /// How many different ports are wanted, if ports matter.
    pub fn ports(&self) -> Option<NonZeroU16> {
        self.distinct_ports
    }

    /// How many are too many.
    pub fn hits(&self) -> NonZeroU32 {
        self.hits
    }

    /// How far apart the first and the last may be.
    pub fn within(&self) -> Duration {
        self.within
    }

    /// Whether the rule counts this packet.
    pub fn matches(&self, event: &Event<'_>) -> bool {
        self.counts(event.prefix, Nature::of(&event.packet))
            && !event
                .source()
                .is_some_and(|source| self.excepted.has(source))
    }

    /// Why the rule does not count this packet; `None` where it does. Of several reasons it is the
    /// first in the order of [`WhyNot`]. When the packet came is not looked at, so a
    /// [pardon](Self::pardon) is none.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use std::time::Duration;
    ///
    /// use firewall_log::{Event, Protocol, Threshold, WhyNot};
    ///
    /// let line = b"[1.0] DROP: IN=eth0 OUT= SRC=203.0.113.7 DST=203.0.113.1 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2";
    /// let event = Event::parse(line).unwrap();
    /// let rule = Threshold::new(NonZeroU32::MIN, Duration::ZERO).prefix("DROP");
    /// assert_eq!(rule.why_not(&event), None);
    /// assert_eq!(rule.protocol(Protocol::Tcp).why_not(&event), Some(WhyNot::Type));
    /// ```
    pub fn why_not(&self, event: &Event<'_>) -> Option<WhyNot> {
        if !self.counts_prefix(event.prefix) {
            return Some(WhyNot::Prefix);
        }
        let Some(source) = event.source() else {
            return Some(WhyNot::NoSource);
        };
        self.why_not_nature(Nature::of(&event.packet))
            .or_else(|| self.excepted.has(source).then_some(WhyNot::Excepted))
    }

    /// Whether the rule counts packets with this prefix and of this nature, whoever sent them.
    pub(crate) fn counts(&self, prefix: &[u8], nature: Nature) -> bool {
        self.counts_nature(nature) && self.counts_prefix(prefix)
    }

    fn counts_prefix(&self, prefix: &[u8]) -> bool {
        let stem = stem(prefix);
        self.prefixes.is_empty()
            || self
                .prefixes
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(stem))
    }

    fn counts_nature(&self, nature: Nature) -> bool {
        self.why_not_nature(nature).is_none()
    }

    fn why_not_nature(&self, nature: Nature) -> Option<WhyNot> {
        let Nature {
            protocol,
            own,
            multicast,
            role,
        } = nature;
        let is_evidence = match role {
            Role::First | Role::Hidden => true,
            Role::Stealth => self.stealth || self.answers,
            Role::Answer => self.answers,
            Role::ServicePort => self.answers || self.distinct_ports.is_none(),
        };
        if own {
            Some(WhyNot::Own)
        } else if role != Role::Hidden && !self.counts_protocol(protocol) {
            Some(WhyNot::Type)
        } else if multicast && !self.multicast {
            Some(WhyNot::Multicast)
        } else if !is_evidence {
            Some(WhyNot::Answer)
        } else {
            None
        }
    }

    fn counts_protocol(&self, protocol: Option<Protocol>) -> bool {
        let is = |wanted: &Type| match (wanted, protocol) {
            (Type::Protocol(wanted), Some(protocol)) => wanted.number() == protocol.number(),
            _ => false,
        };
        self.types.is_empty() || self.types.iter().any(is)
    }

    /// Under which prefixes it looks what else there is.
    pub(crate) fn looks_beside(&self) -> &[Vec<u8>] {
        &self.beside
    }

    /// Whether a packet with this prefix is told of beside a violator.
    pub(crate) fn is_beside(&self, prefix: &[u8]) -> bool {
        let stem = stem(prefix);
        let mut beside = self.beside.iter();
        beside.any(|wanted| wanted.eq_ignore_ascii_case(stem))
    }

    /// Whose packets are not counted.
    pub(crate) fn excepted(&self) -> &Arc<Excepted> {
        &self.excepted
    }

    /// Of whom only what came later counts.
    pub(crate) fn pardoned(&self) -> &Arc<Pardoned> {
        &self.pardoned
    }

    /// How far apart windows of one bout end, in microseconds, if bouts are asked for.
    pub(crate) fn apart(&self) -> Option<i64> {
        self.apart
    }

    /// The prefix lengths of the networks that are counted, of IPv4 and IPv6.
    pub(crate) fn aggregates(&self) -> (u8, u8) {
        (self.aggregate_v4, self.aggregate_v6)
    }

    /// A source with fewer hits cannot be a violator: each goes to one port.
    pub(crate) fn least_hits(&self) -> u32 {
        let ports = self.distinct_ports.map_or(0, |ports| ports.get().into());
        self.hits.get().max(ports)
    }

    /// Whether any window of these single hits, which are in order of time, has as many as the rule
    /// wants.
    pub(crate) fn is_reached<T: Dated>(&self, hits: &[T]) -> bool {
        are_near(hits, self.limit())
    }

    pub(crate) fn limit(&self) -> Limit {
        Limit {
            hits: self.hits.get().into(),
            ports: self.distinct_ports.map_or(0, |ports| ports.get().into()),
            within: i64::try_from(self.within.as_micros()).unwrap_or(i64::MAX),
        }
    }
}

/// The bits of an address.
const V4_BITS: u8 = 32;
const V6_BITS: u8 = 128;

/// A prefix without what its owner put there to part it from `IN=`.
fn stem(prefix: &[u8]) -> &[u8] {
    let end = prefix.iter().rposition(|byte| !matches!(byte, b':' | b' '));
    prefix
        .get(..end.map_or(0, |end| end + 1))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(prefix: &str, source: &str) -> String {
        format!(
            "[1.0] {prefix}IN=eth0 OUT= SRC={source} DST=192.0.2.2 LEN=40 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2 "
        )
    }

    #[test]
    fn a_prefix_is_compared_without_case_and_without_its_end() {
        let line = |prefix| line(prefix, "192.0.2.1");
        let rule = Threshold::new(NonZeroU32::MIN, Duration::ZERO)
            .prefix("IPTABLES-blocked: ")
            .prefix("IP6TABLES-BLOCKED");
        for (prefix, wanted) in [
            ("IPTABLES-BLOCKED: ", true),
            ("iptables-Blocked", true),
            ("IP6TABLES-BLOCKED:", true),
            ("IPTABLES-BLOCKED2: ", false),
            ("xIPTABLES-BLOCKED: ", false),
            ("", false),
        ] {
            assert_eq!(
                rule.matches(&Event::parse(line(prefix).as_bytes()).unwrap()),
                wanted,
                "{prefix}"
            );
        }
        let any = Threshold::new(NonZeroU32::MIN, Duration::ZERO).protocol(Protocol::Other(2));
        assert!(any.matches(&Event::parse(line("").as_bytes()).unwrap()));
        let tcp = Threshold::new(NonZeroU32::MIN, Duration::ZERO).protocol(Protocol::Tcp);
        assert!(!tcp.matches(&Event::parse(line("").as_bytes()).unwrap()));
    }

    /// The kernel names a protocol only over the family that it belongs to.
    #[test]
    fn a_protocol_over_the_other_family_is_the_same_protocol() {
        let over_ipv4 = "[1.0] IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=40 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=58 ";
        let over_ipv6 = "[1.0] IN=eth0 OUT= SRC=2001:0db8:0000:0000:0000:0000:0000:0001 DST=2001:0db8:0000:0000:0000:0000:0000:0002 LEN=48 TC=0 HOPLIMIT=1 FLOWLBL=0 PROTO=1 ";
        for (line, protocol) in [(over_ipv4, Protocol::Icmpv6), (over_ipv6, Protocol::Icmp)] {
            let rule = Threshold::new(NonZeroU32::MIN, Duration::ZERO).protocol(protocol);
            assert!(
                rule.matches(&Event::parse(line.as_bytes()).unwrap()),
                "{line}"
            );
        }
    }

    #[test]
    fn who_is_excepted_is_not_counted() {
        let rule = Threshold::new(NonZeroU32::MIN, Duration::ZERO)
            .aggregate_v4(24)
            .except([(IpAddr::from([192, 0, 2, 70]), 26)])
            .except([(IpAddr::from([192, 0, 2, 1]), 32)]);
        for (source, counts) in [
            ("192.0.2.0", true),
            ("192.0.2.1", false),
            ("192.0.2.63", true),
            ("192.0.2.64", false),
            ("192.0.2.127", false),
            ("192.0.2.128", true),
        ] {
            let line = line("", source);
            let event = Event::parse(line.as_bytes()).unwrap();
            assert_eq!(rule.matches(&event), counts, "{source}");
        }
    }
}
