//! `-m multiport`.

use std::fmt;

use super::{MatchKind, Protocol};
use crate::decoding::Decoder;
use crate::encoding::{Encoder, Field, Info};
use crate::packet::{Answer, Facts, Packet};
use crate::{BuildError, Family, PortRange};

/// `-m multiport`: one of up to 15 ports, a range counting as two. The rule needs
/// [`Protocol::TCP`], UDP or SCTP too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multiport {
    which: Which,
    ports: Vec<PortRange>,
    /// Any other port: what others ask for is read, and is not asked for here.
    inverted: bool,
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
        let list = Self {
            which,
            ports,
            inverted: false,
        };
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

    /// The ports in lists of which each fits into one match.
    pub(crate) fn lists(ports: &[PortRange]) -> Vec<Vec<PortRange>> {
        let mut lists: Vec<Vec<PortRange>> = Vec::new();
        for port in ports {
            match lists.last_mut() {
                Some(list) if Self::places(list) + Self::places(&[*port]) <= Self::PLACES => {
                    list.push(*port);
                }
                _ => lists.push(vec![*port]),
            }
        }
        lists
    }

    /// How many places a list takes.
    pub(crate) fn places(ports: &[PortRange]) -> usize {
        ports
            .iter()
            .map(|range| if range.is_single() { 1 } else { 2 })
            .sum()
    }

    /// The ports of which a packet has to go to one; of `--ports` it may come from it as well.
    pub(super) fn destination_ports(&self) -> Vec<PortRange> {
        match self.which {
            Which::Destination | Which::Either if !self.inverted => self.ports.clone(),
            _ => Vec::new(),
        }
    }

    fn list(&self) -> String {
        self.ports
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",")
    }
}

impl MatchKind for Multiport {
    fn save(&self, f: &mut fmt::Formatter<'_>, _family: Family) -> fmt::Result {
        let option = match self.which {
            Which::Source => "--sports",
            Which::Destination => "--dports",
            Which::Either => "--ports",
        };
        let not = if self.inverted { "! " } else { "" };
        write!(f, "-m multiport {not}{option} {} ", self.list())
    }

    fn encode(&self, encoder: &mut Encoder<'_>) -> Result<(), BuildError> {
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
        let info = Info::new()
            .put(WHICH_AND_COUNT, [self.which as u8, count])
            .put_start(PORTS, &ports)?
            .put_start(STARTS_RANGE, &starts_range)?
            .put(INVERTED, [u8::from(self.inverted)]);
        encoder.extension("multiport", 1, info.finish());
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let info = decoder.extension("multiport")?;
        let [which, count] = *info.bytes(WHICH_AND_COUNT)?;
        let which = [Which::Source, Which::Destination, Which::Either]
            .into_iter()
            .find(|known| *known as u8 == which)?;
        let stored = info.bytes(PORTS)?.chunks_exact(2);
        let stored = stored.map(|port| port.try_into().map_or(0, u16::from_ne_bytes));
        let mut places = stored
            .zip(info.bytes(STARTS_RANGE)?)
            .take(usize::from(count));
        let mut ports = Vec::new();
        while let Some((first, starts_range)) = places.next() {
            let last = match starts_range {
                0 => first,
                _ => places.next()?.0,
            };
            ports.push(PortRange::new(first, last).ok()?);
        }
        Some(Self {
            inverted: info.u8(INVERTED)? != 0,
            ..Self::new(which, ports).ok()?
        })
    }

    fn ask(&self, packet: &Packet, _facts: &mut dyn Facts) -> Answer {
        let listed = |port: Option<u16>| {
            let port = port?;
            Some(self.ports.iter().any(|range| range.contains(port)))
        };
        let (from, to) = (packet.source_port(), packet.destination_port());
        let (found, ports) = match self.which {
            Which::Source => (listed(from), [from, None]),
            Which::Destination => (listed(to), [to, None]),
            Which::Either => match (listed(from), listed(to)) {
                (Some(true), _) | (_, Some(true)) => (Some(true), [from, to]),
                (Some(false), Some(false)) => (Some(false), [from, to]),
                _ => (None, [None, None]),
            },
        };
        let ports: Vec<String> = ports
            .into_iter()
            .flatten()
            .map(|port| port.to_string())
            .collect();
        match found {
            Some(found) => Answer::known(found, format!("its port is {}", ports.join(" or "))),
            None => Answer::perhaps("its port"),
        }
        .inverted(self.inverted)
    }

    fn check(&self, protocol: Option<&Protocol>, _family: Family) -> Result<(), String> {
        if !protocol.is_some_and(|protocol| !protocol.is_inverted() && protocol.has_ports()) {
            return Err("-m multiport needs -p tcp, udp, udplite, sctp or dccp".to_owned());
        }
        Ok(())
    }
}

/// Fields of struct `xt_multiport_v1`, `linux/netfilter/xt_multiport.h`; ports in host order.
const SIZE: usize = 48;
const WHICH_AND_COUNT: Field<SIZE, 2> = Field::at(0);
const PORTS: Field<SIZE, { 2 * Multiport::PLACES }> = Field::at(2);
const STARTS_RANGE: Field<SIZE, { Multiport::PLACES }> = Field::at(32);
const INVERTED: Field<SIZE, 1> = Field::at(47);

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
