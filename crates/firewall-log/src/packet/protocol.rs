//! The protocol above IP, as `PROTO=` names it.

use std::fmt;
use std::str::FromStr;

/// What `PROTO=` says: the names the kernel prints, and the number of every other protocol.
///
/// `FromStr` takes the kernel's names in any case and any protocol number: `tcp`, `ICMPv6` and `58`
/// are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Protocol {
    /// `PROTO=TCP`
    Tcp,
    /// `PROTO=UDP`
    Udp,
    /// `PROTO=UDPLITE`
    UdpLite,
    /// `PROTO=ICMP`
    Icmp,
    /// `PROTO=ICMPv6`
    Icmpv6,
    /// `PROTO=AH`; over IPv6 the header is walked through and this is never printed.
    Ah,
    /// `PROTO=ESP`; over IPv6 only `OPT ( ESP …` under `--log-ip-options` tells it.
    Esp,
    /// `PROTO=` and a number the kernel has no name for.
    Other(u8),
}

/// Every protocol with a name in the log.
const NAMED: [(Protocol, &str); 7] = [
    (Protocol::Tcp, "TCP"),
    (Protocol::Udp, "UDP"),
    (Protocol::UdpLite, "UDPLITE"),
    (Protocol::Icmp, "ICMP"),
    (Protocol::Icmpv6, "ICMPv6"),
    (Protocol::Ah, "AH"),
    (Protocol::Esp, "ESP"),
];

impl Protocol {
    /// The protocol's number in the IP header, as IANA assigns it.
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::UdpLite => 136,
            Self::Icmp => 1,
            Self::Icmpv6 => 58,
            Self::Ah => 51,
            Self::Esp => 50,
            Self::Other(number) => number,
        }
    }

    /// The protocol of this number, by its name in the log where it has one.
    pub fn from_number(number: u8) -> Self {
        NAMED
            .iter()
            .find(|(protocol, _)| protocol.number() == number)
            .map_or(Self::Other(number), |(protocol, _)| *protocol)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMED.iter().find(|(protocol, _)| protocol == self) {
            Some((_, name)) => f.pad(name),
            None => self.number().fmt(f),
        }
    }
}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(text: &str) -> Result<Self, UnknownProtocol> {
        let named = NAMED
            .iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(text));
        match (named, text.parse()) {
            (Some((protocol, _)), _) => Ok(*protocol),
            (None, Ok(number)) => Ok(Self::from_number(number)),
            (None, Err(_)) => Err(UnknownProtocol(text.to_owned())),
        }
    }
}

/// A text that is neither a protocol name the kernel logs nor a number up to 255.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown protocol {0:?}: expected TCP, UDP, UDPLITE, ICMP, ICMPv6, AH, ESP or a number up to 255"
)]
pub struct UnknownProtocol(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_read_back() {
        for number in 0..=255 {
            let protocol = Protocol::from_number(number);
            assert_eq!(protocol.number(), number);
            assert_eq!(protocol.to_string().parse(), Ok(protocol));
            assert_eq!(number.to_string().parse(), Ok(protocol));
        }
        assert_eq!("icmpV6".parse(), Ok(Protocol::Icmpv6));
        for text in ["", "256", "-1", "TCPX"] {
            assert!(text.parse::<Protocol>().is_err(), "{text}");
        }
    }
}
