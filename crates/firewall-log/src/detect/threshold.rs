//! Which packets a rule counts, and how many in what time are too many.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::event::Event;
use crate::packet::Protocol;

/// A rule of a [`Detector`](super::Detector): a source is a violator when at least `hits` of its packets that the rule counts lie in a
/// window whose first and last are at most `within` apart, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    prefixes: Vec<Vec<u8>>,
    protocols: Vec<Protocol>,
    hits: NonZeroU32,
    within: Duration,
}

impl Threshold {
    /// A rule that counts every packet.
    pub fn new(hits: NonZeroU32, within: Duration) -> Self {
        Self {
            prefixes: Vec::new(),
            protocols: Vec::new(),
            hits,
            within,
        }
    }

    /// Counts packets logged under this prefix, and under those of other calls.
    ///
    /// Case does not matter, nor do colons and spaces at the end: `iptables-blocked` is `IPTABLES-BLOCKED: `.
    pub fn prefix(mut self, prefix: impl AsRef<[u8]>) -> Self {
        self.prefixes.push(stem(prefix.as_ref()).to_vec());
        self
    }

    /// Counts packets of this protocol, and of those of other calls.
    ///
    /// The number decides: [`Protocol::Icmp`] is also what `PROTO=1` of an IPv6 packet means.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocols.push(protocol);
        self
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
        let prefix = || {
            let stem = stem(event.prefix);
            self.prefixes
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(stem))
        };
        let protocol = || {
            event.packet.protocol().is_some_and(|protocol| {
                self.protocols
                    .iter()
                    .any(|wanted| wanted.number() == protocol.number())
            })
        };
        (self.prefixes.is_empty() || prefix()) && (self.protocols.is_empty() || protocol())
    }
}

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

    #[test]
    fn a_prefix_is_compared_without_case_and_without_its_end() {
        let line = |prefix: &str| {
            format!(
                "[1.0] {prefix}IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=40 TOS=0x00 PREC=0x00 TTL=1 ID=1 PROTO=2 "
            )
        };
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
}
