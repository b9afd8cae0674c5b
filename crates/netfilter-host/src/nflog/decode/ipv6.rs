//! IPv6 and its extension headers: `dump_ipv6_packet`.

use firewall_log::packet::{Extension, Extensions, Ipv6, Network, Transport};

use super::capture::Capture;
use super::{Read, icmpv6, transport};

// linux/in.h and linux/in6.h
const IPPROTO_HOPOPTS: u8 = 0;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;
const IPPROTO_ROUTING: u8 = 43;
const IPPROTO_FRAGMENT: u8 = 44;
const IPPROTO_ESP: u8 = 50;
const IPPROTO_AH: u8 = 51;
const IPPROTO_ICMPV6: u8 = 58;
const IPPROTO_DSTOPTS: u8 = 60;
const IPPROTO_UDPLITE: u8 = 136;

const HEADER: usize = 40;
/// Fragment headers of one packet that a line shows. The kernel cuts its line after some 50, and
/// with it the protocol that follows; a chain that long is there to hide it. Ours goes on to the
/// protocol, and stays a line that can be read.
const MOST_SHOWN: usize = 64;

/// The length that the header gives.
pub(super) fn declared_length(payload: &[u8]) -> Option<usize> {
    let [_, _, _, _, high, low] = *payload.first_chunk()?;
    Some(HEADER + usize::from(u16::from_be_bytes([high, low])))
}

/// The packet whose header is at `at`, as for IPv4; `shown` is for the extension headers that a
/// line shows.
pub(super) fn read<'a>(
    capture: &Capture<'_>,
    at: usize,
    shown: &'a mut Vec<Extension>,
) -> Read<'a> {
    let Some(header) = capture.header::<HEADER>(at) else {
        return Read {
            network: Network::Truncated,
            quotes: None,
        };
    };
    let [v, c, f1, f0, l1, l0, next, hop_limit, addresses @ ..] = header;
    let above = Above {
        protocol: next,
        at: at + HEADER,
        later: false,
    };
    let (transport, quotes) = above.read(capture, shown);
    let (source, destination) = addresses.split_at(16);
    let address = |bytes: &[u8]| <[u8; 16]>::try_from(bytes).unwrap_or_default().into();
    let mut ip = Ipv6::new(address(source), address(destination), transport);
    ip.length = u32::from(u16::from_be_bytes([l1, l0])) + 40;
    ip.traffic_class = (v << 4) | (c >> 4);
    ip.hop_limit = hop_limit;
    ip.flow_label = u32::from_be_bytes([0, c & 0x0f, f1, f0]);
    ip.extensions = Extensions::new(shown);
    Read {
        network: ip.into(),
        // Only once.
        quotes: quotes.filter(|_| at == 0),
    }
}

/// What is above a header: its number, where it begins, and whether it is a later fragment's.
struct Above {
    protocol: u8,
    at: usize,
    later: bool,
}

impl Above {
    /// Walks the extension headers to the protocol; also gives where the packet begins that it
    /// quotes.
    fn read(
        mut self,
        capture: &Capture<'_>,
        shown: &mut Vec<Extension>,
    ) -> (Transport<'static>, Option<usize>) {
        shown.clear();
        let mut quotes = None;
        while is_extension(self.protocol) {
            let Some([next, length]) = capture.header(self.at) else {
                return (Transport::Truncated, None);
            };
            let length = usize::from(length);
            let length = match self.protocol {
                IPPROTO_FRAGMENT => {
                    let Some([_, _, o1, o0, id @ ..]) = capture.header::<8>(self.at) else {
                        show(shown, Extension::FragmentTruncated);
                        return (Transport::None, None);
                    };
                    let offset = u16::from_be_bytes([o1, o0]);
                    show(
                        shown,
                        Extension::Fragment {
                            offset: offset & 0xfff8,
                            more: offset & 1 != 0,
                            id: u32::from_be_bytes(id),
                        },
                    );
                    self.later |= offset & 0xfff8 != 0;
                    8
                }
                IPPROTO_AH => (length + 2) * 4,
                // The kernel goes no further, and names no protocol.
                IPPROTO_ESP => return (Transport::None, None),
                _ if self.later => return (Transport::None, None),
                _ => (length + 1) * 8,
            };
            self.protocol = next;
            self.at += length;
        }
        let Self {
            protocol,
            at,
            later,
        } = self;
        let transport = match protocol {
            IPPROTO_TCP => Transport::Tcp(transport::tcp(capture, at, later)),
            IPPROTO_UDP => Transport::Udp(transport::udp(capture, at, later)),
            IPPROTO_UDPLITE => Transport::UdpLite(transport::udp(capture, at, later)),
            IPPROTO_ICMPV6 => {
                let (part, error) = icmpv6::read(capture, at, later);
                quotes = error;
                Transport::Icmpv6(part)
            }
            other => Transport::Other(other),
        };
        (transport, quotes)
    }
}

/// Of too many the last decides: how the rest of the line is read depends on whether one tells of a
/// later fragment.
fn show(shown: &mut Vec<Extension>, extension: Extension) {
    if shown.len() < MOST_SHOWN {
        shown.push(extension);
    } else if let (Some(last), false) = (shown.last_mut(), is_whole(extension)) {
        *last = extension;
    }
}

/// Whether it is the header of a first fragment, or of one that is the whole packet.
fn is_whole(extension: Extension) -> bool {
    matches!(extension, Extension::Fragment { offset: 0, .. })
}

/// `nf_ip6_ext_hdr` without "no next header", at which the kernel stops.
fn is_extension(protocol: u8) -> bool {
    matches!(
        protocol,
        IPPROTO_HOPOPTS
            | IPPROTO_ROUTING
            | IPPROTO_FRAGMENT
            | IPPROTO_ESP
            | IPPROTO_AH
            | IPPROTO_DSTOPTS
    )
}
