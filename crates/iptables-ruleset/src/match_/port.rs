//! What `-m tcp` and `-m udp` share: source and destination port at the same place of the header.

use std::fmt;

use crate::PortRange;
use crate::encoding::{Encoder, Expression, PayloadBase};

/// Ports that are asked for, or excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) range: PortRange,
    pub(super) inverted: bool,
}

impl Ports {
    fn single(self) -> Option<u16> {
        (self.range.is_single() && !self.inverted).then(|| self.range.first())
    }
}

pub(super) fn save(f: &mut fmt::Formatter<'_>, option: &str, ports: Option<Ports>) -> fmt::Result {
    match ports {
        None => Ok(()),
        Some(Ports { range, inverted }) => {
            write!(f, "{}{option} {range} ", if inverted { "! " } else { "" })
        }
    }
}

/// Two plain ports are compared in one go; iptables does so too.
pub(super) fn encode(encoder: &mut Encoder<'_>, source: Option<Ports>, destination: Option<Ports>) {
    if let (Some(from), Some(to)) = (
        source.and_then(Ports::single),
        destination.and_then(Ports::single),
    ) {
        let both = [from.to_be_bytes(), to.to_be_bytes()].concat();
        encoder.compare(load(SOURCE, 4), false, both);
        return;
    }
    for (offset, ports) in [(SOURCE, source), (DESTINATION, destination)] {
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

pub(super) fn check(ports: [Option<Ports>; 2]) -> Result<(), String> {
    let every = |ports: &Ports| ports.range.first() == 0 && ports.range.last() == u16::MAX;
    if ports.iter().flatten().any(every) {
        Err("0:65535 is every port: leave the ports out".to_owned())
    } else {
        Ok(())
    }
}
