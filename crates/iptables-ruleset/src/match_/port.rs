//! What `-m tcp` and `-m udp` share: source and destination port at the same place of the header.

use std::fmt;

use super::Protocol;
use crate::PortRange;
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Expression, PayloadBase};
use crate::packet::{Answer, Packet};

/// The four ways to ask for ports, for a match with a field `ports: Ends`.
macro_rules! asks_for_ports {
    ($name:ident) => {
        impl $name {
            /// `--sport`: from one of these ports.
            pub fn source(mut self, ports: impl Into<$crate::PortRange>) -> Self {
                self.ports.source = Some(super::port::Ports::among(ports.into()));
                self
            }

            /// `! --sport`: from any other port.
            pub fn not_source(mut self, ports: impl Into<$crate::PortRange>) -> Self {
                self.ports.source = Some(super::port::Ports::except(ports.into()));
                self
            }

            /// `--dport`: to one of these ports.
            pub fn destination(mut self, ports: impl Into<$crate::PortRange>) -> Self {
                self.ports.destination = Some(super::port::Ports::among(ports.into()));
                self
            }

            /// `! --dport`: to any other port.
            pub fn not_destination(mut self, ports: impl Into<$crate::PortRange>) -> Self {
                self.ports.destination = Some(super::port::Ports::except(ports.into()));
                self
            }

            /// The ports of which a packet has to go to one.
            pub(super) fn destination_ports(&self) -> Vec<$crate::PortRange> {
                self.ports.wanted_destination().into_iter().collect()
            }
        }
    };
}
pub(super) use asks_for_ports;

/// Ports that are asked for, or excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ports {
    range: PortRange,
    inverted: bool,
}

/// What is asked of the ports of both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Ends {
    pub(super) source: Option<Ports>,
    pub(super) destination: Option<Ports>,
}

impl Ports {
    pub(super) fn among(range: PortRange) -> Self {
        Self {
            range,
            inverted: false,
        }
    }

    pub(super) fn except(range: PortRange) -> Self {
        Self {
            range,
            inverted: true,
        }
    }

    fn single(self) -> Option<u16> {
        (self.range.is_single() && !self.inverted).then(|| self.range.first())
    }

    fn ask(self, port: Option<u16>, which: &str) -> Answer {
        match port {
            Some(port) => Answer::known(
                self.range.contains(port),
                format!("its {which} port is {port}"),
            ),
            None => Answer::perhaps(format!("its {which} port")),
        }
        .inverted(self.inverted)
    }

    fn decode(decoder: &mut Decoder<'_>, offset: u32) -> Option<Self> {
        let mut ahead = *decoder;
        if *ahead.next()? != load(offset, 2) {
            return None;
        }
        let port = |bytes: &[u8]| Some(u16::from_be_bytes(bytes.try_into().ok()?));
        let (range, inverted) = match ahead.next()? {
            Expression::Compare { inverted, data } => (port(data)?.into(), *inverted),
            Expression::Range { inverted, from, to } => {
                (PortRange::new(port(from)?, port(to)?).ok()?, *inverted)
            }
            _ => return None,
        };
        *decoder = ahead;
        Some(Self { range, inverted })
    }
}

impl Ends {
    pub(super) fn save(self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (option, ports) in [("--sport", self.source), ("--dport", self.destination)] {
            if let Some(Ports { range, inverted }) = ports {
                write!(f, "{}{option} {range} ", if inverted { "! " } else { "" })?;
            }
        }
        Ok(())
    }

    pub(super) fn ask(self, packet: &Packet) -> Answer {
        let ends = [
            (self.source, packet.source_port(), "source"),
            (self.destination, packet.destination_port(), "destination"),
        ];
        let answers = ends
            .into_iter()
            .filter_map(|(asked, port, which)| Some(asked?.ask(port, which)));
        answers.fold(Answer::yes(""), Answer::and)
    }

    /// Where a packet has to go.
    pub(super) fn wanted_destination(self) -> Option<PortRange> {
        let plain = self.destination.filter(|ports| !ports.inverted);
        plain.map(|ports| ports.range)
    }

    /// Two plain ports are compared in one go; iptables does so too.
    pub(super) fn encode(self, encoder: &mut Encoder<'_>) {
        if let (Some(from), Some(to)) = (
            self.source.and_then(Ports::single),
            self.destination.and_then(Ports::single),
        ) {
            let both = [from.to_be_bytes(), to.to_be_bytes()].concat();
            encoder.compare(load(SOURCE, 4), false, both);
            return;
        }
        for (offset, ports) in [(SOURCE, self.source), (DESTINATION, self.destination)] {
            let Some(Ports { range, inverted }) = ports else {
                continue;
            };
            let first = range.first().to_be_bytes().to_vec();
            if range.is_single() {
                encoder.compare(load(offset, 2), inverted, first);
            } else {
                encoder.push(load(offset, 2));
                encoder.push(Expression::Range {
                    inverted,
                    from: first,
                    to: range.last().to_be_bytes().to_vec(),
                });
            }
        }
    }

    /// What is asked of the source, then of the destination, or of both in one go.
    pub(super) fn decode(decoder: &mut Decoder<'_>) -> Self {
        let mut ahead = *decoder;
        if let Some(both) = Self::decode_both(&mut ahead) {
            *decoder = ahead;
            return both;
        }
        let source = Ports::decode(decoder, SOURCE);
        // Two plain ports that were not compared in one go are two matches.
        let mut ahead = *decoder;
        let destination = Ports::decode(&mut ahead, DESTINATION)
            .filter(|ports| ports.single().and(source.and_then(Ports::single)).is_none());
        if destination.is_some() {
            *decoder = ahead;
        }
        Self {
            source,
            destination,
        }
    }

    fn decode_both(decoder: &mut Decoder<'_>) -> Option<Self> {
        if *decoder.next()? != load(SOURCE, 4) {
            return None;
        }
        let compared = decoder.comparison()?;
        let (None, false, [a, b, c, d]) = (compared.mask, compared.inverted, compared.data) else {
            return None;
        };
        let port = |bytes| Ports::among(u16::from_be_bytes(bytes).into());
        Some(Self {
            source: Some(port([*a, *b])),
            destination: Some(port([*c, *d])),
        })
    }

    /// Why `-m` with the name of `wanted` cannot ask for them, if so; `asks`: for anything at all.
    pub(super) fn check(
        self,
        protocol: Option<&Protocol>,
        wanted: Protocol,
        asks: bool,
    ) -> Result<(), String> {
        let name = wanted.name();
        if protocol != Some(&wanted) {
            return Err(format!("-m {name} needs -p {name}"));
        }
        if !asks {
            // iptables sends nothing for it and so could not print it.
            return Err(format!("-m {name} asks for nothing; -p {name} is enough"));
        }
        let every = |ports: Ports| ports.range.first() == 0 && ports.range.last() == u16::MAX;
        if [self.source, self.destination]
            .into_iter()
            .flatten()
            .any(every)
        {
            return Err("0:65535 is every port: leave the ports out".to_owned());
        }
        Ok(())
    }
}

fn load(offset: u32, length: u32) -> Expression {
    Expression::Payload {
        base: PayloadBase::Transport,
        offset,
        length,
    }
}

/// Offsets in struct tcphdr and struct udphdr, linux/tcp.h and linux/udp.h.
const SOURCE: u32 = 0;
const DESTINATION: u32 = 2;
