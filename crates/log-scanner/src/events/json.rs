//! Each line of the log as one JSON object.

use std::borrow::Cow;
use std::io;
use std::net::IpAddr;
use std::num::NonZeroU32;

use firewall_log::packet::{Link, Network, Packet, Transport};
use serde::Serialize;

use super::Seen;

/// Writes the object of line `n` and a line feed.
pub(super) fn write(n: u64, seen: &Seen<'_>, out: &mut impl io::Write) -> io::Result<()> {
    serde_json::to_writer(
        &mut *out,
        &Line {
            n,
            what: What::from(seen),
        },
    )?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Line<'a> {
    n: u64,
    #[serde(flatten)]
    what: What<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum What<'a> {
    Event(Box<Fields<'a>>),
    Other { other: Cow<'a, str> },
    Unparsed { unparsed: &'a str, column: usize },
    Rejected { rejected: &'a str },
}

#[derive(Serialize)]
struct Fields<'a> {
    time: Option<String>,
    host: Cow<'a, str>,
    prefix: Cow<'a, str>,
    r#in: Cow<'a, str>,
    out: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeated: Option<NonZeroU32>,
    #[serde(flatten)]
    packet: PacketFields,
}

/// What is told of a packet, the one that was logged as well as one that an ICMP error quotes.
#[derive(Serialize)]
struct PacketFields {
    src: Option<IpAddr>,
    dst: Option<IpAddr>,
    proto: Option<String>,
    spt: Option<u16>,
    dpt: Option<u16>,
    len: Option<u32>,
    ttl: Option<u8>,
    flags: Vec<&'static str>,
    icmp_type: Option<u8>,
    icmp_code: Option<u8>,
    mark: Option<u32>,
    mac: Option<String>,
    inner: Option<Box<PacketFields>>,
}

impl<'a> From<&'a Seen<'a>> for What<'a> {
    fn from(seen: &'a Seen<'a>) -> Self {
        match seen {
            Seen::Event { event, time } => Self::Event(Box::new(Fields {
                time: time.map(|time| time.to_string()),
                host: String::from_utf8_lossy(event.host),
                prefix: String::from_utf8_lossy(event.prefix),
                r#in: String::from_utf8_lossy(event.packet.in_interface),
                out: String::from_utf8_lossy(event.packet.out_interface),
                repeated: event.repeated,
                packet: PacketFields::outer(&event.packet),
            })),
            Seen::Other(line) => Self::Other {
                other: String::from_utf8_lossy(line),
            },
            Seen::Unparsed { why, column } => Self::Unparsed {
                unparsed: why,
                column: *column,
            },
            Seen::Rejected(why) => Self::Rejected { rejected: why },
        }
    }
}

impl PacketFields {
    fn outer(packet: &Packet<'_>) -> Self {
        Self {
            mark: (packet.mark != 0).then_some(packet.mark),
            mac: packet.link.as_ref().and_then(mac),
            inner: packet.inner.as_ref().map(|inner| Box::new(Self::of(inner))),
            ..Self::of(&packet.network)
        }
    }

    fn of(network: &Network<'_>) -> Self {
        let transport = network.transport();
        let ports = transport.and_then(Transport::ports);
        let icmp = super::icmp(network);
        Self {
            src: network.source(),
            dst: network.destination(),
            proto: network.protocol().map(|protocol| protocol.to_string()),
            spt: ports.map(|(source, _)| source),
            dpt: ports.map(|(_, destination)| destination),
            len: network.length(),
            ttl: network.ttl(),
            flags: super::flags(network).collect(),
            icmp_type: icmp.map(|(kind, _)| kind),
            icmp_code: icmp.map(|(_, code)| code),
            mark: None,
            mac: None,
            inner: None,
        }
    }
}

/// Destination, source and type in the spelling of `MAC=`, however the line spells them.
fn mac(link: &Link<'_>) -> Option<String> {
    match link {
        Link::Raw { header, .. } => (!header.is_empty()).then(|| header.to_string()),
        Link::Decoded {
            source,
            destination,
            protocol,
            ..
        } => {
            let octets = destination
                .iter()
                .chain(source)
                .copied()
                .chain(protocol.to_be_bytes());
            let octets: Vec<_> = octets.map(|octet| format!("{octet:02x}")).collect();
            Some(octets.join(":"))
        }
        _ => None,
    }
}
