//! `--type`: which packets count, by their protocol.

use std::fmt;
use std::str::FromStr;

use firewall_log::Protocol;

/// Protocols that the kernel logs as a number, by the names people know.
const NAMES: [(&str, u8); 10] = [
    ("dccp", 33),
    ("gre", 47),
    ("igmp", 2),
    ("ipip", 4),
    ("ipv6", 41),
    ("ipv6-icmp", 58),
    ("l2tp", 115),
    ("ospf", 89),
    ("sctp", 132),
    ("vrrp", 112),
];

/// Which protocols count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Protocols {
    text: String,
    which: Vec<Protocol>,
    hidden: bool,
}

impl Protocols {
    /// Each protocol. No protocol stands for all, also for packets whose protocol is not known,
    /// unless only those count that [hide theirs](Self::are_hidden).
    pub(crate) fn iter(&self) -> impl Iterator<Item = Protocol> {
        self.which.iter().copied()
    }

    /// Whether only packets count that hide theirs.
    pub(crate) fn are_hidden(&self) -> bool {
        self.hidden
    }
}

impl FromStr for Protocols {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        let hidden = lower == "hidden";
        let which = match lower.as_str() {
            "all" | "hidden" => Vec::new(),
            // Who says icmp means the pings of both families.
            "icmp" => vec![Protocol::Icmp, Protocol::Icmpv6],
            name => vec![protocol(name).ok_or_else(|| unknown(text))?],
        };
        Ok(Self {
            text: lower,
            which,
            hidden,
        })
    }
}

fn protocol(name: &str) -> Option<Protocol> {
    if let Some((_, number)) = NAMES.into_iter().find(|(known, _)| *known == name) {
        return Some(Protocol::from_number(number));
    }
    // A number's FromStr takes a sign.
    if name.starts_with('+') {
        None
    } else {
        name.parse().ok()
    }
}

impl fmt::Display for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn unknown(name: &str) -> String {
    let names: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
    format!(
        "{name:?} is not a protocol; known are all, hidden, icmp (both families), tcp, udp, udplite, icmpv6, ah, esp, {}, \
         and numbers from 0 to 255",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        let numbers = |text: &str| {
            let protocols: Protocols = text.parse().expect(text);
            protocols.iter().map(Protocol::number).collect::<Vec<_>>()
        };
        assert_eq!(numbers("tcp"), [6]);
        assert_eq!(numbers("TCP"), [6]);
        assert_eq!(numbers("6"), [6]);
        assert_eq!(numbers("udp"), [17]);
        assert_eq!(numbers("icmp"), [1, 58]);
        assert_eq!(numbers("ICMPv6"), [58]);
        assert_eq!(numbers("1"), [1]);
        assert_eq!(numbers("sctp"), [132]);
        assert_eq!(numbers("0"), [0]);
        assert!(numbers("ALL").is_empty() && numbers("hidden").is_empty());
        let hidden = |text: &str| text.parse::<Protocols>().expect(text).are_hidden();
        assert!(hidden("Hidden") && !hidden("all") && !hidden("tcp"));
        for bad in ["", "256", "+6", "-1", "tcpp", "6.0"] {
            assert!(bad.parse::<Protocols>().is_err(), "{bad:?}");
        }
    }
}
