//! Numbers and strings as attribute values.

use netlink_packet_core::{
    DecodeError, NLA_ALIGNTO, NLA_F_NET_BYTEORDER, NLA_HEADER_SIZE, NlaBuffer,
};

/// Kinds of numbers wider than a byte carry this flag, and are big endian.
pub(super) const NET: u16 = NLA_F_NET_BYTEORDER;

#[inline]
pub(super) fn parse_u8(nla: &NlaBuffer<&[u8]>) -> Result<u8, DecodeError> {
    parse_bytes(nla).map(u8::from_be_bytes)
}

#[inline]
pub(super) fn parse_u16(nla: &NlaBuffer<&[u8]>) -> Result<u16, DecodeError> {
    let value = parse_bytes(nla)?;
    Ok(if nla.network_byte_order_flag() {
        u16::from_be_bytes(value)
    } else {
        u16::from_ne_bytes(value)
    })
}

#[inline]
pub(super) fn parse_u32(nla: &NlaBuffer<&[u8]>) -> Result<u32, DecodeError> {
    let value = parse_bytes(nla)?;
    Ok(if nla.network_byte_order_flag() {
        u32::from_be_bytes(value)
    } else {
        u32::from_ne_bytes(value)
    })
}

#[inline]
pub(super) fn parse_u64(nla: &NlaBuffer<&[u8]>) -> Result<u64, DecodeError> {
    let value = parse_bytes(nla)?;
    Ok(if nla.network_byte_order_flag() {
        u64::from_be_bytes(value)
    } else {
        u64::from_ne_bytes(value)
    })
}

/// Text, of which the kernel knows no encoding, without the NUL that ends it; `None` if it has
/// none.
#[inline]
pub(super) fn parse_text<'a>(nla: &NlaBuffer<&'a [u8]>) -> Option<&'a [u8]> {
    value(nla).strip_suffix(b"\0")
}

/// The value, for as long as the bytes live that it is in, which `NlaBuffer::value` does not give.
#[inline]
pub(super) fn value<'a>(nla: &NlaBuffer<&'a [u8]>) -> &'a [u8] {
    nla.into_inner()
        .get(NLA_HEADER_SIZE..usize::from(nla.length()))
        .unwrap_or_default()
}

#[inline]
pub(super) fn text_len(text: &[u8]) -> usize {
    text.len() + 1
}

#[inline]
pub(super) fn emit_text(text: &[u8], buffer: &mut [u8]) {
    if let Some((end, body)) = buffer.split_last_mut() {
        body.copy_from_slice(text);
        *end = 0;
    }
}

#[inline]
pub(super) fn parse_bytes<const N: usize>(nla: &NlaBuffer<&[u8]>) -> Result<[u8; N], DecodeError> {
    nla.value().try_into().map_err(|_| wrong_length(nla, N))
}

#[cold]
fn wrong_length(nla: &NlaBuffer<&[u8]>, expected: usize) -> DecodeError {
    DecodeError::from(format!(
        "attribute {} has {} bytes instead of {expected}",
        nla.kind(),
        nla.value_length()
    ))
}

/// The attributes in these bytes, up to the first that is not one: as `NlasIterator`, for a million
/// of them.
#[inline]
pub(super) fn attributes_of(bytes: &[u8]) -> Attributes<'_> {
    Attributes { rest: bytes }
}

pub(super) struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<NlaBuffer<&'a [u8]>, DecodeError>;

    #[expect(clippy::inline_always, reason = "a million entries are read with it")]
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let length = self
            .rest
            .first_chunk()
            .copied()
            .map_or(0, u16::from_ne_bytes);
        let length = usize::from(length);
        let attribute = match self.rest.split_at_checked(length) {
            Some((attribute, _)) if length >= NLA_HEADER_SIZE => Ok(NlaBuffer::new(attribute)),
            _ => NlaBuffer::new_checked(self.rest),
        };
        let end = length.next_multiple_of(NLA_ALIGNTO);
        self.rest = match attribute {
            Ok(_) => self.rest.get(end..).unwrap_or_default(),
            Err(_) => &[],
        };
        Some(attribute)
    }
}
