//! The headers of a packet, read as the kernel's LOG target reads them:
//! `net/netfilter/nf_log_syslog.c`.
//!
//! The packets that matter most to a firewall's log are those that are cut short or contradict
//! themselves, and of those a line must say what the kernel's would. The kernel looks at each
//! header by itself and believes its length fields; a packet library refuses such headers, which is
//! right for everybody else. Hence the few reads of fixed fields here.

mod capture;
mod icmp;
mod icmpv6;
mod ipv4;
mod ipv6;
mod transport;

use firewall_log::packet::{Extension, Network, Packet, Part, Transport};

use self::capture::Capture;

// linux/if_ether.h
const ETH_P_IP: u16 = 0x0800;
const ETH_P_IPV6: u16 = 0x86dd;

/// Room for what a packet borrows: the fragment headers of it and of the one it quotes.
#[derive(Debug, Default)]
pub(in crate::nflog) struct Headers {
    outer: Vec<Extension>,
    quoted: Vec<Extension>,
}

/// What was read of one network header and all above it.
struct Read<'a> {
    network: Network<'a>,
    /// Where the packet begins that an ICMP error quotes.
    quotes: Option<usize>,
}

/// The packet in `payload`, of which the kernel handed over at most `limit` bytes; `None` if
/// `protocol`, its ethertype, is not one of IP's.
pub(in crate::nflog) fn decode<'a>(
    protocol: u16,
    payload: &[u8],
    limit: usize,
    mark: u32,
    headers: &'a mut Headers,
) -> Option<Packet<'a>> {
    let (network, inner) = match protocol {
        ETH_P_IP => {
            let capture = Capture::new(payload, limit, ipv4::declared_length(payload));
            let read = ipv4::read(&capture, 0);
            let inner = read.quotes.map(|at| ipv4::read(&capture, at).network);
            (read.network, inner)
        }
        ETH_P_IPV6 => {
            let Headers { outer, quoted } = headers;
            let capture = Capture::new(payload, limit, ipv6::declared_length(payload));
            let read = ipv6::read(&capture, 0, outer);
            let inner = read
                .quotes
                .map(|at| ipv6::read(&capture, at, quoted).network);
            (read.network, inner)
        }
        _ => return None,
    };
    let mut packet = Packet::new(network);
    packet.inner = inner;
    if ends_with_mark(&packet.network) {
        packet.mark = mark;
    }
    Some(packet)
}

/// Whether the kernel goes on to `MARK=`: where some headers are cut short it does, where others
/// are it does not.
fn ends_with_mark(network: &Network<'_>) -> bool {
    fn is_there<T>(part: &Part<T>) -> bool {
        !matches!(part, Part::Incomplete(_))
    }
    match network.transport() {
        None | Some(Transport::Truncated) => false,
        // Of IPv4 that is a later fragment of AH.
        Some(Transport::None) => matches!(network, Network::V4(_)),
        Some(Transport::Tcp(part)) => is_there(part),
        Some(Transport::Udp(part) | Transport::UdpLite(part)) => is_there(part),
        Some(Transport::Icmpv6(part)) => is_there(part),
        Some(_) => true,
    }
}
