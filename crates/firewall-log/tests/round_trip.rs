//! Packets that were put together here are the same when their line is read.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use firewall_log::packet::{
    Arp, ArpAddresses, Extension, Extensions, Icmp, IcmpBody, Icmpv6, Icmpv6Body, Ipv4, Ipv6, Link,
    Network, Octets, Owner, Part, Sequence, Spi, Tcp, TcpFlags, TcpOptions, Transport, Udp, Vlan,
};
use firewall_log::{Event, LogTime, Packet};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Octets live as long as the test does; a packet only borrows them.
fn octets(length: std::ops::Range<usize>) -> impl Strategy<Value = Octets<'static>> {
    vec(any::<u8>(), length).prop_map(|bytes| Octets::from_bytes(bytes.leak()))
}

fn part<T: Clone + std::fmt::Debug + 'static>(
    fragment: bool,
    whole: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Part<T>> {
    if fragment {
        return Just(Part::Fragment).boxed();
    }
    prop_oneof![4 => whole.prop_map(Part::Whole), 1 => any::<u32>().prop_map(Part::Incomplete)]
        .boxed()
}

fn tcp() -> impl Strategy<Value = Tcp<'static>> {
    const FLAGS: [TcpFlags; 9] = [
        TcpFlags::AE,
        TcpFlags::CWR,
        TcpFlags::ECE,
        TcpFlags::URG,
        TcpFlags::ACK,
        TcpFlags::PSH,
        TcpFlags::RST,
        TcpFlags::SYN,
        TcpFlags::FIN,
    ];
    let sequence = option::of(any::<(u32, u32)>()).prop_map(|both| {
        both.map(|(number, acknowledged)| Sequence {
            number,
            acknowledged,
        })
    });
    let options = prop_oneof![
        Just(TcpOptions::Absent),
        octets(1..40).prop_map(TcpOptions::Logged),
        Just(TcpOptions::Truncated),
    ];
    let flags = prop::sample::subsequence(FLAGS.to_vec(), 0..=9);
    let flags = flags.prop_map(|flags| flags.into_iter().fold(TcpFlags::default(), TcpFlags::with));
    (any::<(u16, u16, u16, u8, u16)>(), sequence, flags, options).prop_map(
        |(numbers, sequence, flags, options)| {
            let mut tcp = Tcp::default();
            (
                tcp.source_port,
                tcp.destination_port,
                tcp.window,
                tcp.reserved,
                tcp.urgent_pointer,
            ) = numbers;
            (tcp.sequence, tcp.flags, tcp.options) = (sequence, flags, options);
            tcp
        },
    )
}

fn udp() -> impl Strategy<Value = Udp> {
    any::<(u16, u16, u16)>().prop_map(|(source_port, destination_port, length)| Udp {
        source_port,
        destination_port,
        length,
    })
}

fn spi() -> impl Strategy<Value = Spi> {
    any::<u32>().prop_map(Spi)
}

fn icmp() -> impl Strategy<Value = Icmp> {
    let numbered = any::<(u8, u8, u16, u16, u32, Option<u32>)>();
    numbered.prop_map(|(kind, code, one, other, long, incomplete)| {
        let body = match (incomplete, kind) {
            (Some(bytes), 0..128) => IcmpBody::Incomplete(bytes),
            (_, 0 | 8) => IcmpBody::Echo {
                id: one,
                sequence: other,
            },
            (_, 12) => IcmpBody::Parameter(code),
            (_, 3) => IcmpBody::Error {
                gateway: None,
                mtu: (code == 4).then_some(one),
            },
            (_, 4 | 11) => IcmpBody::Error {
                gateway: None,
                mtu: None,
            },
            (_, 5) => IcmpBody::Error {
                gateway: Some(Ipv4Addr::from(long)),
                mtu: None,
            },
            _ => IcmpBody::None,
        };
        Icmp { kind, code, body }
    })
}

/// The types that mean something, often.
fn common_icmp() -> impl Strategy<Value = Icmp> {
    (
        icmp(),
        prop_oneof![
            Just(0_u8),
            Just(8),
            Just(3),
            Just(4),
            Just(5),
            Just(11),
            Just(12)
        ],
        any::<(u16, u16)>(),
        0_u8..6,
    )
        .prop_map(|(other, kind, (one, two), code)| {
            let body = match kind {
                0 | 8 => IcmpBody::Echo {
                    id: one,
                    sequence: two,
                },
                12 => IcmpBody::Parameter(code),
                5 => IcmpBody::Error {
                    gateway: Some(Ipv4Addr::from(u32::from(one) << 16)),
                    mtu: None,
                },
                3 if code == 4 => IcmpBody::Error {
                    gateway: None,
                    mtu: Some(two),
                },
                _ => IcmpBody::Error {
                    gateway: None,
                    mtu: None,
                },
            };
            if one % 4 == 0 {
                other
            } else {
                Icmp { kind, code, body }
            }
        })
}

fn icmpv6() -> impl Strategy<Value = Icmpv6> {
    let kinds = prop_oneof![any::<u8>(), 1_u8..5, 128_u8..130];
    (kinds, any::<(u8, u16, u16, u32)>()).prop_map(|(kind, (code, one, two, long))| {
        let body = match kind {
            128 | 129 => Icmpv6Body::Echo {
                id: one,
                sequence: two,
            },
            2 => Icmpv6Body::Error {
                pointer: None,
                mtu: Some(long),
            },
            4 => Icmpv6Body::Error {
                pointer: Some(long),
                mtu: None,
            },
            1 | 3 => Icmpv6Body::Error {
                pointer: None,
                mtu: None,
            },
            _ => Icmpv6Body::None,
        };
        Icmpv6 { kind, code, body }
    })
}

fn transport(ipv6: bool, fragment: bool) -> BoxedStrategy<Transport<'static>> {
    let both = prop_oneof![
        part(fragment, tcp()).prop_map(Transport::Tcp),
        part(fragment, udp()).prop_map(Transport::Udp),
        part(fragment, udp()).prop_map(Transport::UdpLite),
        any::<u8>().prop_map(Transport::Other),
        Just(Transport::Truncated),
    ];
    if ipv6 {
        prop_oneof![2 => both, 1 => part(fragment, icmpv6()).prop_map(Transport::Icmpv6), 1 => Just(Transport::None)].boxed()
    } else {
        let ipsec = prop_oneof![
            part(fragment, spi()).prop_map(Transport::Ah),
            part(fragment, spi()).prop_map(Transport::Esp)
        ];
        prop_oneof![2 => both, 1 => part(fragment, common_icmp()).prop_map(Transport::Icmp), 1 => ipsec].boxed()
    }
}

fn ipv4() -> impl Strategy<Value = Network<'static>> {
    let offset = prop_oneof![3 => Just(0_u16), 1 => 1_u16..8192];
    let numbers = any::<(u32, u32, u32, u8, u8, u8, u16, [bool; 3])>();
    (numbers, offset, option::of(octets(1..40))).prop_flat_map(|(numbers, offset, options)| {
        transport(false, offset != 0).prop_map(move |transport| {
            let (source, destination, length, tos, precedence, ttl, id, [ce, df, mf]) = numbers;
            let mut ip = Ipv4::new(source.into(), destination.into(), transport);
            (ip.length, ip.tos, ip.precedence, ip.ttl, ip.id) = (length, tos, precedence, ttl, id);
            (
                ip.congestion,
                ip.dont_fragment,
                ip.more_fragments,
                ip.fragment_offset,
                ip.options,
            ) = (ce, df, mf, offset, options);
            Network::V4(ip)
        })
    })
}

fn extensions() -> impl Strategy<Value = (bool, Vec<Extension>)> {
    let fragment = any::<(u16, bool, u32)>().prop_map(|(offset, more, id)| Extension::Fragment {
        offset: offset & 0xfff8,
        more,
        id,
    });
    let logged = prop_oneof![
        Just(Extension::Options),
        fragment.clone(),
        spi().prop_map(|spi| Extension::Ah(Part::Whole(spi)))
    ];
    let last = prop_oneof![
        4 => Just(None),
        1 => Just(Some(Extension::FragmentTruncated)),
        1 => spi().prop_map(|spi| Some(Extension::Esp(Part::Whole(spi)))),
        1 => any::<u32>().prop_map(|bytes| Some(Extension::Ah(Part::Incomplete(bytes)))),
        1 => any::<u32>().prop_map(|bytes| Some(Extension::Esp(Part::Incomplete(bytes)))),
    ];
    let logged = (vec(logged, 0..4), last).prop_map(|(mut headers, last)| {
        // A later fragment's own headers cannot be told apart: the kernel stops at the next.
        if let Some(at) = headers
            .iter()
            .position(|header| matches!(header, Extension::Fragment { offset, .. } if *offset != 0))
        {
            headers.truncate(at + 1);
            return (true, headers);
        }
        headers.extend(last);
        (true, headers)
    });
    prop_oneof![2 => vec(fragment, 0..2).prop_map(|headers| (false, headers)), 1 => logged]
}

fn ipv6() -> impl Strategy<Value = Network<'static>> {
    (any::<(u128, u128, u32, u8, u8, u32)>(), extensions()).prop_flat_map(
        |(numbers, (logged, headers))| {
            let fragment = headers
                .iter()
                .any(|header| matches!(header, Extension::Fragment { offset, .. } if *offset != 0));
            let ended = headers.last().is_some_and(|last| {
                !matches!(
                    last,
                    Extension::Options | Extension::Fragment { .. } | Extension::Ah(Part::Whole(_))
                )
            });
            let transport = if ended {
                Just(Transport::None).boxed()
            } else {
                transport(true, fragment)
            };
            let headers: &'static [Extension] = headers.leak();
            transport.prop_map(move |transport| {
                let (source, destination, length, traffic_class, hop_limit, flow_label) = numbers;
                let mut ip = Ipv6::new(
                    Ipv6Addr::from(source),
                    Ipv6Addr::from(destination),
                    transport,
                );
                (ip.length, ip.traffic_class, ip.hop_limit, ip.flow_label) =
                    (length, traffic_class, hop_limit, flow_label);
                ip.extensions = if logged {
                    Extensions::logged_as_options(headers)
                } else {
                    Extensions::new(headers)
                };
                Network::V6(ip)
            })
        },
    )
}

fn arp() -> impl Strategy<Value = Network<'static>> {
    let addresses = prop_oneof![
        Just(ArpAddresses::None),
        any::<u32>().prop_map(ArpAddresses::Incomplete),
        any::<([u8; 6], u32, [u8; 6], u32)>().prop_map(
            |(source, source_ip, destination, destination_ip)| ArpAddresses::Ethernet {
                source,
                source_ip: source_ip.into(),
                destination,
                destination_ip: destination_ip.into(),
            }
        ),
    ];
    (any::<(u16, u16, u16)>(), addresses).prop_map(
        |((hardware_type, protocol_type, opcode), addresses)| {
            Network::Arp(Arp {
                hardware_type,
                protocol_type,
                opcode,
                addresses,
            })
        },
    )
}

fn link() -> impl Strategy<Value = Link<'static>> {
    let tunnel = option::of(any::<(u32, u32)>())
        .prop_map(|both| both.map(|(from, to)| (from.into(), to.into())));
    let vlan = option::of(any::<(u16, u16)>())
        .prop_map(|both| both.map(|(protocol, id)| Vlan { protocol, id }));
    prop_oneof![
        (octets(0..20), tunnel).prop_map(|(header, tunnel)| Link::Raw { header, tunnel }),
        (any::<([u8; 6], [u8; 6], u16)>(), vlan).prop_map(
            |((source, destination, protocol), vlan)| Link::Decoded {
                source,
                destination,
                vlan,
                protocol
            }
        ),
    ]
}

/// Whether an ICMP error quotes a packet.
fn quotes(network: &Network<'_>) -> bool {
    match network.transport() {
        Some(Transport::Icmp(Part::Whole(icmp))) => matches!(icmp.body, IcmpBody::Error { .. }),
        Some(Transport::Icmpv6(Part::Whole(icmp))) => matches!(icmp.body, Icmpv6Body::Error { .. }),
        _ => false,
    }
}

fn packet() -> impl Strategy<Value = Packet<'static>> {
    let interface =
        || "[a-z][a-z0-9.@:_-]{0,14}".prop_map(|name| -> &'static [u8] { name.leak().as_bytes() });
    let maybe_interface = move || prop_oneof![Just(&b""[..]), interface()];
    let network = prop_oneof![4 => ipv4(), 4 => ipv6(), 1 => arp(), 1 => Just(Network::Truncated)];
    let interfaces = (
        maybe_interface(),
        maybe_interface(),
        maybe_interface(),
        maybe_interface(),
    );
    let tail = (
        option::of(any::<(u32, u32)>()),
        any::<u32>(),
        prop_oneof![
            Just(&b""[..]),
            Just(&b"CTMARK=0x1"[..]),
            Just(&b"NEW X=1"[..])
        ],
    );
    let inner = (ipv4(), ipv6(), 0_u8..8);
    (interfaces, option::of(link()), network, inner, tail).prop_map(
        |(interfaces, link, network, (v4, v6, lost), (owner, mark, extra))| {
            let mut packet = Packet::new(network);
            (
                packet.in_interface,
                packet.out_interface,
                packet.physical_in,
                packet.physical_out,
            ) = interfaces;
            packet.link = link;
            if quotes(&network) {
                let quoted = if matches!(network, Network::V4(_)) {
                    v4
                } else {
                    v6
                };
                packet.inner = Some(if lost == 0 {
                    Network::Truncated
                } else {
                    quoted
                });
            }
            packet.owner = owner.map(|(uid, gid)| Owner { uid, gid });
            (packet.mark, packet.extra) = (mark, extra);
            packet
        },
    )
}

fn time() -> impl Strategy<Value = LogTime> {
    prop_oneof![
        (0_u64..253_402_300_799, 0_u32..1_000_000).prop_map(|(seconds, micros)| LogTime::Rfc3339(
            SystemTime::UNIX_EPOCH + Duration::new(seconds, micros * 1000)
        )),
        (1_u8..13, 1_u8..29, 0_u8..24, 0_u8..60, 0_u8..60).prop_map(
            |(month, day, hour, minute, second)| LogTime::Rfc3164 {
                month,
                day,
                hour,
                minute,
                second,
                micros: 0
            }
        ),
        (0_u64..9_999_999_999, 0_u32..1_000_000).prop_map(|(seconds, micros)| LogTime::SinceBoot(
            Duration::new(seconds, micros * 1000)
        )),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again(packet in packet(), time in time(), prefix in "[A-Z:\\[\\]é\t]{0,20}", priority in option::of(0_u8..8)) {
        let host: &[u8] = if matches!(time, LogTime::SinceBoot(_)) { b"" } else { b"fw-host" };
        let mut event = Event::new(time, host, prefix.as_bytes(), packet);
        event.priority = priority;
        let mut line = Vec::new();
        event.render(&mut line);
        let read = Event::parse(&line);
        prop_assert_eq!(read.as_ref(), Ok(&event), "{}", String::from_utf8_lossy(&line));
        prop_assert_eq!(read.unwrap().source(), packet.source());
    }

    #[test]
    fn any_bytes_are_read_without_harm(line in vec(any::<u8>(), 0..300)) {
        let _ = Event::parse(&line);
    }

    #[test]
    fn any_words_of_the_grammar_are_read_without_harm(
        words in vec(prop::sample::select("IN= OUT= IN=eth0 MAC= SRC=1.2.3.4 DST=1.2.3.4 LEN=20 TOS=0x00 PREC=0x00 TTL=1 ID=1 DF FRAG:1 OPT ( ) (01) \
            PROTO=TCP PROTO=ICMP PROTO=ICMPv6 TYPE=3 CODE=4 [SRC=5.6.7.8 ] [TRUNCATED] MTU=1 SPT=1 DPT=2 WINDOW=1 RES=0x00 ACK SYN URGP=0 kernel: \
            INCOMPLETE [8 bytes] ARP HTYPE=1 SRC=0000:0000:0000:0000:0000:0000:0000:0001 TC=0 HOPLIMIT=1 FLOWLBL=0 ESP SPI=0x1 UID=0 GID=0 MARK=0x1"
            .split(' ').collect::<Vec<_>>()), 0..40)
    ) {
        let line = format!("[    1.000000] IN=eth0 OUT= {} ", words.join(" "));
        if let Ok(event) = Event::parse(line.as_bytes()) {
            let mut written = Vec::new();
            event.render(&mut written);
            let read = Event::parse(&written);
            prop_assert_eq!(read.as_ref(), Ok(&event), "{}", line);
            // No address but the first can have become the source.
            let first = words.iter().find(|word| word.starts_with("SRC="));
            prop_assert_eq!(event.source().is_some(), first.is_some());
        }
    }
}
