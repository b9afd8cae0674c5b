//! An entry as a test repeats it.

use std::{fmt::Write, net::IpAddr};

use ipset_netlink::Port;

use crate::{
    grammar::Values,
    types::{Field, TypeSpec},
};

/// The entry as it was said, not as the kernel sees it.
pub(super) fn describe(spec: &TypeSpec, values: &Values) -> String {
    let mut text = String::new();
    for (_, field) in spec.elements {
        let element = match field {
            Field::Ip => values.ip.map(|ip| address(ip, values.cidr, values.ip_to)),
            Field::Ip2 => values.ip2.map(|ip| address(ip, values.cidr2, None)),
            Field::Mac => values.mac.map(|mac| mac.to_string()),
            Field::Mark => values.mark.map(|mark| format!("{mark:#010x}")),
            Field::Port => port(values),
            Field::Interface => values
                .interface
                .as_ref()
                .map(|interface| interface.name().to_string()),
            Field::Name => values.name.as_ref().map(ToString::to_string),
            _ => None,
        };
        if let Some(element) = element {
            let comma = if text.is_empty() { "" } else { "," };
            let _ = write!(text, "{comma}{element}");
        }
    }
    if let Some(neighbour) = &values.neighbour {
        let _ = write!(text, " after {neighbour}");
    }
    text
}

fn address(ip: IpAddr, cidr: Option<u8>, to: Option<IpAddr>) -> String {
    let whole = if ip.is_ipv4() { 32 } else { 128 };
    let network = |ip: IpAddr| match cidr {
        Some(cidr) if cidr != whole => format!("{ip}/{cidr}"),
        _ => ip.to_string(),
    };
    match to {
        Some(to) => format!("{}-{}", network(ip), network(to)),
        None => network(ip),
    }
}

fn port(values: &Values) -> Option<String> {
    let port = values.port?;
    Some(match values.protocol {
        Some(protocol) => Port::new(protocol, port).to_string(),
        None => port.to_string(),
    })
}
