use std::fmt;

use super::{Extension, Protocol};
use crate::encoding::{Encoder, Expression, Extension as Xt, Info};
use crate::{BuildError, Family, PortRange, Rule};

/// `-m multiport`: one of up to 15 ports, a range counting as two. The rule needs [`Protocol::TCP`], UDP or SCTP too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multiport {
    which: Which,
    ports: Vec<PortRange>,
}

/// enum `xt_multiport_flags`, `linux/netfilter/xt_multiport.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Source = 0,
    Destination = 1,
    Either = 2,
}

impl Multiport {
    /// How many ports there is room for, a range taking two places: `XT_MULTI_PORTS`.
    pub const PLACES: usize = 15;

    /// `--sports`: from one of these ports.
    ///
    /// # Errors
    /// When there is no port, or more than [`PLACES`](Self::PLACES).
    pub fn sources(ports: impl IntoIterator<Item = PortRange>) -> Result<Self, BuildError> {
        Self::new(Which::Source, ports)
    }

    /// `--dports`: to one of these ports.
    ///
    /// # Errors
    /// When there is no port, or more than [`PLACES`](Self::PLACES).
    pub fn destinations(ports: impl IntoIterator<Item = PortRange>) -> Result<Self, BuildError> {
        Self::new(Which::Destination, ports)
    }

    /// `--ports`: from or to one of these ports.
    ///
    /// # Errors
    /// When there is no port, or more than [`PLACES`](Self::PLACES).
    pub fn either(ports: impl IntoIterator<Item = PortRange>) -> Result<Self, BuildError> {
        Self::new(Which::Either, ports)
    }

    fn new(which: Which, ports: impl IntoIterator<Item = PortRange>) -> Result<Self, BuildError> {
        let ports: Vec<PortRange> = ports.into_iter().collect();
        let list = Self { which, ports };
        let places = Self::places(&list.ports);
        if places == 0 || places > Self::PLACES {
            let reason = format!(
                "1 to {} ports are possible, a range counts as two; these are {places}",
                Self::PLACES
            );
            return Err(BuildError::value("port list", list.list(), reason));
        }
        Ok(list)
    }

    /// How many places a list takes.
    pub(crate) fn places(ports: &[PortRange]) -> usize {
        ports
            .iter()
            .map(|range| if range.is_single() { 1 } else { 2 })
            .sum()
    }

    fn list(&self) -> String {
        self.ports
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",")
    }
}

impl Extension for Multiport {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        let option = match self.which {
            Which::Source => "--sports",
            Which::Destination => "--dports",
            Which::Either => "--ports",
        };
        write!(f, "-m multiport {option} {} ", self.list())
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
        // struct xt_multiport_v1, linux/netfilter/xt_multiport.h: ports in host order.
        let mut places = Vec::with_capacity(Self::PLACES);
        for range in &self.ports {
            places.push((range.first(), !range.is_single()));
            if !range.is_single() {
                places.push((range.last(), false));
            }
        }
        let count = u8::try_from(places.len()).unwrap_or(u8::MAX);
        let ports: Vec<u8> = places
            .iter()
            .flat_map(|(port, _)| port.to_ne_bytes())
            .collect();
        let starts_range: Vec<u8> = places.iter().map(|(_, starts)| u8::from(*starts)).collect();
        let info = Info::new(48)
            .put(0, &[self.which as u8, count])
            .put(2, &ports)
            .put(32, &starts_range)
            .finish();
        encoder.push(Expression::Match(Xt {
            name: "multiport",
            revision: 1,
            info,
        }));
        Ok(())
    }

    fn check(&self, rule: &Rule, _family: Family) -> Result<(), String> {
        let with_ports = [
            Protocol::TCP,
            Protocol::UDP,
            Protocol::SCTP,
            Protocol::new(33),
            Protocol::new(136),
        ];
        if !with_ports.iter().any(|protocol| rule.is_only(*protocol)) {
            return Err("-m multiport needs -p tcp, udp, udplite, sctp or dccp".to_owned());
        }
        Ok(())
    }
}
