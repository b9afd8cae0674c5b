//! What `-m tcp` and `-m udp` share: source and destination port at the same place of the header.

use std::fmt;

use crate::PortRange;
use crate::encoding::{Encoder, Expression, PayloadBase};

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

    pub(super) fn check(self) -> Result<(), String> {
        let every = |ports: Ports| ports.range.first() == 0 && ports.range.last() == u16::MAX;
        if [self.source, self.destination]
            .into_iter()
            .flatten()
            .any(every)
        {
            Err("0:65535 is every port: leave the ports out".to_owned())
        } else {
            Ok(())
        }
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
