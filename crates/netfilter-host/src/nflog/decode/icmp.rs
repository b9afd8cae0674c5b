//! ICMP.

use firewall_log::packet::{Icmp, IcmpBody, Part};

use super::capture::Capture;
use super::transport::part;

// linux/icmp.h
const ICMP_ECHOREPLY: u8 = 0;
const ICMP_DEST_UNREACH: u8 = 3;
const ICMP_SOURCE_QUENCH: u8 = 4;
const ICMP_REDIRECT: u8 = 5;
const ICMP_ECHO: u8 = 8;
const ICMP_TIME_EXCEEDED: u8 = 11;
const ICMP_PARAMETERPROB: u8 = 12;
const ICMP_TIMESTAMP: u8 = 13;
const ICMP_TIMESTAMPREPLY: u8 = 14;
const ICMP_ADDRESS: u8 = 17;
const ICMP_ADDRESSREPLY: u8 = 18;
const ICMP_FRAG_NEEDED: u8 = 4;

const HEADER: usize = 8;

/// Also gives where the packet begins that an error quotes.
pub(super) fn read(capture: &Capture<'_>, at: usize, later: bool) -> (Part<Icmp>, Option<usize>) {
    let message = part(
        capture,
        at,
        later,
        |[kind, code, _, _, rest @ ..]: [u8; HEADER]| {
            let body = if capture.left(at) < required(kind) {
                IcmpBody::Incomplete(capture.left(at))
            } else {
                body(kind, code, rest)
            };
            Icmp { kind, code, body }
        },
    );
    let quotes = match &message {
        Part::Whole(icmp) => matches!(icmp.body, IcmpBody::Error { .. }),
        Part::Fragment | Part::Incomplete(_) => false,
    };
    (message, quotes.then_some(at + HEADER))
}

fn body(kind: u8, code: u8, rest: [u8; 4]) -> IcmpBody {
    let [a, b, c, d] = rest;
    let low = u16::from_be_bytes([c, d]);
    match kind {
        ICMP_ECHOREPLY | ICMP_ECHO => IcmpBody::Echo {
            id: u16::from_be_bytes([a, b]),
            sequence: low,
        },
        ICMP_PARAMETERPROB => IcmpBody::Parameter(a),
        ICMP_DEST_UNREACH | ICMP_SOURCE_QUENCH | ICMP_REDIRECT | ICMP_TIME_EXCEEDED => {
            IcmpBody::Error {
                gateway: (kind == ICMP_REDIRECT).then(|| rest.into()),
                mtu: ((kind, code) == (ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED)).then_some(low),
            }
        }
        _ => IcmpBody::None,
    }
}

/// The kernel's `required_len`: what a message of this kind has at least.
fn required(kind: u8) -> u32 {
    match kind {
        ICMP_ECHOREPLY | ICMP_ECHO => 4,
        ICMP_DEST_UNREACH | ICMP_SOURCE_QUENCH | ICMP_REDIRECT | ICMP_TIME_EXCEEDED
        | ICMP_PARAMETERPROB => 28,
        ICMP_TIMESTAMP | ICMP_TIMESTAMPREPLY => 20,
        ICMP_ADDRESS | ICMP_ADDRESSREPLY => 12,
        _ => 0,
    }
}
