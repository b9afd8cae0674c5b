//! TCP, UDP, UDP-Lite, AH and ESP: `nf_log_dump_tcp_header`, `nf_log_dump_udp_header`.

use firewall_log::packet::{Part, Spi, Tcp, TcpFlags, Udp};

use super::capture::Capture;

/// Fixed bytes of a TCP header, in which the flags are nine bits of the seventh 16-bit word.
const FLAGS: [(u16, TcpFlags); 9] = [
    (0x100, TcpFlags::AE),
    (0x080, TcpFlags::CWR),
    (0x040, TcpFlags::ECE),
    (0x020, TcpFlags::URG),
    (0x010, TcpFlags::ACK),
    (0x008, TcpFlags::PSH),
    (0x004, TcpFlags::RST),
    (0x002, TcpFlags::SYN),
    (0x001, TcpFlags::FIN),
];

pub(super) fn tcp(capture: &Capture<'_>, at: usize, later: bool) -> Part<Tcp<'static>> {
    part(capture, at, later, |header: [u8; 20]| {
        let [
            s1,
            s0,
            d1,
            d0,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            f1,
            f0,
            w1,
            w0,
            _,
            _,
            u1,
            u0,
        ] = header;
        let flags = u16::from_be_bytes([f1, f0]);
        let mut tcp = Tcp::default();
        tcp.source_port = u16::from_be_bytes([s1, s0]);
        tcp.destination_port = u16::from_be_bytes([d1, d0]);
        tcp.window = u16::from_be_bytes([w1, w0]);
        // TCP_RESERVED_BITS, shifted as the kernel does.
        tcp.reserved = (f1 & 0x0e) << 2;
        for (bit, flag) in FLAGS {
            if flags & bit != 0 {
                tcp.flags = tcp.flags.with(flag);
            }
        }
        tcp.urgent_pointer = u16::from_be_bytes([u1, u0]);
        tcp
    })
}

pub(super) fn udp(capture: &Capture<'_>, at: usize, later: bool) -> Part<Udp> {
    part(capture, at, later, |[s1, s0, d1, d0, l1, l0, _, _]| Udp {
        source_port: u16::from_be_bytes([s1, s0]),
        destination_port: u16::from_be_bytes([d1, d0]),
        length: u16::from_be_bytes([l1, l0]),
    })
}

pub(super) fn ah(capture: &Capture<'_>, at: usize) -> Part<Spi> {
    part(capture, at, false, |header: [u8; 12]| {
        let [_, _, _, _, spi @ .., _, _, _, _] = header;
        Spi(u32::from_be_bytes(spi))
    })
}

pub(super) fn esp(capture: &Capture<'_>, at: usize, later: bool) -> Part<Spi> {
    part(capture, at, later, |header: [u8; 8]| {
        let [spi @ .., _, _, _, _] = header;
        Spi(u32::from_be_bytes(spi))
    })
}

/// The header at `at`, unless this is a later fragment, which has none, or the packet ends before
/// it does.
pub(super) fn part<const N: usize, T>(
    capture: &Capture<'_>,
    at: usize,
    later: bool,
    read: impl FnOnce([u8; N]) -> T,
) -> Part<T> {
    if later {
        return Part::Fragment;
    }
    match capture.header(at) {
        Some(header) => Part::Whole(read(header)),
        None => Part::Incomplete(capture.left(at)),
    }
}
