//! The protocols of a service.

use std::fmt;
use std::str::FromStr;

use crate::match_::Protocol;
use crate::{BuildError, Family};

/// A protocol of a service: `"tcp"`, `"udp"`, `"icmp"`, another of `/etc/protocols` by its name, or
/// any by its number.
///
/// ```
/// use iptables_ruleset::config::ServiceProtocol;
///
/// let vrrp: ServiceProtocol = "vrrp".parse()?;
/// assert_eq!(vrrp, ServiceProtocol::numbered(112)?);
/// assert!(!vrrp.has_ports() && ServiceProtocol::UDP.has_ports());
/// # Ok::<(), iptables_ruleset::BuildError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceProtocol(Protocol);

impl ServiceProtocol {
    /// `"tcp"`.
    pub const TCP: Self = Self(Protocol::TCP);
    /// `"udp"`.
    pub const UDP: Self = Self(Protocol::UDP);
    /// `"icmp"`: ICMP in the IPv4 rules, ICMPv6 in the IPv6 rules.
    pub const ICMP: Self = Self(Protocol::ICMP);

    /// The protocol with this number, 1 to 255.
    ///
    /// # Errors
    /// For 0, which stands for every protocol, for the headers of IPv6 that come before a protocol,
    /// and for ICMP and ICMPv6, which `"icmp"` stands for.
    pub fn numbered(number: u8) -> Result<Self, BuildError> {
        let reason = match number {
            0 => "stands for every protocol and cannot be matched",
            43 | 44 | 60 => "is a header of IPv6 that comes before the protocol, not a protocol",
            1 | 58 => "ICMP is \"icmp\": ICMP in the IPv4 rules, ICMPv6 in the IPv6 rules",
            _ => return Ok(Self(Protocol::new(number))),
        };
        Err(BuildError::value("protocol", number, reason))
    }

    /// Whether it has ports that a rule can ask for.
    pub fn has_ports(self) -> bool {
        self.0.has_ports()
    }

    /// What stands for it in the rules of that family.
    pub(crate) fn in_family(self, family: Family) -> Protocol {
        match family {
            Family::Ipv6 if self == Self::ICMP => Protocol::ICMPV6,
            _ => self.0,
        }
    }
}

impl FromStr for ServiceProtocol {
    type Err = BuildError;

    fn from_str(name: &str) -> Result<Self, BuildError> {
        if name == "icmp" {
            return Ok(Self::ICMP);
        }
        if let Some(protocol) = Protocol::named(name) {
            return Self::numbered(protocol.number());
        }
        let known = Protocol::names().filter(|name| *name != "ipv6-icmp");
        let known: Vec<&str> = known.collect();
        let reason = match name {
            "icmpv6" | "icmp6" => {
                "ICMP is \"icmp\": ICMP in the IPv4 rules, ICMPv6 in the IPv6 rules".to_owned()
            }
            _ => format!(
                "known are {}; any other goes by its number, which /etc/protocols has",
                known.join(", ")
            ),
        };
        Err(BuildError::value("protocol", name, reason))
    }
}

impl fmt::Display for ServiceProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name())
    }
}
