//! IPv4: `dump_ipv4_packet`.

use firewall_log::packet::{Ipv4, Network, Transport};

use super::capture::Capture;
use super::{Read, icmp, transport};

// linux/in.h
const IPPROTO_ICMP: u8 = 1;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const IPPROTO_ESP: u8 = 50;
const IPPROTO_AH: u8 = 51;
const IPPROTO_UDPLITE: u8 = 136;
// linux/ip.h and net/ip.h
const IPTOS_TOS_MASK: u8 = 0x1e;
const IPTOS_PREC_MASK: u8 = 0xe0;
const IP_CE: u16 = 0x8000;
const IP_DF: u16 = 0x4000;
const IP_MF: u16 = 0x2000;
const IP_OFFSET: u16 = 0x1fff;

/// The length that the header gives.
pub(super) fn declared_length(payload: &[u8]) -> Option<usize> {
    let [_, _, high, low] = *payload.first_chunk()?;
    Some(usize::from(u16::from_be_bytes([high, low])))
}

/// The packet whose header is at `at`; 0 for the packet itself, more for one that an ICMP error
/// quotes.
pub(super) fn read<'a>(capture: &Capture<'_>, at: usize) -> Read<'a> {
    let Some(header) = capture.header::<20>(at) else {
        return Read {
            network: Network::Truncated,
            quotes: None,
        };
    };
    let [
        version,
        tos,
        l1,
        l0,
        i1,
        i0,
        f1,
        f0,
        ttl,
        protocol,
        _,
        _,
        addresses @ ..,
    ] = header;
    let [s3, s2, s1, s0, d3, d2, d1, d0] = addresses;
    let fragment = u16::from_be_bytes([f1, f0]);
    let above = at + usize::from(version & 0x0f) * 4;
    let later = fragment & IP_OFFSET != 0;
    let mut quotes = None;
    let transport = match protocol {
        IPPROTO_TCP => Transport::Tcp(transport::tcp(capture, above, later)),
        IPPROTO_UDP => Transport::Udp(transport::udp(capture, above, later)),
        IPPROTO_UDPLITE => Transport::UdpLite(transport::udp(capture, above, later)),
        IPPROTO_ICMP => {
            let (part, error) = icmp::read(capture, above, later);
            // Only once.
            quotes = error.filter(|_| at == 0);
            Transport::Icmp(part)
        }
        // The one protocol whose name the kernel leaves out of a later fragment's line.
        IPPROTO_AH if later => Transport::None,
        IPPROTO_AH => Transport::Ah(transport::ah(capture, above)),
        IPPROTO_ESP => Transport::Esp(transport::esp(capture, above, later)),
        other => Transport::Other(other),
    };
    let source = [s3, s2, s1, s0].into();
    let destination = [d3, d2, d1, d0].into();
    let mut ip = Ipv4::new(source, destination, transport);
    ip.length = u16::from_be_bytes([l1, l0]).into();
    ip.tos = tos & IPTOS_TOS_MASK;
    ip.precedence = tos & IPTOS_PREC_MASK;
    ip.ttl = ttl;
    ip.id = u16::from_be_bytes([i1, i0]);
    ip.congestion = fragment & IP_CE != 0;
    ip.dont_fragment = fragment & IP_DF != 0;
    ip.more_fragments = fragment & IP_MF != 0;
    ip.fragment_offset = fragment & IP_OFFSET;
    Read {
        network: ip.into(),
        quotes,
    }
}
