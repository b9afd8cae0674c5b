//! The values that lines of one template differ in and that counting does not need.

use crate::digits::{self, Limit};
use crate::input::Parsed;
use crate::packet::{Octets, is_multicast, is_multicast_frame};
use crate::trace::Kind;

/// The length of the value of this kind that `text` begins with; `None` if it begins with none.
#[inline(never)]
pub(super) fn length(kind: Kind, text: &[u8]) -> Option<usize> {
    match kind {
        Kind::Seconds => digits::seconds(text).map(|(length, _)| length),
        Kind::Ipv4 => digits::ipv4(text).map(|(_, length)| length),
        Kind::Ipv6 => digits::ipv6(text.first_chunk()?).map(|_| digits::IPV6),
        Kind::Colons => taken(text, Octets::parse_colons(text)),
        Kind::Joined => taken(text, Octets::parse_joined(text)),
        Kind::Decimal(most) => Limit::new(most).long(text),
        Kind::Port | Kind::SourcePort => Limit::new(u16::MAX.into()).long(text),
    }
}

/// The length of the destination that `text` begins with (an address, or the octets of a frame),
/// and whether that is many hosts; `None` for values of other kinds.
#[inline(never)]
pub(super) fn destination(kind: Kind, text: &[u8]) -> Option<(usize, bool)> {
    match kind {
        Kind::Ipv4 => {
            let (address, length) = digits::ipv4(text)?;
            Some((length, is_multicast(address.into())))
        }
        Kind::Ipv6 => {
            let address = digits::ipv6(text.first_chunk()?)?;
            Some((digits::IPV6, is_multicast(address.into())))
        }
        Kind::Colons => {
            let (rest, header) = Octets::parse_colons(text).ok()?;
            Some((text.len() - rest.len(), is_multicast_frame(header)))
        }
        _ => None,
    }
}

/// The port that `text` begins with, and its length in bytes.
#[inline]
pub(super) fn port(text: [u8; 8]) -> Option<(u16, usize)> {
    let (number, length) = digits::leading(&text).filter(|(_, length)| *length > 0)?;
    Some((u16::try_from(number).ok()?, length))
}

fn taken<T>(text: &[u8], read: Parsed<'_, T>) -> Option<usize> {
    read.ok().map(|(rest, _)| text.len() - rest.len())
}
