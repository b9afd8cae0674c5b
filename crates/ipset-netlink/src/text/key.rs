//! Keys as text: the elements of an entry with commas between them.

use std::str::FromStr;

use super::names::{self, IcmpNames};
use super::words::{decimal, number};
use crate::key::Fault;
use crate::set_type::Dimension;
use crate::{AddressRange, Element, Key, KeyError, Network, Port, PortError, SetType};

/// One address, network (`ADDRESS/PREFIX`) or range (`FIRST-LAST`); [`Key::parse`] reads the
/// others.
impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        addresses(text).map(Self::from)
    }
}

impl Key {
    /// Reads the key of an entry of a set of this type, as `ipset` writes it: addresses and ports
    /// are numbers; protocols and ICMP types have the names that `ipset` gives them, or numbers.
    ///
    /// ```
    /// use ipset_netlink::{Key, SetType};
    ///
    /// let key = Key::parse("192.0.2.7,icmp:echo-request", &SetType::HashIpPort)?;
    /// assert_eq!(key, Key::parse("192.0.2.7,icmp:8/0", &SetType::HashIpPort)?);
    /// # Ok::<(), ipset_netlink::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The text does not have what the type's name says, or the type is not known here.
    pub fn parse(text: &str, set_type: &SetType) -> Result<Self, KeyError> {
        let dimensions = set_type.dimensions();
        // Files of a million lines have keys of one element.
        if let [Dimension::Ip | Dimension::Net] = dimensions {
            return addresses(text).map(Self::from);
        }
        let not_of_type = || {
            KeyError(Fault::NotOfType {
                text: text.into(),
                set_type: set_type.name().into(),
            })
        };
        // The name of a set can have commas, and it is always the last.
        let mut parts = text.splitn(dimensions.len(), ',');
        let mut elements = Vec::with_capacity(dimensions.len());
        for dimension in dimensions {
            match (parts.next(), dimension) {
                (Some(part), dimension) => {
                    elements.push(element(part, *dimension).ok_or_else(not_of_type)?);
                }
                (None, Dimension::OptionalMac) => {}
                (None, _) => return Err(not_of_type()),
            }
        }
        match (parts.next(), Self::of_elements(elements)) {
            (None, Some(key)) => Ok(key),
            _ => Err(not_of_type()),
        }
    }
}

fn element(text: &str, dimension: Dimension) -> Option<Element> {
    match dimension {
        Dimension::Ip | Dimension::Net => addresses(text).ok(),
        Dimension::SingleIp => {
            let element = addresses(text).ok();
            element.filter(|element| matches!(element, Element::Ip(_)))
        }
        Dimension::Port => {
            let port: Port = text.parse().ok()?;
            port.protocol().map(|_| port.into())
        }
        Dimension::PortOfAnyProtocol => {
            let port: Port = text.parse().ok()?;
            port.protocol().is_none().then(|| port.into())
        }
        Dimension::Mac | Dimension::OptionalMac => text.parse().ok().map(Element::Mac),
        Dimension::Mark => number(text).map(Element::Mark),
        Dimension::Interface => text.parse().ok().map(Element::Interface),
        Dimension::Set => text.parse().ok().map(Element::Set),
    }
}

fn addresses(text: &str) -> Result<Element, KeyError> {
    let wrong = || KeyError(Fault::Text(text.into()));
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (first, prefix) = text.split_at(text.len() - digits);
    if let Some(address) = first.strip_suffix('/') {
        let address = address.parse().map_err(|_| wrong())?;
        let prefix = decimal(prefix).ok_or_else(wrong)?;
        return Network::new(address, prefix).map(Element::from);
    }
    if let Ok(address) = text.parse() {
        return Ok(Element::Ip(address));
    }
    let (first, last) = text.split_once('-').ok_or_else(wrong)?;
    let first = first.parse().map_err(|_| wrong())?;
    let last = last.parse().map_err(|_| wrong())?;
    AddressRange::new(first, last).map(Element::from)
}

/// Names of protocols and of ICMP types, as `ipset` writes them, or numbers; names of services are
/// not known here.
impl FromStr for Port {
    type Err = PortError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        port(text).ok_or_else(|| PortError::new(text))
    }
}

fn port(text: &str) -> Option<Port> {
    let Some((protocol, ports)) = text.split_once(':') else {
        return ports_from(Port::without_protocol, text);
    };
    let protocol = names::protocol(protocol)?;
    match IcmpNames::of(protocol) {
        None => ports_from(|port| Port::new(protocol, port), ports),
        Some(names) => {
            let (icmp_type, code) = match ports.split_once('/') {
                Some((icmp_type, code)) => (decimal(icmp_type)?, decimal(code)?),
                None => names.find(ports)?,
            };
            Some(Port::new(protocol, u16::from_be_bytes([icmp_type, code])))
        }
    }
}

fn ports_from(port: impl Fn(u16) -> Port, text: &str) -> Option<Port> {
    match text.split_once('-') {
        None => decimal(text).map(port),
        Some((first, last)) => port(decimal(first)?).through(decimal(last)?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> String {
        text.parse::<Key>()
            .map_or_else(|e| e.to_string(), |key| key.to_string())
    }

    #[test]
    fn reads_and_writes_what_ipset_does() {
        assert_eq!(key("192.0.2.1"), "192.0.2.1");
        assert_eq!(key("192.0.2.1/32"), "192.0.2.1");
        assert_eq!(key("192.0.2.1/24"), "192.0.2.0/24");
        assert_eq!(key("0.0.0.0/0"), "0.0.0.0/0");
        assert_eq!(key("192.0.2.1-192.0.2.9"), "192.0.2.1-192.0.2.9");
        assert_eq!(key("2001:db8::1/128"), "2001:db8::1");
        assert_eq!(key("2001:DB8:0::1/32"), "2001:db8::/32");
    }

    #[test]
    fn refuses_the_rest_and_says_why() {
        for bad in [
            "",
            "/",
            "1.2.3",
            "192.0.2.1/",
            "192.0.2.1/+8",
            "192.0.2.1/256",
            "192.0.2.1/a",
            "192.0.2.1-",
        ] {
            assert_eq!(
                key(bad),
                format!(
                    "{bad:?} is neither an address nor a network (ADDRESS/PREFIX) nor a range (FIRST-LAST)"
                )
            );
        }
        assert_eq!(
            key("192.0.2.1/33"),
            "a prefix of 33 bits is longer than the address 192.0.2.1"
        );
        assert_eq!(
            key("192.0.2.2-192.0.2.1"),
            "192.0.2.2 to 192.0.2.1 is not a range of addresses"
        );
    }

    #[test]
    fn a_key_has_what_the_name_of_its_type_says() {
        for (set_type, text) in [
            ("bitmap:ip", "192.0.2.1"),
            ("bitmap:ip,mac", "192.0.2.1"),
            ("bitmap:ip,mac", "192.0.2.1,02:00:5E:10:00:FF"),
            ("bitmap:port", "80-90"),
            ("hash:ip", "2001:db8::1"),
            ("hash:mac", "02:00:5E:10:00:FF"),
            ("hash:ip,mac", "192.0.2.1,02:00:5E:10:00:FF"),
            ("hash:net", "192.0.2.0/24"),
            ("hash:net,net", "192.0.2.0/24,198.51.100.1"),
            ("hash:ip,port", "192.0.2.1,icmp:8/0"),
            ("hash:net,port", "2001:db8::/32,udplite:7-9"),
            ("hash:ip,port,ip", "192.0.2.1,sctp:1,192.0.2.2"),
            ("hash:ip,port,net", "192.0.2.1,47:0,192.0.2.0/25"),
            ("hash:ip,mark", "192.0.2.1,0x0000002a"),
            ("hash:net,port,net", "10.0.0.0/8,tcp:1,10.0.0.0/9"),
            ("hash:net,iface", "10.0.0.0/8,physdev:eth0"),
            ("list:set", "other"),
        ] {
            let set_type: SetType = set_type.parse().unwrap();
            assert_eq!(Key::parse(text, &set_type).unwrap().to_string(), text);
            for wrong in ["", " ", "192.0.2.1, ", "a b", "1,2,3, 4"] {
                assert!(
                    Key::parse(wrong, &set_type).is_err(),
                    "{wrong} in {set_type}"
                );
            }
        }
    }
}
