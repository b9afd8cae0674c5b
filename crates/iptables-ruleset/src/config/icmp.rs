//! The types of ICMP messages that a service can be about.

use std::fmt;
use std::str::FromStr;

use crate::{BuildError, Family};

/// A type of ICMP message that somebody may send unasked, by the name that both families have for
/// it.
///
/// ```
/// use iptables_ruleset::Family;
/// use iptables_ruleset::config::IcmpType;
///
/// let ping: IcmpType = "echo-request".parse()?;
/// assert_eq!((ping.number(Family::Ipv4), ping.number(Family::Ipv6)), (Some(8), Some(128)));
/// # Ok::<(), iptables_ruleset::BuildError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IcmpType(&'static Row);

#[derive(Debug, PartialEq, Eq)]
struct Row {
    name: &'static str,
    v4: Option<u8>,
    v6: Option<u8>,
}

impl IcmpType {
    /// Every type, in the order of their names in the error of one that is not known.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        TYPES.iter().map(Self)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Its number in that family; `None` where the family has no such message.
    pub fn number(self, family: Family) -> Option<u8> {
        match family {
            Family::Ipv4 => self.0.v4,
            Family::Ipv6 => self.0.v6,
        }
    }
}

impl FromStr for IcmpType {
    type Err = BuildError;

    fn from_str(name: &str) -> Result<Self, BuildError> {
        if let Some(row) = TYPES.iter().find(|row| row.name == name) {
            return Ok(Self(row));
        }
        let known: Vec<&str> = TYPES.iter().map(|row| row.name).collect();
        let reason = if ABOUT_CONNECTIONS.contains(&name) {
            "is let in where it belongs to a connection, and nowhere else, whatever the services say".to_owned()
        } else if ALWAYS.contains(&name) {
            "is let in always: the link needs it".to_owned()
        } else {
            format!("known are {}", known.join(", "))
        };
        Err(BuildError::value("ICMP type", name, reason))
    }
}

impl fmt::Display for IcmpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

/// What connection tracking takes for new: `valid_new` of
/// `net/netfilter/nf_conntrack_proto_icmp.c` and `…_icmpv6.c`. Numbers are IANA's.
const TYPES: [Row; 5] = [
    row("echo-request", Some(8), Some(128)),
    row("timestamp-request", Some(13), None),
    row("information-request", Some(15), None),
    row("address-mask-request", Some(17), None),
    row("node-information-query", None, Some(139)),
];
/// What connection tracking knows as related or as an answer.
const ABOUT_CONNECTIONS: [&str; 9] = [
    "destination-unreachable",
    "packet-too-big",
    "fragmentation-needed",
    "time-exceeded",
    "ttl-exceeded",
    "parameter-problem",
    "source-quench",
    "timestamp-reply",
    "address-mask-reply",
];
/// What the rules before the lists accept.
const ALWAYS: [&str; 7] = [
    "echo-reply",
    "router-solicitation",
    "router-advertisement",
    "neighbour-solicitation",
    "neighbor-solicitation",
    "neighbour-advertisement",
    "neighbor-advertisement",
];

const fn row(name: &'static str, v4: Option<u8>, v6: Option<u8>) -> Row {
    Row { name, v4, v6 }
}
