use std::fmt;

use super::port::{Ends, Ports};
use super::{Extension, Protocol};
use crate::decoding::Decoder;
use crate::encoding::Encoder;
use crate::{BuildError, Family, PortRange, Rule};

/// `-m udp`: ports of a UDP packet. The rule needs [`Protocol::UDP`] too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Udp {
    ports: Ends,
}

impl Udp {
    /// Any UDP packet.
    pub fn new() -> Self {
        Self::default()
    }

    /// `--sport`: from one of these ports.
    pub fn source(mut self, ports: impl Into<PortRange>) -> Self {
        self.ports.source = Some(Ports::among(ports.into()));
        self
    }

    /// `! --sport`: from any other port.
    pub fn not_source(mut self, ports: impl Into<PortRange>) -> Self {
        self.ports.source = Some(Ports::except(ports.into()));
        self
    }

    /// `--dport`: to one of these ports.
    pub fn destination(mut self, ports: impl Into<PortRange>) -> Self {
        self.ports.destination = Some(Ports::among(ports.into()));
        self
    }

    /// `! --dport`: to any other port.
    pub fn not_destination(mut self, ports: impl Into<PortRange>) -> Self {
        self.ports.destination = Some(Ports::except(ports.into()));
        self
    }
}

impl Extension for Udp {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        f.write_str("-m udp ")?;
        self.ports.save(f)
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        self.ports.encode(encoder);
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        if !decoder.is_only(Protocol::UDP.number()) {
            return None;
        }
        let found = Self {
            ports: Ends::decode(decoder),
        };
        (found != Self::new()).then_some(found)
    }

    fn check(&self, rule: &Rule, _family: Family) -> Result<(), String> {
        if !rule.is_only(Protocol::UDP) {
            return Err("-m udp needs -p udp".to_owned());
        }
        if *self == Self::new() {
            // iptables sends nothing for it and so could not print it.
            return Err("-m udp asks for nothing; -p udp is enough".to_owned());
        }
        self.ports.check()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{expressions, refusal, text};
    use super::*;
    use crate::encoding::{Expression, PayloadBase};

    #[test]
    fn ranges_and_exclusions() {
        let ports = "1024:65535".parse::<PortRange>().unwrap();
        let udp = Udp::new().not_source(53).destination(ports);
        assert_eq!(
            text(udp, Family::Ipv4),
            "-m udp ! --sport 53 --dport 1024:65535"
        );
        let load = |offset| Expression::Payload {
            base: PayloadBase::Transport,
            offset,
            length: 2,
        };
        assert_eq!(
            expressions(udp, Family::Ipv4),
            [
                load(0),
                Expression::Compare {
                    inverted: true,
                    data: vec![0, 53]
                },
                load(2),
                Expression::Range {
                    inverted: false,
                    from: vec![4, 0],
                    to: vec![255, 255]
                },
            ]
        );
    }

    #[test]
    fn it_needs_its_protocol_and_something_to_ask_for() {
        assert_eq!(
            refusal(
                Udp::new().source(1),
                vec![Protocol::TCP.into()],
                Family::Ipv4
            ),
            "-m udp needs -p udp"
        );
        let every = "0:65535".parse::<PortRange>().unwrap();
        let refused = |udp| refusal(udp, vec![Protocol::UDP.into()], Family::Ipv4);
        assert!(refused(Udp::new()).starts_with("-m udp asks for nothing"));
        assert!(refused(Udp::new().destination(every)).starts_with("0:65535 is every port"));
    }
}
