//! `-p`.

use std::borrow::Cow;
use std::fmt;

use super::MatchKind;
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Expression, MetaKey};
use crate::packet::{Answer, Facts, Packet};
use crate::{BuildError, Family};

/// `-p`: the transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Protocol {
    number: u8,
    inverted: bool,
}

impl Protocol {
    /// ICMP of IPv4.
    pub const ICMP: Self = Self::new(1);
    /// IGMP, with which hosts join groups of IPv4.
    pub const IGMP: Self = Self::new(2);
    /// TCP.
    pub const TCP: Self = Self::new(6);
    /// UDP.
    pub const UDP: Self = Self::new(17);
    /// ICMP of IPv6.
    pub const ICMPV6: Self = Self::new(58);
    /// SCTP.
    pub const SCTP: Self = Self::new(132);

    /// The protocol with that number, as in `/etc/protocols`; 0 cannot be matched.
    pub const fn new(number: u8) -> Self {
        Self {
            number,
            inverted: false,
        }
    }

    /// Every protocol but this one.
    pub const fn not(self) -> Self {
        Self {
            number: self.number,
            inverted: true,
        }
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.number
    }

    /// Its name, or the number where it has none here.
    pub(crate) fn name(self) -> Cow<'static, str> {
        match NAMES.iter().find(|(number, _)| *number == self.number) {
            Some((_, name)) => (*name).into(),
            None => self.number.to_string().into(),
        }
    }

    /// The protocol of this name, where it has one here.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (number, _) = NAMES.iter().find(|(_, known)| *known == name)?;
        Some(Self::new(*number))
    }

    /// The names that there are.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, name)| *name)
    }

    /// Whether `-m multiport` can ask for its ports.
    pub(crate) fn has_ports(self) -> bool {
        WITH_PORTS.contains(&self.number)
    }

    /// Whether every other protocol is meant.
    pub const fn is_inverted(&self) -> bool {
        self.inverted
    }
}

impl MatchKind for Protocol {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        let not = if self.inverted { "! " } else { "" };
        write!(f, "{not}-p {} ", self.name())
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        encoder.compare(
            Expression::Meta(MetaKey::L4Protocol),
            self.inverted,
            vec![self.number],
        );
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        if *decoder.next()? != Expression::Meta(MetaKey::L4Protocol) {
            return None;
        }
        let compared = decoder.comparison()?;
        let [number] = *compared.data else {
            return None;
        };
        Some(Self {
            number,
            inverted: compared.inverted,
        })
    }

    fn ask(&self, packet: &Packet, _facts: &mut dyn Facts) -> Answer {
        match packet.protocol_number() {
            Some(number) => Answer::known(
                number == self.number,
                format!("it is {}", Self::new(number).name()),
            ),
            None => Answer::perhaps("its protocol"),
        }
        .inverted(self.inverted)
    }

    fn check(&self, _protocol: Option<&Self>, _family: Family) -> Result<(), String> {
        if self.number == 0 {
            return Err("protocol 0 stands for every protocol and cannot be matched".to_owned());
        }
        Ok(())
    }
}

/// Names of /etc/protocols, which iptables-save prints where it finds one; a system may know more
/// or fewer, and the number means the same everywhere.
const NAMES: [(u8, &str); 15] = [
    (1, "icmp"),
    (2, "igmp"),
    (6, "tcp"),
    (17, "udp"),
    (33, "dccp"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "ipv6-icmp"),
    (89, "ospf"),
    (103, "pim"),
    (112, "vrrp"),
    (115, "l2tp"),
    (132, "sctp"),
    (136, "udplite"),
];

/// What `multiport_mt_check` takes, `net/netfilter/xt_multiport.c`: TCP, UDP, DCCP, SCTP, UDP-Lite.
const WITH_PORTS: [u8; 5] = [6, 17, 33, 132, 136];

#[cfg(test)]
mod tests {
    use super::super::testing::{expressions, refusal, text};
    use super::*;

    #[test]
    fn known_protocols_print_by_name() {
        assert_eq!(text(Protocol::ICMPV6, Family::Ipv6), "-p ipv6-icmp");
        assert_eq!(text(Protocol::TCP.not(), Family::Ipv4), "! -p tcp");
        assert_eq!(text(Protocol::new(250), Family::Ipv4), "-p 250");
        assert_eq!(
            expressions(Protocol::UDP.not(), Family::Ipv4),
            [
                Expression::Meta(MetaKey::L4Protocol),
                Expression::Compare {
                    inverted: true,
                    data: vec![17]
                },
            ]
        );
    }

    #[test]
    fn protocol_zero_and_two_protocols_are_refused() {
        assert!(refusal(Protocol::new(0), vec![], Family::Ipv4).starts_with("protocol 0"));
        assert_eq!(
            refusal(Protocol::TCP, vec![Protocol::UDP.into()], Family::Ipv4),
            "the same match twice"
        );
    }
}
