//! The key of an entry, from its fields. The first address of a key and the second have fields of
//! their own.

use super::decode::Fields;
use crate::key::{AddressRange, Element, Interface, Key, KeyError, Network, Port};
use crate::packet::{IPSET_FLAG_IFACE_WILDCARD, IPSET_FLAG_PHYSDEV};
use crate::set_type::Dimension;
use crate::{DecodeError, SetName};

impl Fields<'_> {
    pub(super) fn take_key(&mut self, dimensions: &[Dimension]) -> Result<Key, DecodeError> {
        // Sets with keys of one element can be very large.
        if let [dimension] = dimensions {
            let element = self.take_element(*dimension)?;
            return element.map(Key::from).ok_or_else(|| lacks(*dimension));
        }
        let mut elements = Vec::with_capacity(dimensions.len());
        for dimension in dimensions {
            match (self.take_element(*dimension)?, dimension) {
                (Some(element), _) => elements.push(element),
                (None, Dimension::OptionalMac) => {}
                (None, dimension) => return Err(lacks(*dimension)),
            }
        }
        Key::of_elements(elements).ok_or_else(|| DecodeError::new("an entry has no key"))
    }

    #[inline]
    fn take_element(&mut self, dimension: Dimension) -> Result<Option<Element>, DecodeError> {
        Ok(match dimension {
            Dimension::Ip | Dimension::SingleIp | Dimension::Net => self.take_addresses()?,
            Dimension::Port => match (self.proto.take(), self.port.take()) {
                (Some(protocol), Some(port)) => {
                    Some(self.through(Port::new(protocol, port))?.into())
                }
                _ => None,
            },
            Dimension::PortOfAnyProtocol => match self.port.take() {
                Some(port) => Some(self.through(Port::without_protocol(port))?.into()),
                None => None,
            },
            Dimension::Mac | Dimension::OptionalMac => self.ether.take().map(Element::Mac),
            Dimension::Mark => self.mark.take().map(Element::Mark),
            Dimension::Interface => self.iface.take().map(|name| {
                let mut interface = Interface::from_kernel(&name);
                interface.bridge_port = self.flags & IPSET_FLAG_PHYSDEV != 0;
                interface.wildcard = self.flags & IPSET_FLAG_IFACE_WILDCARD != 0;
                interface.into()
            }),
            Dimension::Set => self
                .name
                .take()
                .map(|name| SetName::from_kernel(&name).into()),
        })
    }

    #[inline]
    fn take_addresses(&mut self) -> Result<Option<Element>, DecodeError> {
        let (ip, ip_to, cidr) = match self.ip.take() {
            Some(ip) => (Some(ip), self.ip_to.take(), self.cidr.take()),
            None => (self.ip2.take(), self.ip2_to.take(), self.cidr2.take()),
        };
        let wrong = |error: KeyError| DecodeError::new(error.to_string());
        match (ip, ip_to, cidr) {
            (None, _, _) => Ok(None),
            (Some(ip), None, None) => Ok(Some(ip.into())),
            (Some(ip), None, Some(bits)) => Ok(Some(Network::new(ip, bits).map_err(wrong)?.into())),
            (Some(first), Some(last), _) => {
                Ok(Some(AddressRange::new(first, last).map_err(wrong)?.into()))
            }
        }
    }

    fn through(&mut self, port: Port) -> Result<Port, DecodeError> {
        match self.port_to.take() {
            None => Ok(port),
            Some(last) => port
                .through(last)
                .map_err(|error| DecodeError::new(error.to_string())),
        }
    }
}

fn lacks(dimension: Dimension) -> DecodeError {
    DecodeError::new(format!("an entry has no {dimension:?}"))
}
