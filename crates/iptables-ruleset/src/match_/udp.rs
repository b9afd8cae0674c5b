//! `-m udp`.

use std::fmt;

use super::port::{Ends, asks_for_ports};
use super::{MatchKind, Protocol};
use crate::decoding::Decoder;
use crate::encoding::Encoder;
use crate::packet::{Answer, Facts, Packet};
use crate::{BuildError, Family};

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
}

asks_for_ports!(Udp);

impl MatchKind for Udp {
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

    fn ask(&self, packet: &Packet, _facts: &mut dyn Facts) -> Answer {
        self.ports.ask(packet)
    }

    fn check(&self, protocol: Option<&Protocol>, _family: Family) -> Result<(), String> {
        self.ports
            .check(protocol, Protocol::UDP, *self != Self::new())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{expressions, refusal, text};
    use super::*;
    use crate::PortRange;
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
