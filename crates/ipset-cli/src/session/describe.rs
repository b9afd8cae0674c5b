//! An entry as a test repeats it.

use std::net::IpAddr;

use ipset_netlink::{Element, Port};

use crate::grammar::Values;
use crate::output::in_words;
use crate::text;
use crate::types::{Field, TypeSpec};

/// The entry as it was said, not as the kernel sees it.
pub(super) fn describe(spec: &TypeSpec, values: &Values) -> String {
    let elements = spec.elements.iter().filter_map(|(_, field)| match field {
        Field::Ip => Some(address(values.ip?, values.cidr, values.ip_to)),
        Field::Ip2 => Some(address(values.ip2?, values.cidr2, None)),
        Field::Mac => values.mac.map(|mac| in_words(mac.into())),
        Field::Mark => values.mark.map(|mark| in_words(Element::Mark(mark))),
        Field::Port => port(values),
        Field::Interface => {
            let interface = values.interface.as_ref();
            interface.map(|interface| text::of(interface.name_bytes()))
        }
        Field::Name => values.name.as_ref().map(|name| text::of(name.as_bytes())),
        _ => None,
    });
    let text = elements.collect::<Vec<_>>().join(",");
    match &values.neighbour {
        // `ipset` says so of either place.
        Some(neighbour) => format!("{text} after {}", text::of(neighbour.as_bytes())),
        None => text,
    }
}

fn address(ip: IpAddr, cidr: Option<u8>, to: Option<IpAddr>) -> String {
    let whole = if ip.is_ipv4() { 32 } else { 128 };
    let network = |ip: IpAddr| match cidr {
        Some(cidr) if cidr != whole => format!("{}/{cidr}", in_words(ip.into())),
        _ => in_words(ip.into()),
    };
    match to {
        Some(to) => format!("{}-{}", network(ip), network(to)),
        None => network(ip),
    }
}

fn port(values: &Values) -> Option<String> {
    let port = values.port?;
    let port = match values.protocol {
        Some(protocol) => Port::new(protocol, port),
        None => Port::without_protocol(port),
    };
    Some(in_words(port.into()))
}
