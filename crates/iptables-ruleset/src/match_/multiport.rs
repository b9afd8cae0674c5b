use std::fmt;

use super::{Extension, Protocol};
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Expression, Extension as Xt, Info};
use crate::{BuildError, Family, PortRange, Rule};

/// `-m multiport`: one of up to 15 ports, a range counting as two. The rule needs
/// [`Protocol::TCP`], UDP or SCTP too.
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

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let info = decoder.extension("multiport")?;
        let which = [Which::Source, Which::Destination, Which::Either]
            .into_iter()
            .find(|which| Some(*which as u8) == info.u8(0))?;
        let mut ports = Vec::new();
        let mut places = 0..usize::from(info.u8(1)?);
        while let Some(place) = places.next() {
            let first = info.u16(2 + 2 * place)?;
            let last = match info.u8(32 + place)? {
                0 => first,
                _ => info.u16(2 + 2 * places.next()?)?,
            };
            ports.push(PortRange::new(first, last).ok()?);
        }
        Self::new(which, ports).ok()
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

#[cfg(test)]
mod tests {
    use super::super::testing::{info, refusal, text};
    use super::*;

    fn ports(texts: &[&str]) -> Vec<PortRange> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_range_takes_two_places() {
        let list = Multiport::destinations(ports(&["80", "443", "8000:8100"])).unwrap();
        assert_eq!(
            text(list.clone(), Family::Ipv4),
            "-m multiport --dports 80,443,8000:8100"
        );
        let (name, revision, info) = info(list, Family::Ipv4);
        assert_eq!((name, revision, info.len()), ("multiport", 1, 48));
        assert_eq!(info[..2], [1, 4]);
        let stored: Vec<u16> = info[2..10]
            .chunks(2)
            .map(|port| u16::from_ne_bytes([port[0], port[1]]))
            .collect();
        assert_eq!(stored, [80, 443, 8000, 8100]);
        assert_eq!(info[32..37], [0, 0, 1, 0, 0]);
    }

    #[test]
    fn fifteen_places_are_all() {
        let full = ["1:2", "3:4", "5:6", "7:8", "9:10", "11:12", "13:14", "15"];
        assert!(Multiport::either(ports(&full)).is_ok());
        let error = Multiport::either(ports(&[&full[..], &["16"]].concat())).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("1 to 15 ports are possible, a range counts as two; these are 16")
        );
        assert!(Multiport::sources([]).is_err());
    }

    #[test]
    fn it_needs_a_protocol_with_ports() {
        let list = || Multiport::sources(ports(&["1", "2"])).unwrap();
        assert!(
            refusal(list(), vec![Protocol::ICMP.into()], Family::Ipv4)
                .starts_with("-m multiport needs -p")
        );
        assert!(
            refusal(list(), vec![Protocol::TCP.not().into()], Family::Ipv4)
                .starts_with("-m multiport needs -p")
        );
    }
}
