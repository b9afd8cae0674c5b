//! Ports, and what stands in their place: the type and code of ICMP.

use std::fmt;

use crate::Family;

/// A port of a protocol, or a range of ports.
///
/// For ICMP the place of the port is taken by type and code. A `bitmap:port` has ports without a
/// protocol: [`Port::without_protocol`].
///
/// ```
/// use ipset_netlink::Port;
///
/// assert_eq!(Port::tcp(443).to_string(), "tcp:443");
/// assert_eq!(Port::udp(5000).through(5010)?.to_string(), "udp:5000-5010");
/// assert_eq!(Port::icmp(8, 0).to_string(), "icmp:8/0");
/// assert_eq!("tcp:22".parse::<Port>()?, Port::tcp(22));
/// # Ok::<(), ipset_netlink::PortError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    protocol: Option<u8>,
    first: u16,
    last: u16,
}

impl Port {
    /// A port of a protocol by its number (`IPPROTO_*`). Protocols other than those that have a
    /// method here know no ports: their port is 0, and no set takes another.
    pub fn new(protocol: u8, port: u16) -> Self {
        Self {
            protocol: Some(protocol),
            first: port,
            last: port,
        }
    }

    /// A TCP port.
    pub fn tcp(port: u16) -> Self {
        Self::new(IPPROTO_TCP, port)
    }

    /// A UDP port.
    pub fn udp(port: u16) -> Self {
        Self::new(IPPROTO_UDP, port)
    }

    /// An SCTP port.
    pub fn sctp(port: u16) -> Self {
        Self::new(IPPROTO_SCTP, port)
    }

    /// A UDP-Lite port.
    pub fn udplite(port: u16) -> Self {
        Self::new(IPPROTO_UDPLITE, port)
    }

    /// An ICMP type and code.
    pub fn icmp(icmp_type: u8, code: u8) -> Self {
        Self::new(IPPROTO_ICMP, u16::from_be_bytes([icmp_type, code]))
    }

    /// An `ICMPv6` type and code.
    pub fn icmpv6(icmp_type: u8, code: u8) -> Self {
        Self::new(IPPROTO_ICMPV6, u16::from_be_bytes([icmp_type, code]))
    }

    /// A port whatever the protocol, for `bitmap:port`.
    pub fn without_protocol(port: u16) -> Self {
        Self {
            protocol: None,
            first: port,
            last: port,
        }
    }

    /// The ports from this one to `last`, both included.
    ///
    /// # Errors
    ///
    /// `last` comes before this port, or the protocol has no ports: of those the kernel would take
    /// the first and leave out the others without a word.
    pub fn through(self, last: u16) -> Result<Self, PortError> {
        let range = Self { last, ..self };
        if !range.is_possible() {
            return Err(PortError(format!("{self}-{last}")));
        }
        Ok(range)
    }

    /// The number of the protocol, where there is one.
    pub fn protocol(&self) -> Option<u8> {
        self.protocol
    }

    /// The port, or the first of a range. For ICMP the high byte is the type and the low one the
    /// code.
    pub fn first(&self) -> u16 {
        self.first
    }

    /// The last port of a range; of a single port, the port itself.
    pub fn last(&self) -> u16 {
        self.last
    }

    /// Whether it is more than one port.
    pub fn is_range(&self) -> bool {
        self.last != self.first
    }

    fn is_possible(self) -> bool {
        self.first == self.last || self.first < self.last && self.protocol.is_none_or(has_ports)
    }

    /// Whether the kernel keeps what it is given: it makes 0 of the port of a protocol without
    /// ports.
    pub(crate) fn is_kept(self) -> bool {
        let has_type = matches!(self.protocol, Some(IPPROTO_ICMP | IPPROTO_ICMPV6));
        has_type || self.first == 0 || self.protocol.is_none_or(has_ports)
    }

    /// ICMP type and code, where the protocol is ICMP or `ICMPv6`.
    pub fn icmp_type_and_code(&self) -> Option<(u8, u8)> {
        let [icmp_type, code] = self.first.to_be_bytes();
        matches!(self.protocol, Some(IPPROTO_ICMP | IPPROTO_ICMPV6)).then_some((icmp_type, code))
    }

    /// The only family whose sets can hold it, where the protocol is ICMP or `ICMPv6`.
    pub fn family(&self) -> Option<Family> {
        match self.protocol {
            Some(IPPROTO_ICMP) => Some(Family::Inet),
            Some(IPPROTO_ICMPV6) => Some(Family::Inet6),
            _ => None,
        }
    }
}

/// `tcp:80`, `udp:5000-5010`, `icmp:8/0`, `47:0` for a protocol without a name here, `80` without
/// one.
impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(number) = self.protocol {
            match number {
                IPPROTO_TCP => f.write_str("tcp:"),
                IPPROTO_UDP => f.write_str("udp:"),
                IPPROTO_SCTP => f.write_str("sctp:"),
                IPPROTO_UDPLITE => f.write_str("udplite:"),
                IPPROTO_ICMP => f.write_str("icmp:"),
                IPPROTO_ICMPV6 => f.write_str("ipv6-icmp:"),
                other => write!(f, "{other}:"),
            }?;
        }
        match self.icmp_type_and_code() {
            Some((icmp_type, code)) => write!(f, "{icmp_type}/{code}"),
            None if self.is_range() => write!(f, "{}-{}", self.first, self.last),
            None => write!(f, "{}", self.first),
        }
    }
}

fn has_ports(protocol: u8) -> bool {
    matches!(
        protocol,
        IPPROTO_TCP | IPPROTO_UDP | IPPROTO_SCTP | IPPROTO_UDPLITE
    )
}

/// Why something is not a [`Port`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a port (80, tcp:80, icmp:8/0) nor a range of ports (tcp:80-90)")]
pub struct PortError(String);

impl PortError {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }
}

// linux/in.h and linux/in6.h
const IPPROTO_ICMP: u8 = 1;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const IPPROTO_ICMPV6: u8 = 58;
const IPPROTO_SCTP: u8 = 132;
const IPPROTO_UDPLITE: u8 = 136;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::SetType;

    #[test]
    fn what_the_kernel_would_leave_out_is_not_of_the_type() {
        let accepts = |port| SetType::HashIpPort.accepts(&(Ipv4Addr::LOCALHOST, port).into());
        assert!(accepts(Port::new(47, 0)));
        assert!(accepts(Port::icmp(8, 0)));
        assert!(accepts(Port::udplite(7)));
        assert!(!accepts(Port::new(47, 5)));
    }

    #[test]
    fn only_protocols_with_ports_have_ranges_of_them() {
        assert!(Port::tcp(5).through(9).is_ok());
        assert!(Port::without_protocol(5).through(9).is_ok());
        assert!(Port::tcp(5).through(4).is_err());
        assert!(Port::icmp(8, 0).through(0x0800).is_ok());
        let error = Port::icmp(8, 0).through(0x0900).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("\"icmp:8/0-2304\" is neither")
        );
        assert!(Port::new(47, 0).through(5).is_err());
        assert!("47:0-5".parse::<Port>().is_err());
        assert_eq!("47:0".parse(), Ok(Port::new(47, 0)));
    }
}
