//! Packets of every kind, byte by byte: whole, cut short, and at odds with themselves.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Two hosts' addresses, of one family.
#[derive(Clone, Copy)]
pub(crate) enum Between {
    V4(Ipv4Addr, Ipv4Addr),
    V6(Ipv6Addr, Ipv6Addr),
}

impl Between {
    fn answer(self) -> Self {
        match self {
            Self::V4(a, b) => Self::V4(b, a),
            Self::V6(a, b) => Self::V6(b, a),
        }
    }

    /// An IP packet with right lengths and checksum; all else of the header is the caller's.
    fn packet(self, protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
        match self {
            Self::V4(source, destination) => ipv4(source, destination, protocol, fragment, payload),
            Self::V6(source, destination) => ipv6(source, destination, protocol, payload),
        }
    }
}

pub(crate) fn ipv4(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    fragment: u16,
    payload: &[u8],
) -> Vec<u8> {
    let length = u16::try_from(20 + payload.len()).unwrap_or(u16::MAX);
    let mut header = vec![0x45, 0xb9];
    header.extend_from_slice(&length.to_be_bytes());
    header.extend_from_slice(&0xabcd_u16.to_be_bytes());
    header.extend_from_slice(&fragment.to_be_bytes());
    header.extend_from_slice(&[63, protocol, 0, 0]);
    header.extend_from_slice(&source.octets());
    header.extend_from_slice(&destination.octets());
    let sum = header
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
        .sum::<u32>();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or_default();
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header.extend_from_slice(payload);
    header
}

pub(crate) fn ipv6(source: Ipv6Addr, destination: Ipv6Addr, next: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    let mut header = 0x6ba1_2345_u32.to_be_bytes().to_vec();
    header.extend_from_slice(&length.to_be_bytes());
    header.extend_from_slice(&[next, 61]);
    header.extend_from_slice(&source.octets());
    header.extend_from_slice(&destination.octets());
    header.extend_from_slice(payload);
    header
}

pub(crate) fn udp(source_port: u16, port: u16) -> Vec<u8> {
    let words = [source_port, port, 9, 0];
    [words.map(u16::to_be_bytes).concat(), vec![b'x']].concat()
}

/// A TCP header; `flags` with the data offset above them.
fn tcp(flags: u16) -> Vec<u8> {
    let words = [40000, 22, 0x1234, 0x5678, 0, 1, flags, 64240, 0, 7];
    words.map(u16::to_be_bytes).concat()
}

/// What a header says, and then a packet it quotes.
fn quoting(header: [u8; 8], packet: &[u8]) -> Vec<u8> {
    [&header[..], packet].concat()
}

/// Payloads of IP with the number of their protocol; `fragment` is IPv4's word, 0 for whole
/// packets.
fn payloads(between: Between) -> Vec<(u8, u16, Vec<u8>)> {
    let v4 = matches!(between, Between::V4(..));
    let mut all = Vec::new();
    for flags in [
        0x5002, 0x5012, 0x5000, 0x5fff, 0x51c2, 0xf002, 0x0002, 0x5e29,
    ] {
        all.push((6, 0, tcp(flags)));
    }
    for (protocol, bytes) in [(6, tcp(0x5002)), (17, udp(5353, 53)), (136, udp(1, 2))] {
        for length in [0, 1, 4, 7, 8, 19] {
            all.push((protocol, 0, bytes.iter().copied().take(length).collect()));
        }
    }
    // AH and ESP, whole and not; then protocols without a name, among them 0, "no next header" and
    // the last.
    for protocol in [50, 51] {
        for length in [0, 3, 8, 11, 12, 24] {
            let bytes = [17, 4, 0, 0, 0xc0, 0xff, 0xee, 1, 0, 0, 0, 1];
            let bytes = [&bytes[..], &[0; 12], &udp(9, 10)[..]].concat();
            all.push((protocol, 0, bytes.into_iter().take(length).collect()));
        }
    }
    for protocol in [2, 4, 33, 41, 47, 59, 89, 132, 253, 255] {
        all.push((protocol, 0, vec![0; 16]));
    }
    let inner = between.answer();
    let quoted: Vec<Vec<u8>> = vec![
        inner.packet(17, 0, &udp(33434, 53)),
        inner.packet(6, 0, &tcp(0x5010)),
        inner.packet(6, 0, &tcp(0x5010)[..8]),
        inner.packet(
            if v4 { 1 } else { 58 },
            0,
            &[if v4 { 8 } else { 128 }, 0, 0, 0, 0, 5, 0, 6],
        ),
        // An error about an error: the kernel quotes once.
        inner.packet(
            if v4 { 1 } else { 58 },
            0,
            &quoting(
                [if v4 { 3 } else { 1 }, 1, 0, 0, 0, 0, 0, 0],
                &between.packet(17, 0, &udp(1, 2)),
            ),
        ),
        inner.packet(17, 0x2007, &udp(1, 2)),
        inner.packet(50, 0, &[0, 0, 0, 9, 0, 0, 0, 1]),
        inner.packet(51, 0, &[6, 4, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1]),
        inner.packet(44, 0, &[17, 0, 0x0b, 0xb9, 0, 0, 0, 3, 1, 2, 3, 4]),
        // Cut within its addresses, within its ports, and with a header length that leads behind
        // its end.
        inner.packet(17, 0, &udp(1, 2))[..15].to_vec(),
        inner.packet(17, 0, &udp(1, 2))[..if v4 { 23 } else { 43 }].to_vec(),
        [&[0x4f_u8][..], &inner.packet(17, 0, &udp(1, 2))[1..]].concat(),
        Vec::new(),
    ];
    let kinds: &[[u8; 2]] = if v4 {
        &[[3, 3], [3, 4], [4, 0], [5, 1], [11, 0], [12, 0], [3, 13]]
    } else {
        &[[1, 4], [2, 0], [3, 0], [4, 1], [1, 200]]
    };
    let icmp = if v4 { 1 } else { 58 };
    for kind in kinds {
        for packet in &quoted {
            let header = [kind[0], kind[1], 0, 0, 9, 8, 5, 0x78];
            all.push((icmp, 0, quoting(header, packet)));
        }
    }
    for kind in [
        0, 8, 9, 13, 14, 17, 18, 19, 30, 99, 128, 129, 130, 133, 135, 137, 255,
    ] {
        for length in [0, 2, 4, 7, 8, 11, 12, 19, 20, 40] {
            let bytes = [&[kind, 7, 1, 2, 3, 4, 5, 6][..], &[0; 32]].concat();
            all.push((icmp, 0, bytes.into_iter().take(length).collect()));
        }
    }
    all
}

/// Every packet of a family that the gateway's rules are to see.
pub(crate) fn packets(between: Between) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = payloads(between)
        .into_iter()
        .map(|(protocol, fragment, payload)| between.packet(protocol, fragment, &payload))
        .collect();
    match between {
        Between::V4(..) => {
            for fragment in [
                0x4000, 0x8000, 0xe000, 0x2000, 0x2010, 0x0010, 0x1fff, 0xc000,
            ] {
                for (protocol, bytes) in [
                    (6, tcp(0x5002)),
                    (17, udp(1, 2)),
                    (136, udp(1, 2)),
                    (1, vec![8, 0, 0, 0, 0, 1, 0, 2]),
                    (50, vec![1; 8]),
                    (51, vec![2; 12]),
                    (132, vec![0; 12]),
                ] {
                    all.push(between.packet(protocol, fragment, &bytes));
                }
            }
        }
        Between::V6(..) => all.extend(with_extensions(between)),
    }
    all
}

/// Packets whose transport is as far from their beginning as can be: behind more bytes than any
/// fixed amount of headers. They are longer than Ethernet's frames.
pub(crate) fn far(between: Between) -> Vec<Vec<u8>> {
    let Between::V6(..) = between else {
        // 40 octets of options are the most; a quoted packet has as many.
        let with_options = |mut packet: Vec<u8>| {
            packet[0] = 0x4f;
            packet.splice(20..20, [1; 40]);
            let length = u16::try_from(packet.len()).unwrap_or(u16::MAX);
            packet[2..4].copy_from_slice(&length.to_be_bytes());
            let sum = u16::from_be_bytes([packet[10], packet[11]]);
            // 10 words more of the header's length and 40 octets more of the packet's, and the
            // options themselves.
            let sum = u32::from(!sum) + 0x0a00 + 40 + 20 * 0x0101;
            let sum = (sum & 0xffff) + (sum >> 16);
            let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap_or_default();
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
            packet
        };
        let inner = with_options(between.answer().packet(6, 0, &tcp(0x5010)));
        let mut long = tcp(0x5002);
        long.resize(65_000, b'x');
        return vec![
            with_options(between.packet(6, 0, &tcp(0x5002))),
            with_options(between.packet(1, 0, &quoting([3, 3, 0, 0, 0, 0, 0, 0], &inner))),
            between.packet(6, 0, &long),
        ];
    };
    // One header holds 2048 octets at most.
    let option = |next: u8, length: usize| {
        let units = u8::try_from(length / 8 - 1).unwrap_or(u8::MAX);
        let mut bytes = vec![next, units];
        while bytes.len() < length {
            let left = (length - bytes.len() - 2).min(255);
            bytes.extend([1, u8::try_from(left).unwrap_or(u8::MAX)]);
            bytes.resize(bytes.len() + left, 0);
        }
        bytes
    };
    let chain = |lengths: &[usize], last: u8, payload: &[u8]| {
        let mut bytes = Vec::new();
        for (number, length) in lengths.iter().enumerate() {
            let next = if number + 1 < lengths.len() { 60 } else { last };
            bytes.extend(option(next, *length));
        }
        bytes.extend_from_slice(payload);
        between.packet(60, 0, &bytes)
    };
    // The header ends with the last byte that the kernel hands over, or with the packet.
    let most = 65_531 - 40 - 20;
    let mut full = vec![2048; most / 2048];
    full.push(most % 2048 / 8 * 8);
    let quoted = chain(&[1000, 1000], 17, &udp(9, 10));
    vec![
        chain(&[1000], 6, &tcp(0x5002)),
        chain(&[1000, 1000], 6, &tcp(0x5002)),
        chain(&[1000, 1000], 17, &udp(7, 8)),
        chain(&[2048; 15], 58, &[128, 0, 0, 0, 0, 1, 0, 2]),
        chain(
            &[1000, 1000],
            58,
            &quoting([1, 4, 0, 0, 0, 0, 0, 0], &quoted),
        ),
        chain(&[2000, 1000], 6, &tcp(0x5002)[..19]),
        chain(&full, 6, &tcp(0x5002)),
    ]
}

/// An IPv6 packet with so many fragment headers, each of a packet that is no fragment, and then
/// TCP.
pub(crate) fn fragment_headers(between: Between, count: usize) -> Vec<u8> {
    let mut payload = Vec::new();
    for number in 1..=count {
        let next = if number < count { 44 } else { 6 };
        payload.extend([next, 0, 0, 0, 0, 0, 0xab, 0xcd]);
    }
    payload.extend(tcp(0x5002));
    between.packet(44, 0, &payload)
}

/// IPv6 packets with chains of extension headers.
fn with_extensions(between: Between) -> Vec<Vec<u8>> {
    const PADDING: [u8; 6] = [1, 4, 0, 0, 0, 0];
    let option = |next: u8| [&[next, 0][..], &PADDING].concat();
    let fragment = |next: u8, offset: u16| {
        let [o1, o0] = offset.to_be_bytes();
        vec![next, 0, o1, o0, 0, 0, 0xab, 0xcd]
    };
    let routing = |next: u8| vec![next, 0, 0, 0, 0, 0, 0, 0];
    let ah = |next: u8| [&[next, 1, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1][..]].concat();
    let long = |next: u8| {
        // 200 octets of one option, and another.
        let mut bytes = vec![next, 25, 1, 198];
        bytes.resize(202, 0);
        bytes.extend_from_slice(&[1, 4, 0, 0, 0, 0]);
        bytes
    };
    let mut all = Vec::new();
    let mut chain = |first: u8, headers: &[Vec<u8>], last: &[u8]| {
        let payload = [&headers.concat()[..], last].concat();
        all.push(between.packet(first, 0, &payload));
    };
    let ports = udp(7, 8);
    chain(0, &[option(17)], &ports);
    chain(60, &[option(6)], &tcp(0x5002));
    chain(
        0,
        &[option(60), option(43), routing(44), fragment(17, 1)],
        &ports,
    );
    chain(0, &[long(17)], &ports);
    chain(0, &[long(60), long(60), long(60), long(17)], &ports);
    chain(44, &[fragment(17, 0)], &ports);
    chain(44, &[fragment(17, 1)], &ports);
    chain(44, &[fragment(6, 0x0609)], &ports);
    chain(44, &[fragment(58, 0x0608)], &[128, 0, 0, 0, 0, 1, 0, 2]);
    chain(44, &[fragment(58, 1)], &[128, 0, 0, 0, 0, 1, 0, 2]);
    chain(44, &[fragment(60, 0x0608), option(17)], &ports);
    chain(44, &[fragment(51, 0x0608), ah(17)], &ports);
    chain(44, &[fragment(44, 0x0608), fragment(17, 1)], &ports);
    chain(44, &[fragment(50, 1)], &ports);
    chain(44, &[fragment(59, 1)], &ports);
    chain(44, &[], &[17, 0, 0, 1]);
    chain(51, &[ah(17)], &ports);
    chain(51, &[ah(6)], &tcp(0x5002));
    chain(51, &[], &[17]);
    chain(60, &[option(50)], &[0, 0, 0, 9, 0, 0, 0, 1]);
    chain(60, &[option(59)], &[]);
    chain(60, &[option(60), option(60)], &[]);
    chain(43, &[routing(17)], &ports);
    chain(0, &[option(58)], &[1, 4, 0, 0, 0, 0, 0, 0]);
    all
}
