//! What of a packet, beside its prefix and its source, decides which rules count it.

use crate::packet::{Extension, Network, Packet, Part, Protocol, TcpFlags, Transport};

/// What a rule asks of a packet beside its prefix and its source. Of packets that are alike in all
/// three a rule counts all or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nature {
    pub(super) protocol: Option<Protocol>,
    /// Whether it is of this host itself.
    pub(super) own: bool,
    /// Whether it went to many hosts.
    pub(super) multicast: bool,
    pub(super) role: Role,
}

/// What a packet is in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It may be the first: a TCP packet that opens a connection, an ICMP request, anything of a
    /// protocol that does not say.
    First,
    /// It is or may be an answer: a TCP packet with ACK or RST, an ICMP reply or error, and later
    /// fragments of both, which do not show what they belong to.
    Answer,
    /// A TCP packet that no connection sends: without SYN, ACK and RST.
    Stealth,
    /// UDP from a port that answers come from.
    ServicePort,
    /// What would say so is hidden.
    Hidden,
}

impl Nature {
    pub(crate) fn of(packet: &Packet<'_>) -> Self {
        Self {
            protocol: packet.protocol(),
            own: packet.in_interface.is_empty(),
            multicast: packet.is_multicast(),
            role: Role::of(&packet.network),
        }
    }

    /// Whether this host itself sent it.
    pub(crate) fn is_own(self) -> bool {
        self.own
    }
}

/// Whether servers answer from this UDP port whom everybody asks: DNS, NTP, QUIC.
#[inline]
pub(crate) fn is_service_port(port: u16) -> bool {
    matches!(port, 53 | 123 | 443)
}

impl Role {
    fn of(network: &Network<'_>) -> Self {
        let Some(transport) = network.transport() else {
            return Self::First;
        };
        if hides_transport(network, transport) {
            return Self::Hidden;
        }
        match transport {
            Transport::Tcp(Part::Whole(tcp)) => Self::of_flags(tcp.flags),
            Transport::Udp(Part::Whole(udp)) if is_service_port(udp.source_port) => {
                Self::ServicePort
            }
            Transport::Icmp(Part::Whole(icmp)) if answers(icmp.kind) => Self::Answer,
            Transport::Icmpv6(Part::Whole(icmp)) if answers_v6(icmp.kind) => Self::Answer,
            Transport::Tcp(_)
            | Transport::Icmp(Part::Fragment)
            | Transport::Icmpv6(Part::Fragment) => Self::Answer,
            _ => Self::First,
        }
    }

    fn of_flags(flags: TcpFlags) -> Self {
        let has = |flag| flags.contains(flag);
        if has(TcpFlags::ACK) || has(TcpFlags::RST) {
            Self::Answer
        } else if has(TcpFlags::SYN) {
            Self::First
        } else {
            Self::Stealth
        }
    }
}

/// Whether a packet was built, or cut, so that its line shows no protocol or no flags of TCP.
///
/// ESP over IPv6 and a later fragment have none either, and are ordinary. But nobody's path is so
/// narrow that a fragment begins within the header of TCP (RFC 1858).
fn hides_transport(network: &Network<'_>, transport: &Transport<'_>) -> bool {
    let offset = fragment_offset(network);
    if offset > 0 {
        return matches!(transport, Transport::Tcp(_)) && offset < TCP_HEADER;
    }
    match (transport, network) {
        (Transport::Truncated | Transport::Tcp(Part::Incomplete(_)), _) => true,
        (Transport::None, Network::V6(ip)) => ip.extensions.iter().any(|header| {
            matches!(
                header,
                Extension::FragmentTruncated | Extension::Ah(Part::Incomplete(_))
            )
        }),
        _ => false,
    }
}

/// Bytes of a TCP header without its options.
const TCP_HEADER: u32 = 20;

/// How many bytes into the datagram a fragment begins; 0 for the first, and for a whole packet.
fn fragment_offset(network: &Network<'_>) -> u32 {
    match network {
        Network::V4(ip) => u32::from(ip.fragment_offset) * 8,
        Network::V6(ip) => {
            let offsets = ip.extensions.iter().filter_map(|header| match header {
                Extension::Fragment { offset, .. } => Some(offset.into()),
                _ => None,
            });
            offsets.max().unwrap_or(0)
        }
        Network::Arp(_) | Network::Truncated => 0,
    }
}

/// Whether an ICMP message of this type answers another packet, or is an error about one.
fn answers(kind: u8) -> bool {
    // linux/icmp.h
    const ECHO_REPLY: u8 = 0;
    const UNREACHABLE: u8 = 3;
    const SOURCE_QUENCH: u8 = 4;
    const REDIRECT: u8 = 5;
    const TIME_EXCEEDED: u8 = 11;
    const PARAMETER_PROBLEM: u8 = 12;
    const TIMESTAMP_REPLY: u8 = 14;
    const INFORMATION_REPLY: u8 = 16;
    const ADDRESS_MASK_REPLY: u8 = 18;
    const EXTENDED_ECHO_REPLY: u8 = 43;
    // RFC 1256
    const ROUTER_ADVERTISEMENT: u8 = 9;
    matches!(
        kind,
        ECHO_REPLY
            | UNREACHABLE
            | SOURCE_QUENCH
            | REDIRECT
            | ROUTER_ADVERTISEMENT
            | TIME_EXCEEDED
            | PARAMETER_PROBLEM
            | TIMESTAMP_REPLY
            | INFORMATION_REPLY
            | ADDRESS_MASK_REPLY
            | EXTENDED_ECHO_REPLY
    )
}

/// The same of ICMPv6.
fn answers_v6(kind: u8) -> bool {
    // linux/icmpv6.h: a type without this bit is an error, known or not.
    const INFORMATION: u8 = 0x80;
    const ECHO_REPLY: u8 = 129;
    const REDIRECT: u8 = 137;
    const NODE_INFORMATION_REPLY: u8 = 140;
    const HOME_AGENT_REPLY: u8 = 145;
    const MOBILE_PREFIX_ADVERTISEMENT: u8 = 147;
    const EXTENDED_ECHO_REPLY: u8 = 161;
    // RFC 4861, RFC 3122, RFC 3971
    const ROUTER_ADVERTISEMENT: u8 = 134;
    const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
    const INVERSE_NEIGHBOUR_ADVERTISEMENT: u8 = 142;
    const CERTIFICATION_PATH_ADVERTISEMENT: u8 = 149;
    kind & INFORMATION == 0
        || matches!(
            kind,
            ECHO_REPLY
                | ROUTER_ADVERTISEMENT
                | NEIGHBOUR_ADVERTISEMENT
                | REDIRECT
                | NODE_INFORMATION_REPLY
                | INVERSE_NEIGHBOUR_ADVERTISEMENT
                | HOME_AGENT_REPLY
                | MOBILE_PREFIX_ADVERTISEMENT
                | CERTIFICATION_PATH_ADVERTISEMENT
                | EXTENDED_ECHO_REPLY
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;

    const MAC: &str = "MAC=02:00:00:00:00:02:02:00:00:00:00:01:08:00 ";
    const V4: &str = "SRC=203.0.113.7 DST=203.0.113.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 ";
    const V6: &str = "SRC=2001:0db8:0001:0000:0000:0000:0000:0007 DST=2001:0db8:0001:0000:0000:0000:0000:0001 LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=0 ";

    fn nature(packet: &str) -> Nature {
        let line = format!("[1.0] {packet}");
        let event = Event::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
        Nature::of(&event.packet)
    }

    fn role(ip: &str, rest: &str) -> Role {
        nature(&format!("IN=eth0 OUT= {MAC}{ip}{rest}")).role
    }

    #[test]
    fn what_opens_a_connection_and_what_is_of_one() {
        for (flags, expected) in [
            ("SYN ", Role::First),
            // With explicit congestion notification, and what operating systems are told by.
            ("CWR ECE SYN ", Role::First),
            ("SYN FIN ", Role::First),
            ("URG PSH SYN FIN ", Role::First),
            ("ACK SYN ", Role::Answer),
            ("RST ", Role::Answer),
            ("ACK RST ", Role::Answer),
            ("RST SYN ", Role::Answer),
            ("ACK FIN ", Role::Answer),
            ("ACK PSH ", Role::Answer),
            ("ACK ", Role::Answer),
            ("", Role::Stealth),
            ("FIN ", Role::Stealth),
            ("URG PSH FIN ", Role::Stealth),
            ("CWR ECE ", Role::Stealth),
        ] {
            for ip in [V4, V6] {
                let tcp = format!("PROTO=TCP SPT=443 DPT=2 WINDOW=1 RES=0x00 {flags}URGP=0 ");
                assert_eq!(role(ip, &tcp), expected, "{tcp}");
            }
        }
        // The acknowledged number is no flag.
        let numbered = "PROTO=TCP SPT=1 DPT=2 SEQ=1 ACK=1 WINDOW=1 RES=0x00 SYN URGP=0 ";
        assert_eq!(role(V4, numbered), Role::First);
    }

    #[test]
    fn what_asks_and_what_answers() {
        for (kind, expected) in [
            ("0 CODE=0 ID=1 SEQ=1", Role::Answer),
            ("3 CODE=3 [TRUNCATED]", Role::Answer),
            ("3 CODE=3 INCOMPLETE [18 bytes]", Role::Answer),
            ("4 CODE=0 [TRUNCATED]", Role::Answer),
            ("5 CODE=0 GATEWAY=192.0.2.1 [TRUNCATED]", Role::Answer),
            ("8 CODE=0 ID=1 SEQ=1", Role::First),
            ("9 CODE=0", Role::Answer),
            ("10 CODE=0", Role::First),
            ("11 CODE=0 [TRUNCATED]", Role::Answer),
            ("12 CODE=0 PARAMETER=1", Role::Answer),
            ("13 CODE=0", Role::First),
            ("14 CODE=0", Role::Answer),
            ("15 CODE=0", Role::First),
            ("16 CODE=0", Role::Answer),
            ("17 CODE=0", Role::First),
            ("18 CODE=0", Role::Answer),
            ("42 CODE=0", Role::First),
            ("43 CODE=0", Role::Answer),
            ("200 CODE=0", Role::First),
        ] {
            let icmp = format!("PROTO=ICMP TYPE={kind} ");
            assert_eq!(role(V4, &icmp), expected, "{icmp}");
        }
        for (kind, expected) in [
            ("0 CODE=0", Role::Answer),
            ("1 CODE=4 [TRUNCATED]", Role::Answer),
            ("2 CODE=0 [TRUNCATED] MTU=1280", Role::Answer),
            ("3 CODE=0 [TRUNCATED]", Role::Answer),
            ("4 CODE=0 POINTER=00000006 [TRUNCATED]", Role::Answer),
            ("100 CODE=0", Role::Answer),
            ("127 CODE=0", Role::Answer),
            ("128 CODE=0 ID=1 SEQ=1", Role::First),
            ("129 CODE=0 ID=1 SEQ=1", Role::Answer),
            ("130 CODE=0", Role::First),
            ("133 CODE=0", Role::First),
            ("134 CODE=0", Role::Answer),
            ("135 CODE=0", Role::First),
            ("136 CODE=0", Role::Answer),
            ("137 CODE=0", Role::Answer),
            ("139 CODE=0", Role::First),
            ("140 CODE=0", Role::Answer),
            ("142 CODE=0", Role::Answer),
            ("145 CODE=0", Role::Answer),
            ("147 CODE=0", Role::Answer),
            ("149 CODE=0", Role::Answer),
            ("160 CODE=0", Role::First),
            ("161 CODE=0", Role::Answer),
            ("255 CODE=0", Role::First),
        ] {
            let icmp = format!("PROTO=ICMPv6 TYPE={kind} ");
            assert_eq!(role(V6, &icmp), expected, "{icmp}");
        }
    }

    /// Each with what makes it an evasion, or ordinary.
    #[test]
    fn what_hides_its_transport() {
        let whole = "PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 ACK URGP=0 ";
        for (ip, rest, expected) in [
            // Cut before the header, or within it.
            (V4, "TRUNCATED", Role::Hidden),
            (V6, "TRUNCATED", Role::Hidden),
            (V6, "OPT ( ) TRUNCATED", Role::Hidden),
            (V6, "FRAG:0 INCOMPLETE ID:0000abcd TRUNCATED", Role::Hidden),
            (V6, "FRAG:TRUNCATED ", Role::Hidden),
            (V6, "OPT ( FRAG:TRUNCATED ", Role::Hidden),
            (V6, "OPT ( AH INCOMPLETE [2 bytes] )", Role::Hidden),
            (V4, "PROTO=TCP INCOMPLETE [8 bytes] ", Role::Hidden),
            (V4, "MF PROTO=TCP INCOMPLETE [16 bytes] ", Role::Hidden),
            (V6, "PROTO=TCP INCOMPLETE [0 bytes] ", Role::Hidden),
            (
                V6,
                "FRAG:0 INCOMPLETE ID:0000abcd PROTO=TCP INCOMPLETE [8 bytes] ",
                Role::Hidden,
            ),
            // Begins within the header of TCP, and behind it.
            (V4, "MF FRAG:1 PROTO=TCP ", Role::Hidden),
            (V4, "FRAG:2 PROTO=TCP ", Role::Hidden),
            (V4, "FRAG:3 PROTO=TCP ", Role::Answer),
            (V4, "FRAG:185 PROTO=TCP ", Role::Answer),
            (V6, "FRAG:8 ID:0000abcd PROTO=TCP ", Role::Hidden),
            (
                V6,
                "FRAG:16 INCOMPLETE ID:0000abcd PROTO=TCP ",
                Role::Hidden,
            ),
            (V6, "FRAG:24 ID:0000abcd PROTO=TCP ", Role::Answer),
            // Later fragments of others, and those whose extension headers go on.
            (V4, "FRAG:1 PROTO=UDP ", Role::First),
            (V4, "FRAG:185 PROTO=ICMP ", Role::Answer),
            (V6, "FRAG:1448 ID:0000abcd PROTO=ICMPv6 ", Role::Answer),
            (V6, "FRAG:1448 ID:0000abcd ", Role::First),
            (V6, "FRAG:1448 ID:0000abcd TRUNCATED", Role::First),
            (V6, "OPT ( FRAG:8 ID:0000abcd ) OPT ( AH )", Role::First),
            (V4, "FRAG:8 ", Role::First),
            // ESP has no protocol in the log over IPv6.
            (V6, "", Role::First),
            (V6, "OPT ( ESP SPI=0x1 )", Role::First),
            (V6, "OPT ( ESP INCOMPLETE [2 bytes] )", Role::First),
            // What is there is not hidden by what is not.
            (V4, "PROTO=UDP INCOMPLETE [4 bytes] ", Role::First),
            (V4, "PROTO=ICMP INCOMPLETE [2 bytes] ", Role::First),
            (V4, whole, Role::Answer),
            (
                V4,
                "MF PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 SYN URGP=0 ",
                Role::First,
            ),
            (
                V4,
                "PROTO=TCP SPT=1 DPT=2 WINDOW=1 RES=0x00 SYN URGP=0 OPT (TRUNCATED)",
                Role::First,
            ),
            (V6, "PROTO=59 ", Role::First),
        ] {
            assert_eq!(role(ip, rest), expected, "{ip}{rest}");
        }
    }

    #[test]
    fn ports_that_answers_come_from() {
        for (port, expected) in [
            (53, Role::ServicePort),
            (123, Role::ServicePort),
            (443, Role::ServicePort),
            (54, Role::First),
            (5353, Role::First),
        ] {
            let udp = format!("PROTO=UDP SPT={port} DPT=53 LEN=8 ");
            assert_eq!(role(V4, &udp), expected, "{udp}");
        }
        assert_eq!(role(V4, "PROTO=UDP SPT=40000 DPT=53 LEN=8 "), Role::First);
    }

    #[test]
    fn whose_it_is_and_to_how_many() {
        let multicast = V4.replace("DST=203.0.113.1", "DST=239.255.255.250");
        let subnet = V4.replace("DST=203.0.113.1", "DST=203.0.113.255");
        let decoded = "MACSRC=02:00:00:00:00:01 MACDST=01:00:5e:00:00:fb MACPROTO=0800 ";
        let broadcast = MAC.replace("MAC=02:00:00:00:00:02", "MAC=ff:ff:ff:ff:ff:ff");
        for (head, ip, own, many) in [
            (format!("IN=eth0 OUT= {MAC}"), V4, false, false),
            (format!("IN=eth0 OUT=eth1 {MAC}"), V4, false, false),
            ("IN= OUT=eth0 ".to_owned(), V4, true, false),
            ("IN= OUT=eth0 ".to_owned(), &multicast, true, true),
            (format!("IN=eth0 OUT= {MAC}"), &multicast, false, true),
            ("IN=tun0 OUT= MAC= ".to_owned(), &multicast, false, true),
            (format!("IN=eth0 OUT= {MAC}"), &subnet, false, false),
            (format!("IN=eth0 OUT= {broadcast}"), &subnet, false, true),
            (format!("IN=eth0 OUT= {decoded}"), V4, false, true),
        ] {
            let packet = format!("{head}{ip}PROTO=2 ");
            let nature = nature(&packet);
            assert_eq!((nature.own, nature.multicast), (own, many), "{packet}");
        }
    }
}
