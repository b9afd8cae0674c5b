//! ICMPv6.

use firewall_log::packet::{Icmpv6, Icmpv6Body, Part};

use super::capture::Capture;
use super::transport::part;

// linux/icmpv6.h
const ICMPV6_DEST_UNREACH: u8 = 1;
const ICMPV6_PKT_TOOBIG: u8 = 2;
const ICMPV6_TIME_EXCEED: u8 = 3;
const ICMPV6_PARAMPROB: u8 = 4;
const ICMPV6_ECHO_REQUEST: u8 = 128;
const ICMPV6_ECHO_REPLY: u8 = 129;

const HEADER: usize = 8;

/// Also gives where the packet begins that an error quotes.
pub(super) fn read(capture: &Capture<'_>, at: usize, later: bool) -> (Part<Icmpv6>, Option<usize>) {
    let message = part(
        capture,
        at,
        later,
        |[kind, code, _, _, rest @ ..]: [u8; HEADER]| Icmpv6 {
            kind,
            code,
            body: body(kind, rest),
        },
    );
    let quotes = match &message {
        Part::Whole(icmp) => matches!(icmp.body, Icmpv6Body::Error { .. }),
        Part::Fragment | Part::Incomplete(_) => false,
    };
    (message, quotes.then_some(at + HEADER))
}

fn body(kind: u8, rest: [u8; 4]) -> Icmpv6Body {
    let [a, b, c, d] = rest;
    let word = u32::from_be_bytes(rest);
    match kind {
        ICMPV6_ECHO_REQUEST | ICMPV6_ECHO_REPLY => Icmpv6Body::Echo {
            id: u16::from_be_bytes([a, b]),
            sequence: u16::from_be_bytes([c, d]),
        },
        ICMPV6_DEST_UNREACH | ICMPV6_PKT_TOOBIG | ICMPV6_TIME_EXCEED | ICMPV6_PARAMPROB => {
            Icmpv6Body::Error {
                pointer: (kind == ICMPV6_PARAMPROB).then_some(word),
                mtu: (kind == ICMPV6_PKT_TOOBIG).then_some(word),
            }
        }
        _ => Icmpv6Body::None,
    }
}
