//! What several test files need.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]
#![allow(dead_code, reason = "not every test file uses all of it")]

use firewall_log::Event;
use firewall_log::packet::{Link, Network, Part, Transport};
use serde_json::{Value, json};

/// The lines of a sample file, each with the JSON above it.
pub(crate) fn samples(file: &'static str) -> impl Iterator<Item = (Value, &'static str)> {
    let mut expected = None;
    file.lines().filter_map(move |line| {
        if let Some(json) = line.strip_prefix("# {") {
            expected = Some(
                serde_json::from_str(&format!("{{{json}"))
                    .unwrap_or_else(|error| panic!("{error}: {json}")),
            );
            return None;
        }
        if line.starts_with('#') {
            return None;
        }
        Some((
            expected
                .take()
                .unwrap_or_else(|| panic!("no expectation above {line}")),
            line,
        ))
    })
}

/// An event as samples/expect.py describes it.
pub(crate) fn describe(event: &Event<'_>) -> Value {
    let packet = &event.packet;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mac = packet.link.map(|link| match link {
        Link::Raw { header, .. } => header.to_string(),
        other => other
            .source()
            .unwrap()
            .map(|octet| format!("{octet:02x}"))
            .join(":"),
    });
    let mut described = json!({
        "uptime": event.uptime.map(|uptime| format!("{}.{:06}", uptime.as_secs(), uptime.subsec_micros())),
        "priority": event.priority,
        "prefix": text(event.prefix),
        "in": text(packet.in_interface),
        "out": text(packet.out_interface),
        "physin": text(packet.physical_in),
        "physout": text(packet.physical_out),
        "mac": mac,
        "uid": packet.owner.map(|owner| owner.uid),
        "mark": packet.mark,
        "inner": packet.inner.as_ref().map(network),
    });
    described
        .as_object_mut()
        .unwrap()
        .append(network(&packet.network).as_object_mut().unwrap());
    described
}

fn network(network: &Network<'_>) -> Value {
    let ports = network.transport().and_then(Transport::ports);
    let flags = match network.transport() {
        Some(Transport::Tcp(Part::Whole(tcp))) => Some(tcp.flags.names().collect::<Vec<_>>()),
        _ => None,
    };
    let icmp = match network.transport() {
        Some(Transport::Icmp(Part::Whole(icmp))) => Some((icmp.kind, icmp.code)),
        Some(Transport::Icmpv6(Part::Whole(icmp))) => Some((icmp.kind, icmp.code)),
        _ => None,
    };
    json!({
        "src": network.source(),
        "dst": network.destination(),
        "proto": network.protocol().map(|protocol| protocol.to_string()),
        "spt": ports.map(|(source, _)| source),
        "dpt": ports.map(|(_, destination)| destination),
        "len": network.length(),
        "ttl": network.ttl(),
        "flags": flags,
        "icmp_type": icmp.map(|(kind, _)| kind),
        "icmp_code": icmp.map(|(_, code)| code),
    })
}
