use std::fmt;

use super::port::{self, Ports};
use super::{Extension, Protocol};
use crate::encoding::Encoder;
use crate::{BuildError, Family, PortRange, Rule};

/// `-m udp`: ports of a UDP packet. The rule needs [`Protocol::UDP`] too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Udp {
    source: Option<Ports>,
    destination: Option<Ports>,
}

impl Udp {
    /// Any UDP packet.
    pub fn new() -> Self {
        Self::default()
    }

    /// `--sport`: from one of these ports.
    pub fn source(self, ports: impl Into<PortRange>) -> Self {
        Self {
            source: Some(Ports {
                range: ports.into(),
                inverted: false,
            }),
            ..self
        }
    }

    /// `! --sport`: from any other port.
    pub fn not_source(self, ports: impl Into<PortRange>) -> Self {
        Self {
            source: Some(Ports {
                range: ports.into(),
                inverted: true,
            }),
            ..self
        }
    }

    /// `--dport`: to one of these ports.
    pub fn destination(self, ports: impl Into<PortRange>) -> Self {
        Self {
            destination: Some(Ports {
                range: ports.into(),
                inverted: false,
            }),
            ..self
        }
    }

    /// `! --dport`: to any other port.
    pub fn not_destination(self, ports: impl Into<PortRange>) -> Self {
        Self {
            destination: Some(Ports {
                range: ports.into(),
                inverted: true,
            }),
            ..self
        }
    }
}

impl Extension for Udp {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        f.write_str("-m udp ")?;
        port::save(f, "--sport", self.source)?;
        port::save(f, "--dport", self.destination)
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        port::encode(encoder, self.source, self.destination);
        Ok(())
    }

    fn check(&self, rule: &Rule, _family: Family) -> Result<(), String> {
        if !rule.is_only(Protocol::UDP) {
            return Err("-m udp needs -p udp".to_owned());
        }
        if *self == Self::new() {
            // iptables sends nothing for it and so could not print it.
            return Err("-m udp asks for nothing; -p udp is enough".to_owned());
        }
        port::check([self.source, self.destination])
    }
}
